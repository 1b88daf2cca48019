"""Reading several signals together, joined by source.

Signals with the same sources share key objects; then their chunks are zipped and no key is compared.

Source: docs/architecture.md#joined-reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsvc.objects.arrays import to_arrow
from dsvc.objects.chunk import ProvColumn, Records, load_keys, load_prov
from dsvc.objects.column import Column, Index, null_column
from dsvc.objects.keys import Keys, bisect_keys, merge_order
from dsvc.objects.oid import Oid
from dsvc.objects.pieces import load_values
from dsvc.objects.tree import ROWS_PER_BATCH, Tree, batched_chunks, count_up_to

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

    key_ids: tuple[Oid, ...]
    """Ids of the key objects, while the block is whole; empty after a part of it was given out."""
    keys: Keys
    column: Column
    prov: ProvColumn | None


class _Stream:
    """One signal's records between two keys, block by block."""

    def __init__(self, tree: Tree, start: bytes | None, stop: bytes | None, rows: int, *, provenance: bool) -> None:
        self.tree, self.start, self.stop, self.provenance = tree, start, stop, provenance
        self._batches = batched_chunks(tree.nodes().chunks(start, stop), rows)
        self.block: _Block | None = None
        self.advance()

    def advance(self) -> None:
        """Read the next block that holds any row asked for, or None at the end."""
        self.block = None
        for entries in self._batches:
            reader = self.tree.reader
            keys = load_keys(reader, entries)
            low = 0 if self.start is None else bisect_keys(keys, self.start)
            high = len(keys) if self.stop is None else bisect_keys(keys, self.stop, low)
            if low == high:
                continue
            block = _Block(
                tuple(entry.keys for entry in entries),
                keys,
                load_values(reader, entries, self.tree.type),
                load_prov(reader, entries) if self.provenance else None,
            )
            self.block = block if (low, high) == (0, len(keys)) else _part(block, low, high)
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
        self.block = _part(block, at, len(block.keys))
        return _part(block, 0, at)


def _part(block: _Block, start: int, stop: int) -> _Block:
    prov = block.prov and block.prov.slice(start, stop)
    return _Block((), block.keys.slice(start, stop), block.column.slice(start, stop), prov)


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
    streams = [_Stream(tree, first, end, rows_per_batch, provenance=provenance) for tree in trees]
    while True:
        lasts = [stream.block.keys[-1] for stream in streams if stream.block is not None]
        if not lasts:
            return
        last = min(lasts)
        yield _join(trees, [stream.take_up_to(last) for stream in streams])


def _join(trees: Sequence[Tree], blocks: Sequence[_Block | None]) -> Joined:
    given = [block for block in blocks if block is not None]
    ids = given[0].key_ids
    if ids and len(given) == len(blocks) and all(block.key_ids == ids for block in given):
        return Joined(given[0].keys, [JoinedColumn(block.column, None, block.prov) for block in given])
    union = given[0].keys
    for block in given[1:]:
        if block.keys is not union:
            union, _, _ = merge_order(union, block.keys)
    columns = []
    for tree, block in zip(trees, blocks, strict=True):
        records = None if block is None else Records(block.keys, block.column, block.prov or _NO_PROV)
        columns.append(_spread(tree, union, records, with_prov=block is not None and block.prov is not None))
    return Joined(union, columns)


_NO_PROV = ProvColumn((), None, 0)


def _spread(tree: Tree, keys: Keys, records: Records | None, *, with_prov: bool) -> JoinedColumn:
    """Return a signal's records laid out over `keys`, null where it has none."""
    if records is None:
        absent = np.full(len(keys), -1, np.int32)
        return JoinedColumn(
            null_column(tree.type.physical, len(keys)),
            np.zeros(len(keys), np.bool_),
            ProvColumn((), absent, len(keys)),
        )
    at, found = records.keys.search(keys)
    if len(records) == len(keys) and found.all():
        return JoinedColumn(records.values, None, records.prov if with_prov else None)
    rows = np.where(found, at, -1)
    prov = None
    if with_prov:
        index = np.where(found, records.prov.rows[np.minimum(at, len(records) - 1)], np.int32(-1))
        prov = ProvColumn(records.prov.table, index, len(keys))
    return JoinedColumn(records.values.take(rows), None if found.all() else found, prov)


def take_joined(trees: Sequence[Tree], sources: pa.Array | Keys, *, provenance: bool = False) -> Joined:
    """Return all the given ascending sources, in order, with what each tree holds of them.

    Costs the chunks that hold the sources.
    """
    keys = Keys.of(sources)
    columns = [_spread(tree, keys, tree.records(keys), with_prov=provenance) for tree in trees]
    return Joined(keys, columns)
