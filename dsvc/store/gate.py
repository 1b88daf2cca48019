"""A gate that many pass at once, and that one can shut to be alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets threads through until somebody shuts it, who then waits for those inside to leave.

    A thread inside must neither enter again nor shut it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._n_inside = 0
        self._is_shut = False

    def __enter__(self) -> None:
        with self._lock:
            while self._is_shut:
                self._changed.wait()
            self._n_inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._n_inside -= 1
            if self._is_shut:
                self._changed.notify_all()

    def close(self) -> None:
        """Shut the gate and wait until nobody is inside; a second closer waits for the first to open it."""
        with self._lock:
            while self._is_shut:
                self._changed.wait()
            self._is_shut = True
            while self._n_inside:
                self._changed.wait()

    def open(self) -> None:
        """Let those who wait enter."""
        with self._lock:
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
