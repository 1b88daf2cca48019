"""Which sources a dataset selects, and in which part of its split: evaluated for those that may have changed.

A selection has one record for every source of the version, so it shares their key objects; its value is null where
the dataset it is made from does not select the source, a record of it is of no standing that is taken, `where` is not
true of it, it is not in the share that is sampled, or the split has no part for it; else the index of the part, 0
without a split. How many are kept at most is said in `sampling.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa

from dsvc.engine.datasets.splits import Known, assign, hash_sources, thresholds
from dsvc.engine.datasets.taking import STANDINGS, UNTAKEN
from dsvc.engine.reading.changes import CAME, GONE, bit_of, iter_changed
from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.fields import Mask, is_null
from dsvc.engine.reading.flagged import Flagged
from dsvc.engine.reading.inputs import Inputs
from dsvc.errors import DeriveError, TransformFailedError
from dsvc.objects.arrays import normalise
from dsvc.objects.column import Column
from dsvc.objects.oid import ZERO, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.trace import Trace, TraceInput
from dsvc.objects.types import Type
from dsvc.recipe.evaluate import SqlEvaluator
from dsvc.recipe.expressions import Expression
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import DatasetSpec, SplitSpec

FROM = InputPath("_from")
"""Names, among the inputs of a dataset, the selection of the one that it is made from."""
SELECTION = Type(("int8",))
MADE_BY = Provenance("step", "selection", "0")
"""Of every record of every selection: equal selections are equal objects, whatever `where` they came from."""


@dataclass(frozen=True)
class Selecting:
    """What decides a selection: an expression, a split, and their inputs for every source."""

    spec: DatasetSpec
    split: SplitSpec | None
    inputs: Inputs
    looked: Oid = ZERO
    """Names what was looked at for `UNTAKEN`."""
    known: Known = field(default_factory=dict, compare=False)
    """Buckets of keys that were hashed before: one subject has many sources."""

    def equals(self, trace: Trace) -> bool:
        """Tell whether a trace of this selecting had equal inputs, by ids alone."""
        return Inputs.of_trace(self.inputs.reader, self.inputs, trace.inputs).key == self.inputs.key

    def trace_inputs(self) -> tuple[TraceInput, ...]:
        """Return what a trace of this selecting says of its inputs."""
        return (*self.inputs.trace_inputs(), TraceInput(STANDINGS, self.looked, ZERO))

    def iter_touched(self, base: Trace) -> Iterator[Flagged]:
        """Yield the sources that came or went since a trace, or whose named inputs differ, in batches."""
        return iter_changed(Inputs.of_trace(self.inputs.reader, self.inputs, base.inputs), self.inputs)

    def touched_inputs(self, base: Trace) -> tuple[str, ...]:
        """Return the inputs that differ from a trace's for any source, and `sources` where any came or went."""
        seen = 0
        for flagged in self.iter_touched(base):
            seen |= int(np.bitwise_or.reduce(flagged.bits))
        touched = [self._name(item.path) for i, item in enumerate(self.inputs.items) if seen & bit_of(i)]
        return (*touched, "sources") if seen & (CAME | GONE) else tuple(touched)

    def evaluate(self, evaluator: SqlEvaluator, columns: Columns) -> Column:
        """Return what becomes of sources of the version: null, or the index of their part.

        Raises:
            TransformFailedError: If `where` or the split's key fails on a source.
            DeriveError: If the SQL engine refuses one of them whatever the source.
        """
        inside = np.flatnonzero(self._is_open(columns))
        if self.spec.where is not None and len(inside):
            chosen = columns if len(inside) == len(columns) else columns.take(inside)
            inside = inside[np.asarray(self.ask(evaluator, self.spec.where, chosen, is_condition=True))]
        sample = self.spec.sample
        if sample is not None and sample.share is not None and len(inside):
            ends = thresholds([("", sample.share)])
            buckets = hash_sources(columns.keys.take(inside), sample.seed)
            inside = inside[buckets <= np.uint64(ends[0] - 1)]
        index = np.zeros(len(columns), np.int8)
        outside = np.ones(len(columns), np.bool_)
        outside[inside] = False
        if self.spec.keeps_parts and len(inside):
            index[inside] = np.asarray(columns.values(FROM).fill_null(0).cast(pa.int8()))[inside]
        elif self.split is not None and len(inside):
            chosen = columns.take(inside)
            by = self.ask(evaluator, self.split.by, chosen, is_condition=False)
            parts = assign(self.split.parts, self.split.seed, by, lambda: chosen.keys.arrow, self.known)
            index[inside] = np.asarray(parts.fill_null(0))
            outside[inside] = np.asarray(parts.is_null())
        return normalise(pa.array(index, pa.int8(), mask=outside), SELECTION.physical)

    def _is_open(self, columns: Columns) -> Mask:
        """Return which sources can be in the dataset at all."""
        is_open = np.ones(len(columns), np.bool_)
        paths = {item.path for item in self.inputs.items if item.signal is not None or item.path == FROM}
        if FROM in paths:
            is_open &= ~is_null(columns.column(FROM))
        if UNTAKEN in paths:
            is_open &= is_null(columns.column(UNTAKEN))
        return is_open

    def _name(self, path: InputPath) -> str:
        """Return what a person calls an input."""
        return {FROM: self.spec.base or "", UNTAKEN: "take"}.get(path, str(path))

    def ask(
        self, evaluator: SqlEvaluator, expression: Expression, columns: Columns, *, is_condition: bool
    ) -> pa.Array[Any]:
        """Evaluate an expression for some sources; raises as `evaluate`."""
        values = {path: columns.values(path) for path in expression.inputs}
        try:
            if is_condition:
                return evaluator.where(expression, values, n_rows=len(columns), name=self.spec.name)
            return evaluator.evaluate([expression], values, n_rows=len(columns), name=self.spec.name)[0]
        except DeriveError as err:
            if len(columns):
                # What the engine refuses for no source at all is the expression's fault, not a source's.
                self.ask(evaluator, expression, columns.take(np.empty(0, np.int64)), is_condition=is_condition)
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
