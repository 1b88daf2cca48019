"""Editing a signal tree: the touched chunks and the nodes above them are made again, everything else is shared.

The result is the tree that a build from scratch would give, whatever the order and batching of edits: cuts depend on
the set of keys alone, and an insert or removal can move them only within w + 1 rows.  So a run of touched chunks,
with one whole chunk on each side, is cut again as if it were everything, and spliced in; the same at each level.

Source: docs/format.md#trees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dsvc.objects.access import Writer
from dsvc.objects.arrays import normalise
from dsvc.objects.build import build_up, cut_chunks, cut_nodes, write_node
from dsvc.objects.chunk import (
    ProvColumn,
    Records,
    concat_prov,
    iter_batches,
    load_keys,
    load_prov,
    write_prov,
)
from dsvc.objects.column import Index, Mask, concat, differing_rows
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys, merge_order
from dsvc.objects.node import (
    ChunkEntry,
    Entry,
    count_of,
    get_node,
    make_node,
    value_id_of,
)
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.pieces import patch_values
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Path, TreeNodes, count_up_to
from dsvc.objects.types import Type

_BLOCK_ROWS = 131_072
"""Rows that are merged and cut at a time, so that an edit's memory does not grow with the tree."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Records to put and sources to remove; a source is in one of them at most."""

    upserts: Records | None = None
    removals: Keys | None = None

    @classmethod
    def of_arrow(
        cls,
        writer: Writer,
        type_: Type,
        sources: pa.Array | pa.ChunkedArray | Keys,
        values: pa.Array | pa.ChunkedArray,
        provenance: Provenance,
    ) -> Edit:
        """Return the edit that puts Arrow values of one provenance, by strictly ascending sources."""
        keys = Keys.of(sources)
        oid = put_object(writer, Kind.PROVENANCE, provenance)
        return cls(Records(keys, normalise(values, type_.physical), ProvColumn.constant(oid, len(keys))))


@dataclass(frozen=True, slots=True)
class EditResult:
    """A signal after an edit, and what the edit did to it."""

    signal: Signal | None
    """None when no record is left."""
    added: int = 0
    changed: int = 0
    """Records whose value differs."""
    removed: int = 0
    same: int = 0
    """Records put with the value they had; their provenance may be new."""


@dataclass(slots=True)
class _Counts:
    added: int = 0
    changed: int = 0
    removed: int = 0
    same: int = 0


@dataclass(slots=True)
class _Touched:
    """A chunk that an edit touches: the ranges of upserts and removals that belong to it."""

    upserts: tuple[int, int] = (0, 0)
    removals: tuple[int, int] = (0, 0)


Replaced = dict[Path, tuple[Sequence[Entry], bool]]
"""What stands now where a chunk or node stood, and whether its last keys differ, so that its parent is cut anew."""


def edit_tree(writer: Writer, signal: Signal | None, type_: Type, edit: Edit) -> EditResult:
    """Apply an edit to a signal.

    Costs the chunks that hold the edit's sources, one more on each side of inserts and removals, and the nodes above.
    Equal values and provenance give the signal back as it was.

    Args:
        writer: Reads the old tree and takes the new objects.
        signal: The signal before; None when it has no records.
        type_: Its type, physically that of `signal`.
        edit: Strictly ascending, disjoint upserts and removals.

    Raises:
        ValueError: If the edit is not as it must be, so that the objects made of it would be wrong.
    """
    _check(edit, type_)
    counts = _Counts()
    if signal is None or signal.count == 0:
        if edit.upserts is None or len(edit.upserts) == 0:
            return EditResult(None)
        counts.added = len(edit.upserts)
        entries = cut_chunks(writer, type_, [edit.upserts])
        return _finish(writer, type_, build_up(writer, 1, entries), counts)
    root = _Editor(writer, signal, type_, edit, counts).run()
    return _finish(writer, type_, root, counts)


def _check(edit: Edit, type_: Type) -> None:
    upserts = edit.upserts
    if upserts is not None and upserts.values.physical != type_.physical:
        raise ValueError(f"values are {Type(upserts.values.physical)}, the signal is {type_}")
    if upserts is not None and not len(upserts.keys) == upserts.values.length == upserts.prov.length:
        raise ValueError(f"{len(upserts.keys)} sources, {upserts.values.length} values, {upserts.prov.length} origins")
    for keys in (None if upserts is None else upserts.keys, edit.removals):
        # The hashes of keys in another order would be wrong, and so would every id.
        if keys is not None and not keys.ascending:
            raise ValueError("sources are not in strictly ascending order of their bytes")


def _finish(writer: Writer, type_: Type, root: Oid | None, counts: _Counts) -> EditResult:
    signal = None
    if root is not None:
        node = get_node(writer, root)
        signal = Signal(type_.encoded, root, value_id_of(node), count_of(node))
    return EditResult(signal, counts.added, counts.changed, counts.removed, counts.same)


class _Editor:
    """One edit of one tree."""

    def __init__(self, writer: Writer, signal: Signal, type_: Type, edit: Edit, counts: _Counts) -> None:
        self.writer, self.type, self.edit, self.counts = writer, type_, edit, counts
        self.root = signal.tree
        self.nodes = TreeNodes(writer, signal.tree)

    def run(self) -> Oid | None:
        """Return the root of the edited tree, None when nothing is left."""
        replaced = self._edit_chunks()
        if not replaced:
            return self.root
        for depth in range(self.nodes.height - 1, 0, -1):
            replaced = self._edit_nodes(replaced, depth)
        return self._edit_root(replaced)

    # --- chunks ---

    def _edit_chunks(self) -> Replaced:
        touched = self._touched()
        positions: dict[Path, Index] = {}
        structural: set[Path] = set()
        for path in sorted(touched):
            at = self._positions(path, touched[path])
            if at is None:
                structural.add(path)
            elif len(at):
                positions[path] = at
        replaced: Replaced = {}
        clustered: set[Path] = set()
        for cluster in self._clusters(structural):
            clustered.update(cluster)
            old = [self.nodes.chunk(path) for path in cluster]
            self._splice(replaced, cluster, old, cut_chunks(self.writer, self.type, self._merged(cluster, touched)))
        for path, at in positions.items():
            if path not in clustered:
                patched = self._patch(self.nodes.chunk(path), touched[path].upserts, at)
                if patched != self.nodes.chunk(path):
                    replaced[path] = ([patched], False)
        return replaced

    def _touched(self) -> dict[Path, _Touched]:
        """Return the chunks that the edit's sources belong to."""
        touched: dict[Path, _Touched] = {}
        if self.edit.upserts is not None:
            for path, low, high in self.nodes.locate(self.edit.upserts.keys):
                touched.setdefault(path, _Touched()).upserts = (low, high)
        if self.edit.removals is not None:
            for path, low, high in self.nodes.locate(self.edit.removals):
                touched.setdefault(path, _Touched()).removals = (low, high)
        return touched

    def _positions(self, path: Path, touched: _Touched) -> Index | None:
        """Return the rows of a chunk that the upserts replace; None where the edit adds or removes keys."""
        keys = load_keys(self.writer, [self.nodes.chunk(path)])
        at: Index = np.empty(0, np.int64)
        if self.edit.upserts is not None and touched.upserts[0] < touched.upserts[1]:
            at, found = keys.search(self.edit.upserts.keys.slice(*touched.upserts))
            if not found.all():
                return None
        if self.edit.removals is not None and touched.removals[0] < touched.removals[1]:
            _, found = keys.search(self.edit.removals.slice(*touched.removals))
            if found.any():
                return None
        return at

    def _patch(self, entry: ChunkEntry, upserts: tuple[int, int], at: Index) -> ChunkEntry:
        """Put upserts into the rows `at` of a chunk whose keys stay."""
        assert self.edit.upserts is not None
        new = self.edit.upserts.slice(*upserts)
        value, differs = patch_values(
            self.writer, entry, self.type, at, new.values, lambda: load_keys(self.writer, [entry]).hashes
        )
        self._count_changed(differs)
        prov = _put_prov(load_prov(self.writer, [entry]), at, new.prov)
        return ChunkEntry(entry.last, entry.count, entry.keys, value, write_prov(self.writer, prov, 0, entry.count))

    def _count_changed(self, differs: Mask) -> None:
        changed = int(differs.sum())
        self.counts.changed += changed
        self.counts.same += len(differs) - changed

    def _merged(self, cluster: Sequence[Path], touched: dict[Path, _Touched]) -> Iterator[Records]:
        """Yield the records of a run of chunks after the edit, in blocks."""
        entries = [self.nodes.chunk(path) for path in cluster]
        start = 0
        for batch in iter_batches(self.writer, entries, _BLOCK_ROWS):
            records = batch.records(self.type)
            stop = start + len(batch.entries)
            hits = [touched[path] for path in cluster[start:stop] if path in touched]
            start = stop
            removals = _span([hit.removals for hit in hits])
            if self.edit.removals is not None and removals is not None:
                records = self._without(records, self.edit.removals.slice(*removals))
            upserts = _span([hit.upserts for hit in hits])
            if self.edit.upserts is not None and upserts is not None:
                yield from self._merge(records, self.edit.upserts, *upserts)
            else:
                yield records

    def _without(self, records: Records, gone: Keys) -> Records:
        at, found = records.keys.search(gone)
        keep = np.ones(len(records), np.bool_)
        keep[at[found]] = False
        self.counts.removed += int(found.sum())
        return records.take(np.flatnonzero(keep))

    def _merge(self, old: Records, upserts: Records, low: int, high: int) -> Iterator[Records]:
        """Yield `old` with upserts low to high merged in; what lies beyond the last old key comes unmerged."""
        within = low
        if len(old):
            within = count_up_to(upserts.keys, old.keys[-1], low, high)
            new = upserts.slice(low, within)
            if len(new):
                union, row, new_row = merge_order(old.keys, new.keys)
                self.counts.added += int((row < 0).sum())
                both = np.flatnonzero((row >= 0) & (new_row >= 0))
                self._count_changed(differing_rows(old.values.take(row[both]), new.values.take(new_row[both])))
                pick = np.where(new_row >= 0, new_row + len(old), row)
                old = Records(
                    union,
                    concat([old.values, new.values]).take(pick),
                    concat_prov([old.prov, new.prov]).take(pick),
                )
            yield old
        self.counts.added += high - within
        for start in range(within, high, _BLOCK_ROWS):
            yield upserts.slice(start, min(start + _BLOCK_ROWS, high))

    # --- nodes ---

    def _clusters(self, structural: set[Path]) -> Iterator[list[Path]]:
        """Yield runs of paths of one level: those to be cut anew, and one on each side; runs share no path."""
        run: list[Path] = []
        for path in sorted(structural):
            before = self.nodes.neighbour(path, -1)
            if run and before is not None and before > run[-1]:
                yield run
                run = []
            for candidate in (before, path, self.nodes.neighbour(path, 1)):
                if candidate is not None and (not run or candidate > run[-1]):
                    run.append(candidate)
        if run:
            yield run

    def _edit_nodes(self, below: Replaced, depth: int) -> Replaced:
        """Make the nodes whose paths have `depth` indexes again, from what was replaced below them."""
        replaced: Replaced = {}
        structural: set[Path] = set()
        parents: dict[Path, bool] = {}
        for path, (_, moved) in below.items():
            parents[path[:-1]] = parents.get(path[:-1], False) or moved
        for path in sorted(parents):
            if parents[path]:
                structural.add(path)
            else:
                node = make_node(self.nodes.node(path).level, self._entries(path, below))
                replaced[path] = ([write_node(self.writer, node)], False)
        for cluster in self._clusters(structural):
            level = self.nodes.node(cluster[0]).level
            old = [self._entry_of(path) for path in cluster]
            entries = [entry for path in cluster for entry in self._entries(path, below)]
            self._splice(replaced, cluster, old, cut_nodes(self.writer, level, entries))
        return replaced

    def _edit_root(self, below: Replaced) -> Oid | None:
        entries = self._entries((), below)
        if not entries:
            return None
        return build_up(self.writer, self.nodes.height, entries)

    def _entry_of(self, path: Path) -> Entry:
        return self.nodes.node(path[:-1]).entries[path[-1]]

    def _entries(self, path: Path, below: Replaced) -> list[Entry]:
        """Return the entries of a node, with what was replaced below it."""
        old: Sequence[Entry] = self.nodes.node(path).entries
        entries: list[Entry] = []
        for i, entry in enumerate(old):
            new = below.get((*path, i))
            entries.extend([entry] if new is None else new[0])
        return entries

    def _splice(self, replaced: Replaced, cluster: Sequence[Path], old: Sequence[Entry], new: Sequence[Entry]) -> None:
        """Let `new` stand where the nodes or chunks of `cluster` stood."""
        if [entry.last for entry in old] == [entry.last for entry in new]:
            for path, before, entry in zip(cluster, old, new, strict=True):
                if entry != before:
                    replaced[path] = ([entry], False)
            return
        for path in cluster:
            replaced[path] = ((), True)
        replaced[cluster[0]] = (new, True)


def _put_prov(old: ProvColumn, at: Index, new: ProvColumn) -> ProvColumn:
    if old.index is None and new.index is None and old.table[0] == new.table[0]:
        return old
    pick = np.arange(old.length)
    pick[at] = old.length + np.arange(new.length)
    return concat_prov([old, new]).take(pick)


def _span(ranges: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """Return the range from the first to the last of consecutive ranges; None where all are empty."""
    filled = [(low, high) for low, high in ranges if low < high]
    return (filled[0][0], filled[-1][1]) if filled else None
