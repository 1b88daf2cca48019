"""What differs between two versions of a signal: exact records, at a cost that follows the difference.

Two walks go through both trees side by side.  Where both stand right after the same key and their next nodes or
chunks have equal ids, both are skipped unread; else the higher is opened.

Source: docs/format.md#trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsvc.objects.access import Reader
from dsvc.objects.arrays import to_arrow
from dsvc.objects.chunk import (
    ProvColumn,
    concat_prov,
    load_keys,
    load_prov,
)
from dsvc.objects.column import Column, Index, concat, differing_rows, null_column
from dsvc.objects.keys import Keys, concat_keys, merge_order
from dsvc.objects.node import ChunkEntry, Entry, NodeEntry, get_node
from dsvc.objects.oid import Oid
from dsvc.objects.pieces import load_values
from dsvc.objects.snapshot import Signal
from dsvc.objects.types import Type

_ROWS_PER_BATCH = 65_536
_CHUNKS_AT_ONCE = 32
"""Chunks that are compared at a time."""

ADDED, REMOVED, CHANGED, REMADE = b"+", b"-", b"~", b"="


@dataclass(frozen=True, slots=True)
class Changes:
    """Records that differ, in order of their sources."""

    keys: Keys
    """Their sources."""
    ops: npt.NDArray[np.bytes_]
    """``+`` added, ``-`` removed, ``~`` the value differs, ``=`` only the provenance does; shape (n,), S1."""
    before: Column
    """Values before; null where there was no record."""
    after: Column
    """Values after; null where there is no record."""
    prov_before: ProvColumn | None = None
    """Set with `provenance`; a row without a record has index -1."""
    prov_after: ProvColumn | None = None

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def sources(self) -> pa.StringArray:
        """The sources as Arrow strings."""
        return self.keys.arrow

    def before_arrow(self) -> pa.Array:
        """Return the values before as Arrow."""
        return to_arrow(self.before)

    def after_arrow(self) -> pa.Array:
        """Return the values after as Arrow."""
        return to_arrow(self.after)


@dataclass(frozen=True, slots=True)
class DiffCounts:
    """How many records differ."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    remade: int = 0
    """Equal value, other provenance; counted only with `provenance`."""


def diff_trees(
    reader: Reader,
    before: Signal | None,
    after: Signal | None,
    *,
    provenance: bool = False,
    keys_only: bool = False,
) -> Iterator[Changes]:
    """Yield the records that differ between two versions of a signal, in order, in batches.

    Args:
        reader: Reads both trees.
        before: The signal before; None for no records.
        after: The signal after; None for no records.
        provenance: Also yield records of which only the provenance differs, and both provenances.
        keys_only: Yield only records that came or went; values are then not read, and null.
    """
    if before is None and after is None:
        return
    walk = _Diff(reader, before, after, provenance=provenance, keys_only=keys_only)
    pending: list[Changes] = []
    rows = 0
    for changes in walk.run():
        pending.append(changes)
        rows += len(changes)
        if rows >= _ROWS_PER_BATCH:
            yield _concat(pending)
            pending, rows = [], 0
    if pending:
        yield _concat(pending)


def count_changes(
    reader: Reader, before: Signal | None, after: Signal | None, *, provenance: bool = False
) -> DiffCounts:
    """Return how many records differ between two versions of a signal."""
    total = dict.fromkeys((ADDED, REMOVED, CHANGED, REMADE), 0)
    for changes in diff_trees(reader, before, after, provenance=provenance):
        for op, count in zip(*np.unique(changes.ops, return_counts=True), strict=True):
            total[bytes(op)] += int(count)
    return DiffCounts(total[ADDED], total[REMOVED], total[CHANGED], total[REMADE])


class _Side:
    """One tree's nodes and chunks that are still to be compared, next first."""

    def __init__(self, reader: Reader, signal: Signal | None) -> None:
        self.reader = reader
        self.type = None if signal is None else Type.decode(signal.type)
        self._pending: list[tuple[int, Entry]] = []
        if signal is not None:
            self._push(signal.tree)

    def _push(self, oid: Oid) -> None:
        node = get_node(self.reader, oid)
        self._pending.extend((node.level - 1, entry) for entry in reversed(node.entries))

    @property
    def head(self) -> tuple[int, Entry] | None:
        """The next node (its level) or chunk (0)."""
        return self._pending[-1] if self._pending else None

    def skip(self) -> None:
        self._pending.pop()

    def open(self) -> None:
        """Put the children of the next node in its place."""
        _, entry = self._pending.pop()
        assert isinstance(entry, NodeEntry)
        self._push(entry.child)

    def chunk(self) -> ChunkEntry | None:
        """Take the next chunk, opening the nodes above it."""
        while self._pending and self._pending[-1][0] > 0:
            self.open()
        if not self._pending:
            return None
        _, entry = self._pending.pop()
        assert isinstance(entry, ChunkEntry)
        return entry


class _Diff:
    def __init__(
        self, reader: Reader, before: Signal | None, after: Signal | None, *, provenance: bool, keys_only: bool
    ) -> None:
        self.reader, self.provenance, self.keys_only = reader, provenance, keys_only
        self.before, self.after = _Side(reader, before), _Side(reader, after)
        types = [side.type for side in (self.before, self.after) if side.type is not None]
        self.type_before, self.type_after = types[0], types[-1]
        self.comparable = types[0].physical == types[-1].physical
        self.by_row = self.comparable and not provenance and not keys_only

    def run(self) -> Iterator[Changes]:
        """Yield what differs, some chunks at a time; both sides stand right after the same key at each turn."""
        pairs: list[tuple[ChunkEntry, ChunkEntry]] = []
        while (a := self.before.head) is not None or self.after.head is not None:
            b = self.after.head
            if a is not None and b is not None:
                if a[0] == b[0] and self._equal(a[1], b[1]):
                    self.before.skip()
                    self.after.skip()
                    continue
                if a[0] > 0 or b[0] > 0:
                    (self.before if a[0] >= b[0] else self.after).open()
                    continue
            ours, theirs = self._aligned()
            if self.by_row and len(ours) == len(theirs) == 1 and ours[0].keys == theirs[0].keys:
                pairs.append((ours[0], theirs[0]))
                if len(pairs) < _CHUNKS_AT_ONCE:
                    continue
                changes = None
            else:
                changes = self._compare(ours, theirs)
            yield from self._compare_pairs(pairs)
            pairs = []
            if changes is not None and len(changes):
                yield changes
        yield from self._compare_pairs(pairs)

    def _equal(self, a: Entry, b: Entry) -> bool:
        """Return whether two nodes or chunks that begin after the same key hold the same, as far as we look."""
        if isinstance(a, ChunkEntry) and isinstance(b, ChunkEntry):
            if a.keys != b.keys:
                return False
            return self.keys_only or (
                self.comparable and a.value == b.value and (not self.provenance or a.prov == b.prov)
            )
        if isinstance(a, NodeEntry) and isinstance(b, NodeEntry) and self.comparable:
            return a.child == b.child if self.provenance else a.value == b.value
        return False

    def _aligned(self) -> tuple[list[ChunkEntry], list[ChunkEntry]]:
        """Take chunks from both sides until both end at the same key, or one side is done."""
        ours, theirs = _Run(self.before), _Run(self.after)
        ours.grow()
        theirs.grow()
        while ours.last != theirs.last:
            if ours.last is None or theirs.last is None:
                rest = theirs if ours.last is None else ours
                if len(rest.chunks) >= _CHUNKS_AT_ONCE or not rest.grow():
                    break
            elif not (ours if ours.last < theirs.last else theirs).grow():
                break
        return ours.chunks, theirs.chunks

    def _compare(self, ours: list[ChunkEntry], theirs: list[ChunkEntry]) -> Changes:
        """Compare two runs of chunks that begin after the same key, and end at the same or at a tree's end."""
        same_keys = len(ours) == len(theirs) == 1 and ours[0].keys == theirs[0].keys
        keys_a = load_keys(self.reader, ours) if ours else _no_keys()
        keys_b = load_keys(self.reader, theirs) if theirs and not same_keys else keys_a if theirs else _no_keys()
        if same_keys:
            union, row_a = keys_a, np.arange(len(keys_a))
            row_b = row_a
        else:
            union, row_a, row_b = merge_order(keys_a, keys_b)
        before = self._values(ours, self.type_before, len(keys_a))
        after = self._values(theirs, self.type_after, len(keys_b))
        prov_a = load_prov(self.reader, ours) if self.provenance and ours else None
        prov_b = load_prov(self.reader, theirs) if self.provenance and theirs else None
        ops = np.where(row_a < 0, ADDED, np.where(row_b < 0, REMOVED, CHANGED)).astype("S1")
        keep = np.ones(len(union), np.bool_)
        both = np.flatnonzero((row_a >= 0) & (row_b >= 0))
        if self.keys_only:
            keep[both] = False
        elif self.comparable and len(both):
            same = both[~differing_rows(before.take(row_a[both]), after.take(row_b[both]))]
            ops[same] = REMADE
            keep[same] = False
            if prov_a is not None and prov_b is not None:
                keep[same] = _other_prov(prov_a.take(row_a[same]), prov_b.take(row_b[same]))
        rows = np.flatnonzero(keep)
        row_a, row_b = row_a[rows], row_b[rows]
        return Changes(
            union.take(rows),
            ops[rows],
            before.take(row_a),
            after.take(row_b),
            _take_prov(prov_a, row_a) if self.provenance else None,
            _take_prov(prov_b, row_b) if self.provenance else None,
        )

    def _compare_pairs(self, pairs: list[tuple[ChunkEntry, ChunkEntry]]) -> Iterator[Changes]:
        """Compare the values of chunks that have the same keys; reads keys only of chunks that differ."""
        if not pairs:
            return
        ours = [a for a, _ in pairs]
        before = load_values(self.reader, ours, self.type_before)
        after = load_values(self.reader, [b for _, b in pairs], self.type_after)
        rows = np.flatnonzero(differing_rows(before, after))
        ends = np.cumsum([entry.count for entry in ours])
        hit = np.unique(np.searchsorted(ends, rows, side="right"))
        if len(hit) == 0:
            return
        keys = load_keys(self.reader, [ours[i] for i in hit.tolist()])
        # A row's place among the keys that were read: the chunks left out before it do not count.
        counts = np.array([entry.count for entry in ours])
        left_out = np.cumsum(np.where(np.isin(np.arange(len(ours)), hit), 0, counts))
        at = rows - left_out[np.searchsorted(ends, rows, side="right")]
        yield Changes(keys.take(at), np.full(len(rows), CHANGED, "S1"), before.take(rows), after.take(rows))

    def _values(self, chunks: list[ChunkEntry], type_: Type, count: int) -> Column:
        if self.keys_only or not chunks:
            return null_column(type_.physical, count)
        return load_values(self.reader, chunks, type_)


class _Run:
    """Consecutive chunks of one side."""

    def __init__(self, side: _Side) -> None:
        self.side = side
        self.chunks: list[ChunkEntry] = []

    @property
    def last(self) -> bytes | None:
        return self.chunks[-1].last if self.chunks else None

    def grow(self) -> bool:
        """Take one more chunk; False where there is none."""
        entry = self.side.chunk()
        if entry is not None:
            self.chunks.append(entry)
        return entry is not None


def _no_keys() -> Keys:
    return Keys.of_bytes([])


def _take_prov(prov: ProvColumn | None, rows: Index) -> ProvColumn:
    if prov is None or prov.length == 0:
        return ProvColumn((), np.full(len(rows), -1, np.int32), len(rows))
    return ProvColumn(prov.table, np.where(rows < 0, np.int32(-1), prov.rows[np.maximum(rows, 0)]), len(rows))


def _other_prov(a: ProvColumn, b: ProvColumn) -> npt.NDArray[np.bool_]:
    """Return which rows of two provenance columns of one length differ."""
    joined = concat_prov([a, b]).rows
    return np.asarray(joined[: a.length] != joined[a.length :])


def _concat(parts: list[Changes]) -> Changes:
    if len(parts) == 1:
        return parts[0]
    provs_a = [part.prov_before for part in parts if part.prov_before is not None]
    provs_b = [part.prov_after for part in parts if part.prov_after is not None]
    return Changes(
        concat_keys([part.keys for part in parts]),
        np.concatenate([part.ops for part in parts]),
        concat([part.before for part in parts]),
        concat([part.after for part in parts]),
        concat_prov(provs_a) if provs_a else None,
        concat_prov(provs_b) if provs_b else None,
    )
