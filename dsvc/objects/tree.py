"""Signal trees: Merkle trees over the chunks of one signal, and how they are read.

The lowest nodes have level 1 and list chunks; level 1 always exists; the root is the lowest level with one node.
Reading costs the nodes and chunks that hold what is asked for.

Source: docs/format.md#trees.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dsvc.errors import ObjectFormatError
from dsvc.objects.access import Reader
from dsvc.objects.arrays import to_arrow
from dsvc.objects.chunk import ProvColumn, Records, concat_records, iter_batches, load_keys, load_prov
from dsvc.objects.encoding import get_object
from dsvc.objects.keys import Keys, bisect_keys
from dsvc.objects.node import ChunkEntry, LowestNode, Node, NodeEntry, get_node
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.pieces import take_values
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.types import Type

Path = tuple[int, ...]
"""Where a node or chunk stands: the indexes to follow from the root; the root's path is empty."""

ROWS_PER_BATCH = 131_072


class TreeNodes:
    """The nodes of one tree by path, each read at most once."""

    def __init__(self, reader: Reader, root: Oid) -> None:
        self._reader = reader
        self._nodes: dict[Path, Node] = {(): get_node(reader, root)}
        self.height: int = self._nodes[()].level
        """Level of the root; the path of a chunk has that many indexes."""

    def node(self, path: Path) -> Node:
        """Return the node at a path."""
        node = self._nodes.get(path)
        if node is None:
            parent = self.node(path[:-1])
            entry = parent.entries[path[-1]]
            if not isinstance(entry, NodeEntry):
                raise ObjectFormatError(kind="node", reason=f"path {path} leads below the lowest node")
            node = get_node(self._reader, entry.child)
            if node.level != parent.level - 1:
                raise ObjectFormatError(kind="node", reason=f"level {node.level} below level {parent.level}")
            self._nodes[path] = node
        return node

    def chunk(self, path: Path) -> ChunkEntry:
        """Return the entry of the chunk at a path."""
        entry = self.node(path[:-1]).entries[path[-1]]
        assert isinstance(entry, ChunkEntry)
        return entry

    def neighbour(self, path: Path, step: int) -> Path | None:
        """Return the path of the node or chunk before (-1) or after (+1) one on its level, if there is any."""
        if not path:
            return None
        beside = path[-1] + step
        if 0 <= beside < len(self.node(path[:-1]).entries):
            return (*path[:-1], beside)
        parent = self.neighbour(path[:-1], step)
        if parent is None:
            return None
        return (*parent, 0 if step > 0 else len(self.node(parent).entries) - 1)

    def locate(self, keys: Sequence[bytes]) -> Iterator[tuple[Path, int, int]]:
        """Find the chunks that hold, or would hold, ascending keys.

        A key belongs to the first chunk whose last key is not below it, else to the last chunk.

        Yields:
            The path of each such chunk, in order, and the range of `keys` that belongs to it.
        """
        if len(keys) and self.node(()).entries:
            yield from self._locate((), keys, 0, len(keys))

    def _locate(self, path: Path, keys: Sequence[bytes], low: int, high: int) -> Iterator[tuple[Path, int, int]]:
        node = self.node(path)
        lasts = [entry.last for entry in node.entries]
        at = 0
        while low < high:
            at = bisect_left(lasts, keys[low], at)
            if at >= len(lasts) - 1:
                at, stop = len(lasts) - 1, high
            else:
                stop = count_up_to(keys, lasts[at], low, high)
            if isinstance(node, LowestNode):
                yield (*path, at), low, stop
            else:
                yield from self._locate((*path, at), keys, low, stop)
            low = stop
            at += 1

    def chunks(self, start: bytes | None = None, stop: bytes | None = None) -> Iterator[ChunkEntry]:
        """Yield the entries of the chunks that may hold keys from `start` on and below `stop`, in order."""
        yield from self._chunks((), start, stop)

    def _chunks(self, path: Path, start: bytes | None, stop: bytes | None) -> Iterator[ChunkEntry]:
        entries = self.node(path).entries
        at = 0 if start is None else bisect_left([entry.last for entry in entries], start)
        for i in range(at, len(entries)):
            if stop is not None and i > 0 and entries[i - 1].last >= stop:
                return
            entry = entries[i]
            if isinstance(entry, ChunkEntry):
                yield entry
            else:
                child = (*path, i)
                yield from self._chunks(child, start, stop)
                # A pass over a whole tree would keep every node otherwise.
                self._nodes.pop(child, None)


def count_up_to(keys: Sequence[bytes], last: bytes, low: int, high: int) -> int:
    """Return the first index from `low` to `high` whose key is above `last`."""
    at = bisect_keys(keys, last, low, high)
    return at + 1 if at < high and keys[at] == last else at


@dataclass(frozen=True, slots=True)
class Rows:
    """Some records of a signal, in order of their sources."""

    sources: pa.StringArray
    """Strictly ascending UTF-8 bytes, no nulls."""
    values: pa.Array
    """Of the signal's type; a null value is a record."""
    provenance: ProvColumn | None = None


class Tree:
    """A signal's records, read through its tree. Immutable; reads nothing before it is asked."""

    def __init__(self, reader: Reader, signal: Signal) -> None:
        self.reader = reader
        self.signal = signal
        self.type = Type.decode(signal.type)

    @property
    def count(self) -> int:
        """Records."""
        return self.signal.count

    @property
    def root(self) -> Oid:
        """Id of the root node."""
        return self.signal.tree

    @property
    def value_id(self) -> Oid:
        """Names keys and values alone."""
        return self.signal.value_id

    def nodes(self) -> TreeNodes:
        """Return the nodes of the tree, for walks."""
        return TreeNodes(self.reader, self.signal.tree)

    def rows(
        self,
        start: str | None = None,
        stop: str | None = None,
        *,
        provenance: bool = False,
        rows_per_batch: int = ROWS_PER_BATCH,
    ) -> Iterator[Rows]:
        """Yield the records from `start` on and below `stop`, in order, in batches of whole chunks.

        Args:
            start: First source, inclusive; from the beginning by default.
            stop: Last source, exclusive; to the end by default.
            provenance: Whether to read provenance too.
            rows_per_batch: Rows of a batch, about; one chunk at least, fewer where values are heavy.
        """
        first, end = _encoded(start), _encoded(stop)
        for batch in iter_batches(self.reader, self.nodes().chunks(first, end), rows_per_batch):
            keys, values = load_keys(self.reader, batch.entries), batch.values(self.type)
            prov = load_prov(self.reader, batch.entries) if provenance else None
            low = 0 if first is None else bisect_keys(keys, first)
            high = len(keys) if end is None else bisect_keys(keys, end, low)
            if low < high:
                whole = (low, high) == (0, len(keys))
                yield Rows(
                    keys.arrow if whole else keys.slice(low, high).arrow,
                    to_arrow(values if whole else values.slice(low, high)),
                    prov and prov.slice(low, high),
                )

    def records(self, probe: Keys) -> Records | None:
        """Return the records of those of the ascending `probe` keys that have one; None where none has."""
        nodes = self.nodes()
        found = []
        for path, low, high in nodes.locate(probe):
            entry = nodes.chunk(path)
            keys = load_keys(self.reader, [entry])
            at, present = keys.search(probe.slice(low, high))
            if present.any():
                rows = at[present]
                values = take_values(self.reader, entry, rows, self.type)
                found.append(Records(keys.take(rows), values, load_prov(self.reader, [entry]).take(rows)))
        return concat_records(found) if found else None

    def take(self, sources: pa.Array | Keys) -> Rows:
        """Return the records of those of the ascending `sources` that have one, with provenance."""
        records = self.records(Keys.of(sources))
        if records is None:
            return Rows(pa.array([], pa.string()), pa.array([], self.type.arrow), ProvColumn((), None, 0))
        return Rows(records.keys.arrow, to_arrow(records.values), records.prov)

    def get(self, source: str) -> tuple[pa.Scalar, Provenance] | None:
        """Return the value and provenance of one source, or None where it has no record."""
        records = self.records(Keys.of_bytes([source.encode()]))
        if records is None:
            return None
        provenance = get_object(self.reader, records.prov.oids()[0], Kind.PROVENANCE, Provenance)
        return to_arrow(records.values)[0], provenance

    def has(self, probe: Keys) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which of the ascending `probe` keys have a record, shape (len(probe),); reads no values."""
        nodes = self.nodes()
        present = np.zeros(len(probe), np.bool_)
        for path, low, high in nodes.locate(probe):
            _, present[low:high] = load_keys(self.reader, [nodes.chunk(path)]).search(probe.slice(low, high))
        return present


def _encoded(source: str | None) -> bytes | None:
    return None if source is None else source.encode()
