"""Ctrl-C in a run with workers: all end, and what is finished is kept."""

import os
import subprocess
import sys
import time

import pytest

import dsvc
from tests.crash.process import PROJECT
from tests.crash.run_worker import N_RECORDS, make_repository
from tests.crash.test_kill_run import executed, wait_until_gone


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_interrupted_run_ends_its_workers_and_goes_on_later(tmp_path):
    """The whole command, begun in its own process and gone on in workers; every process of the terminal is told."""
    path, log = tmp_path / "repo", tmp_path / "log"
    make_repository(path, log)
    command = [sys.executable, "-m", "dsvc", "-C", str(path), "run", "--workers", "2"]
    # Half a minute of work: however slow the machine is, workers are at it when the interrupt comes.
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, "DSVC_TEST_PACE_S": "0.02"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while len(executed(log)[1]) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    subprocess.run(["kill", "-s", "INT", "--", f"-{process.pid}"], check=True)
    _, said = process.communicate(timeout=60)
    counts, pids = executed(log)

    assert 130 == process.returncode, said
    assert "Traceback" not in said
    assert "`dsvc run` goes on from there" in said
    assert 3 == len(pids), "nothing was given to workers"
    assert set() == wait_until_gone(pids)
    with dsvc.open(path) as repo:
        report = repo.run(workers=1).steps[0]
    assert N_RECORDS - len(counts) <= report.ran < N_RECORDS
    assert N_RECORDS == report.records
