"""Ascending sources with a set of bits each, and their merging; memory stays that of a few batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from dsvc.objects.keys import Keys, bisect_keys, concat_keys, merge_order

Bits = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

ROWS = 131_072
"""Sources a batch: enough for one SQL query to pay, few enough to hold a handful of batches in memory."""


@dataclass(frozen=True, slots=True)
class Flagged:
    """A run of sources, strictly ascending, with bits for each."""

    keys: Keys
    bits: Bits
    """Shape (len(keys),)."""

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def of(cls, keys: Keys, bits: int) -> Flagged:
        """Return sources that all have the same bits."""
        return cls(keys, np.full(len(keys), bits, np.uint64))

    def slice(self, start: int, stop: int) -> Flagged:
        """Return rows start to stop."""
        return Flagged(self.keys.slice(start, stop), self.bits[start:stop])

    def filter(self, mask: Mask) -> Flagged:
        """Return the rows where `mask` holds."""
        if mask.all():
            return self
        rows = np.flatnonzero(mask)
        return Flagged(self.keys.take(rows), self.bits[rows])


def merge_flagged(streams: Sequence[Iterator[Flagged]], rows: int = ROWS) -> Iterator[Flagged]:
    """Merge streams of ascending runs: each source once, with the bits of all streams that have it.

    Args:
        streams: Each ascending over all its runs.
        rows: Sources of a run that is given; the last may have fewer.
    """
    return _recut(_merge(list(streams)), rows)


def _merge(streams: list[Iterator[Flagged]]) -> Iterator[Flagged]:
    if len(streams) == 1:
        yield from (run for run in streams[0] if len(run))
        return
    heads = [_next(stream) for stream in streams]
    while any(head is not None for head in heads):
        # What is at most the least of the last sources cannot come again in any stream.
        horizon = min(head.keys[-1] for head in heads if head is not None)
        parts = []
        for i, head in enumerate(heads):
            n = 0 if head is None else _count_up_to(head.keys, horizon)
            if head is None or n == 0:
                continue
            parts.append(head.slice(0, n))
            heads[i] = head.slice(n, len(head)) if n < len(head) else _next(streams[i])
        yield reduce(_union, parts)


def _next(stream: Iterator[Flagged]) -> Flagged | None:
    return next((run for run in stream if len(run)), None)


def _count_up_to(keys: Keys, last: bytes) -> int:
    if keys[-1] <= last:
        return len(keys)
    at = bisect_keys(keys, last)
    return at + 1 if keys[at] == last else at


def _union(a: Flagged, b: Flagged) -> Flagged:
    keys, row_a, row_b = merge_order(a.keys, b.keys)
    bits = np.zeros(len(keys), np.uint64)
    bits[row_a >= 0] |= a.bits
    bits[row_b >= 0] |= b.bits
    return Flagged(keys, bits)


def _recut(runs: Iterator[Flagged], rows: int) -> Iterator[Flagged]:
    held: list[Flagged] = []
    n_held = 0
    for run in runs:
        held.append(run)
        n_held += len(run)
        while n_held >= rows:
            joined = _concat(held)
            yield joined.slice(0, rows)
            n_held -= rows
            held = [joined.slice(rows, len(joined))] if n_held else []
    if n_held:
        yield _concat(held)


def _concat(runs: list[Flagged]) -> Flagged:
    return Flagged(concat_keys([run.keys for run in runs]), np.concatenate([run.bits for run in runs]))
