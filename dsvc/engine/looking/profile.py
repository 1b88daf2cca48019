"""What the values of a table are like: classes, ranges and histograms, counted in one pass over its batches.

Memory is bounded: of each column at most `MAX_CLASSES` values are kept apart, and 10,000 bins. What is counted
is the same whatever order the rows come in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.engine.looking.bins import Bins, Histogram
from dsvc.objects.types import Type

MAX_CLASSES = 4096
"""Different values of a column that are kept apart; those met later are counted together."""


class ClassCount(msgspec.Struct, frozen=True):
    """How often a column has one value."""

    value: bool | int | str
    rows: int
    parts: tuple[int, ...]
    """Rows of each part."""


class ColumnProfile(msgspec.Struct, frozen=True):
    """What the values of one column are like, or of one field of a struct, `column.field`."""

    name: str
    type: str
    nulls: int
    classes: tuple[ClassCount, ...] | None
    """Of texts, truth values and whole numbers: most first; None for other types, and where there are too many."""
    distinct: int | None
    """Different values; None where `classes` is."""
    histogram: Histogram | None
    """Of numbers and times, and of the lengths of lists; None where there is no value."""
    not_finite: int = 0
    """NaN and infinities, which are in no bin."""


class Profile(msgspec.Struct, frozen=True):
    """What a table is like."""

    rows: int
    parts: tuple[tuple[str, int], ...]
    """(part, rows); empty without a split."""
    columns: tuple[ColumnProfile, ...]


def make_profile(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    *,
    columns: Sequence[str] | None = None,
    parts: Sequence[str] = (),
    part_column: str | None = None,
) -> Profile:
    """Return what a table is like. One pass, in bounded memory.

    Args:
        batches: Its rows.
        schema: All of its columns.
        columns: Those to look at; all but `source` if None.
        parts: Names of the parts of its split.
        part_column: The column that says which part a row is in.
    """
    n_parts = len(parts) if part_column is not None else 0
    chosen = [name for name in schema.names if name not in ("source", part_column)] if columns is None else columns
    counted = [c for name in chosen for c in _columns_of(name, schema.field(name).type, (name,), max(n_parts, 1))]
    n_rows = np.zeros(max(n_parts, 1), np.int64)
    for batch in batches:
        number = np.zeros(batch.num_rows, np.int64)
        if n_parts:
            number = np.asarray(pc.index_in(batch.column(part_column), pa.array(parts, pa.string())).cast(pa.int64()))
        n_rows += np.bincount(number, minlength=len(n_rows))
        for column in counted:
            column.add(batch, number)
    told = tuple((name, int(n)) for name, n in zip(parts, n_rows, strict=True)) if n_parts else ()
    return Profile(int(n_rows.sum()), told, tuple(column.profile() for column in counted))


def _columns_of(name: str, type_: pa.DataType, path: tuple[str, ...], n_parts: int) -> Iterator[_Column]:
    """Yield what is counted of a column: of a struct, its fields."""
    if pa.types.is_struct(type_):
        for field in type_:
            yield from _columns_of(f"{name}.{field.name}", field.type, (*path, field.name), n_parts)
    else:
        yield _Column(name, type_, path, n_parts)


class _Column:
    """One column, or field of one, being counted."""

    def __init__(self, name: str, type_: pa.DataType, path: tuple[str, ...], n_parts: int) -> None:
        self._name, self._type, self._path, self._n_parts = name, type_, path, n_parts
        is_ = pa.types
        self._is_number = is_.is_integer(type_) or is_.is_floating(type_) or is_.is_decimal(type_)
        self._is_time = is_.is_timestamp(type_) or is_.is_date(type_)
        self._is_list = is_.is_list(type_) or is_.is_fixed_size_list(type_)
        has_classes = is_.is_string(type_) or is_.is_boolean(type_) or is_.is_integer(type_)
        self._classes: dict[Any, np.ndarray] | None = {} if has_classes else None
        self._nulls = self._not_finite = 0
        self._bins = Bins(whole=is_.is_integer(type_) or self._is_time or self._is_list)

    def add(self, batch: pa.RecordBatch, part: np.ndarray) -> None:
        """Count the rows of a batch."""
        values = batch.column(self._path[0])
        for name in self._path[1:]:
            values = pc.struct_field(values, name)
        if values.null_count:
            self._nulls += values.null_count
            part = part[np.asarray(values.is_valid())]
            values = values.drop_null()
        if self._classes is not None:
            self._add_classes(self._classes, values, part)
        numbers = self._numbers(values)
        if numbers is not None:
            finite = np.isfinite(numbers)
            self._not_finite += int(len(numbers) - finite.sum())
            self._bins.add(numbers[finite])

    def _add_classes(self, classes: dict[Any, np.ndarray], values: pa.Array, part: np.ndarray) -> None:
        found = values.dictionary_encode()
        codes = np.asarray(found.indices).astype(np.int64) * self._n_parts + part
        counts = np.bincount(codes, minlength=len(found.dictionary) * self._n_parts).reshape(-1, self._n_parts)
        for value, row in zip(found.dictionary.to_pylist(), counts, strict=True):
            if value in classes:
                classes[value] = classes[value] + row
            elif len(classes) == MAX_CLASSES:
                self._classes = None  # too many to be classes
                return
            else:
                classes[value] = row

    def _numbers(self, values: pa.Array) -> np.ndarray | None:
        """Return what is put into bins."""
        if self._is_list:
            return np.asarray(pc.list_value_length(values)).astype(np.float64)
        if self._is_time:
            values = values.cast(pa.timestamp("us", getattr(values.type, "tz", None)), safe=False).cast(pa.int64())
            return np.asarray(values).astype(np.float64) / 1e6
        if not self._is_number:
            return None
        return np.asarray(values.cast(pa.float64(), safe=False))

    def profile(self) -> ColumnProfile:
        """Return what was counted."""
        classes = None
        if self._classes is not None:
            ordered = sorted(self._classes.items(), key=lambda item: (-int(item[1].sum()), str(item[0])))
            classes = tuple(ClassCount(value, int(n.sum()), tuple(n.tolist())) for value, n in ordered)
        unit = "length" if self._is_list else "time" if self._is_time else "value"
        return ColumnProfile(
            self._name,
            str(Type.from_arrow(self._type)),
            self._nulls,
            classes,
            None if classes is None else len(classes),
            self._bins.histogram(unit),
            self._not_finite,
        )


def class_counts(profile: Profile) -> Mapping[str, Mapping[Any, int]]:
    """Return how often each class of each column that has classes is there."""
    return {
        column.name: {item.value: item.rows for item in column.classes}
        for column in profile.columns
        if column.classes is not None
    }
