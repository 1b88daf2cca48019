"""How many records the next call of a step has, from how long those before took."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Clock = Callable[[], float]
"""Seconds since some moment; never runs backwards."""

HERE_S = 0.5
"""How long a call in this process should take: little to lose when killed, and long enough for calls not to count."""
WORKER_S = 1.0
"""How long a worker should be at one batch; never more than 5 s of work are lost with it."""
SHORTEST_S = 0.1
"""Towards the end batches get shorter, down to this, so that all workers are done at about the same time."""
SURE_S = 0.05
"""Shorter calls say little of how long a record takes."""
MAX_BYTES = 64 * 1024 * 1024
"""Arrow bytes of one batch, about."""


class Sized(Protocol):
    """A step, as far as it says how many records a call may have."""

    @property
    def first_rows(self) -> int:
        """At first."""
        ...

    @property
    def most_rows(self) -> int:
        """At most."""
        ...


class Sizes:
    """Sizes calls so that each takes about as long as it should.

    Args:
        step: Says how many records a call has at first, and at most.
        rate: Seconds a record, if an earlier run measured it.
    """

    def __init__(self, step: Sized, rate: float | None = None) -> None:
        self._most = step.most_rows
        self.rate = rate
        """Seconds a record, as the last call took, or an earlier run."""
        self.is_sure = rate is not None
        """Whether the rate is that of a call that was long enough to tell."""
        self._bytes_per_row = 0.0
        self._rows = step.first_rows if not rate else self._within(min(SHORTEST_S / rate, self._most))

    def _within(self, rows: float) -> int:
        if self._bytes_per_row:
            rows = min(rows, MAX_BYTES / self._bytes_per_row)
        return max(1, min(int(rows), self._most))

    def here(self) -> int:
        """Return how many records the next call in this process may have."""
        return self._rows

    def for_worker(self, left: int, workers: int) -> int:
        """Return how many records the next batch for a worker may have.

        Args:
            left: Records left, about.
            workers: Who share them.
        """
        if not self.rate:
            return self._rows
        fair = max(left / (2 * workers), SHORTEST_S / self.rate)
        return self._within(min(WORKER_S / self.rate, fair))

    def note(self, rows: int, seconds: float, n_bytes: int) -> None:
        """Take note of a call: its records, how long it took, and the size of its batch."""
        if rows == 0:
            return
        self._bytes_per_row = n_bytes / rows
        self.rate = seconds / rows
        self.is_sure = seconds >= SURE_S
        if rows >= self._rows:  # a short rest says little of what a longer call would take
            factor = HERE_S / max(seconds, HERE_S / 8)
            self._rows = self._within(self._rows * min(factor, 8.0))
        else:
            self._rows = self._within(self._rows)
