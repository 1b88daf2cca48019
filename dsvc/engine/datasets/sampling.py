"""Keeping at most so many sources of some: of each group those of the lowest buckets.

A bucket is that of the pointer (`engine.splits`), so a source stays as long as it is among the lowest of its group,
whatever comes and goes beside it. What is kept follows from the candidates, what they are grouped by, and the sample's
own settings; `where` is no part of it, so an edited threshold is one more change of the candidates.

A change costs a look at which sources are candidates, and at `per`; a pointer is hashed only where its group has more
candidates than it may keep and one of them changed, and of those left out before only where one that was kept went.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsvc.engine.datasets.selection import MADE_BY, SELECTION
from dsvc.engine.datasets.splits import hash_keys, hash_sources
from dsvc.engine.reading.aligned import AlignedOutput
from dsvc.engine.reading.changes import iter_changed
from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.fields import Mask, is_null
from dsvc.engine.reading.flagged import Flagged
from dsvc.engine.reading.inputs import Input, Inputs, find_signal
from dsvc.engine.reading.probe import Probe
from dsvc.errors import DeriveError, SchemaError
from dsvc.objects.access import Reader, Writer
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.chunk import batched_chunks, load_keys
from dsvc.objects.column import Column
from dsvc.objects.keys import concat_keys
from dsvc.objects.node import ChunkEntry
from dsvc.objects.oid import Oid
from dsvc.objects.pieces import load_values
from dsvc.objects.snapshot import Signal
from dsvc.objects.trace import Trace
from dsvc.objects.tree import Tree
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import SampleSpec

CANDIDATES = InputPath("_candidates")
"""Names, among the inputs of a sample, the selection that it is taken of."""
_BEFORE = InputPath("_before")
"""What was kept before."""
ROWS = 262_144
"""Sources a batch, about."""
_MUCH = 2
"""Where more than one of so many sources changed, all are looked at anew;"""
_PER_KEPT = 4
"""and where more than one of so many sources changed for so many that are kept."""
_NOBODY = np.uint64(2**64 - 1)
"""The group of the candidates without a value to group them by: together, for a limit holds for them too."""

U64 = npt.NDArray[np.uint64]
Index = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]
Group = Callable[[Columns], pa.Array]
"""Evaluates `per` for some sources."""


@dataclass(frozen=True)
class _Candidates:
    """All candidates, in order of their sources."""

    rows: Index
    """Which source of the version each is, counted from 0."""
    groups: U64
    kept: Mask
    """Whether it was kept before, and nothing about it changed since."""
    changed: Mask


class Sampling:
    """One sample, bound to its candidates.

    Args:
        sample: What it keeps; `max` is given.
        inputs: `CANDIDATES`, and what `per` names.
        group: Evaluates `per`; None without one.
    """

    def __init__(self, sample: SampleSpec, inputs: Inputs, group: Group | None) -> None:
        self._most = sample.max or 0
        self._seed = sample.seed
        self.inputs = inputs
        self._group = group
        self._reader: Reader = inputs.reader

    @classmethod
    def bind(
        cls, sample: SampleSpec, inputs: Inputs, candidates: tuple[Oid, Signal | None], group: Group, reader: Reader
    ) -> Sampling:
        """Return a sample of some candidates, whose `per` is among a dataset's `inputs`."""
        oid, signal = candidates
        named = () if sample.per is None else sample.per.inputs
        items = [item for item in inputs.items if item.path in named]
        chosen = Input(CANDIDATES, is_required=True, signal_id=oid, signal=signal)
        per = None if sample.per is None else group
        return cls(sample, Inputs(reader, [chosen, *items], inputs.declared), per)

    def equals(self, trace: Trace) -> bool:
        """Tell whether a trace of this sample had equal inputs, by ids alone."""
        return Inputs.of_trace(self._reader, self.inputs, trace.inputs).key == self.inputs.key

    def make(self, base: Trace | None, writer: Writer) -> Signal | None:
        """Make the selection of what is kept, from that of a trace where there is one."""
        signal = self.inputs.signals[CANDIDATES.signal]
        if signal is None:
            return None
        before = None if base is None else find_signal(self._reader, base.output)
        touched = None
        if base is not None and before is not None:
            # What `per` cannot be told of as it was, such as a field that a signal has since, is looked at anew.
            with suppress(DeriveError, SchemaError):
                touched = self._touched(base)
        if touched is not None and touched[0] is not None and self._is_much(len(touched[0]), signal.count):
            touched = None
        chunks = list(batched_chunks(Tree(self._reader, signal).nodes().chunks(), ROWS))
        candidates = self._look(chunks, before, touched)
        chosen = self._choose(candidates, None if touched is None else touched[1], chunks)
        return self._write(chunks, chosen, writer)

    def _is_much(self, n_touched: int, n_sources: int) -> bool:
        """Tell whether so much changed that looking at all anew is the shorter way."""
        # With so many changes one that was kept has gone, most likely, and all that were left out are to be hashed.
        return n_touched * max(_MUCH, self._most // _PER_KEPT) > n_sources

    def _touched(self, base: Trace) -> tuple[Flagged | None, U64]:
        """Return the sources that changed since a trace, and the groups that any of them is or was in."""
        before = Inputs.of_trace(self._reader, self.inputs, base.inputs)
        runs, groups = [], [np.empty(0, np.uint64)]
        for run in iter_changed(before, self.inputs):
            runs.append(run)
            for inputs in (before, self.inputs):
                columns = inputs.take(Probe(self._reader, run.keys))
                inside = np.flatnonzero(~is_null(columns.column(CANDIDATES)))
                groups.append(self._groups(columns.take(inside)))
        keys = concat_keys([run.keys for run in runs]) if runs else None
        return (None if keys is None else Flagged.of(keys, 1)), np.unique(np.concatenate(groups))

    def _groups(self, columns: Columns) -> U64:
        if self._group is None or len(columns) == 0:
            return np.zeros(len(columns), np.uint64)
        values = self._group(columns)
        found = np.full(len(columns), _NOBODY, np.uint64)
        present = np.asarray(values.is_valid())
        found[present] = hash_keys(values.drop_null() if values.null_count else values)
        return found

    def _look(
        self, chunks: Sequence[Sequence[ChunkEntry]], before: Signal | None, touched: tuple[Flagged | None, U64] | None
    ) -> _Candidates:
        """Read which sources are candidates, their groups, and what was kept of them."""
        items = self.inputs.items
        if touched is not None and before is not None:
            items = (*items, Input(_BEFORE, is_required=False, signal=before))
        inputs = Inputs(self._reader, items, self.inputs.declared)
        changed = None if touched is None else touched[0]
        parts: list[_Candidates] = []
        first = 0
        for columns in inputs.over(load_keys(self._reader, entries) for entries in chunks):
            inside = np.flatnonzero(~is_null(columns.column(CANDIDATES)))
            chosen = columns.take(inside)
            is_changed = np.zeros(len(inside), np.bool_)
            kept = np.zeros(len(inside), np.bool_)
            if touched is not None:
                kept = ~is_null(chosen.column(_BEFORE))
                if changed is not None:
                    is_changed = changed.keys.search(columns.keys)[1][inside]
                kept &= ~is_changed
            parts.append(_Candidates(inside + first, self._groups(chosen), kept, is_changed))
            first += len(columns)
        return _Candidates(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.groups for part in parts]),
            np.concatenate([part.kept for part in parts]),
            np.concatenate([part.changed for part in parts]),
        )

    def _choose(self, found: _Candidates, touched: U64 | None, chunks: Sequence[Sequence[ChunkEntry]]) -> Index:
        """Return the rows of the candidates that are kept."""
        groups, inverse = np.unique(found.groups, return_inverse=True)
        number = inverse.astype(np.int32)
        del inverse
        size = np.bincount(number, minlength=len(groups))
        is_open = np.ones(len(groups), np.bool_) if touched is None else np.isin(groups, touched)
        # A group that nothing changed in keeps what it has, and one that is small enough keeps all.
        chosen = np.where(is_open[number], (size <= self._most)[number], found.kept)
        crowded = (is_open & (size > self._most))[number]
        hashed = crowded if touched is None else crowded & (found.kept | found.changed)
        buckets = np.full(len(number), _NOBODY, np.uint64)
        self._hash(buckets, hashed, found.rows, chunks)
        if touched is not None:
            rest = crowded & ~hashed & self._is_short(found, hashed, number, len(groups), buckets)[number]
            self._hash(buckets, rest, found.rows, chunks)
            hashed = hashed | rest
        at = np.flatnonzero(hashed)
        order = at[np.lexsort((buckets[at], number[at]))]  # stable: of equal buckets the lower pointer is first
        del buckets, at
        ordered = number[order]
        starts = np.searchsorted(ordered, np.arange(len(groups), dtype=np.int32))
        chosen[order[np.arange(len(order)) - starts[ordered] < self._most]] = True
        return found.rows[chosen]

    def _is_short(self, found: _Candidates, hashed: Mask, number: Numbers, n_groups: int, buckets: U64) -> Mask:
        """Return, per group, whether one that was left out before may have to come in.

        Each of those has a higher bucket than all that were kept. So as long as there are enough up to the highest
        bucket of these, it has not.
        """
        highest = np.zeros(n_groups, np.uint64)
        kept = hashed & found.kept
        np.maximum.at(highest, number[kept], buckets[kept])
        enough = hashed & (buckets <= highest[number])
        return np.bincount(number[enough], minlength=n_groups) < self._most

    def _hash(self, buckets: U64, wanted: Mask, rows: Index, chunks: Sequence[Sequence[ChunkEntry]]) -> None:
        """Fill in the buckets of some candidates."""
        at = np.flatnonzero(wanted)
        first = low = 0
        for entries in chunks:
            n_rows = sum(entry.count for entry in entries)
            high = low + int(np.searchsorted(rows[at[low:]], first + n_rows))
            if high > low:
                keys = load_keys(self._reader, entries).take(rows[at[low:high]] - first)
                buckets[at[low:high]] = hash_sources(keys, self._seed)
            first, low = first + n_rows, high

    def _write(self, chunks: Sequence[Sequence[ChunkEntry]], chosen: Index, writer: Writer) -> Signal | None:
        output = AlignedOutput(writer, SELECTION, MADE_BY)
        first = low = 0
        for entries, values in self._values(chunks):
            high = low + int(np.searchsorted(chosen[low:], first + values.length))
            outside = np.ones(values.length, np.bool_)
            outside[chosen[low:high] - first] = False
            parts = np.asarray(to_arrow(values).fill_null(0))
            output.put(entries, normalise(pa.array(parts, pa.int8(), mask=outside), SELECTION.physical))
            first, low = first + values.length, high
        return output.finish()

    def _values(self, chunks: Sequence[Sequence[ChunkEntry]]) -> Iterator[tuple[Sequence[ChunkEntry], Column]]:
        for entries in chunks:
            yield entries, load_values(self._reader, entries, SELECTION)
