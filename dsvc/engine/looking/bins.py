"""Histograms made in one pass, without knowing the range of the values beforehand.

Values are counted in fine bins whose width is a power of ten, which grows with the range; what is shown is made of
these in widths of 1, 2 or 5 times a power of ten.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

SHOWN_BINS = 12
"""Bins of a histogram, at most."""
_FINE_BINS = 10_000
_LEAST_EXPONENT = -12
"""Of the width of the finest bins."""
_NEAR = 1e-9
"""What lies so near below the beginning of a bin, in widths, is in it: 0.3 / 0.1 is a little less than 3."""

Numbers = npt.NDArray[np.float64]


class Histogram(msgspec.Struct, frozen=True):
    """How values are spread. Bin i holds those from `start + i * width`, included, to the next, not included."""

    unit: str
    """``value``, ``length`` of lists, or ``time`` in seconds since 1970, UTC."""
    start: float
    width: float
    counts: tuple[int, ...]
    minimum: float
    maximum: float
    mean: float


class Bins:
    """Values being counted.

    Args:
        whole: Whether all are whole numbers, so that no bin is narrower than 1.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self._exponent = 0 if whole else _LEAST_EXPONENT
        self._counts: dict[int, int] = {}
        self._minimum, self._maximum = math.inf, -math.inf
        self._n, self._sum = 0, 0.0

    def add(self, numbers: Numbers) -> None:
        """Count finite numbers."""
        if not len(numbers):
            return
        self._minimum = min(self._minimum, float(numbers.min()))
        self._maximum = max(self._maximum, float(numbers.max()))
        self._n += len(numbers)
        self._sum += float(numbers.sum())
        while self._is_too_fine():
            self._coarsen()
        at, counts = np.unique(_bins(numbers, self._exponent), return_counts=True)
        for number, n in zip(at.tolist(), counts.tolist(), strict=True):
            self._counts[int(number)] = self._counts.get(int(number), 0) + n

    def _is_too_fine(self) -> bool:
        """Tell whether there would be too many bins, or bins that a float cannot tell apart."""
        if 10.0**self._exponent < max(abs(self._minimum), abs(self._maximum)) * _NEAR:
            return True
        return _bin(self._maximum, self._exponent) - _bin(self._minimum, self._exponent) >= _FINE_BINS

    def _coarsen(self) -> None:
        self._exponent += 1
        merged: dict[int, int] = {}
        for number, n in self._counts.items():
            merged[number // 10] = merged.get(number // 10, 0) + n
        self._counts = merged

    def histogram(self, unit: str) -> Histogram | None:
        """Return the histogram of all values so far; None without any."""
        if not self._n:
            return None
        low, high = min(self._counts), max(self._counts)
        step = next(step for step in _steps() if high // step - low // step < SHOWN_BINS)
        first = low // step
        counts = [0] * (high // step - first + 1)
        for number, n in self._counts.items():
            counts[number // step - first] += n
        width = _scaled(step, self._exponent)
        start = _scaled(first * step, self._exponent)
        mean = self._sum / self._n
        return Histogram(unit, start, width, tuple(counts), self._minimum, self._maximum, mean)


def _steps() -> Iterator[int]:
    """Yield 1, 2, 5, 10, 20, 50 and so on."""
    scale = 1
    while True:
        yield from (scale, 2 * scale, 5 * scale)
        scale *= 10


def _bins(numbers: Numbers, exponent: int) -> Numbers:
    scaled = numbers * 10.0**-exponent
    nearest = np.rint(scaled)
    return np.where(np.abs(scaled - nearest) <= _NEAR * np.maximum(np.abs(nearest), 1), nearest, np.floor(scaled))


def _bin(number: float, exponent: int) -> int:
    return int(_bins(np.array([number]), exponent)[0])


def _scaled(number: int, exponent: int) -> float:
    """Return a number times a power of ten, as near as a float can be."""
    return float(number * 10**exponent) if exponent >= 0 else number / 10**-exponent
