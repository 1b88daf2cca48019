"""Two signal trees side by side: what is left of each, and runs of chunks that span the same keys.

A `Side` is what is left of one tree, a `Run` what is taken from it at a time.

Source: docs/format.md#trees.
"""

from __future__ import annotations

from collections.abc import Sequence

from dsvc.objects.access import Reader
from dsvc.objects.chunk import ProvColumn, load_keys, load_prov
from dsvc.objects.column import Column, null_column
from dsvc.objects.keys import Keys
from dsvc.objects.node import ChunkEntry, Entry, NodeEntry, get_node
from dsvc.objects.oid import Oid
from dsvc.objects.pieces import load_values
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import count_up_to
from dsvc.objects.types import Type


class Side:
    """One tree's nodes and chunks that are still to be compared, next first."""

    def __init__(self, reader: Reader, signal: Signal | None) -> None:
        self.reader = reader
        self.type = None if signal is None else Type.decode(signal.type)
        self._pending: list[tuple[int, Entry]] = []
        self.rest: tuple[ChunkEntry, int] | None = None
        """A chunk of which only the rows from a number on are still to be compared; it comes before all pending."""
        if signal is not None:
            self._push(signal.tree)

    def _push(self, oid: Oid) -> None:
        node = get_node(self.reader, oid)
        entries: Sequence[Entry] = node.entries
        self._pending.extend((node.level - 1, entry) for entry in reversed(entries))

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self.rest is None and not self._pending

    @property
    def head(self) -> tuple[int, Entry] | None:
        """The next node (its level) or chunk (0)."""
        return self._pending[-1] if self._pending else None

    def skip(self) -> None:
        """Leave out the next node or chunk."""
        self._pending.pop()

    def open(self) -> None:
        """Put the children of the next node in its place."""
        _, entry = self._pending.pop()
        assert isinstance(entry, NodeEntry)
        self._push(entry.child)

    def leave(self, entry: ChunkEntry, start: int) -> None:
        """Give a chunk back of which only the rows before `start` were compared."""
        if start:
            self.rest = entry, start
        else:
            self._pending.append((0, entry))

    def chunk(self) -> ChunkEntry | None:
        """Take the next chunk, opening the nodes above it."""
        while self._pending and self._pending[-1][0] > 0:
            self.open()
        if not self._pending:
            return None
        _, entry = self._pending.pop()
        assert isinstance(entry, ChunkEntry)
        return entry


class Run:
    """Consecutive chunks of one side, but for the first rows of the first and the last rows of the last."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.chunks: list[ChunkEntry] = []
        self.start, self.stop = 0, 0
        if side.rest is not None:
            entry, self.start = side.rest
            side.rest = None
            self._append(entry)

    def _append(self, entry: ChunkEntry) -> None:
        self.chunks.append(entry)
        self.stop += entry.count

    @property
    def last(self) -> bytes:
        """The last key; there is one chunk at least."""
        return self.chunks[-1].last

    def grow(self) -> bool:
        """Take one more chunk; False where there is none."""
        entry = self.side.chunk()
        if entry is not None:
            self._append(entry)
        return entry is not None

    def end_at(self, last: bytes) -> None:
        """Leave the rows above `last`, which are all in the last chunk, to the side."""
        begin = self.stop - self.chunks[-1].count
        stop = count_up_to(load_keys(self.side.reader, self.chunks), last, 0, self.stop)
        self.side.leave(self.chunks[-1], stop - begin)
        if stop == begin:
            self.chunks.pop()
        self.stop = stop

    def has_keys_of(self, other: Run) -> bool:
        """Return whether both are the same whole chunk of keys."""
        if len(self.chunks) != 1 or len(other.chunks) != 1 or self.chunks[0].keys != other.chunks[0].keys:
            return False
        return (self.start, self.stop) == (other.start, other.stop)

    def keys(self) -> Keys:
        """Return the run's keys."""
        if not self.chunks:
            return Keys.of_bytes([])
        return load_keys(self.side.reader, self.chunks).slice(self.start, self.stop)

    def values(self, type_: Type) -> Column:
        """Return the run's values, which are of `type_`."""
        if not self.chunks:
            return null_column(type_.physical, 0)
        return load_values(self.side.reader, self.chunks, type_).slice(self.start, self.stop)

    def prov(self) -> ProvColumn | None:
        """Return the provenance of the run; None for a run of no chunks."""
        return load_prov(self.side.reader, self.chunks).slice(self.start, self.stop) if self.chunks else None


def align(before: Side, after: Side, limit: int) -> tuple[Run, Run]:
    """Take chunks from both sides until both end at the same key, one side is done, or there are `limit` chunks.

    Every key up to the end of one run and above both runs' beginnings is in the runs, so that the sides stand right
    after the same key again.
    """
    ours, theirs = Run(before), Run(after)
    while True:
        if not ours.chunks or (theirs.chunks and ours.last < theirs.last):
            behind, ahead = ours, theirs
        elif not theirs.chunks or theirs.last < ours.last:
            behind, ahead = theirs, ours
        else:
            return ours, theirs
        if len(ours.chunks) + len(theirs.chunks) >= limit:
            if behind.chunks:
                ahead.end_at(behind.last)
            return ours, theirs
        # A side that is done never catches up: what the other has is compared as far as it was taken.
        if not behind.grow() and (behind.chunks or not ahead.grow()):
            return ours, theirs
