"""A process to be killed: does a script's operations one by one and says on stdout what it began and what is done.

usage: worker.py

It imports what it needs, says `ready`, and waits for one line: REPOSITORY SEED FIRST. Then, for each operation from
FIRST on, it writes `begin N` before and `done N` after.
"""

import os
import sys
from functools import partial

import pyarrow as pa

import dsvc
from dsvc.errors import SignalNotFoundError
from dsvc.repo import workspace
from dsvc.store.writer import ObjectWriter
from tests.crash.model import Operation, make_operation


def do(repo: dsvc.Repository, operation: Operation) -> None:
    """Do one operation of a script."""
    match operation.verb:
        case "put":
            table = pa.table({"source": list(operation.records), operation.name: list(operation.records.values())})
            repo.put(operation.name, table, producer="script@1")
        case "remove":
            try:
                repo.remove(operation.name, list(operation.records))
            except SignalNotFoundError:
                return  # none of its records is there
        case "commit":
            repo.commit(operation.name, allow_empty=True)
        case "tag":
            repo.tag(operation.name)
        case "branch":
            repo.branch(operation.name)


def say(line: str) -> None:
    """Write a line at once, past every buffer."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def main() -> None:
    """Work until killed."""
    # A put of a few thousand records takes several transactions then.
    workspace.ObjectWriter = partial(ObjectWriter, batch_bytes=8 * 1024, txn_bytes=16 * 1024)
    say("ready")
    path, seed, first = sys.stdin.readline().split()
    repo = dsvc.open(path)
    number = int(first)
    while True:
        say(f"begin {number}")
        do(repo, make_operation(int(seed), number))
        say(f"done {number}")
        number += 1


if __name__ == "__main__":
    main()
