"""Reading a dataset: the sources it selects, and its columns evaluated over the signals of its version.

Whatever made the signals is not needed: a dataset is its selection and expressions over values and circumstances.

A dataset that unnests a column of lists has a row for each item: `source` and `item`, the item's place in its list from
0, are the key of a row. A source whose list is empty or null has no row. It is stored by source all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.errors import DeriveError
from dsvc.export.columns import ColumnReader, Inputs
from dsvc.objects.join import Joined, join_trees
from dsvc.objects.snapshot import Dataset, Signal
from dsvc.objects.tree import ROWS_PER_BATCH, Tree
from dsvc.objects.types import Type
from dsvc.recipe.evaluate import SqlEvaluator
from dsvc.recipe.expressions import Expression, parse_expression
from dsvc.recipe.spec import ITEM
from dsvc.repo.names import GLOBAL
from dsvc.repo.records import SOURCE
from dsvc.repo.view import View

SPLIT = "split"
"""The column that says which part a source is in, of datasets with a split."""
_ITEM_TYPE = pa.int32()


class DatasetReader:
    """Reads one dataset of one version. Close it, or use it as a context manager.

    Args:
        view: The version.
        name: A dataset of it, or `global`: all sources, all signals.
        signals: Read these signals as columns, instead of the dataset's own.
        only: Read only these of the dataset's columns, and the one it unnests.

    Raises:
        DatasetNotFoundError: If the version has no such dataset.
        SignalNotFoundError: If it has no such signal.
    """

    def __init__(
        self,
        view: View,
        name: str,
        signals: Sequence[str] | None = None,
        *,
        only: Collection[str] | None = None,
    ) -> None:
        self.view = view
        self._only = only
        self.name = name
        self._signals = signals
        for signal in signals or ():
            view.get_signal(signal)
        self.dataset: Dataset | None = None
        if name != GLOBAL or name in view.datasets:
            self.dataset = view.dataset(name)
        self._evaluator = SqlEvaluator()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the SQL engine; idempotent."""
        self._evaluator.close()

    @cached_property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """(column, expression), in the order of the columns."""
        if self._signals is not None:
            return tuple((name, name) for name in dict.fromkeys(self._signals))
        if self.dataset is None:
            return tuple((name, name) for name in self.view.signals)
        if self._only is None:
            return self.dataset.columns
        return tuple(item for item in self.dataset.columns if item[0] in self._only or item[0] == self.dataset.unnest)

    @cached_property
    def expressions(self) -> Sequence[Expression]:
        """The columns' expressions, parsed."""
        return [parse_expression(text) for _, text in self.columns]

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """Names of the parts; empty without a split."""
        return () if self.dataset is None else self.dataset.splits

    @property
    def unnest(self) -> str | None:
        """The column that has a row for each item; None for a row a source."""
        return None if self.dataset is None or self._signals is not None else self.dataset.unnest

    @cached_property
    def selection(self) -> Signal | None:
        """Which sources are selected; None where all are."""
        return None if self.dataset is None else self.view.selection(self.dataset)

    @cached_property
    def inputs(self) -> ColumnReader:
        """The signals that the columns are made of."""
        return ColumnReader(self.view, [path for e in self.expressions for path in e.inputs])

    @cached_property
    def schema(self) -> pa.Schema:
        """`source`, `item` where a row is one, the columns, and, with a split, `split`."""
        empty = self._evaluate(self.inputs.empty(), 0)
        types = {name: values.type for (name, _), values in zip(self.columns, empty, strict=True)}
        item = []
        if self.unnest is not None:
            item.append((ITEM, _ITEM_TYPE))
            types[self.unnest] = _item_type(types[self.unnest], self.name, self.unnest)
        split = [(SPLIT, pa.string())] if self._has_split_column else []
        return pa.schema([(SOURCE, pa.string()), *item, *types.items(), *split])

    @property
    def _has_split_column(self) -> bool:
        return bool(self.splits) and SPLIT not in dict(self.columns)

    def read(
        self, start: str | None = None, stop: str | None = None, *, rows_per_batch: int = ROWS_PER_BATCH
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order of their sources.

        Args:
            start: First source, inclusive.
            stop: Last source, exclusive.
            rows_per_batch: Sources that are looked at a time, about; fewer of them may be selected.
        """
        lead = [] if self.selection is None else [Tree(self.view.reader, self.selection)]
        trees = [*lead, *self.inputs.trees.values()]
        joined = join_trees(
            trees,
            start=start,
            stop=stop,
            rows_per_batch=rows_per_batch,
            provenance=self.inputs.has_circumstances,
        )
        for rows in joined:
            batch = self._selected(rows) if lead else self._of_sources(rows)
            if batch is not None and (batch.num_rows or self.unnest is None):
                yield batch

    def count_rows(self) -> int:
        """Return how many rows there are; reads as little as tells it."""
        if self.unnest is None and self.selection is not None:
            rows = Tree(self.view.reader, self.selection).rows()
            return sum(len(part.values) - part.values.null_count for part in rows)
        return sum(batch.num_rows for batch in self.read())

    def _selected(self, rows: Joined) -> pa.RecordBatch | None:
        """Return the selected ones of some rows whose first column is the selection."""
        chosen = rows.columns[0].column
        mask = np.ones(len(rows), np.bool_) if chosen.valid is None else chosen.valid
        if not mask.any():
            return None
        rows = rows if mask.all() else rows.take(np.flatnonzero(mask))
        return self._batch(Joined(rows.keys, rows.columns[1:]), rows.columns[0].values)

    def _of_sources(self, rows: Joined) -> pa.RecordBatch | None:
        """Return those of some rows that are sources: that have a record of a put or ingested signal."""
        wanted = set(self.view.source_signals)
        columns = zip(self.inputs.trees, rows.columns, strict=True)
        masks = [column.present for name, column in columns if name in wanted]
        if any(mask is None for mask in masks):
            return self._batch(rows, None)
        is_source = np.logical_or.reduce(
            [mask for mask in masks if mask is not None] or [np.zeros(len(rows), np.bool_)]
        )
        return self._batch(rows.take(np.flatnonzero(is_source)), None) if is_source.any() else None

    def _batch(self, rows: Joined, parts: pa.Array | None) -> pa.RecordBatch:
        columns = [rows.sources, *self._evaluate(self.inputs.bind(rows), len(rows))]
        if self._has_split_column and parts is not None:
            columns.append(pa.array(self.splits, pa.string()).take(parts))
        if self.unnest is not None:
            at = 1 + [name for name, _ in self.columns].index(self.unnest)
            columns = _unnest(columns, at)
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _evaluate(self, inputs: Inputs, n_rows: int) -> list[pa.Array]:
        return self._evaluator.evaluate(self.expressions, inputs, n_rows=n_rows, name=self.name)


def _item_type(type_: pa.DataType, dataset: str, column: str) -> pa.DataType:
    """Return the type of the items of lists; that of a column without any value is its own."""
    if pa.types.is_null(type_):
        return type_
    if not (pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_)):
        reason = f"`unnest` is of lists, and column {column!r} is of type {Type.from_arrow(type_)}"
        raise DeriveError(step=dataset, reason=reason)
    return type_.value_type


def _unnest(columns: Sequence[pa.Array], at: int) -> list[pa.Array]:
    """Return columns with a row for each item of the one at `at`, and after the first column the item's place."""
    lists = columns[at]
    if pa.types.is_null(lists.type):
        empty = [column.slice(0, 0) for column in columns]
        return [empty[0], pa.array([], _ITEM_TYPE), *empty[1:]]
    lengths = np.asarray(pc.fill_null(pc.list_value_length(lists), 0)).astype(np.int64)
    parents = np.repeat(np.arange(len(lists)), lengths)
    places = np.arange(len(parents)) - (np.cumsum(lengths) - lengths)[parents]
    taken = [lists.flatten() if i == at else column.take(pa.array(parents)) for i, column in enumerate(columns)]
    return [taken[0], pa.array(places, _ITEM_TYPE), *taken[1:]]


def read_dataset(view: View, name: str, signals: Sequence[str] | None = None) -> pa.Table:
    """Return the rows of a dataset.

    Args:
        view: The version.
        name: A dataset of it, or `global`.
        signals: Read these signals as columns, instead of the dataset's own.

    Returns:
        `source`, `item` where the dataset has a row for each, its columns by name, and, with a split, `split`; ordered
        by source and item.

    Raises:
        DatasetNotFoundError: If the version has no such dataset.
        DeriveError: If a column cannot be evaluated.
    """
    with DatasetReader(view, name, signals) as reader:
        return pa.Table.from_batches(reader.read(), reader.schema)


def iter_dataset(
    view: View,
    name: str,
    signals: Sequence[str] | None = None,
    *,
    start: str | None = None,
    stop: str | None = None,
    rows_per_batch: int = ROWS_PER_BATCH,
) -> Iterator[pa.RecordBatch]:
    """Return an iterator of what `read_dataset` returns, in batches; as `DatasetReader.read`."""
    reader = DatasetReader(view, name, signals)

    def batches() -> Iterator[pa.RecordBatch]:
        with reader:
            yield from reader.read(start, stop, rows_per_batch=rows_per_batch)

    return batches()
