"""How many sources selections select, counted from their values alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dsvc.objects.access import Reader
from dsvc.objects.chunk import iter_batches
from dsvc.objects.node import ChunkEntry
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import ROWS_PER_BATCH, Tree
from dsvc.objects.types import Type


def count_selected(reader: Reader, selection: Signal) -> int:
    """Count the sources that a selection selects."""
    return _count_valid(reader, list(Tree(reader, selection).nodes().chunks()), selection)


def selected_change(reader: Reader, before: Signal, after: Signal) -> int:
    """Return by how many sources one selection selects more than another.

    How many a chunk selects is said by its values alone: those that both have are not read, and no sources are.
    """
    old, new = ([*Tree(reader, signal).nodes().chunks()] for signal in (before, after))
    gone = Counter(entry.value for entry in old)
    came = []
    for entry in new:
        if gone[entry.value]:
            gone[entry.value] -= 1
        else:
            came.append(entry)
    left = []
    for entry in old:
        if gone[entry.value]:
            gone[entry.value] -= 1
            left.append(entry)
    return _count_valid(reader, came, after) - _count_valid(reader, left, before)


def _count_valid(reader: Reader, entries: Sequence[ChunkEntry], signal: Signal) -> int:
    type_ = Type.decode(signal.type)
    batches = (batch.values(type_) for batch in iter_batches(reader, entries, ROWS_PER_BATCH))
    return sum(values.length if values.valid is None else int(values.valid.sum()) for values in batches)
