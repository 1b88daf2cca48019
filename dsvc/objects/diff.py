"""What differs between two versions of a signal: exact records, at a cost that follows the difference.

Two walks go through both trees side by side.  Where both stand right after the same key and their next nodes or
chunks have equal ids, both are skipped unread; else the higher is opened.

Source: docs/format.md#trees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsvc.objects.access import Reader
from dsvc.objects.arrays import to_arrow
from dsvc.objects.chunk import ProvColumn, concat_prov, load_keys
from dsvc.objects.column import Column, Index, concat, differing_rows, null_column, offsets_of
from dsvc.objects.keys import Keys, concat_keys, merge_order
from dsvc.objects.node import ChunkEntry, Entry, NodeEntry
from dsvc.objects.pieces import BYTES_AT_ONCE, Part, parts_of, read_parts
from dsvc.objects.snapshot import Signal
from dsvc.objects.walk import Run, Side, align

_ROWS_PER_BATCH = 65_536
_CHUNKS_AT_ONCE = 32
"""Chunks of each side that are compared at a time, about."""

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


class _Diff:
    def __init__(
        self, reader: Reader, before: Signal | None, after: Signal | None, *, provenance: bool, keys_only: bool
    ) -> None:
        self.reader, self.provenance, self.keys_only = reader, provenance, keys_only
        self.before, self.after = Side(reader, before), Side(reader, after)
        types = [side.type for side in (self.before, self.after) if side.type is not None]
        self.type_before, self.type_after = types[0], types[-1]
        self.comparable = types[0].physical == types[-1].physical

    def run(self) -> Iterator[Changes]:
        """Yield what differs, some chunks at a time."""
        pairs: list[tuple[ChunkEntry, ChunkEntry]] = []
        while not (self.before.done and self.after.done):
            if self._pass_by():
                continue
            ours, theirs = align(self.before, self.after, 2 * _CHUNKS_AT_ONCE)
            pair = self._pair(ours, theirs)
            if pair is not None:
                pairs.append(pair)
                if len(pairs) < _CHUNKS_AT_ONCE:
                    continue
            yield from self._compare_pairs(pairs)
            pairs = []
            if pair is None:
                changes = self._compare(ours, theirs)
                if len(changes):
                    yield changes
        yield from self._compare_pairs(pairs)

    def _pass_by(self) -> bool:
        """Skip what is equal, or open a node; return whether there was either to do.

        Both sides stand right after the same key, but where a part of a chunk is left.
        """
        a, b = self.before.head, self.after.head
        if a is None or b is None or self.before.rest is not None or self.after.rest is not None:
            return False
        if a[0] == b[0] and self._equal(a[1], b[1]):
            self.before.skip()
            self.after.skip()
            return True
        if a[0] > 0 or b[0] > 0:
            (self.before if a[0] >= b[0] else self.after).open()
            return True
        return False

    def _pair(self, ours: Run, theirs: Run) -> tuple[ChunkEntry, ChunkEntry] | None:
        """Return two chunks with the same keys, where that is all there is to compare, and by value alone."""
        if not self.comparable or self.provenance or self.keys_only or not ours.has_keys_of(theirs):
            return None
        return None if ours.start else (ours.chunks[0], theirs.chunks[0])

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

    def _compare(self, ours: Run, theirs: Run) -> Changes:
        """Compare two runs: every record of both."""
        keys_a = ours.keys()
        keys_b = keys_a if theirs.has_keys_of(ours) else theirs.keys()
        if keys_a is keys_b:
            union, row_a = keys_a, np.arange(len(keys_a))
            row_b = row_a
        else:
            union, row_a, row_b = merge_order(keys_a, keys_b)
        with_values = not self.keys_only
        before = ours.values(self.type_before) if with_values else null_column(self.type_before.physical, len(keys_a))
        after = theirs.values(self.type_after) if with_values else null_column(self.type_after.physical, len(keys_b))
        prov_a = ours.prov() if self.provenance else None
        prov_b = theirs.prov() if self.provenance else None
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

    def _compare_pairs(self, pairs: Sequence[tuple[ChunkEntry, ChunkEntry]]) -> Iterator[Changes]:
        """Compare the values of chunks that have the same keys: of pieces, only those that differ."""
        ours = parts_of(self.reader, [a for a, _ in pairs])
        theirs = parts_of(self.reader, [b for _, b in pairs])
        held: list[_Segment] = []
        weight = 0
        for (entry, _), parts_a, parts_b in zip(pairs, ours, theirs, strict=True):
            for segment in _segments(entry, parts_a, parts_b):
                held.append(segment)
                weight += segment.weight
                if weight >= BYTES_AT_ONCE:
                    yield from self._compare_segments(held)
                    held, weight = [], 0
        if held:
            yield from self._compare_segments(held)

    def _compare_segments(self, segments: Sequence[_Segment]) -> Iterator[Changes]:
        """Compare values; reads keys only of chunks that differ."""
        before = read_parts(self.reader, [part for segment in segments for part in segment.before], self.type_before)
        after = read_parts(self.reader, [part for segment in segments for part in segment.after], self.type_after)
        rows = np.flatnonzero(differing_rows(before, after))
        if len(rows) == 0:
            return
        begins = offsets_of(np.array([segment.stop - segment.start for segment in segments], np.int64))
        number = np.searchsorted(begins, rows, side="right") - 1
        # Keys that were read before those of each segment's chunk, and so the place of its first row among all.
        hit: dict[int, int] = {}
        entries: list[ChunkEntry] = []
        n_keys = 0
        for i in np.unique(number).tolist():
            entry = segments[i].entry
            if not entries or entries[-1] is not entry:
                entries.append(entry)
                n_keys += entry.count
            hit[i] = n_keys - entry.count + segments[i].start
        places = np.array([hit[i] for i in number.tolist()], np.int64)
        keys = load_keys(self.reader, entries).take(rows - begins[number] + places)
        yield Changes(keys, np.full(len(rows), CHANGED, "S1"), before.take(rows), after.take(rows))


@dataclass(frozen=True, slots=True)
class _Segment:
    """Rows start to stop of two chunks with the same keys, whose values are stored in these parts."""

    entry: ChunkEntry
    start: int
    stop: int
    before: Sequence[Part]
    after: Sequence[Part]

    @property
    def weight(self) -> int:
        return sum(part.weight or 0 for part in (*self.before, *self.after))


def _segments(entry: ChunkEntry, ours: Sequence[Part], theirs: Sequence[Part]) -> Iterator[_Segment]:
    """Yield what may differ between two chunks with the same keys."""
    if [part.stop for part in ours] != [part.stop for part in theirs]:
        yield _Segment(entry, 0, entry.count, ours, theirs)
        return
    for a, b in zip(ours, theirs, strict=True):
        if a.value != b.value:
            yield _Segment(entry, a.start, a.stop, [a], [b])


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
