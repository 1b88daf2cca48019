"""Making a signal from signals that have exactly the same sources, chunk by chunk, without reading a key.

Where trees are cut depends on keys alone, so the result has the chunks of its inputs: it shares their key objects, and
only values are read and written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from dsvc.engine.columns import Columns
from dsvc.engine.inputs import Inputs
from dsvc.objects.access import Reader, Writer
from dsvc.objects.boundary import U64
from dsvc.objects.build import build_up
from dsvc.objects.chunk import load_keys
from dsvc.objects.column import Column
from dsvc.objects.encoding import put_object
from dsvc.objects.join import JoinedColumn
from dsvc.objects.node import ChunkEntry, count_of, get_node, value_id_of
from dsvc.objects.oid import Kind
from dsvc.objects.pieces import Weigher, parts_of, read_chunks, runs_by_weight, write_values
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type

ROWS = 524_288
"""Rows of a batch, about."""


class Alignment:
    """Signals whose chunks have the same keys.

    Args:
        reader: Gives the objects.
        chunks: The chunks of each signal, by name.
        types: The type of each.
    """

    def __init__(self, reader: Reader, chunks: Mapping[str, Sequence[ChunkEntry]], types: Mapping[str, Type]) -> None:
        self._reader, self._chunks, self._types = reader, chunks, types

    @classmethod
    def find(cls, inputs: Inputs) -> Alignment | None:
        """Return how inputs are aligned with each other, and with the sources that must have a record.

        Inputs that no source has do no harm. Inputs that name circumstances are not read this way.

        Returns:
            None if they are not aligned.
        """
        signals = {name: signal for name, signal in inputs.signals.items() if signal is not None}
        others = [signal for _, signal in (inputs.sources or {}).values()]
        everything = [*signals.values(), *others]
        if not signals or inputs.has_circumstances or len({signal.count for signal in everything}) != 1:
            return None
        chunks: dict[str, Sequence[ChunkEntry]] = {}
        for name, signal in signals.items():
            chunks[name] = list(Tree(inputs.reader, signal).nodes().chunks())
        first = [entry.keys for entry in next(iter(chunks.values()))]
        beside = (list(Tree(inputs.reader, signal).nodes().chunks()) for signal in others)
        if any([entry.keys for entry in entries] != first for entries in (*chunks.values(), *beside)):
            return None
        return cls(inputs.reader, chunks, {name: Type.decode(signal.type) for name, signal in signals.items()})

    def batches(self, inputs: Inputs) -> Iterator[tuple[Sequence[ChunkEntry], Columns]]:
        """Yield chunks of one of the signals, in order, and the inputs of their sources."""
        names = list(self._chunks)
        some = self._chunks[names[0]]
        start = 0
        while start < len(some):
            stop, rows = start, 0
            while stop < len(some) and rows < ROWS:
                rows += some[stop].count
                stop += 1
            parts = [parts_of(self._reader, self._chunks[name][start:stop]) for name in names]
            n_chunks = min(next(runs_by_weight(chunks))[1] for chunks in parts)
            columns = {
                name: JoinedColumn(read_chunks(self._reader, chunks[:n_chunks], self._types[name]), None)
                for name, chunks in zip(names, parts, strict=True)
            }
            entries = some[start : start + n_chunks]
            length = sum(entry.count for entry in entries)
            yield entries, Columns(inputs, columns, length, partial(load_keys, self._reader, entries))
            start += n_chunks


class AlignedOutput:
    """A signal under way that has the chunks of another.

    Args:
        writer: Takes the objects.
        type_: The type of its values.
        provenance: That of all of its records.
    """

    def __init__(self, writer: Writer, type_: Type, provenance: Provenance) -> None:
        self._writer, self._type = writer, type_
        self._provenance = put_object(writer, Kind.PROVENANCE, provenance)
        self._entries: list[ChunkEntry] = []

    def put(self, like: Sequence[ChunkEntry], values: Column) -> None:
        """Put values for the rows of some chunks, joined, which follow those put before."""
        weigher = Weigher(values)
        start = 0
        for entry in like:
            stop = start + entry.count
            value = write_values(
                self._writer,
                values,
                self._type,
                start,
                stop,
                self._hashes_of(entry),
                weigher,
            )
            self._entries.append(ChunkEntry(entry.last, entry.count, entry.keys, value, self._provenance))
            start = stop

    def _hashes_of(self, entry: ChunkEntry) -> Callable[[], U64]:
        return lambda: load_keys(self._writer, [entry]).hashes

    def finish(self) -> Signal | None:
        """Write the nodes and return the signal; None where it has no record."""
        if not self._entries:
            return None
        root = build_up(self._writer, 1, self._entries)
        node = get_node(self._writer, root)
        return Signal(self._type.encoded, root, value_id_of(node), count_of(node))
