"""How a step makes values of a batch of records: by SQL, by a Python function, or by an installed transform.

A record that fails fails alone: what raised is noted beside the values, and the others have theirs.

All that a call sees is one Arrow batch, so a call may be made in another process: `dsvc.engine.making.executors.work`.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dsvc.engine.making.values import Failures, fit
from dsvc.engine.reading.columns import Columns
from dsvc.errors import DeriveError
from dsvc.objects.column import Column, concat, null_column
from dsvc.objects.provenance import Provenance
from dsvc.objects.types import Type
from dsvc.plugins.contracts import Outcome, Transform
from dsvc.plugins.options import fill_options
from dsvc.plugins.pixels import PointerPixels
from dsvc.recipe.evaluate import SqlEvaluator
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import CONTENT_ID, StepSpec

if TYPE_CHECKING:
    from dsvc.engine.making.executors.work import Work

Made = tuple[Column, Failures]
"""Values of a batch, null where a record failed, and why those did."""

SOURCE = "source"
"""The column of a transform's batch that holds the pointers."""
CONTENT = "_content"
"""The last column of the batch of a step that reads pixels: what ingest found each image to be. No signal has such a
name, and the transform does not see it."""


class Step(ABC):
    """One step, ready to run.

    Args:
        spec: What the recipe says.
        type_: The type of its values.
        provenance: That of its records.
    """

    first_rows = 1
    """Records of the first call where nobody knows how long one takes; later calls are sized by how long it took."""
    most_rows = 65_536
    """Records of one call, at most."""
    takes_any_rows = False
    """Whether a call may have however many records there are at hand."""
    is_native = False
    """Whether a call keeps all processors busy by itself."""

    def __init__(self, spec: StepSpec, type_: Type, provenance: Provenance) -> None:
        self.spec = spec
        self.type = type_
        self.provenance = provenance
        self.n_ran = 0
        """Records that the transform was called for so far, here or elsewhere."""
        self.work: Work | None = None
        """The step as another process can call it; None where only this one can."""
        self.load_s = 0.0
        """How long loading the code took."""
        self.called_s = 0.0
        """Wall seconds of all calls so far, here or elsewhere."""

    def __call__(self, columns: Columns) -> Made:
        """Make the values of some records, each of which has all required inputs."""
        began = time.perf_counter()
        made = self.call(self.batch(columns))
        self.called_s += time.perf_counter() - began
        self.n_ran += len(columns)
        return made

    def batch(self, columns: Columns) -> pa.RecordBatch:
        """Return all that a call for some records sees of them: the inputs, in order."""
        return self._batch(columns, {str(path): columns.values(path) for path in self.spec.inputs})

    @staticmethod
    def _batch(columns: Columns, values: Mapping[str, pa.Array[Any]]) -> pa.RecordBatch:
        # By way of structs, since a function without inputs has a batch of rows without columns.
        fields = [pa.field(name, column.type) for name, column in values.items()]
        rows = pa.StructArray.from_buffers(pa.struct(fields), len(columns), [None], children=[*values.values()])
        return pa.RecordBatch.from_struct_array(rows)

    def nothing(self) -> Made:
        """Return what a call for no record gives."""
        return null_column(self.type.physical, 0), {}

    @abstractmethod
    def call(self, batch: pa.RecordBatch) -> Made:
        """Make the values of a batch, as `batch` returned it."""

    def fit(self, values: pa.Array[Any] | Sequence[Any], failed: Mapping[int, str], n_rows: int) -> Made:
        """Return what a transform gave for `n_rows` records as values of the step's type.

        Raises:
            DeriveError: If it gave another number of values, or none at all.
        """
        if not is_listed(values) or len(values) != n_rows:
            raise DeriveError(
                step=self.spec.name,
                reason=f"{self.spec.producer} gave {tell_values(values)} for {n_rows} records",
                hint="return one value per row, null for none",
            )
        column, misfits = fit(values, self.type)
        if failed:
            rows = np.arange(n_rows)
            rows[[*failed]] = -1
            column = column.take(rows)
        return column, misfits | dict(failed)

    def halves(self, batch: pa.RecordBatch, why: BaseException) -> Made:
        """Make each half on its own, after `why` stopped the whole, so that what failed is found."""
        n = batch.num_rows
        if n == 1:
            return null_column(self.type.physical, 1), {0: tell(why)}
        half = n // 2
        first, failed = self.call(batch.slice(0, half))
        second, failed_later = self.call(batch.slice(half))
        return concat([first, second]), failed | {row + half: text for row, text in failed_later.items()}


class SqlStep(Step):
    """A SELECT list: one query for a whole batch."""

    first_rows = most_rows = 262_144
    takes_any_rows = is_native = True

    def __init__(self, spec: StepSpec, type_: Type, provenance: Provenance, evaluator: SqlEvaluator) -> None:
        super().__init__(spec, type_, provenance)
        self._evaluator = evaluator

    def call(self, batch: pa.RecordBatch) -> Made:
        """Run the query."""
        inputs = dict(zip(self.spec.inputs, batch.columns, strict=True))
        try:
            values = select(self._evaluator, self.spec, inputs, batch.num_rows)
        except DeriveError as err:
            return self.halves(batch, err)
        return self.fit(values, {}, batch.num_rows)


class PythonStep(Step):
    """A Python function of one record's values."""

    def __init__(self, spec: StepSpec, type_: Type, provenance: Provenance, function: Callable[..., Any]) -> None:
        super().__init__(spec, type_, provenance)
        self._function = function

    def call(self, batch: pa.RecordBatch) -> Made:
        """Call the function for each record."""
        function, parameters = self._function, dict(self.spec.parameters)
        inputs = [column.to_pylist() for column in batch.columns]
        values: list[Any] = []
        failed: Failures = {}
        for row, record in enumerate(zip(*inputs, strict=True) if inputs else repeat((), batch.num_rows)):
            try:
                values.append(function(*record, **parameters))
            except KeyboardInterrupt:
                raise
            except BaseException as err:  # noqa: BLE001 - whatever a record's function raises is why it failed
                # `sys.exit()` and the panic of a Rust library are no exceptions, and end no run.
                values.append(None)
                failed[row] = tell(err)
        return self.fit(values, failed, batch.num_rows)


class PythonBatchStep(Step):
    """A Python function of Arrow batches. One that raises fails those of its records that raise alone."""

    def __init__(self, spec: StepSpec, type_: Type, provenance: Provenance, function: Callable[..., Any]) -> None:
        super().__init__(spec, type_, provenance)
        self._function = function

    def call(self, batch: pa.RecordBatch) -> Made:
        """Call the function for the batch."""
        try:
            values = self._function(batch, **self.spec.parameters)
        except KeyboardInterrupt:
            raise
        except BaseException as err:  # noqa: BLE001 - as in PythonStep
            return self.halves(batch, err)
        return self.fit(values, {}, batch.num_rows)


class TransformStep(Step):
    """An installed transform."""

    most_rows = 8192

    def __init__(self, spec: StepSpec, type_: Type, provenance: Provenance, kind: type[Transform]) -> None:
        super().__init__(spec, type_, provenance)
        self._kind = kind
        self._transform = kind(fill_options(kind.parameters, spec.parameters))

    def batch(self, columns: Columns) -> pa.RecordBatch:
        """Return the pointers, then the inputs under the names that the transform declares."""
        inputs = [columns.values(path) for path in self.spec.inputs]
        names = list(self._kind.inputs) or [str(path) for path in self.spec.inputs]
        values = {SOURCE: columns.keys.arrow, **dict(zip(names, inputs, strict=True))}
        if self.spec.pixels:
            values[CONTENT] = columns.values(CONTENT_ID)
        return self._batch(columns, values)

    def call(self, batch: pa.RecordBatch) -> Made:
        """Call the transform for the batch."""
        try:
            outcome = self.transform(batch)
        except KeyboardInterrupt:
            raise
        except BaseException as err:  # noqa: BLE001 - as in PythonStep
            return self.halves(batch, err)
        failed = self.told(outcome, batch.num_rows)
        return self.fit(outcome.values, failed, batch.num_rows)

    def transform(self, batch: pa.RecordBatch) -> Outcome:
        """Call the transform for a batch as `batch` returned it, or some of its rows, and their images."""
        if not self.spec.pixels:
            return self._transform(batch, None)
        last = batch.num_columns - 1
        with closing(PointerPixels(batch.column(0).to_pylist(), batch.column(last).to_pylist())) as pixels:
            return self._transform(batch.remove_column(last), pixels)

    def told(self, outcome: Any, n_rows: int) -> Failures:
        """Return which rows a transform says failed, and why.

        Raises:
            DeriveError: If what it returned says nothing of the kind.
        """
        failed: Any = outcome.failed if isinstance(outcome, Outcome) else None
        if not isinstance(outcome, Outcome):
            found = f"a value of type {type(outcome).__name__}"
        elif not isinstance(failed, Mapping):
            found = f"failures of type {type(failed).__name__}"
        elif wrong := [row for row in failed if not isinstance(row, int | np.integer) or not 0 <= row < n_rows]:
            found = f"a failure of row {wrong[0]!r} of {n_rows}"
        else:
            return {int(row): str(why) for row, why in failed.items()}
        raise DeriveError(
            step=self.spec.name,
            reason=f"{self.spec.producer} gave {found}",
            hint="a transform returns an Outcome: a value for each row, and row -> why for those that failed",
        )


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


def is_listed(values: Any) -> bool:
    """Tell whether what a transform gave has an order and a length, as values of rows have."""
    if isinstance(values, str | bytes | pa.RecordBatch | pa.Table) or getattr(values, "ndim", 1) == 0:
        return False
    # Series and tensors of other libraries are no sequences, and know how to become an array.
    return isinstance(values, Sequence | np.ndarray | pa.Array | pa.ChunkedArray) or hasattr(values, "__array__")


def tell_values(values: Any) -> str:
    """Return how many values a transform gave, or of what type the thing is that it gave instead."""
    return f"{len(values)} values" if is_listed(values) else f"a value of type {type(values).__name__}"


def tell(err: BaseException) -> str:
    """Return why a record failed."""
    if isinstance(err, DeriveError):
        return err.reason
    text = str(err)
    return f"{type(err).__name__}: {text}" if text else type(err).__name__
