"""Reading several signals together, joined by source.

Signals with the same sources share key objects: these are decoded once for all, and where signals have the same
sources no key is compared.

Source: docs/architecture.md#joined-reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsvc.objects.access import Reader
from dsvc.objects.arrays import to_arrow
from dsvc.objects.chunk import ProvColumn, iter_batches, load_keys, load_prov
from dsvc.objects.column import Column, Index, null_column
from dsvc.objects.keys import Keys, bisect_keys, merge_order
from dsvc.objects.node import ChunkEntry
from dsvc.objects.oid import Oid
from dsvc.objects.tree import ROWS_PER_BATCH, Tree, count_up_to

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class JoinedColumn:
    """One signal's part of some joined rows."""

    column: Column
    """Values; null where there is no record."""
    present: Mask | None
    """Which rows have a record, shape (n,); None when all have."""
    prov: ProvColumn | None = None
    """With provenance: index -1 where there is no record."""

    @property
    def values(self) -> pa.Array:
        """The values as Arrow."""
        return to_arrow(self.column)


@dataclass(frozen=True, slots=True)
class Joined:
    """Rows of several signals, in order of their sources."""

    keys: Keys
    columns: list[JoinedColumn]

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def sources(self) -> pa.StringArray:
        """The sources as Arrow strings."""
        return self.keys.arrow

    def take(self, rows: Index) -> Joined:
        """Return the rows at ascending `rows`."""
        return Joined(self.keys.take(rows), [_take(column, rows) for column in self.columns])


def _take(joined: JoinedColumn, rows: Index) -> JoinedColumn:
    present = None if joined.present is None else joined.present[rows]
    return JoinedColumn(joined.column.take(rows), present, joined.prov and joined.prov.take(rows))


@dataclass(slots=True)
class _Block:
    """Consecutive records of one signal that were read and not yet given out."""

    keys: Keys
    """The same object in every stream whose block has the same sources, as far as `_SharedKeys` knows."""
    column: Column
    prov: ProvColumn | None


class _SharedKeys:
    """Keys that several streams read: the latest are decoded once, and parts of them made once."""

    def __init__(self, n_streams: int) -> None:
        self._kept = 2 * n_streams
        self._loaded: dict[tuple[Oid, ...], Keys] = {}
        self._parts: dict[tuple[int, int, int], tuple[Keys, Keys]] = {}

    def load(self, reader: Reader, entries: Sequence[ChunkEntry]) -> Keys:
        """Return the keys of consecutive chunks."""
        oids = tuple(entry.keys for entry in entries)
        keys = self._loaded.get(oids)
        if keys is None:
            keys = self._loaded[oids] = load_keys(reader, entries)
            if len(self._loaded) > self._kept:
                del self._loaded[next(iter(self._loaded))]
        return keys

    def slice(self, keys: Keys, start: int, stop: int) -> Keys:
        """Return keys start to stop."""
        # The id stays that of `keys` while the part is kept, as the part holds them.
        _, part = self._parts.get((id(keys), start, stop), (keys, None))
        if part is None:
            part = keys.slice(start, stop)
            self._parts[id(keys), start, stop] = keys, part
            if len(self._parts) > self._kept:
                del self._parts[next(iter(self._parts))]
        return part


class _Stream:
    """One signal's records between two keys, block by block."""

    def __init__(
        self, tree: Tree, start: bytes | None, stop: bytes | None, rows: int, shared: _SharedKeys, *, provenance: bool
    ) -> None:
        self.tree, self.start, self.stop, self.provenance = tree, start, stop, provenance
        self._shared = shared
        self._batches = iter_batches(tree.reader, tree.nodes().chunks(start, stop), rows)
        self.block: _Block | None = None
        self.advance()

    def advance(self) -> None:
        """Read the next block that holds any row asked for, or None at the end."""
        self.block = None
        for batch in self._batches:
            keys = self._shared.load(batch.reader, batch.entries)
            low = 0 if self.start is None else bisect_keys(keys, self.start)
            high = len(keys) if self.stop is None else bisect_keys(keys, self.stop, low)
            if low == high:
                continue
            prov = load_prov(batch.reader, batch.entries) if self.provenance else None
            block = _Block(keys, batch.values(self.tree.type), prov)
            self.block = self._part(block, low, high)
            return

    def take_up_to(self, last: bytes) -> _Block | None:
        """Give out the rows up to and with `last`; None where there are none."""
        block = self.block
        if block is None:
            return None
        if block.keys[-1] <= last:
            self.advance()
            return block
        at = count_up_to(block.keys, last, 0, len(block.keys))
        if at == 0:
            return None
        self.block = self._part(block, at, len(block.keys))
        return self._part(block, 0, at)

    def _part(self, block: _Block, start: int, stop: int) -> _Block:
        if (start, stop) == (0, len(block.keys)):
            return block
        prov = block.prov and block.prov.slice(start, stop)
        return _Block(self._shared.slice(block.keys, start, stop), block.column.slice(start, stop), prov)


def join_trees(
    trees: Sequence[Tree],
    *,
    start: str | None = None,
    stop: str | None = None,
    rows_per_batch: int = ROWS_PER_BATCH,
    provenance: bool = False,
) -> Iterator[Joined]:
    """Yield the rows of every source that has a record in any of the trees, in order.

    Args:
        trees: Signals to join; each gives one column.
        start: First source, inclusive.
        stop: Last source, exclusive.
        rows_per_batch: Rows of a batch, about.
        provenance: Whether to read provenance too.
    """
    first, end = (None if bound is None else bound.encode() for bound in (start, stop))
    shared = _SharedKeys(len(trees))
    streams = [_Stream(tree, first, end, rows_per_batch, shared, provenance=provenance) for tree in trees]
    while True:
        lasts = [stream.block.keys[-1] for stream in streams if stream.block is not None]
        if not lasts:
            return
        last = min(lasts)
        yield _join(trees, [stream.take_up_to(last) for stream in streams], provenance=provenance)


def _join(trees: Sequence[Tree], blocks: Sequence[_Block | None], *, provenance: bool) -> Joined:
    distinct = {id(block.keys): block.keys for block in blocks if block is not None}
    union, *others = distinct.values()
    for keys in others:
        union, _, _ = merge_order(union, keys)
    columns = [_spread(tree, union, block, provenance=provenance) for tree, block in zip(trees, blocks, strict=True)]
    return Joined(union, columns)


def _spread(tree: Tree, keys: Keys, block: _Block | None, *, provenance: bool) -> JoinedColumn:
    """Return a signal's records laid out over `keys`, null where it has none."""
    if block is None:
        absent = np.full(len(keys), -1, np.int32)
        column = null_column(tree.type.physical, len(keys))
        prov = ProvColumn((), absent, len(keys)) if provenance else None
        return JoinedColumn(column, np.zeros(len(keys), np.bool_), prov)
    if block.keys is keys:
        return JoinedColumn(block.column, None, block.prov)
    at, found = block.keys.search(keys)
    if len(block.keys) == len(keys) and found.all():
        return JoinedColumn(block.column, None, block.prov)
    prov = None
    if block.prov is not None:
        index = np.where(found, block.prov.rows[np.minimum(at, len(block.keys) - 1)], np.int32(-1))
        prov = ProvColumn(block.prov.table, index, len(keys))
    return JoinedColumn(block.column.take(np.where(found, at, -1)), None if found.all() else found, prov)


def take_joined(trees: Sequence[Tree], sources: pa.Array | Keys, *, provenance: bool = False) -> Joined:
    """Return all the given ascending sources, in order, with what each tree holds of them.

    Costs the chunks that hold the sources.
    """
    keys = Keys.of(sources)
    columns = []
    for tree in trees:
        records = tree.records(keys)
        block = None if records is None else _Block(records.keys, records.values, records.prov if provenance else None)
        columns.append(_spread(tree, keys, block, provenance=provenance))
    return Joined(keys, columns)
