"""Workers of this machine: what any executor does, and how they end."""

from __future__ import annotations

import os
import signal
import time

import pytest

from dsvc.engine.making.executors.local import LocalExecutor
from dsvc.errors import WorkerError
from dsvc.testing import executors
from dsvc.testing.executors import ExecutorTests, Told


class TestLocalExecutor(ExecutorTests):
    """The contract."""

    executor = LocalExecutor

    def test_a_worker_is_another_process(self, opened, monkeypatch):
        """One that was not forked: it has none of our memory."""
        monkeypatch.setattr(executors, "left", [b"ours"])

        assert os.getpid() != int(opened.submit(Told("pid"), b"").result())
        assert b"" == opened.submit(Told("remember"), b"").result()

    @pytest.mark.parametrize(
        ("how", "why"),
        [
            ("exit", "ended with exit status 3"),
            ("kill", "was killed by SIGKILL"),
            ("segfault", "was killed by SIGSEGV"),
        ],
    )
    def test_why_a_worker_died_is_told(self, opened, how, why):
        """An exit status, or the signal."""
        with pytest.raises(WorkerError) as caught:
            opened.submit(Told(how), b"").result()

        assert why == caught.value.reason

    def test_an_interrupt_is_for_the_parent(self, opened):
        """Ctrl-C goes to all processes of a terminal; the parent is the one to act on it."""
        pid = int(opened.submit(Told("pid"), b"").result())
        os.kill(pid, signal.SIGINT)

        assert pid in {int(opened.submit(Told("pid"), b"").result()) for _ in range(4)}

    def test_what_a_step_prints_is_no_answer(self, opened, capfd):
        """It goes to stderr: stdout is for what the command prints."""
        opened.submit(Told("print"), b"").result()

        assert ("", "told\n") == capfd.readouterr()

    def test_a_task_that_cannot_be_sent_is_told(self, opened):
        """Nobody waits for ever for what no worker was ever given; the workers go on."""
        with pytest.raises(WorkerError, match=r"cannot be given it: .*pickle"):
            opened.submit(lambda batch: batch, b"").result(timeout=60)
        assert b"x" == opened.submit(Told("echo"), b"x").result(timeout=60)


def test_closing_ends_a_call(tmp_path):
    """At once, however long it would take."""
    executor = LocalExecutor(1)
    pid = int(executor.submit(Told("pid"), b"").result())
    executor.submit(Told("sleep"), b"")
    executor.close()

    assert not is_alive(pid)


def is_alive(pid):
    """Tell whether there is a process, within a moment."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.02)
    return True


def test_workers_are_as_many_as_processors():
    """Those that this process may use."""
    assert len(os.sched_getaffinity(0)) == LocalExecutor().workers
