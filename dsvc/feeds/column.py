"""The values of one signal, taken in batch by batch, as one column of one type.

With a type given, each batch is made to fit it as it comes. Without one, each batch is held as the least type of all
values so far, and what was held as a lesser type is made to fit in the end; the result does not depend on how the
values were cut into batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from dsvc.feeds.fit import to_array
from dsvc.feeds.infer import Profile
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.chunk import MAX_RECORD_BYTES
from dsvc.objects.column import Column, concat, null_column
from dsvc.objects.types import Type
from dsvc.repo.images import find_encoded_image


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that cannot be a record."""

    row: int
    """Among the values added."""
    why: str
    value: Any
    """None where it must not be kept."""
    is_kept: bool = True
    """Whether the value may be kept: an encoded image may not."""


@dataclass(slots=True)
class _Batch:
    type: Type
    column: Column
    misfits: list[Misfit] = field(default_factory=list)

    def values(self) -> list[Any]:
        """Return the values as they came, but for the width of numbers and null fields."""
        values: list[Any] = to_arrow(self.column).to_pylist()
        for misfit in self.misfits:
            values[misfit.row] = misfit.value
        return values


class ColumnBuilder:
    """Takes values and gives a column.

    Args:
        type_: What values must fit; None for the least type that holds all of them.
    """

    def __init__(self, type_: Type | None) -> None:
        self._type = type_
        self._profile = Profile()
        self._batches: list[_Batch] = []
        self.length = 0
        """Values added so far."""

    def add(self, values: Sequence[Any]) -> None:
        """Take values in; their rows go on from those before."""
        if not values:
            return
        self.length += len(values)
        type_ = self._type
        if type_ is None:
            self._profile.add(values)
            type_ = self._profile.least_type()
        self._batches.append(_fit(values, type_))

    def finish(self) -> tuple[Type, Column, list[Misfit]]:
        """Return the type, the column (null where a value does not fit), and what does not fit; call it once."""
        type_ = self._type or self._profile.least_type()
        columns: list[Column] = []
        misfits: list[Misfit] = []
        row = 0
        for batch in self._drain():
            fitted = batch if batch.type == type_ else _fit(batch.values(), type_)
            checked = [*fitted.misfits, *_refused(fitted.column)]
            misfits.extend(Misfit(row + odd.row, odd.why, odd.value, odd.is_kept) for odd in checked)
            columns.append(fitted.column)
            row += fitted.column.length
        return type_, concat(columns) if columns else null_column(type_.physical, 0), misfits

    def _drain(self) -> Iterator[_Batch]:
        """Yield the batches and let go of each."""
        self._batches.reverse()
        while self._batches:
            yield self._batches.pop()


def _fit(values: Sequence[Any], type_: Type) -> _Batch:
    array, misfits = to_array(values, type_)
    return _Batch(type_, normalise(array, type_.physical), [Misfit(row, why, values[row]) for row, why in misfits])


def _refused(column: Column) -> Iterator[Misfit]:
    """Yield the values that fit the type and still cannot be stored."""
    weights = column.weights()
    if isinstance(weights, int):
        too_heavy = list(range(column.length)) if weights > MAX_RECORD_BYTES else []
    else:
        too_heavy = [row for row, weight in enumerate(weights.tolist()) if weight > MAX_RECORD_BYTES]
    for row in too_heavy:
        yield Misfit(row, f"a record's value weighs at most {MAX_RECORD_BYTES:,} bytes", None, is_kept=False)
    for row, name in iter_images(column):
        yield Misfit(row, f"it looks like an encoded {name} image, which never leaves its bucket", None, is_kept=False)


def iter_images(column: Column) -> Iterator[tuple[int, str]]:
    """Yield the rows that hold what looks like an encoded image, and its format."""
    start = 0
    while start < column.length:
        found = find_encoded_image(column.slice(start, column.length))
        if found is None:
            return
        yield start + found[0], found[1]
        start += found[0] + 1


def has_image(value: Any) -> bool:
    """Tell whether any text or bytes within a document value look like an encoded image."""
    texts: list[str] = []
    blobs: list[bytes] = []
    _collect(value, texts, blobs)
    safe = [text.encode("utf-8", "replace").decode() for text in texts]
    columns = (normalise(pa.array(safe, pa.string())), normalise(pa.array(blobs, pa.binary())))
    return any(find_encoded_image(column) is not None for column in columns)


def _collect(value: Any, texts: list[str], blobs: list[bytes]) -> None:
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, bytes):
        blobs.append(value)
    elif isinstance(value, dict):
        for item in value.values():
            _collect(item, texts, blobs)
    elif isinstance(value, list):
        for item in value:
            _collect(item, texts, blobs)
