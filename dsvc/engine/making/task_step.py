"""A task as a step that can be called: who gave each value, or for which answer a source waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa

from dsvc.annotation.answers.payloads import answer_type
from dsvc.engine.making.steps import SOURCE, Made, Step, tell
from dsvc.engine.making.task_items import Items, Resolved
from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.facts import EVIDENCE, VERDICTS, Adapt
from dsvc.engine.reading.fields import Mask
from dsvc.errors import DeriveError
from dsvc.objects.column import null_column
from dsvc.objects.provenance import Provenance
from dsvc.objects.types import Type
from dsvc.recipe.evaluate import SqlEvaluator
from dsvc.recipe.nodes import TaskNode

NOT_ASKED: Final = ""
"""Stands for a source that the task has nothing to do with: it has no record, and waits for none."""


class TaskStep(Step):
    """A task: what people said of each source is taken together with what is judged.

    Args:
        spec: The task as a step.
        type_: The type of its values.
        provenance: That of its records which no person gave; `origin` is that of the judged record.
        evaluator: Tells which sources the condition holds for.
        adapt: Reads answers of old versions as today's.
    """

    first_rows = most_rows = 65_536
    is_native = True

    def __init__(
        self, spec: TaskNode, type_: Type, provenance: Provenance, evaluator: SqlEvaluator, adapt: Adapt
    ) -> None:
        super().__init__(spec, type_, provenance)
        self.adapt = adapt
        self.task = spec.spec
        self.resolved = Resolved(null_column(type_.physical, 0), (), {})
        """What the last call came to: to whom each record is owed, and who waits."""
        self._inputs = (*spec.inputs, EVIDENCE, VERDICTS)
        self._evaluator = evaluator
        self._answers = answer_type(self.task.type_text)

    def batch(self, columns: Columns) -> pa.RecordBatch:
        """Return the pointers, then the inputs, evidence and verdicts among them."""
        values = {str(path): columns.values(path) for path in self._inputs}
        return self._batch(columns, {SOURCE: columns.keys.arrow, **values})

    def call(self, batch: pa.RecordBatch) -> Made:
        """Resolve the sources of a batch; `resolved` says more of it until the next call."""
        items = self.items(batch)
        self.resolved = items.resolve()
        waiting = self.resolved.waiting
        missing = np.flatnonzero(~self.resolved.has_record).tolist()
        return self.resolved.values, {row: waiting[row][0] if row in waiting else NOT_ASKED for row in missing}

    def items(self, batch: pa.RecordBatch) -> Items:
        """Return what is known of the sources of a batch.

        Raises:
            DeriveError: If the condition cannot be evaluated whatever the source, or the judged values are of another
                type than the task's.
        """
        task = self.task
        columns = dict(zip((SOURCE, *map(str, self._inputs)), batch.columns, strict=True))
        judged = None if task.of is None else columns[str(task.of)]
        if judged is not None and judged.type != self.type.arrow and not pa.types.is_null(judged.type):
            raise DeriveError(
                step=self.spec.name,
                reason=f"its values are of type {task.type}, and those of {task.of} are not",
                hint=f"let [task.{task.name}] have the type of {task.of}",
            )
        asked, failed = self._ask(columns, batch.num_rows)
        return Items(self, columns, judged, asked, failed, self._crop(columns, batch.num_rows))

    def _crop(self, columns: Mapping[str, pa.Array[Any]], n_rows: int) -> pa.Array[Any] | None:
        """Return the box of the image that is shown of each source; None where all of it is."""
        crop = self.task.shown.crop
        if crop is None:
            return None
        values = {path: columns[str(path)] for path in crop.inputs}
        return self._evaluator.evaluate([crop], values, n_rows=n_rows, name=self.spec.name)[0]

    def _ask(self, columns: Mapping[str, pa.Array[Any]], n_rows: int) -> tuple[Mask, dict[int, str]]:
        """Return which sources the condition holds for, NULL being no, and why it fails on some."""
        condition = self.task.ask
        if condition is None:
            return np.full(n_rows, self.task.asks_all), {}

        def evaluate(start: int, stop: int) -> tuple[Mask, dict[int, str]]:
            values = {path: columns[str(path)].slice(start, stop - start) for path in condition.inputs}
            try:
                held = self._evaluator.where(condition, values, n_rows=stop - start, name=self.spec.name)
                return np.asarray(held), {}
            except DeriveError as err:
                if start == stop:
                    raise  # the expression's own fault
                if stop - start == 1:
                    evaluate(start, start)
                    return np.zeros(1, np.bool_), {start: tell(err)}
                half = (start + stop) // 2
                (first, failed), (second, failed_later) = evaluate(start, half), evaluate(half, stop)
                return np.concatenate([first, second]), failed | failed_later

        return evaluate(0, n_rows)
