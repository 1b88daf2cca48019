"""One writer at a time, and who waits can say for whom."""

import os
import subprocess
import sys
import threading
import time

import pytest

from dsvc.store import writelock
from dsvc.store.writelock import WriteLock

TIMEOUT_S = 20

HOLDER = """
import sys, time
from pathlib import Path
from dsvc.store.writelock import WriteLock
with WriteLock(Path(sys.argv[1])).held("dsvc ingest", None):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path):
    """A lock of this process."""
    lock = WriteLock(tmp_path / "writer")
    yield lock
    lock.close()


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock until its stdin ends."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "writer")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert "held\n" == process.stdout.readline()
        yield process
        process.kill()


def test_a_free_lock_is_taken_in_silence(lock):
    """Nobody is told when there is nobody to wait for."""
    told = []
    for _ in range(3):
        with lock.held("dsvc put", told.append):
            pass

    assert [] == told


def test_the_holder_leaves_a_note(lock):
    """The note tells process, command and since when."""
    before_us = time.time_ns() // 1000
    with lock.held("dsvc put", None):
        note = lock.note()

    assert (os.getpid(), "dsvc put") == (note.pid, note.command)
    assert abs(note.since_us - before_us) < 10_000_000


def test_a_writer_says_for_which_process_it_waits(lock, holder, monkeypatch):
    """After a second of waiting, once, with the other's note; then it gets the lock."""
    monkeypatch.setattr(writelock, "PATIENCE_S", 0.1)
    told = []

    def on_wait(note):
        told.append(note)
        holder.stdin.close()

    with lock.held("dsvc put", on_wait):
        pass

    assert [(holder.pid, "dsvc ingest")] == [(note.pid, note.command) for note in told]


def test_a_short_wait_is_silent(lock, holder):
    """Who waits less than a second says nothing."""
    told = []
    timer = threading.Timer(0.1, holder.stdin.close)
    timer.start()

    with lock.held("dsvc put", told.append):
        pass
    timer.join()

    assert [] == told


def test_a_dead_holder_holds_nothing(lock, holder):
    """The lock of a killed process is free at once."""
    holder.kill()
    holder.wait()
    told = []

    with lock.held("dsvc put", told.append):
        pass

    assert [] == told


def test_threads_exclude_each_other_and_say_so(lock, monkeypatch):
    """Threads of one process wait for each other, with a word to who waits."""
    monkeypatch.setattr(writelock, "PATIENCE_S", 0.05)
    held, told = threading.Event(), threading.Event()
    events = []

    def first():
        with lock.held("dsvc run", None):
            held.set()
            told.wait(TIMEOUT_S)
            events.append("first")

    def on_wait(note):
        events.append(note.command)
        told.set()

    thread = threading.Thread(target=first)
    thread.start()
    held.wait(TIMEOUT_S)
    with lock.held("dsvc put", on_wait):
        events.append("second")
    thread.join(TIMEOUT_S)

    assert ["dsvc run", "first", "second"] == events


def test_an_error_gives_the_lock_back(lock):
    """Whoever raises while holding it does not keep it."""
    with pytest.raises(ValueError, match="no"), lock.held("dsvc put", None):
        raise ValueError("no")

    with lock.held("dsvc put", None):
        pass


@pytest.mark.parametrize("content", ["", "{", '{"pid": 3}', '{"pid": "x", "command": "y"}'])
def test_an_unreadable_note_is_none(lock, tmp_path, content):
    """A note caught half-written says nothing, and is no error."""
    (tmp_path / "writer").write_text(content)

    assert lock.note() is None


def test_who_does_not_wait_is_told_at_once(tmp_path):
    """By an error; the note says who holds the lock. Between threads of one lock as between locks."""
    lock, other = WriteLock(tmp_path / "writer"), WriteLock(tmp_path / "writer")
    with lock.held("first", None):
        for each in (lock, other):
            with pytest.raises(BlockingIOError), each.held("second", None, waits=False):
                pass
        assert "first" == other.note().command
    with other.held("second", None, waits=False):
        pass
    lock.close()
    other.close()
