"""Looking up the same sources in many trees.

Signals share key objects, and so do their versions: where a source stands in a chunk is found once for all of them,
and a chunk of values that two versions share is compared once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.engine.reading.fields import field_of, is_null, same_bits
from dsvc.engine.reading.flagged import Mask
from dsvc.objects.access import Reader
from dsvc.objects.chunk import ProvColumn, Records, concat_prov, load_keys, load_prov
from dsvc.objects.column import Column, Index, concat, null_column, offsets_of
from dsvc.objects.join import JoinedColumn
from dsvc.objects.keys import Keys, bisect_keys
from dsvc.objects.node import ChunkEntry
from dsvc.objects.oid import Oid
from dsvc.objects.pieces import Part, parts_of, read_parts
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type
from dsvc.recipe.paths import InputPath

_GROUP_ROWS = 262_144
"""Rows of the chunks that are looked into at a time."""
_GROUP_BYTES = 32 * 1024 * 1024
"""Weight of the values that are read at a time."""
_CHUNK_ROWS = 2048
"""Rows of a chunk, about."""
_FEW = 16
"""Rows for one source, from which on the sources are found by bisection, not by a hash of all rows."""


@dataclass(frozen=True, slots=True)
class Place:
    """A chunk, and the range of the sources that belong to it."""

    entry: ChunkEntry
    low: int
    high: int


class Probe:
    """Some ascending sources, to be looked up.

    Args:
        reader: Gives the objects.
        keys: The sources.
    """

    def __init__(self, reader: Reader, keys: Keys) -> None:
        self.reader = reader
        self.keys = keys
        self._places: dict[Oid, list[Place]] = {}
        self._found: dict[tuple[object, ...], tuple[Index, Index]] = {}
        self._same: dict[tuple[object, ...], Mask] = {}

    def __len__(self) -> int:
        return len(self.keys)

    def places(self, signal: Signal) -> list[Place]:
        """Return the chunks of a signal that hold, or would hold, the sources, in order."""
        found = self._places.get(signal.tree)
        if found is None:
            found = self._places[signal.tree] = self._locate(signal)
        return found

    def _locate(self, signal: Signal) -> list[Place]:
        nodes = Tree(self.reader, signal).nodes()
        if len(self) * _CHUNK_ROWS < signal.count:
            return [Place(nodes.chunk(path), low, high) for path, low, high in nodes.locate(self.keys)]
        # Most chunks from the first source to the last hold some: list them, and cut the sources at their last keys.
        last = self.keys[-1]
        chunks = []
        for chunk in nodes.chunks(self.keys[0]):
            chunks.append(chunk)
            if chunk.last >= last:
                break
        if not chunks:
            return []  # all sources are beyond the last chunk
        below, found = self.keys.search(Keys.of_bytes([chunk.last for chunk in chunks]))
        ends = below + found
        ends[-1:] = len(self)
        starts = np.concatenate([[0], ends[:-1]])
        bounds = zip(chunks, starts.tolist(), ends.tolist(), strict=True)
        return [Place(chunk, low, high) for chunk, low, high in bounds if low < high]

    def find(self, places: Sequence[Place]) -> tuple[Index, Index]:
        """Find the sources of some consecutive chunks.

        Returns:
            The sources that have a record, as rows of `keys`, and the row of each among those of the chunks, joined.
        """
        name = (places[0].low, places[-1].high, *(place.entry.keys for place in places))
        found = self._found.get(name)
        if found is None:
            held = load_keys(self.reader, [place.entry for place in places])
            low, high = places[0].low, places[-1].high
            rows, at = find_rows(held, self.keys.slice(low, high))
            found = self._found[name] = rows + low, at
        return found

    def present(self, signal: Signal | None) -> Mask:
        """Return which sources have a record; reads no values."""
        present = np.zeros(len(self), np.bool_)
        if signal is not None:
            for places in grouped(self.places(signal)):
                rows, _ = self.find(places)
                present[rows] = True
        return present

    def read(self, signal: Signal, *, provenance: bool = False) -> JoinedColumn:
        """Return the records of the sources laid out over them, null where there is none."""
        type_ = Type.decode(signal.type)
        read = [self._read(places, type_, None, provenance=provenance) for places in grouped(self.places(signal))]
        parts = [part for part in read if len(part[0])]
        if not parts:
            prov = ProvColumn((), np.full(len(self), -1, np.int32), len(self)) if provenance else None
            return JoinedColumn(null_column(type_.physical, len(self)), np.zeros(len(self), np.bool_), prov)
        rows = np.concatenate([part[0] for part in parts])
        values = concat([part[1] for part in parts])
        prov = concat_prov([part[2] for part in parts if part[2] is not None]) if provenance else None
        if len(rows) == len(self):
            return JoinedColumn(values, None, prov)
        spread = np.full(len(self), -1, np.int64)
        spread[rows] = np.arange(len(rows))
        if prov is not None:
            prov = ProvColumn(prov.table, np.where(spread < 0, np.int32(-1), prov.rows[spread]), len(self))
        return JoinedColumn(values.take(spread), spread >= 0, prov)

    def records(self, signal: Signal, wanted: Mask) -> tuple[Index, Records] | None:
        """Return the rows of those wanted sources that have a record, with the records; None where none has."""
        type_ = Type.decode(signal.type)
        places = [place for place in self.places(signal) if wanted[place.low : place.high].any()]
        parts = [self._read(group, type_, wanted, provenance=True) for group in grouped(places)]
        parts = [part for part in parts if len(part[0])]
        if not parts:
            return None
        rows = np.concatenate([part[0] for part in parts])
        prov = concat_prov([part[2] for part in parts if part[2] is not None])
        return rows, Records(self.keys.take(rows), concat([part[1] for part in parts]), prov)

    def same(self, now: Column, signal: Signal, path: InputPath, wanted: Mask) -> Mask:
        """Return which of the wanted sources have the bits of `now` in a field of a signal, null where it has none.

        A chunk that was compared once, for any signal, is not compared again.

        Args:
            now: What the path names now, a row for each source; always the same for one path.
            signal: A signal that the path may name, such as an older version of it.
            path: What of it.
            wanted: The sources to tell of.
        """
        same = is_null(now)
        new: list[Place] = []
        for place in self.places(signal):
            if wanted[place.low : place.high].any():
                known = self._same.get((path, place.low, place.entry.keys, place.entry.value))
                if known is None:
                    new.append(place)
                else:
                    same[place.low : place.high] = known
        type_ = Type.decode(signal.type)
        for places in grouped(new):
            found, values, _ = self._read(places, type_, None, provenance=False)
            same[found] = same_bits(now.take(found), field_of(values, path))
        for place in new:
            name = path, place.low, place.entry.keys, place.entry.value
            self._same[name] = same[place.low : place.high].copy()
        return same

    def _read(
        self, places: Sequence[Place], type_: Type, wanted: Mask | None, *, provenance: bool
    ) -> tuple[Index, Column, ProvColumn | None]:
        """Return the rows of the sources that some chunks hold, their values, and their provenance."""
        rows, at = self.find(places)
        if wanted is not None:
            chosen = np.flatnonzero(wanted[rows])
            rows, at = rows[chosen], at[chosen]
        entries = [place.entry for place in places]
        prov = load_prov(self.reader, entries).take(at) if provenance else None
        return rows, read_rows(self.reader, entries, at, type_), prov


def grouped(places: Sequence[Place]) -> Iterator[list[Place]]:
    """Yield consecutive chunks in groups of about `_GROUP_ROWS` rows."""
    group: list[Place] = []
    rows = 0
    for place in places:
        group.append(place)
        rows += place.entry.count
        if rows >= _GROUP_ROWS:
            yield group
            group, rows = [], 0
    if group:
        yield group


def read_rows(reader: Reader, entries: Sequence[ChunkEntry], rows: Index, type_: Type) -> Column:
    """Return the values at ascending `rows` of some chunks, joined; reads only the parts that hold them."""
    if len(rows) == 0:
        return null_column(type_.physical, 0)
    parts: list[Part] = []
    begins: list[int] = []
    start = 0
    for entry, chunk in zip(entries, parts_of(reader, entries), strict=True):
        parts.extend(chunk)
        begins.extend(start + part.start for part in chunk)
        start += entry.count
    number = np.searchsorted(begins, rows, side="right") - 1
    begin = np.flatnonzero(np.diff(number, prepend=-1))
    used, counts = number[begin], np.diff(np.append(begin, len(number)))
    made = []
    low = 0
    for chosen, n_rows in _by_weight(used.tolist(), counts.tolist(), parts):
        lengths = np.array([parts[i].stop - parts[i].start for i in chosen], np.int64)
        which = np.searchsorted(chosen, number[low : low + n_rows])
        local = rows[low : low + n_rows] - np.array(begins)[chosen][which] + offsets_of(lengths)[which]
        values = read_parts(reader, [parts[i] for i in chosen], type_)
        made.append(values if n_rows == values.length else values.take(local))
        low += n_rows
    return concat(made)


def _by_weight(used: list[int], counts: list[int], parts: Sequence[Part]) -> Iterator[tuple[list[int], int]]:
    """Yield runs of used parts of about `_GROUP_BYTES`, and how many rows are wanted of each run."""
    chosen: list[int] = []
    n_rows = weight = 0
    for i, count in zip(used, counts, strict=True):
        chosen.append(i)
        n_rows += count
        weight += parts[i].weight or 0
        if weight >= _GROUP_BYTES:
            yield chosen, n_rows
            chosen, n_rows, weight = [], 0, 0
    if chosen:
        yield chosen, n_rows


def find_rows(held: Keys, keys: Keys) -> tuple[Index, Index]:
    """Find ascending keys among ascending others.

    Returns:
        The rows of `keys` that are among `held`, and where each is there; shapes (m,).
    """
    n = len(keys)
    if n == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    # Where all sources of some chunks are looked for, the keys are a run of those held: no need to hash either.
    first = bisect_keys(held, keys[0])
    if first + n <= len(held) and held[first + n - 1] == keys[-1] and _equal(held.slice(first, first + n), keys):
        every = np.arange(n)
        return every, every + first
    if n * _FEW < len(held):
        at, found = held.search(keys)
        rows = np.flatnonzero(found)
        return rows, at[rows]
    places = pc.index_in(_binary(keys), value_set=_binary(held))
    rows = np.flatnonzero(np.asarray(places.is_valid()))
    return rows, np.asarray(places.drop_null()).astype(np.int64)


def _equal(a: Keys, b: Keys) -> bool:
    x, y = a.column, b.column
    if x.offsets is None or y.offsets is None or x.data is None or y.data is None:
        return False
    return np.array_equal(x.offsets, y.offsets) and np.array_equal(x.data, y.data)


def _binary(keys: Keys) -> pa.Array[pa.Scalar]:
    return keys.arrow.cast(pa.binary())
