"""The contract of executors, as a test class to inherit from.

    class TestOurExecutor(ExecutorTests):
        executor = OurExecutor

Source: docs/how-to/plugins.md#testing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import ClassVar

import pytest

from dsvc.errors import WorkerError
from dsvc.plugins.contracts import Executor

left: list[bytes] = []
"""In the memory of this process alone."""


class Told:
    """A task that does as it is told; its result says what it did.

    Args:
        what: One of the methods.
        more: For the method.
    """

    def __init__(self, what: str, more: str = "") -> None:
        self.what, self.more = what, more

    @property
    def step(self) -> str:
        """The step's name."""
        return "told"

    def __call__(self, batch: bytes) -> bytes:
        """Do it."""
        result: bytes = getattr(self, f"do_{self.what}")(batch)
        return result

    def do_echo(self, batch: bytes) -> bytes:
        """Return the batch, behind what the task was made with."""
        return self.more.encode() + batch

    def do_pid(self, _: bytes) -> bytes:
        """Return the process."""
        time.sleep(0.02)  # so that others take the next
        return str(os.getpid()).encode()

    def do_remember(self, _: bytes) -> bytes:
        """Return what somebody left in the memory of the process."""
        return b"".join(left)

    def do_raise(self, _: bytes) -> bytes:
        """Raise."""
        raise ImportError("no module named 'told'")

    def do_exit(self, _: bytes) -> bytes:
        """End the process."""
        os._exit(3)

    def do_kill(self, _: bytes) -> bytes:
        """End the process as the system does when memory is short."""
        os.kill(os.getpid(), signal.SIGKILL)
        return b""

    def do_segfault(self, _: bytes) -> bytes:
        """End the process as broken machine code does."""
        ctypes.string_at(0)
        return b""

    def do_sleep(self, _: bytes) -> bytes:
        """Take long."""
        time.sleep(600)
        return b""

    def do_print(self, _: bytes) -> bytes:
        """Print."""
        os.write(sys.stdout.fileno(), b"told\n")
        return b""


class ExecutorTests:
    """The contract of `Executor`. A subclass names the executor."""

    executor: ClassVar[type[Executor]]

    @pytest.fixture(name="opened")
    def _opened(self) -> Iterator[Executor]:
        """Return an executor of two workers, closed after the test."""
        executor = self.executor(2)
        yield executor
        executor.close()

    def test_workers_are_as_many_as_asked_for(self) -> None:
        """Or as many as the executor thinks right, at least one."""
        assert self.executor(3).workers == 3
        assert self.executor().workers >= 1

    def test_each_batch_has_its_own_result(self, opened: Executor) -> None:
        """In whatever order they are taken."""
        pending = [opened.submit(Told("echo"), str(number).encode()) for number in range(7)]

        assert [str(number).encode() for number in reversed(range(7))] == [each.result() for each in reversed(pending)]

    def test_another_task_is_another_step(self, opened: Executor) -> None:
        """All workers call the task that a batch was submitted with."""
        for more in ("a", "b"):
            task = Told("echo", more)
            pending = [opened.submit(task, b"!") for _ in range(4)]
            assert [more.encode() + b"!"] * 4 == [each.result() for each in pending]

    def test_large_batches_pass(self, opened: Executor) -> None:
        """Both ways, several at once."""
        batch = os.urandom(1 << 20) * 8
        pending = [opened.submit(Told("echo"), batch) for _ in range(4)]

        assert [True] * 4 == [each.result() == batch for each in pending]

    def test_a_task_that_raises_is_an_error(self, opened: Executor) -> None:
        """With what it raised; the workers are still there."""
        with pytest.raises(WorkerError, match="no module named 'told'"):
            opened.submit(Told("raise"), b"").result()

        assert b"x" == opened.submit(Told("echo"), b"x").result()

    def test_it_can_be_closed_and_used_again(self, opened: Executor) -> None:
        """Closing twice is no error, nor is closing one that was never used."""
        opened.close()
        opened.close()

        assert b"x" == opened.submit(Told("echo"), b"x").result()
