"""A gate that many pass at once, and that one can shut to be alone.

Passing takes no lock: threads that pass all the time would starve one that has to wait for it. Who enters first
leaves a token and then looks whether the gate is shut; who shuts it does so first and then looks for tokens.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets threads through until somebody shuts it, who then waits for those inside to leave.

    A thread inside must not enter again or shut it; `alone` is for it, and only one may ask for that at a time.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._tokens: list[None] = []  # one of each thread inside; append and pop are atomic
        self._is_shut = False

    def __enter__(self) -> None:
        self._tokens.append(None)
        while self._is_shut:
            self._leave()
            self._wait_until_open()
            self._tokens.append(None)

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _wait_until_open(self) -> None:
        with self._changed:
            while self._is_shut:
                self._changed.wait()

    def _leave(self) -> None:
        self._tokens.pop()
        if self._is_shut:
            with self._changed:
                self._changed.notify_all()

    def close(self) -> None:
        """Shut the gate and wait until nobody is inside; a second closer waits for the first to open it."""
        with self._changed:
            while self._is_shut:
                self._changed.wait()
            self._is_shut = True
            while self._tokens:
                self._changed.wait()

    def open(self) -> None:
        """Let those who wait enter."""
        with self._changed:
            self._is_shut = False
            self._changed.notify_all()

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Be alone inside the block."""
        self.close()
        try:
            yield
        finally:
            self.open()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one inside during the block, for one who is inside; others wait or have left."""
        with self._changed:
            is_mine = not self._is_shut  # else somebody shut it already, and waits for us too
            self._is_shut = True
            while len(self._tokens) > 1:
                self._changed.wait()
        try:
            yield
        finally:
            if is_mine:
                self.open()
