"""Making a signal from end to end by the chunks of one of its inputs, mostly without reading a key.

Where trees are cut depends on keys alone, so signals of the same sources have the same key objects, and where they
differ by a few sources, all but a few chunks have.  Values of such chunks are zipped as they are; only where the keys
differ sources are looked up.  The result has the chunks of that input and shares its key objects; sources that have no
record after all are taken out in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np

from dsvc.engine.reading.changes import iter_added
from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.flagged import merge_flagged
from dsvc.engine.reading.inputs import Inputs
from dsvc.engine.reading.probe import Probe
from dsvc.objects.access import Writer
from dsvc.objects.boundary import U64
from dsvc.objects.build import build_up
from dsvc.objects.chunk import load_keys
from dsvc.objects.column import Column, concat
from dsvc.objects.encoding import put_object
from dsvc.objects.join import JoinedColumn
from dsvc.objects.keys import Keys
from dsvc.objects.node import ChunkEntry, count_of, get_node, value_id_of
from dsvc.objects.oid import Kind
from dsvc.objects.pieces import MAX_VALUE_BYTES, Part, Weigher, parts_of, read_chunks, write_values
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type

ROWS = 524_288
"""Rows of a batch, about."""
BYTES = 64 * 1024 * 1024
"""Weight of the values of a batch, about."""
_MOST_LOOKED_UP = 0.25
"""Share of chunks whose keys may differ; beyond, reading end to end is faster."""


@dataclass(frozen=True)
class _Aligned:
    """One input beside the chunks of the base."""

    signal: Signal
    type: Type
    chunks: Sequence[ChunkEntry | None]
    """For each chunk of the base the input's chunk of the same keys, None where it has none."""


class Alignment:
    """How the inputs of a step stand to the chunks of one signal, whose sources are all that can have a record.

    Args:
        inputs: The inputs.
        base: The chunks.
        aligned: The inputs' signals beside them, by name.
    """

    def __init__(self, inputs: Inputs, base: Sequence[ChunkEntry], aligned: Mapping[str, _Aligned]) -> None:
        self._inputs, self._base, self._aligned = inputs, base, aligned

    @classmethod
    def find(cls, inputs: Inputs, sparse: Collection[str] = ()) -> Alignment | None:
        """Return the alignment of inputs; None where reading them end to end is the better way.

        Where every source of the version has a record, those that the largest signal lacks are left to the caller.

        Args:
            inputs: The inputs.
            sparse: Names of inputs that few sources have, which are looked up rather than read from end to end.
        """
        base = base_of(inputs)
        if base is None or inputs.has_circumstances:
            return None
        chunks = list(Tree(inputs.reader, base).nodes().chunks())
        aligned = {}
        for name, signal in inputs.signals.items():
            if signal is not None:
                own = {entry.keys: entry for entry in Tree(inputs.reader, signal).nodes().chunks()}
                beside = [own.get(entry.keys) for entry in chunks]
                if name not in sparse and beside.count(None) > max(_MOST_LOOKED_UP * len(chunks), 1):
                    return None
                aligned[name] = _Aligned(signal, Type.decode(signal.type), beside)
        return cls(inputs, chunks, aligned)

    def batches(self) -> Iterator[tuple[Sequence[ChunkEntry], Columns]]:
        """Yield chunks of the base, in order, and the inputs of their sources; not all of these need be complete."""
        start = 0
        while start < len(self._base):
            stop, rows = start, 0
            while stop < len(self._base) and rows < ROWS:
                rows += self._base[stop].count
                stop += 1
            parts = {name: self._parts(aligned, start, stop) for name, aligned in self._aligned.items()}
            weights = np.zeros(stop - start)
            for chunks in parts.values():
                weights += [_weigh(chunk) for chunk in chunks]
            n_chunks = max(1, int(np.searchsorted(np.cumsum(weights), BYTES, side="right")))
            entries = self._base[start : min(start + n_chunks, stop)]
            columns = {
                name: self._read(self._aligned[name], chunks[: len(entries)], start) for name, chunks in parts.items()
            }
            length = sum(entry.count for entry in entries)
            yield entries, Columns(self._inputs, columns, length, partial(load_keys, self._inputs.reader, entries))
            start += len(entries)

    def _parts(self, aligned: _Aligned, start: int, stop: int) -> list[Sequence[Part]]:
        """Return the parts of an input's chunks; none for a chunk that it has not."""
        chunks = aligned.chunks[start:stop]
        found = iter(parts_of(self._inputs.reader, [entry for entry in chunks if entry is not None]))
        return [[] if entry is None else next(found) for entry in chunks]

    def _read(self, aligned: _Aligned, parts: Sequence[Sequence[Part]], start: int) -> JoinedColumn:
        """Return an input's values for the chunks of the base from `start` on, of which it has these parts."""
        reader = self._inputs.reader
        if all(parts):
            return JoinedColumn(read_chunks(reader, parts, aligned.type), None)
        columns, present = [], []
        at = start
        for is_there, run in groupby(parts, key=bool):
            some = list(run)
            if is_there:
                columns.append(read_chunks(reader, some, aligned.type))
                present.append(np.ones(columns[-1].length, np.bool_))
            else:
                keys = load_keys(reader, self._base[at : at + len(some)])
                found = Probe(reader, keys).read(aligned.signal)
                columns.append(found.column)
                present.append(np.ones(len(keys), np.bool_) if found.present is None else found.present)
            at += len(some)
        return JoinedColumn(concat(columns), np.concatenate(present))


def base_of(inputs: Inputs) -> Signal | None:
    """Return the signal whose sources are all that can have a record; None where no one signal has them.

    The smallest required input; where every source has a record, the largest of the signals that say which there are.
    """
    if inputs.sources is not None:
        return max((signal for _, signal in inputs.sources.values()), key=lambda signal: signal.count, default=None)
    required = [item.signal for item in inputs.required if item.signal is not None]
    return min(required, key=lambda signal: signal.count, default=None)


def iter_beyond(inputs: Inputs) -> Iterator[Keys]:
    """Yield the sources of the version that the base lacks, where every source has a record."""
    base = base_of(inputs)
    if base is not None and inputs.sources is not None:
        others = [signal for _, signal in inputs.sources.values() if signal.tree != base.tree]
        streams = [iter_added(inputs.reader, base, signal) for signal in others]
        for flagged in merge_flagged(streams) if streams else ():
            yield flagged.keys


def _weigh(parts: Sequence[Part]) -> int:
    return sum(part.weight or MAX_VALUE_BYTES for part in parts)


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
            hashes = self._hashes_of(entry)
            value = write_values(self._writer, values, self._type, start, stop, hashes, weigher)
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
