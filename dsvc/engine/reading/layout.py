"""Which sources several signals have together, and laying joined rows out over sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dsvc.engine.reading.flagged import Flagged, merge_flagged
from dsvc.engine.reading.probe import find_rows
from dsvc.objects.access import Reader
from dsvc.objects.chunk import ProvColumn, batched_chunks, concat_prov, load_keys
from dsvc.objects.column import Index, concat, null_column
from dsvc.objects.join import Joined, JoinedColumn
from dsvc.objects.keys import Keys, concat_keys
from dsvc.objects.node import ChunkEntry
from dsvc.objects.oid import Oid
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type


def iter_union(reader: Reader, signals: Sequence[Signal], rows: int) -> Iterator[Keys]:
    """Yield the sources that any of some signals has, in order, in batches; reads no values.

    Args:
        reader: Gives the objects.
        signals: The signals; those of the same sources are read once.
        rows: Sources of a batch, about.
    """
    chunks: dict[tuple[Oid, ...], list[ChunkEntry]] = {}
    for signal in signals:
        entries = list(Tree(reader, signal).nodes().chunks())
        chunks.setdefault(tuple(entry.keys for entry in entries), entries)
    streams = [_iter_keys(reader, entries, rows) for entries in chunks.values()]
    for flagged in merge_flagged(streams, rows):
        yield flagged.keys


def _iter_keys(reader: Reader, entries: Sequence[ChunkEntry], rows: int) -> Iterator[Flagged]:
    for batch in batched_chunks(entries, rows):
        yield Flagged.of(load_keys(reader, batch), 1)


def lay_out(parts: Sequence[Joined], keys: Keys, types: Sequence[Type], *, provenance: bool) -> Joined:
    """Return rows for exactly `keys`, taken from consecutive joined rows; null where these have none.

    Args:
        parts: Consecutive rows.
        keys: The sources to have, ascending.
        types: The type of each column.
        provenance: Whether to have provenance.
    """
    spread = np.full(len(keys), -1, np.int64)
    if parts:
        rows, at = find_rows(concat_keys([part.keys for part in parts]), keys)
        if len(parts) == 1 and len(rows) == len(keys) == len(parts[0]):
            return parts[0]
        spread[rows] = at
    columns = [
        _spread([part.columns[i] for part in parts], spread, type_, provenance=provenance)
        for i, type_ in enumerate(types)
    ]
    return Joined(keys, columns)


def _spread(parts: Sequence[JoinedColumn], spread: Index, type_: Type, *, provenance: bool) -> JoinedColumn:
    n = len(spread)
    absent = ProvColumn((), np.full(n, -1, np.int32), n) if provenance else None
    if not parts:
        return JoinedColumn(null_column(type_.physical, n), np.zeros(n, np.bool_), absent)
    column = concat([part.column for part in parts]).take(spread)
    held = np.concatenate(
        [np.ones(part.column.length, np.bool_) if part.present is None else part.present for part in parts]
    )
    present = (spread >= 0) & held[spread]
    provs = [part.prov for part in parts if part.prov is not None]
    if not provenance or not provs:
        return JoinedColumn(column, present, absent)
    prov = concat_prov(provs)
    return JoinedColumn(column, present, ProvColumn(prov.table, np.where(present, prov.rows[spread], np.int32(-1)), n))
