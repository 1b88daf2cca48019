"""How a step makes values of a batch of records: by SQL, by a Python function, or by an installed transform.

A record that fails fails alone: what raised is noted beside the values, and the others have theirs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa

from dsvc.engine.columns import Columns
from dsvc.engine.values import Failures, fit
from dsvc.errors import DeriveError
from dsvc.objects.column import Column, concat, null_column
from dsvc.objects.provenance import Provenance
from dsvc.objects.types import Type
from dsvc.plugins.contracts import Transform
from dsvc.plugins.options import fill_options
from dsvc.plugins.pixels import PointerPixels
from dsvc.recipe.evaluate import SqlEvaluator
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import StepSpec

Made = tuple[Column, Failures]
"""Values of a batch, null where a record failed, and why those did."""


class Step(ABC):
    """One step, ready to run.

    Args:
        spec: What the recipe says.
        type_: The type of its values.
        provenance: That of its records.
    """

    first_rows = 1024
    """Records of the first call; later calls are sized by how long it took."""
    most_rows = 65_536
    """Records of one call, at most."""
    takes_any_rows = False
    """Whether a call may have however many records there are at hand."""

    def __init__(self, spec: StepSpec, type_: Type, provenance: Provenance) -> None:
        self.spec = spec
        self.type = type_
        self.provenance = provenance
        self.n_ran = 0
        """Records that the transform was called for so far."""

    def __call__(self, columns: Columns) -> Made:
        """Make the values of some records, each of which has all required inputs."""
        self.n_ran += len(columns)
        return self._make(columns)

    @abstractmethod
    def _make(self, columns: Columns) -> Made: ...

    def arrow_inputs(self, columns: Columns) -> dict[InputPath, pa.Array[Any]]:
        """Return the inputs as Arrow columns."""
        return {path: columns.values(path) for path in self.spec.inputs}

    def fit(self, values: pa.Array[Any] | Sequence[Any], failed: Mapping[int, str], n_rows: int) -> Made:
        """Return what a transform gave for `n_rows` records as values of the step's type.

        Raises:
            DeriveError: If it gave another number of values.
        """
        if len(values) != n_rows:
            raise DeriveError(
                step=self.spec.name,
                reason=f"{self.spec.producer} gave {len(values)} values for {n_rows} records",
                hint="return one value per row, null for none",
            )
        column, misfits = fit(values, self.type)
        if failed:
            rows = np.arange(n_rows)
            rows[[*failed]] = -1
            column = column.take(rows)
        return column, misfits | dict(failed)

    def halves(self, columns: Columns, make: Callable[[Columns], Made], why: Exception) -> Made:
        """Make each half on its own, after `why` stopped the whole, so that what failed is found."""
        n = len(columns)
        if n == 1:
            return null_column(self.type.physical, 1), {0: tell(why)}
        half = n // 2
        first, failed = make(columns.take(np.arange(half)))
        second, failed_later = make(columns.take(np.arange(half, n)))
        return concat([first, second]), failed | {row + half: text for row, text in failed_later.items()}


class SqlStep(Step):
    """A SELECT list: one query for a whole batch."""

    first_rows = most_rows = 262_144
    takes_any_rows = True

    def __init__(self, spec: StepSpec, type_: Type, provenance: Provenance, evaluator: SqlEvaluator) -> None:
        super().__init__(spec, type_, provenance)
        self._evaluator = evaluator

    def _make(self, columns: Columns) -> Made:
        n = len(columns)
        try:
            values = select(self._evaluator, self.spec, self.arrow_inputs(columns), n)
        except DeriveError as err:
            return self.halves(columns, self._make, err)
        return self.fit(values, {}, n)


class PythonStep(Step):
    """A Python function of one record's values."""

    def __init__(self, spec: StepSpec, type_: Type, provenance: Provenance, function: Callable[..., Any]) -> None:
        super().__init__(spec, type_, provenance)
        self._function = function

    def _make(self, columns: Columns) -> Made:
        function, parameters = self._function, dict(self.spec.parameters)
        inputs = [columns.values(path).to_pylist() for path in self.spec.inputs]
        values: list[Any] = []
        failed: Failures = {}
        for row, record in enumerate(zip(*inputs, strict=True) if inputs else repeat((), len(columns))):
            try:
                values.append(function(*record, **parameters))
            except Exception as err:  # noqa: BLE001 - whatever a record's function raises is why it failed
                values.append(None)
                failed[row] = tell(err)
        return self.fit(values, failed, len(columns))


class PythonBatchStep(Step):
    """A Python function of Arrow batches. One that raises fails those of its records that raise alone."""

    first_rows = 8192

    def __init__(self, spec: StepSpec, type_: Type, provenance: Provenance, function: Callable[..., Any]) -> None:
        super().__init__(spec, type_, provenance)
        self._function = function

    def _make(self, columns: Columns) -> Made:
        inputs = self.arrow_inputs(columns)
        batch = pa.RecordBatch.from_arrays([*inputs.values()], names=[str(path) for path in inputs])
        try:
            values = self._function(batch, **self.spec.parameters)
        except Exception as err:  # noqa: BLE001 - as in PythonStep
            return self.halves(columns, self._make, err)
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        return self.fit(values, {}, len(columns))


class TransformStep(Step):
    """An installed transform."""

    first_rows = 64
    most_rows = 8192

    def __init__(self, spec: StepSpec, type_: Type, provenance: Provenance, kind: type[Transform]) -> None:
        super().__init__(spec, type_, provenance)
        self._kind = kind
        self._transform = kind(fill_options(kind.parameters, spec.parameters))

    def _make(self, columns: Columns) -> Made:
        inputs = self.arrow_inputs(columns)
        names = list(self._kind.inputs) or [str(path) for path in inputs]
        fields = [pa.field(name, values.type) for name, values in zip(names, inputs.values(), strict=True)]
        # By way of structs, since a transform that reads pixels alone has a batch of rows without columns.
        rows = pa.StructArray.from_buffers(pa.struct(fields), len(columns), [None], children=[*inputs.values()])
        batch = pa.RecordBatch.from_struct_array(rows)
        pixels = PointerPixels(columns.keys.arrow.to_pylist()) if self.spec.pixels else None
        try:
            outcome = self._transform(batch, pixels)
        except Exception as err:  # noqa: BLE001 - as in PythonStep
            return self.halves(columns, self._make, err)
        return self.fit(outcome.values, outcome.failed, len(columns))


def select(
    evaluator: SqlEvaluator, spec: StepSpec, inputs: Mapping[InputPath, pa.Array[Any]], n_rows: int
) -> pa.Array[Any]:
    """Evaluate the SELECT list of a step.

    Raises:
        DeriveError: If the engine refuses it, or fails on a record.
    """
    if spec.select is None:
        raise TypeError(f"step {spec.name} is no SQL step")
    return evaluator.select(spec.select, inputs, signal=spec.name, n_rows=n_rows)


def tell(err: BaseException) -> str:
    """Return why a record failed."""
    if isinstance(err, DeriveError):
        return err.reason
    text = str(err)
    return f"{type(err).__name__}: {text}" if text else type(err).__name__
