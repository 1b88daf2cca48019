"""Chunks: runs of one signal's records, stored as keys, values and provenance.

| object | content |
| --- | --- |
| `key` | the sources of the rows |
| `value`, `pieces` | their values, see `dsvc.objects.pieces` |
| `prov` | [sorted distinct provenance ids, run lengths, table indexes], when the rows have more than one |

Source: docs/format.md#chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
import numpy as np
import numpy.typing as npt

from dsvc.errors import ObjectFormatError
from dsvc.objects.access import Reader, Writer
from dsvc.objects.boundary import U64
from dsvc.objects.canonical import key_parts, read_keys
from dsvc.objects.column import Column, Index, concat
from dsvc.objects.encoding import get_object, put_object
from dsvc.objects.keys import Keys, concat_keys
from dsvc.objects.node import ChunkEntry
from dsvc.objects.oid import Count, Kind, Oid, StoredOid
from dsvc.objects.pieces import Part, Weigher, parts_of, read_chunks, runs_by_weight, write_values
from dsvc.objects.types import Type

MAX_RECORD_BYTES = 256 * 1024
"""Weight of one record's value, at most."""


class ProvRuns(msgspec.Struct, frozen=True, array_like=True):
    """Provenance of the rows of a chunk, in maximal runs."""

    table: tuple[StoredOid, ...]
    """Sorted distinct ids of `provenance` objects."""
    lengths: tuple[Count, ...]
    indexes: tuple[Count, ...]
    """Of each run, an index into `table`."""


@dataclass(frozen=True, slots=True)
class ProvColumn:
    """Provenance of some rows: ids, and which row has which."""

    table: tuple[Oid, ...]
    index: npt.NDArray[np.int32] | None
    """Shape (n,), into `table`; None where every row has the first."""
    length: int

    @classmethod
    def constant(cls, oid: Oid, length: int) -> ProvColumn:
        """Return the provenance of `length` rows that share one."""
        return cls((oid,), None, length)

    @property
    def rows(self) -> npt.NDArray[np.int32]:
        """Index into `table` of each row, shape (n,)."""
        return np.zeros(self.length, np.int32) if self.index is None else self.index

    def take(self, rows: Index) -> ProvColumn:
        """Return the provenance of the rows at `rows`."""
        return ProvColumn(self.table, None if self.index is None else self.index[rows], len(rows))

    def slice(self, start: int, stop: int) -> ProvColumn:
        """Return the provenance of rows start to stop."""
        return ProvColumn(self.table, None if self.index is None else self.index[start:stop], stop - start)

    def oids(self) -> list[Oid]:
        """Return the id of each row."""
        return [self.table[i] for i in self.rows.tolist()]


def concat_prov(columns: Sequence[ProvColumn]) -> ProvColumn:
    """Return the provenance of the rows of several columns, in order; at least one."""
    if len(columns) == 1:
        return columns[0]
    table = tuple(dict.fromkeys(oid for column in columns for oid in column.table))
    length = sum(column.length for column in columns)
    if len(table) == 1 and all(column.index is None for column in columns):
        return ProvColumn(table, None, length)
    place = {oid: i for i, oid in enumerate(table)}
    # The last slot keeps -1, the index of a row without a record, what it is.
    parts = [np.array([*(place[oid] for oid in column.table), -1], np.int32)[column.rows] for column in columns]
    return ProvColumn(table, np.concatenate(parts), length)


# --- writing --------------------------------------------------------------------------------------------------------


def write_chunks(
    writer: Writer, keys: Keys, values: Column, type_: Type, prov: ProvColumn, ends: Iterable[int]
) -> list[ChunkEntry]:
    """Write the chunks of some rows and return their entries.

    Args:
        writer: Takes the objects.
        keys: Sources of the rows.
        values: Their values, of `type_`.
        type_: The signal's type.
        prov: Their provenance.
        ends: Exclusive end of each chunk, ascending; rows after the last end are left out.
    """
    weigher = Weigher(values)
    entries = []
    start = 0
    for stop in ends:
        entries.append(
            ChunkEntry(
                keys[stop - 1],
                stop - start,
                _write_keys(writer, keys, start, stop),
                write_values(writer, values, type_, start, stop, partial(_hashes_of, keys, start, stop), weigher),
                write_prov(writer, prov, start, stop),
            )
        )
        start = stop
    return entries


def _hashes_of(keys: Keys, start: int, stop: int) -> U64:
    return keys.hashes[start:stop]


def _write_keys(writer: Writer, keys: Keys, start: int, stop: int) -> Oid:
    known = keys.written.get((start, stop))
    if known is not None and writer.has(known):
        return known
    oid = writer.put(Kind.KEY, key_parts(keys.column, start, stop))
    keys.written[start, stop] = oid
    return oid


def write_prov(writer: Writer, prov: ProvColumn, start: int, stop: int) -> Oid | tuple[Oid]:
    """Write the provenance of one chunk, rows start to stop; return what its entry says of it."""
    if prov.index is None:
        return prov.table[0]
    rows = prov.index[start:stop]
    used: list[int] = np.unique(rows).tolist()
    table = sorted({prov.table[i] for i in used})
    if len(table) == 1:
        return table[0]
    place_of = {oid: i for i, oid in enumerate(table)}
    place = np.zeros(len(prov.table), np.int64)
    place[used] = [place_of[prov.table[i]] for i in used]
    placed = place[rows]
    begins = np.flatnonzero(np.concatenate([[True], placed[1:] != placed[:-1]]))
    lengths = np.diff(np.append(begins, len(placed)))
    runs = ProvRuns(tuple(table), tuple(lengths.tolist()), tuple(placed[begins].tolist()))
    return (put_object(writer, Kind.PROV, runs),)


# --- reading --------------------------------------------------------------------------------------------------------


def load_keys(reader: Reader, entries: Sequence[ChunkEntry]) -> Keys:
    """Return the keys of consecutive chunks; at least one."""
    found = reader.get_many([entry.keys for entry in entries], Kind.KEY)
    return Keys(read_keys(found, [entry.count for entry in entries]))


def load_prov(reader: Reader, entries: Sequence[ChunkEntry]) -> ProvColumn:
    """Return the provenance of the rows of consecutive chunks; at least one."""
    columns = []
    for entry in entries:
        if isinstance(entry.prov, bytes):
            columns.append(ProvColumn.constant(entry.prov, entry.count))
            continue
        columns.append(_load_runs(reader, entry.prov[0], entry.count))
    return concat_prov(columns)


def _load_runs(reader: Reader, oid: Oid, count: int) -> ProvColumn:
    runs = get_object(reader, oid, Kind.PROV, ProvRuns)
    indexes = np.array(runs.indexes, np.int64)
    lengths = np.array(runs.lengths, np.int64)
    if len(indexes) != len(lengths) or lengths.sum() != count or (indexes >= len(runs.table)).any():
        raise ObjectFormatError(kind="prov", oid=oid, reason="runs do not fit the table or the chunk")
    return ProvColumn(runs.table, np.repeat(indexes.astype(np.int32), lengths), count)


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one signal in key order: the form in which trees are edited."""

    keys: Keys
    values: Column
    prov: ProvColumn

    def __len__(self) -> int:
        return len(self.keys)

    def slice(self, start: int, stop: int) -> Records:
        """Return records start to stop."""
        return Records(self.keys.slice(start, stop), self.values.slice(start, stop), self.prov.slice(start, stop))

    def take(self, rows: Index) -> Records:
        """Return the records at ascending `rows`."""
        return Records(self.keys.take(rows), self.values.take(rows), self.prov.take(rows))


def concat_records(parts: Sequence[Records]) -> Records:
    """Return consecutive records as one; at least one part."""
    if len(parts) == 1:
        return parts[0]
    return Records(
        concat_keys([part.keys for part in parts]),
        concat([part.values for part in parts]),
        concat_prov([part.prov for part in parts]),
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive chunks that are read together, and where their values are."""

    reader: Reader
    entries: Sequence[ChunkEntry]
    parts: Sequence[Sequence[Part]]

    def values(self, type_: Type) -> Column:
        """Return their values."""
        return read_chunks(self.reader, self.parts, type_)

    def records(self, type_: Type) -> Records:
        """Return their records."""
        keys, prov = load_keys(self.reader, self.entries), load_prov(self.reader, self.entries)
        return Records(keys, self.values(type_), prov)


def batched_chunks(chunks: Iterable[ChunkEntry], rows: int) -> Iterator[list[ChunkEntry]]:
    """Group consecutive chunks; a group ends with the first chunk that gives it `rows` rows."""
    held: list[ChunkEntry] = []
    total = 0
    for entry in chunks:
        held.append(entry)
        total += entry.count
        if total >= rows:
            yield held
            held, total = [], 0
    if held:
        yield held


def iter_batches(reader: Reader, chunks: Iterable[ChunkEntry], rows: int) -> Iterator[Batch]:
    """Yield consecutive chunks in batches of about `rows` rows, fewer where their values are heavy."""
    for entries in batched_chunks(chunks, rows):
        parts = parts_of(reader, entries)
        for start, stop in runs_by_weight(parts):
            yield Batch(reader, entries[start:stop], parts[start:stop])
