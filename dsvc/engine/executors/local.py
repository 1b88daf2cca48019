"""Runs a step in this process, a slice of records at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from dsvc.engine.steps import Step

Clock = Callable[[], float]
"""Seconds since some moment; never runs backwards."""

TARGET_S = 0.5
"""How long a call should take: little to lose when killed, and long enough that calling it does not count."""


class Slices:
    """Cuts work into calls that each take about `TARGET_S`, from how long those before took.

    Args:
        step: Says how many records a call has at first, and at most.
        clock: Measures calls.
    """

    def __init__(self, step: Step, clock: Clock = time.monotonic) -> None:
        self._most = step.most_rows
        self._rows = step.first_rows
        self._clock = clock

    def cut(self, n_rows: int) -> Iterator[tuple[int, int]]:
        """Yield consecutive ranges of `n_rows` rows; what happens between two of them is what is measured."""
        start = 0
        while start < n_rows:
            stop = min(start + self._rows, n_rows)
            began = self._clock()
            yield start, stop
            self._adapt(stop - start, self._clock() - began)
            start = stop

    def _adapt(self, n_rows: int, seconds: float) -> None:
        if n_rows < self._rows:
            return  # a short rest says little
        factor = TARGET_S / max(seconds, TARGET_S / 8)
        self._rows = max(1, min(int(self._rows * min(factor, 8.0)), self._most))
