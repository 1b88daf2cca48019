"""How a step makes values of groups of records: by a Python function or an installed transform, called once a group.

A group that fails fails whole, since what its members get depends on all of them; other groups have theirs.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from dsvc.engine.making.steps import (
    Made,
    PythonBatchStep,
    PythonStep,
    Step,
    TransformStep,
    is_listed,
    tell,
    tell_values,
)
from dsvc.engine.making.values import Failures
from dsvc.engine.reading.columns import Columns
from dsvc.errors import DeriveError
from dsvc.objects.column import Column, Index, concat, null_column

NUMBER = "_group"
"""The last column of a batch: the number of each member's group. No signal has such a name."""

GroupMade = tuple[Any, Mapping[int, str]]
"""What was returned for one group, and why some members have no value, by their place in the group."""
GroupCall = Callable[[Index], GroupMade]
"""Makes the values of the group whose members stand at these rows of a batch."""


class GroupStep(Step):
    """A step whose call has the members of some groups, all of each."""

    def make_groups(self, columns: Columns, numbers: Index) -> Made:
        """Make the values of the members of some groups.

        Args:
            columns: The inputs of all their members.
            numbers: The group of each member.
        """
        self.n_ran += len(columns)
        return self.call(self.group_batch(columns, numbers))

    def group_batch(self, columns: Columns, numbers: Index) -> pa.RecordBatch:
        """Return all that a call for some groups sees.

        Args:
            columns: The inputs of all their members.
            numbers: The group of each member.
        """
        batch = self.batch(columns)
        arrays = [*batch.columns, pa.array(numbers, pa.int64())]
        return pa.RecordBatch.from_arrays(arrays, names=[*batch.schema.names, NUMBER])

    def call(self, batch: pa.RecordBatch) -> Made:
        """Make the values of the members of some groups."""
        n = batch.num_rows
        numbers = np.asarray(batch.column(batch.num_columns - 1))
        prepared = self.prepare(batch.remove_column(batch.num_columns - 1))
        made: list[tuple[Index, Any]] = []
        failed: Failures = {}
        for rows in split_groups(numbers):
            try:
                values, why = prepared(rows)
                self._check(values, len(rows))
            except KeyboardInterrupt:
                raise
            except BaseException as err:  # noqa: BLE001 - whatever a group's function raises is why it failed
                failed |= dict.fromkeys(rows.tolist(), tell(err))
                continue
            failed |= {int(rows[at]): text for at, text in why.items()}
            made.append((rows, values))
        column, misfits = self._fit_groups([values for _, values in made])
        rows = np.concatenate([rows for rows, _ in made]) if made else np.zeros(0, np.int64)
        spread = np.full(n, -1, np.int64)
        spread[rows] = np.arange(len(rows))
        spread[[*failed]] = -1
        return column.take(spread), {int(rows[at]): text for at, text in misfits.items()} | failed

    @abstractmethod
    def prepare(self, batch: pa.RecordBatch) -> GroupCall:
        """Return what makes the values of the groups of a batch one by one."""

    def _check(self, values: Any, n_members: int) -> None:
        """Check that a group has a value for each member.

        Raises:
            DeriveError: If it has not.
        """
        if is_listed(values) and len(values) == n_members:
            return
        raise DeriveError(
            step=self.spec.name,
            reason=f"{self.spec.producer} gave {tell_values(values)} for the {n_members} members of a group",
            hint="return a list with one value for each member, None for none",
        )

    def _fit_groups(self, made: Sequence[Any]) -> Made:
        """Return what was returned for groups as values of the step's type, joined."""
        made = [values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values for values in made]
        if not made:
            return null_column(self.type.physical, 0), {}
        if all(isinstance(values, pa.Array) for values in made):
            if len({values.type for values in made}) == 1:
                values = pa.concat_arrays(made)
                return self.fit(values, {}, len(values))
        elif not any(isinstance(values, pa.Array) for values in made):
            flat = [value for values in made for value in values]
            return self.fit(flat, {}, len(flat))
        columns: list[Column] = []
        failed: Failures = {}
        start = 0
        for values in made:
            column, misfits = self.fit(values, {}, len(values))
            failed |= {start + at: text for at, text in misfits.items()}
            columns.append(column)
            start += len(values)
        return concat(columns), failed


class PythonGroupStep(GroupStep, PythonStep):
    """A Python function of lists: the members' values of each input."""

    def prepare(self, batch: pa.RecordBatch) -> GroupCall:
        """Read the inputs as plain values once for all groups."""
        inputs = [column.to_pylist() for column in batch.columns]

        def call(rows: Index) -> GroupMade:
            at = rows.tolist()
            return self._function(*([values[row] for row in at] for values in inputs), **self.spec.parameters), {}

        return call


class PythonGroupBatchStep(GroupStep, PythonBatchStep):
    """A Python function of Arrow batches: a row for each member of a group."""

    def prepare(self, batch: pa.RecordBatch) -> GroupCall:
        """Take the rows of each group."""
        return lambda rows: (self._function(batch.take(pa.array(rows)), **self.spec.parameters), {})


class TransformGroupStep(GroupStep, TransformStep):
    """An installed transform of groups, or of all records."""

    def prepare(self, batch: pa.RecordBatch) -> GroupCall:
        """Take the rows of each group, and their images."""

        def call(rows: Index) -> GroupMade:
            outcome = self.transform(batch.take(pa.array(rows)))
            failed = self.told(outcome, len(rows))
            return outcome.values, failed

        return call


def split_groups(numbers: Index) -> list[Index]:
    """Return the rows of each group, ascending, of the groups in order of their numbers."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1) if len(order) else []
