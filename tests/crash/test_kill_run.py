"""Killed at any moment of a run with workers, again and again, hardly a record is executed twice."""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

import dsvc
from dsvc.engine.making.calls import IN_FLIGHT
from dsvc.engine.run import run
from tests.crash.process import N_KILLS, iter_victims
from tests.crash.reachable import verify_reachable
from tests.crash.run_worker import N_RECORDS, N_WORKERS, ROWS, make_repository

MOST_BATCHES = 60
"""Batches a run finishes at most before it is killed, somewhere in the next ones."""
LONGEST_WAIT_S = 0.05


def executed(log: Path) -> tuple[Counter[int], set[int]]:
    """Return how often each record was executed, and by which processes."""
    lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
    return Counter(int(score) for score, _ in lines), {int(pid) for _, pid in lines}


def is_there(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(pids: set[int]) -> set[int]:
    """Return which of the processes are still there after a moment."""
    deadline = time.monotonic() + 10
    while any(map(is_there, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return set(filter(is_there, pids))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_runs_execute_only_what_was_in_flight_again(tmp_path):
    """Two batches a worker at most, each kill; no worker outlives its parent, and the root is that of one quiet run."""
    rng = random.Random(5)
    log, path = tmp_path / "log", tmp_path / "repo"
    make_repository(path, log)
    n_killed = n_before = 0
    for victim in iter_victims("tests.crash.run_worker", max(N_KILLS // 4, 4)):
        victim.work(str(path), rng.randint(0, MOST_BATCHES), rng.uniform(0, LONGEST_WAIT_S))
        counts, pids = executed(log)
        assert set() == wait_until_gone(pids)
        counts, _ = executed(log)
        n_twice = sum(counts.values()) - len(counts)
        assert n_twice - n_before <= IN_FLIGHT * N_WORKERS * ROWS
        n_killed += len(counts) < N_RECORDS
        n_before = n_twice
        with dsvc.open(path) as repo:
            verify_reachable(repo.store, set())
        if len(counts) == N_RECORDS:
            break

    assert n_killed > 1, "no run was killed at work"
    with dsvc.open(path) as repo:
        run(repo, repo.recipe(), repo.plugins, workers=N_WORKERS)
        root = repo.view("@draft").root_id
    counts, _ = executed(log)
    assert set(range(N_RECORDS)) == set(counts)
    assert sum(counts.values()) - N_RECORDS <= (n_killed + 1) * IN_FLIGHT * N_WORKERS * ROWS

    quiet = tmp_path / "quiet"
    make_repository(quiet, log)
    with dsvc.open(quiet) as repo:
        run(repo, repo.recipe(), repo.plugins, workers=1)
        assert root == repo.view("@draft").root_id
