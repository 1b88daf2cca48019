"""What differs between a stored signal and one that was made again: how many records, and the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.engine.reading.fields import field_of
from dsvc.engine.reading.probe import Probe
from dsvc.objects.access import Reader
from dsvc.objects.arrays import to_arrow
from dsvc.objects.diff import ADDED, CHANGED, REMADE, REMOVED, Changes, diff_trees
from dsvc.objects.keys import Keys
from dsvc.objects.snapshot import Signal
from dsvc.recipe.paths import InputPath

DETAIL = InputPath("waiting", ("detail",))


@dataclass(frozen=True)
class Compared:
    """How many records differ, and the first few."""

    added: int = 0
    """Records that are not stored and came out."""
    removed: int = 0
    """Records that are stored and did not come out."""
    changed: int = 0
    """Records that came out with another value."""
    remade: int = 0
    """Records that came out with the stored value and another provenance."""
    rows: Sequence[pa.RecordBatch] = field(default_factory=tuple)
    """The first of them: `source`, `op` as of a diff, `kept`, `made`, and `why`, the error of the side that failed."""

    @property
    def total(self) -> int:
        """Records that differ."""
        return self.added + self.removed + self.changed + self.remade


def compare(
    reader: Reader,
    kept: Signal | None,
    made: Signal | None,
    rows: int,
    waiting: tuple[Signal | None, Signal | None] = (None, None),
) -> Compared:
    """Return what differs between a signal as it is stored and as it was made again.

    Args:
        reader: Reads both.
        kept: The stored one; None for no record.
        made: What came out.
        rows: How many of the differing records to give.
        waiting: On each side the sources whose record failed.
    """
    counts = dict.fromkeys((ADDED, REMOVED, CHANGED, REMADE), 0)
    batches: list[pa.RecordBatch] = []
    left = rows
    for changes in diff_trees(reader, kept, made, provenance=True):
        for op, n in zip(*np.unique(changes.ops, return_counts=True), strict=True):
            counts[bytes(op)] += int(n)
        if left > 0:
            batches.append(_batch(reader, changes, min(left, len(changes)), waiting))
            left -= batches[-1].num_rows
    return Compared(counts[ADDED], counts[REMOVED], counts[CHANGED], counts[REMADE], tuple(batches))


def _batch(reader: Reader, changes: Changes, n: int, waiting: tuple[Signal | None, Signal | None]) -> pa.RecordBatch:
    keys = changes.keys.slice(0, n)
    why = pc.coalesce(*(_details(reader, signal, keys) for signal in waiting))
    columns: dict[str, pa.Array[Any]] = {
        "source": keys.arrow,
        "op": pa.array(changes.ops[:n].astype("U1"), pa.string()),
        "kept": changes.before_arrow().slice(0, n),
        "made": changes.after_arrow().slice(0, n),
        "why": why,
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _details(reader: Reader, waiting: Signal | None, keys: Keys) -> pa.Array[Any]:
    """Return the errors of sources whose record failed; null for the others."""
    if waiting is None:
        return pa.nulls(len(keys), pa.string())
    return to_arrow(field_of(Probe(reader, keys).read(waiting).column, DETAIL))
