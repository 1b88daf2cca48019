"""Values of a chunk as they are stored: one `value` object, or, where they are heavy, several that a `pieces` names.

Pieces are cut inside the chunk, by the rule that cuts chunks, with a window that their mean weight chooses.  So a
record is read, and a record changed, at the cost of its piece, however heavy the records of its chunk are.

| object | content |
| --- | --- |
| `value` | the values, when these weigh 32 KiB at most |
| `pieces` | else [[count, weight, id of a `value`], ...] |

Source: docs/format.md#pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import msgspec
import numpy as np

from dsvc.errors import ObjectFormatError
from dsvc.objects.access import Reader, Writer
from dsvc.objects.boundary import U64, find_cuts, piece_window
from dsvc.objects.canonical import read_values, value_parts
from dsvc.objects.column import Column, Index, Mask, concat, differing_rows, offsets_of
from dsvc.objects.encoding import decode_object, kind_of, put_object
from dsvc.objects.node import ChunkEntry
from dsvc.objects.oid import Buffer, Count, Kind, Oid, PositiveCount, StoredOid
from dsvc.objects.types import Type

MAX_VALUE_BYTES = 32 * 1024
"""Weight above which a chunk's values are stored in pieces."""
BYTES_AT_ONCE = 64 * 1024 * 1024
"""Weight of values that are read at a time, about: chunks of heavy records are read a few at a time."""


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """One piece of a chunk's values."""

    count: PositiveCount
    weight: Count
    value: StoredOid


def decode_pieces(data: Buffer) -> tuple[Piece, ...]:
    """Return the pieces that a `pieces` object lists.

    Raises:
        ObjectFormatError: If the bytes are no such object.
    """
    return decode_object(data, Kind.PIECES, tuple[Piece, ...])


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a chunk whose values are one `value` object: a piece, or all."""

    start: int
    stop: int
    weight: int | None
    """None for a chunk that is stored whole: it weighs `MAX_VALUE_BYTES` at most."""
    value: Oid
    data: Buffer | None = None
    """The object, where it was read to find out that it is no `pieces`."""


def parts_of(reader: Reader, entries: Sequence[ChunkEntry]) -> list[Sequence[Part]]:
    """Return the parts in which the values of each chunk are stored."""
    found = reader.get_many([entry.value for entry in entries])
    return [_parts_of(entry, data) for entry, data in zip(entries, found, strict=True)]


def _parts_of(entry: ChunkEntry, data: Buffer) -> Sequence[Part]:
    if kind_of(data) is not Kind.PIECES:
        return [Part(0, entry.count, None, entry.value, data)]
    parts = _listed_parts(bytes(data))
    n_rows = parts[-1].stop if parts else 0
    if n_rows != entry.count:
        raise ObjectFormatError(
            kind="pieces", oid=entry.value, reason=f"pieces have {n_rows} rows, their chunk has {entry.count}"
        )
    return parts


@lru_cache(maxsize=8192)
def _listed_parts(data: bytes) -> tuple[Part, ...]:
    """Return the parts that a `pieces` object lists; a read that is made again finds them as they were decoded."""
    pieces = decode_pieces(data)
    stops = accumulate(piece.count for piece in pieces)
    return tuple(
        Part(stop - piece.count, stop, piece.weight, piece.value) for stop, piece in zip(stops, pieces, strict=True)
    )


def runs_by_weight(chunks: Sequence[Sequence[Part]]) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of runs of consecutive chunks that weigh `BYTES_AT_ONCE` at most, or are one chunk."""
    start = weight = 0
    for i, parts in enumerate(chunks):
        own = sum(part.weight or MAX_VALUE_BYTES for part in parts)
        if i > start and weight + own > BYTES_AT_ONCE:
            yield start, i
            start, weight = i, 0
        weight += own
    if start < len(chunks):
        yield start, len(chunks)


def read_parts(reader: Reader, parts: Sequence[Part], type_: Type) -> Column:
    """Return the values of some parts, joined; at least one."""
    absent = iter(reader.get_many([part.value for part in parts if part.data is None], Kind.VALUE))
    objects = [next(absent) if part.data is None else part.data for part in parts]
    return read_values(objects, type_, [part.stop - part.start for part in parts])


def read_chunks(reader: Reader, chunks: Iterable[Sequence[Part]], type_: Type) -> Column:
    """Return the values of consecutive chunks, joined; at least one."""
    return read_parts(reader, [part for parts in chunks for part in parts], type_)


def load_values(reader: Reader, entries: Sequence[ChunkEntry], type_: Type) -> Column:
    """Return the values of consecutive chunks; at least one."""
    return read_chunks(reader, parts_of(reader, entries), type_)


def take_values(reader: Reader, entry: ChunkEntry, rows: Index, type_: Type) -> Column:
    """Return the values at ascending `rows`, at least one, of a chunk; reads only the parts that hold them."""
    (parts,) = parts_of(reader, [entry])
    touched, local = _touched(parts, rows)
    return read_parts(reader, touched, type_).take(local)


def _touched(parts: Sequence[Part], rows: Index) -> tuple[list[Part], Index]:
    """Return the parts that hold ascending rows, and the place of each row among the rows of those parts."""
    if len(parts) == 1:
        return [parts[0]], rows
    number = np.searchsorted([part.stop for part in parts], rows, side="right")
    touched = [parts[i] for i in np.unique(number).tolist()]
    before = offsets_of(np.array([part.stop - part.start for part in touched], np.int64))
    place = np.searchsorted([part.stop for part in touched], rows, side="right")
    starts = np.array([part.start for part in touched], np.int64)
    return touched, rows - starts[place] + before[place]


class Weigher:
    """Weights of runs of rows, from one pass over a column."""

    def __init__(self, values: Column) -> None:
        weights = values.weights()
        self._each = weights if isinstance(weights, int) else 0
        self._sums = None if isinstance(weights, int) else offsets_of(weights)

    def weigh(self, start: int, stop: int) -> int:
        """Return the weight of rows start to stop."""
        if self._sums is None:
            return self._each * (stop - start)
        return int(self._sums[stop] - self._sums[start])


def write_values(
    writer: Writer,
    values: Column,
    type_: Type,
    start: int,
    stop: int,
    hashes: Callable[[], U64],
    weigher: Weigher | None = None,
) -> Oid:
    """Write the values of one chunk, rows start to stop, whole or in pieces; return the value id.

    Args:
        writer: Takes the objects.
        values: The values, of `type_`.
        type_: The signal's type.
        start: First row.
        stop: Row after the last.
        hashes: Gives the key hashes of these rows; called only where the values are cut into pieces.
        weigher: Weights of `values`, where they are known already.
    """
    weigh = (weigher or Weigher(values)).weigh
    weight = weigh(start, stop)
    if weight <= MAX_VALUE_BYTES:
        return _write_value(writer, values, type_, start, stop)
    pieces = []
    window = piece_window(weight, stop - start)
    at = start
    for end in (find_cuts(hashes(), window) + start).tolist():
        pieces.append(Piece(end - at, weigh(at, end), _write_value(writer, values, type_, at, end)))
        at = end
    return put_object(writer, Kind.PIECES, pieces)


def _write_value(writer: Writer, values: Column, type_: Type, start: int, stop: int) -> StoredOid:
    return writer.put(Kind.VALUE, value_parts(values, type_.id, start, stop), type_.id)


def patch_values(
    writer: Writer, entry: ChunkEntry, type_: Type, rows: Index, new: Column, hashes: Callable[[], U64]
) -> tuple[Oid, Mask]:
    """Put values into ascending `rows`, at least one, of a chunk; cost the parts that hold them.

    Args:
        writer: Reads the chunk and takes the new objects.
        entry: The chunk, whose keys stay.
        type_: The signal's type.
        rows: Shape (m,).
        new: Their values, m rows.
        hashes: Gives the chunk's key hashes; called only where its values are cut into pieces anew.

    Returns:
        The chunk's value id, and which of `rows` had another value; shape (m,).
    """
    (parts,) = parts_of(writer, [entry])
    touched, local = _touched(parts, rows)
    old = read_parts(writer, touched, type_)
    differs = differing_rows(old.take(local), new)
    if not differs.any():
        return entry.value, differs
    patched = _put_rows(old, local, new)
    pieces = _patched_pieces(writer, type_, parts, touched, patched)
    if pieces is not None:
        return put_object(writer, Kind.PIECES, pieces), differs
    if len(touched) < len(parts):
        patched = _put_rows(read_parts(writer, parts, type_), rows, new)
    return write_values(writer, patched, type_, 0, entry.count, hashes), differs


def _patched_pieces(
    writer: Writer, type_: Type, parts: Sequence[Part], touched: Sequence[Part], patched: Column
) -> list[Piece] | None:
    """Return a chunk's pieces with those of `touched` written anew; None where they are to be cut anew."""
    ends = offsets_of(np.array([part.stop - part.start for part in touched], np.int64)).tolist()
    weigh = Weigher(patched).weigh
    place = {part.start: i for i, part in enumerate(touched)}
    weights = []
    for part in parts:
        if part.weight is None:
            return None
        i = place.get(part.start)
        weights.append(part.weight if i is None else weigh(ends[i], ends[i + 1]))
    records, weight = parts[-1].stop, sum(weights)
    before = sum(part.weight or 0 for part in parts)
    if weight <= MAX_VALUE_BYTES or piece_window(weight, records) != piece_window(before, records):
        return None
    pieces = []
    for part, own in zip(parts, weights, strict=True):
        i = place.get(part.start)
        value = part.value if i is None else _write_value(writer, patched, type_, ends[i], ends[i + 1])
        pieces.append(Piece(part.stop - part.start, own, value))
    return pieces


def _put_rows(old: Column, at: Index, new: Column) -> Column:
    """Return `old` with the rows at `at` replaced by those of `new`."""
    pick = np.arange(old.length)
    pick[at] = old.length + np.arange(new.length)
    return concat([old, new]).take(pick)
