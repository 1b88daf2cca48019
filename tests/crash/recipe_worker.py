"""A process to be killed: takes documents in, derives and commits, cycle by cycle.

usage: as `tests.crash.worker`; its line is REPOSITORY FIRST.
"""

import sys

import dsvc
from tests.crash.recipe_model import split_number, write_documents
from tests.crash.worker import say


def do(repo: dsvc.Repository, number: int) -> None:
    """Do one operation."""
    cycle, verb = split_number(number)
    match verb:
        case "ingest":
            write_documents(repo.path, cycle)
            repo.ingest()
        case "run":
            repo.run()
        case "commit":
            repo.commit(f"cycle {cycle}")


def main() -> None:
    """Work until killed."""
    say("ready")
    path, first = sys.stdin.readline().split()
    repo = dsvc.open(path)
    number = int(first)
    while True:
        say(f"begin {number}")
        do(repo, number)
        say(f"done {number}")
        number += 1


if __name__ == "__main__":
    main()
