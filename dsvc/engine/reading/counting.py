"""How many records of two versions of a signal are the same."""

from __future__ import annotations

from collections.abc import Sequence

from dsvc.engine.reading.fields import same_bits
from dsvc.engine.reading.probe import Probe
from dsvc.objects.access import Reader
from dsvc.objects.chunk import iter_batches, load_keys
from dsvc.objects.column import differing_rows
from dsvc.objects.node import ChunkEntry
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import ROWS_PER_BATCH, Tree
from dsvc.objects.types import Type


def count_same(reader: Reader, before: Signal, after: Signal) -> int:
    """Return how many sources have the same value in two versions of one type; reads no keys where these are shared."""
    if before.value_id == after.value_id:
        return after.count
    old = {entry.keys: entry for entry in Tree(reader, before).nodes().chunks()}
    pairs: list[tuple[ChunkEntry, ChunkEntry]] = []
    alone: list[ChunkEntry] = []
    same = 0
    for entry in Tree(reader, after).nodes().chunks():
        other = old.get(entry.keys)
        if other is None:
            alone.append(entry)
        elif other.value == entry.value:
            same += entry.count
        else:
            pairs.append((other, entry))
    type_ = Type.decode(after.type)
    same += _count_in_pairs(reader, [a for a, _ in pairs], [b for _, b in pairs], type_)
    return same + _count_looked_up(reader, before, alone, type_)


def _count_in_pairs(reader: Reader, old: Sequence[ChunkEntry], new: Sequence[ChunkEntry], type_: Type) -> int:
    """Count the same values in chunks of the same keys."""
    same = done = 0
    for a, b in zip(iter_batches(reader, old, ROWS_PER_BATCH), iter_batches(reader, new, ROWS_PER_BATCH), strict=False):
        if len(a.entries) != len(b.entries):
            break  # heavy values, batched by what they weigh
        same += int((~differing_rows(a.values(type_), b.values(type_))).sum())
        done += len(a.entries)
    for x, y in zip(old[done:], new[done:], strict=True):
        one, other = (next(iter_batches(reader, [entry], entry.count)) for entry in (x, y))
        same += int((~differing_rows(one.values(type_), other.values(type_))).sum())
    return same


def _count_looked_up(reader: Reader, before: Signal, entries: Sequence[ChunkEntry], type_: Type) -> int:
    """Count the same values in chunks whose keys the version before has otherwise."""
    same = 0
    for batch in iter_batches(reader, entries, ROWS_PER_BATCH):
        found = Probe(reader, load_keys(reader, batch.entries)).read(before)
        held = slice(None) if found.present is None else found.present
        same += int(same_bits(found.column, batch.values(type_))[held].sum())
    return same
