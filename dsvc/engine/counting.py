"""How many records of two versions of a signal are the same."""

from __future__ import annotations

from dsvc.objects.access import Reader
from dsvc.objects.chunk import iter_batches
from dsvc.objects.column import differing_rows
from dsvc.objects.diff import count_changes
from dsvc.objects.node import ChunkEntry
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import ROWS_PER_BATCH, Tree
from dsvc.objects.types import Type


def count_same(reader: Reader, before: Signal, after: Signal) -> int:
    """Return how many sources have the same value in two versions of one type; reads no keys where these are shared."""
    if before.value_id == after.value_id:
        return after.count
    old, new = (list(Tree(reader, signal).nodes().chunks()) for signal in (before, after))
    if [entry.keys for entry in old] != [entry.keys for entry in new]:
        counts = count_changes(reader, before, after)
        return after.count - counts.added - counts.changed
    pairs = [(a, b) for a, b in zip(old, new, strict=True) if a.value != b.value]
    changed = _count_differing(reader, [a for a, _ in pairs], [b for _, b in pairs], Type.decode(after.type))
    return after.count - changed


def _count_differing(reader: Reader, old: list[ChunkEntry], new: list[ChunkEntry], type_: Type) -> int:
    batches = zip(iter_batches(reader, old, ROWS_PER_BATCH), iter_batches(reader, new, ROWS_PER_BATCH), strict=False)
    changed = done = 0
    for a, b in batches:
        if len(a.entries) != len(b.entries):
            break  # heavy values, batched by what they weigh
        changed += int(differing_rows(a.values(type_), b.values(type_)).sum())
        done += len(a.entries)
    for x, y in zip(old[done:], new[done:], strict=True):
        one, other = (next(iter_batches(reader, [entry], entry.count)) for entry in (x, y))
        changed += int(differing_rows(one.values(type_), other.values(type_)).sum())
    return changed
