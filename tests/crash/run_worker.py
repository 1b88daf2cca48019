"""A process to be killed: runs a recipe whose function writes down each record, with two workers.

usage: as `tests.crash.worker`; its line is REPOSITORY.
"""

import sys
import time
from pathlib import Path

import pyarrow as pa

import dsvc
from dsvc.engine.making.steps import Step
from dsvc.engine.run import run
from tests.crash.worker import say

N_RECORDS = 1500
N_WORKERS = 2
ROWS = 8
"""Records of a batch, at most."""
RECIPE = """\
[step.doubled]
python = "steps:double"
inputs = ["score"]
parameters = { log = "LOG" }
[step.label]
sql = "SELECT 'label ' || (doubled + 1) AS label"
"""
STEPS = '''\
"""Steps of the recipe."""

import os
import time


def double(score: int, log: str) -> int:
    """Double a number, slowly."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{score} {os.getpid()}\\n".encode())
    os.close(file)
    time.sleep(float(os.environ.get("DSVC_TEST_PACE_S", "0.004")))
    return 2 * score
'''


def make_repository(path: Path, log: Path) -> None:
    """Make a repository with a signal and the recipe."""
    with dsvc.init(path) as repo:
        table = pa.table({"source": [f"s3://b/{i:05d}" for i in range(N_RECORDS)], "score": range(N_RECORDS)})
        repo.put("score", table, producer="script@1")
    (path / "dsvc.toml").write_text(RECIPE.replace("LOG", str(log)))
    (path / "steps.py").write_text(STEPS)


def run_all(path: str, workers: int) -> bytes:
    """Run, in small batches, and return the id of the draft's root."""
    Step.most_rows = ROWS
    with dsvc.open(path) as repo, repo.running():
        progress = lambda _, done, __: say(f"done {done}")  # noqa: E731
        run(repo, repo.recipe(), repo.plugins, workers=workers, worth_s=0.0, progress=progress)
        return repo.view("@draft").root_id


def main() -> None:
    """Work until killed."""
    say("ready")
    path = sys.stdin.readline().strip()
    run_all(path, N_WORKERS)
    while True:
        say(f"done {N_RECORDS}")
        time.sleep(0.01)


if __name__ == "__main__":
    main()
