"""Which sources a dataset selects, and in which part of its split: evaluated for those that may have changed.

A selection has one record for every source of the version, so it shares their key objects; its value is null where
`where` does not select the source or the split has no part for it, else the index of the part, 0 without a split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa

from dsvc.engine.changes import iter_changed, iter_keys
from dsvc.engine.flagged import Flagged, Mask, merge_flagged
from dsvc.engine.inputs import Columns, Inputs
from dsvc.engine.probe import Probe
from dsvc.engine.splits import assign
from dsvc.errors import DeriveError, TransformFailedError
from dsvc.objects.access import Reader
from dsvc.objects.arrays import normalise
from dsvc.objects.column import Column
from dsvc.objects.diff import ADDED, diff_trees
from dsvc.objects.encoding import get_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.trace import Trace, TraceInput
from dsvc.objects.types import Type
from dsvc.recipe.evaluate import SqlEvaluator
from dsvc.recipe.expressions import Expression
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import DatasetSpec, SplitSpec

SELECTION = Type(("int8",))
MADE_BY = Provenance("step", "selection", "0")
"""Of every record of every selection: equal selections are equal objects, whatever `where` they came from."""
SOURCE = "_source"
"""Field of a trace input that stands for which sources a signal has, whatever their values."""


@dataclass(frozen=True)
class Selecting:
    """What decides a selection: an expression, a split, their inputs, and which sources there are."""

    spec: DatasetSpec
    split: SplitSpec | None
    inputs: Inputs
    sources: Mapping[str, tuple[Oid, Signal]]
    """Name -> id and signal, of those that say which sources there are."""

    @property
    def trace_inputs(self) -> tuple[TraceInput, ...]:
        """What a trace says of the inputs."""
        named = self.inputs.trace_inputs()
        return (*named, *(TraceInput(source_path(n), s.value_id, oid) for n, (oid, s) in self.sources.items()))

    def equals(self, trace: Trace) -> bool:
        """Tell whether a trace of this selecting had equal inputs, by ids alone."""
        reader = self.inputs.reader
        if Inputs.of_trace(reader, self.inputs, trace.inputs).key != self.inputs.key:
            return False
        was = {entry.path: entry.value_id for entry in trace.inputs if is_source_path(entry.path)}
        return was == {source_path(name): signal.value_id for name, (_, signal) in self.sources.items()}

    def iter_touched(self, base: Trace) -> Iterator[Keys]:
        """Yield the sources that came or went since a trace, or whose named inputs differ, in batches."""
        reader = self.inputs.reader
        before = Inputs.of_trace(reader, self.inputs, base.inputs)
        for flagged in merge_flagged([iter_changed(before, self.inputs), *self._source_streams(base)]):
            yield flagged.keys

    def _source_streams(self, base: Trace) -> list[Iterator[Flagged]]:
        """Return the sources that came or went since a trace."""
        reader = self.inputs.reader
        streams = []
        was = {entry.path: entry for entry in base.inputs if is_source_path(entry.path)}
        for name, (_, signal) in self.sources.items():
            old = was.pop(source_path(name), None)
            if old is None:
                streams.append(_iter_added(reader, read_signal(reader, base.output), signal))
            elif old.value_id != signal.value_id:
                streams.append(iter_keys(reader, read_signal(reader, old.signal), signal, 1))
        streams += [iter_keys(reader, read_signal(reader, old.signal), None, 1) for old in was.values()]
        return streams

    def touched_inputs(self, base: Trace) -> tuple[str, ...]:
        """Return the inputs that differ from a trace's for any source, and `sources` where any came or went."""
        reader = self.inputs.reader
        before = Inputs.of_trace(reader, self.inputs, base.inputs)
        seen = 0
        for flagged in iter_changed(before, self.inputs):
            seen |= int(np.bitwise_or.reduce(flagged.bits))
        touched = [str(item.path) for i, item in enumerate(self.inputs.items) if seen >> i & 1]
        if next(merge_flagged(self._source_streams(base)), None) is not None:
            touched.append("sources")
        return tuple(touched)

    def present(self, probe: Probe) -> Mask:
        """Return which of some sources the version has."""
        present = np.zeros(len(probe), np.bool_)
        for _, signal in sorted(self.sources.values(), key=lambda found: -found[1].count):
            if present.all():
                break
            present |= probe.present(signal)
        return present

    def evaluate(self, evaluator: SqlEvaluator, columns: Columns) -> Column:
        """Return what becomes of sources of the version: null, or the index of their part.

        Raises:
            TransformFailedError: If `where` or the split's key fails on a source.
            DeriveError: If the SQL engine refuses one of them whatever the source.
        """
        outside = np.zeros(len(columns), np.bool_)
        if self.spec.where is not None:
            outside = ~np.asarray(self._ask(evaluator, self.spec.where, columns, is_condition=True))
        index = np.zeros(len(columns), np.int8)
        rows = np.flatnonzero(~outside)
        if self.split is not None and len(rows):
            chosen = columns.take(rows)
            by = self._ask(evaluator, self.split.by, chosen, is_condition=False)
            parts = assign(self.split.parts, self.split.seed, by, lambda: chosen.keys.arrow)
            index[rows] = np.asarray(parts.fill_null(0))
            outside[rows] = np.asarray(parts.is_null())
        return normalise(pa.array(index, pa.int8(), mask=outside), SELECTION.physical)

    def _ask(
        self, evaluator: SqlEvaluator, expression: Expression, columns: Columns, *, is_condition: bool
    ) -> pa.Array[Any]:
        """Evaluate an expression for some sources."""
        values = {path: columns.values(path) for path in expression.inputs}
        try:
            if is_condition:
                return evaluator.where(expression, values, n_rows=len(columns), name=self.spec.name)
            return evaluator.evaluate([expression], values, n_rows=len(columns), name=self.spec.name)[0]
        except DeriveError as err:
            if len(columns):
                # What the engine refuses for no source at all is the expression's fault, not a source's.
                self._ask(evaluator, expression, columns.take(np.empty(0, np.int64)), is_condition=is_condition)
                self._blame_source(evaluator, expression, columns, err)
            raise

    def _blame_source(
        self, evaluator: SqlEvaluator, expression: Expression, columns: Columns, err: DeriveError
    ) -> NoReturn:
        """Raise the error of the first source that an expression fails on."""
        if len(columns) == 1:
            raise TransformFailedError(
                step=self.spec.name,
                pointer=columns.keys[0].decode(),
                reason=err.reason,
                hint="make it NULL for such sources, e.g. with TRY_CAST or CASE",
            ) from err
        half = len(columns) // 2
        first = columns.take(np.arange(half))
        try:
            values = {path: first.values(path) for path in expression.inputs}
            evaluator.evaluate([expression], values, n_rows=half, name=self.spec.name)
        except DeriveError as first_err:
            self._blame_source(evaluator, expression, first, first_err)
        self._blame_source(evaluator, expression, columns.take(np.arange(half, len(columns))), err)


def _iter_added(reader: Reader, selection: Signal | None, signal: Signal) -> Iterator[Flagged]:
    """Yield the sources of a signal that a selection does not have."""
    for changes in diff_trees(reader, selection, signal, keys_only=True):
        yield Flagged.of(changes.keys.take(np.flatnonzero(changes.ops == ADDED)), 1)


def source_path(name: str) -> str:
    """Return the path of a trace input that stands for which sources a signal has."""
    return str(InputPath(name, (SOURCE,)))


def is_source_path(path: str) -> bool:
    """Tell whether a trace input stands for which sources a signal has."""
    return path.endswith(f".{SOURCE}")


def read_signal(reader: Reader, oid: Oid) -> Signal | None:
    """Return a signal; None for the zero id."""
    return None if oid == ZERO else get_object(reader, oid, Kind.SIGNAL, Signal)
