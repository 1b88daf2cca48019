"""A worker process answers its parent, and ends with it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
PARENT = """
import os, sys, time
from dsvc.engine.making.executors.local import LocalExecutor
from dsvc.testing.executors import Told

executor = LocalExecutor(2)
pids = {int(executor.submit(Told("pid"), b"").result()) for _ in range(20)}
doing = [executor.submit(Told(sys.argv[1]), b"") for _ in range(2)]
time.sleep(0.1)
print(*pids, flush=True)
os.read(0, 1)
"""


@pytest.mark.parametrize("doing", ["sleep", "echo"])
def test_a_worker_ends_with_its_parent(doing):
    """Killed, it could not say goodbye; its workers are gone all the same, also in the middle of a call."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, doing], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT
    )
    pids = [int(word) for word in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()

    assert pids
    deadline = time.monotonic() + 20
    while any(map(is_there, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [] == [pid for pid in pids if is_there(pid)]
    parent.stdin.close()
    parent.stdout.close()


def is_there(pid):
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_worker_opens_nothing_of_ours():
    """It has standard streams and its pipe, no store."""
    program = PARENT.replace(
        "os.read(0, 1)", "[print(os.listdir(f'/proc/{pid}/fd')) for pid in pids]; executor.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "echo"], capture_output=True, text=True, check=True, cwd=PROJECT
    )

    assert all(len(line.split(",")) <= 5 for line in done.stdout.splitlines()[1:])
