"""Turns on a real op store and a real ledger, by processes that are killed anywhere: nothing is lost or double."""

import multiprocessing
import os
import signal
import time

import pytest

from dsvc.annotation.opstores.base import iter_scan
from dsvc.annotation.opstores.lmdb import LmdbOpStore
from dsvc.testing.annotation_lab import AnnotationLab, CrashingOps

N_ASKS = 12


def _turns(place):
    """Do turns until killed: subscribe, release, stage; the platform of this process is away."""
    lab = open_lab(place)
    lab.server.faults.refused = 10**9
    while True:
        for number in range(N_ASKS):
            lab.want(number)
        lab.turn()
        lab.now_us += 60_000_000


def open_lab(place):
    """Return a lab on the op store of a place."""
    lab = AnnotationLab()
    lab.ops = CrashingOps(LmdbOpStore(place))
    lab.restart()
    return lab


@pytest.mark.slow
def test_killed_processes_leave_what_the_next_goes_on_from(tmp_path):
    """After each kill the op store opens, and a whole turn brings every ask to the platform once."""
    place = tmp_path / "ops"
    context = multiprocessing.get_context("spawn")
    for round_ in range(4):
        process = context.Process(target=_turns, args=(place,))
        process.start()
        deadline = time.monotonic() + 60
        while not (place / "data.mdb").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.05 + 0.15 * round_)
        os.kill(process.pid, signal.SIGKILL)
        process.join()

    lab = open_lab(place)
    # The copies of the killed processes were in their memory: they are gone, as after a sweep.
    lab.now_us += 24 * 3_600_000_000
    for number in range(N_ASKS):
        lab.want(number)
    for _ in range(3):
        lab.turn()
        lab.wait(0.2)
    keys = [task.key for task in lab.server.tasks.values()]
    assert sorted(lab.ask(number).ask_id.hex() for number in range(N_ASKS)) == sorted(key[:64] for key in keys)
    while lab.answer("ada"):
        pass
    assert N_ASKS == lab.turn().n_closed
    assert [] == lab.broken_promises(is_quiet=True)
    assert {"CLOSED"} == {record.doc["state"] for record in iter_scan(lab.ops, "requests")}
    assert set() == lab.store.keys
    lab.ops.close()
