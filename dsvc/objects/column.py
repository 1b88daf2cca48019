"""Columns in normal form: equal logical values have equal parts, and rows can be taken, joined and compared.

Normal form: nothing but zero stands under null, strings and lists under null are empty, what stands under a null
struct or fixed list is null, NaN is one quiet NaN, offsets begin at 0.  `dsvc.objects.arrays` makes columns from
Arrow, `dsvc.objects.canonical` writes and reads them as bytes.

Source: docs/format.md#normal-form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.objects.types import Physical, fixed_width

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]


@dataclass(slots=True)
class Column:
    """Values of one type in normal form; exactly the parts that the type has are set."""

    physical: Physical
    length: int
    valid: Mask | None = None
    """Shape (length,); None when every row is valid."""
    data: Bytes | None = None
    """Fixed width: shape (length, width). Bool: shape (length,), 0 or 1. Strings: all bytes, shape (bytes,)."""
    offsets: Index | None = None
    """Strings and lists: shape (length + 1,), from 0."""
    children: list[Column] = field(default_factory=list)

    @property
    def items_per_row(self) -> int:
        """Rows of a child for one row of this column, where that is fixed."""
        return int(self.physical[1]) if self.physical[0] == "fixed_list" else 1

    def take(self, rows: Index) -> Column:
        """Return the rows at `rows`, in that order; -1 gives null.

        Args:
            rows: Shape (m,), each from -1 to length - 1.
        """
        if self.physical[0] == "null":
            return Column(self.physical, len(rows))
        absent = rows < 0
        any_absent = bool(absent.any())
        if any_absent and self.length == 0:
            return null_column(self.physical, len(rows))
        at = np.where(absent, 0, rows) if any_absent else rows
        valid = None if self.valid is None else self.valid.take(at)
        if any_absent:
            valid = ~absent if valid is None else valid & ~absent
        if valid is not None and valid.all():
            valid = None
        if self.offsets is not None:
            return self._take_items(rows, absent if any_absent else None, valid)
        if self.data is not None:
            # take, not data[at]: ten times as fast for rows of a few bytes.
            data = self.data.take(at, axis=0)
            if any_absent:
                data[absent] = 0
            return Column(self.physical, len(rows), valid, data)
        inner = rows if self.items_per_row == 1 else _spread(rows, self.items_per_row)
        return Column(self.physical, len(rows), valid, children=[child.take(inner) for child in self.children])

    def _take_items(self, rows: Index, absent: Mask | None, valid: Mask | None) -> Column:
        assert self.offsets is not None
        if self.data is not None:
            offsets, data = _string_parts(_arrow_strings(self).take(pa.array(rows, mask=absent)))
            return Column(self.physical, len(rows), valid, data, offsets)
        at = rows if absent is None else np.where(absent, 0, rows)
        lengths = self.offsets.take(at + 1) - self.offsets.take(at)
        if absent is not None:
            lengths[absent] = 0
        items = self.children[0].take(ranges(self.offsets.take(at), lengths))
        return Column(self.physical, len(rows), valid, offsets=offsets_of(lengths), children=[items])

    def slice(self, start: int, stop: int) -> Column:
        """Return rows start to stop, without copying data."""
        valid = None if self.valid is None else self.valid[start:stop]
        if valid is not None and valid.all():
            valid = None
        n = stop - start
        if self.offsets is not None:
            offsets = self.offsets[start : stop + 1]
            first, last = int(offsets[0]), int(offsets[-1])
            offsets = offsets - first if first else offsets
            if self.data is not None:
                return Column(self.physical, n, valid, self.data[first:last], offsets)
            return Column(self.physical, n, valid, offsets=offsets, children=[self.children[0].slice(first, last)])
        if self.data is not None:
            return Column(self.physical, n, valid, self.data[start:stop])
        size = self.items_per_row
        children = [child.slice(start * size, stop * size) for child in self.children]
        return Column(self.physical, n, valid, children=children)

    def weights(self) -> int | Index:
        """Return the weight of a record in bytes: one number when all weigh the same, else shape (length,).

        Fixed width counts its width (bool 1), null or not; string and binary 4 + length; a list 4 + its items; a
        struct and a fixed list the sum of their children; null nothing.

        Source: docs/format.md#weight.
        """
        if self.offsets is not None:
            if self.data is not None:
                return 4 + np.diff(self.offsets)
            items = self.children[0].weights()
            if isinstance(items, int):
                return 4 + np.diff(self.offsets) * items
            return 4 + np.diff(offsets_of(items)[self.offsets])
        if self.data is not None:
            return 1 if self.data.ndim == 1 else int(self.data.shape[1])
        total: int | Index = 0
        for child in self.children:
            total = total + child.weights()
        size = self.items_per_row
        if size == 1 and self.physical[0] != "fixed_list":
            return total
        return total * size if isinstance(total, int) else total.reshape(self.length, size).sum(axis=1)


def offsets_of(lengths: Index) -> Index:
    """Return the offsets, from 0, of items of these lengths."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def ranges(starts: Index, lengths: Index) -> Index:
    """Return starts[i], starts[i] + 1, ... for lengths[i] steps, joined over all i."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(total, dtype=np.int64)


def _arrow_strings(column: Column) -> pa.LargeBinaryArray:
    """Return the bytes of a string column's rows as Arrow sees them, without nulls; nothing is copied."""
    assert column.offsets is not None and column.data is not None
    buffers = [None, pa.py_buffer(column.offsets), pa.py_buffer(column.data)]
    return pa.Array.from_buffers(pa.large_binary(), column.length, buffers)


def _string_parts(array: pa.LargeBinaryArray) -> tuple[Index, Bytes]:
    """Return the offsets and bytes of an array that Arrow has just made, and so begins at its buffers' beginning."""
    _, offsets, data = array.buffers()
    n = len(array)
    if n == 0:
        return np.zeros(1, np.int64), np.empty(0, np.uint8)
    found = np.frombuffer(offsets, np.int64, n + 1)
    return found, np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8, int(found[-1]))


def _spread(rows: Index, size: int) -> Index:
    """Return the child rows of `rows`, `size` for each; -1 stays -1."""
    inner = rows[:, None] * size + np.arange(size, dtype=np.int64)
    inner[rows < 0] = -1
    return inner.reshape(-1)


def null_column(physical: Physical, length: int) -> Column:
    """Return a column of nulls."""
    kind = physical[0]
    if kind == "null":
        return Column(physical, length)
    valid = np.zeros(length, np.bool_) if length else None
    if (width := fixed_width(physical)) is not None:
        return Column(physical, length, valid, np.zeros((length, width), np.uint8))
    if kind == "bool":
        return Column(physical, length, valid, np.zeros(length, np.uint8))
    if kind in ("string", "binary"):
        return Column(physical, length, valid, np.empty(0, np.uint8), np.zeros(length + 1, np.int64))
    if kind == "list":
        child = null_column(physical[1], 0)
        return Column(physical, length, valid, offsets=np.zeros(length + 1, np.int64), children=[child])
    if kind == "fixed_list":
        return Column(physical, length, valid, children=[null_column(physical[2], length * physical[1])])
    return Column(physical, length, valid, children=[null_column(child, length) for _, child in physical[1]])


def nulls_fit(found: Physical, wanted: Physical) -> bool:
    """Tell whether types are equal but for parts of `found` that hold nothing but nulls, and so fit any type."""
    if found in (wanted, ("null",)):
        return True
    if found[0] != wanted[0]:
        return False
    if found[0] == "list":
        return nulls_fit(found[1], wanted[1])
    if found[0] == "fixed_list":
        return bool(found[1] == wanted[1]) and nulls_fit(found[2], wanted[2])
    if found[0] != "struct" or [name for name, _ in found[1]] != [name for name, _ in wanted[1]]:
        return False
    return all(nulls_fit(old, new) for (_, old), (_, new) in zip(found[1], wanted[1], strict=True))


def type_nulls(column: Column, wanted: Physical) -> Column:
    """Return a column under a type that `nulls_fit` allows it."""
    if column.physical == wanted:
        return column
    if column.physical == ("null",):
        return null_column(wanted, column.length)
    inner = [child for _, child in wanted[1]] if wanted[0] == "struct" else [wanted[-1]]
    children = [type_nulls(child, type_) for child, type_ in zip(column.children, inner, strict=True)]
    return Column(wanted, column.length, column.valid, column.data, column.offsets, children)


def concat(columns: Sequence[Column]) -> Column:
    """Return the rows of several columns of one type, in order; at least one column."""
    if len(columns) == 1:
        return columns[0]
    first, n = columns[0], sum(column.length for column in columns)
    valid: Mask | None = None
    if any(column.valid is not None for column in columns):
        valid = np.concatenate(
            [np.ones(column.length, np.bool_) if column.valid is None else column.valid for column in columns]
        )
    data = None
    if first.data is not None:
        data = np.concatenate([column.data for column in columns if column.data is not None])
    offsets = None
    if first.offsets is not None:
        lengths = [np.diff(column.offsets) for column in columns if column.offsets is not None]
        offsets = offsets_of(np.concatenate(lengths))
    children = [concat([column.children[i] for column in columns]) for i in range(len(first.children))]
    return Column(first.physical, n, valid, data, offsets, children)


def differing_rows(a: Column, b: Column) -> Mask:
    """Return which rows of two columns of one type and length have different bits.

    NaN equals NaN, 0.0 differs from -0.0, null equals null alone.

    Returns:
        Shape (length,).
    """
    differs = np.zeros(a.length, np.bool_)
    if a.valid is not None or b.valid is not None:
        differs |= (True if a.valid is None else a.valid) != (True if b.valid is None else b.valid)
    if a.offsets is not None and b.offsets is not None:
        differs |= _differing_items(a, b)
    elif a.data is not None and b.data is not None:
        differs |= a.data != b.data if a.data.ndim == 1 else _differing_words(a.data, b.data)
    else:
        size = a.items_per_row
        for child_a, child_b in zip(a.children, b.children, strict=True):
            inner = differing_rows(child_a, child_b)
            differs |= inner if a.physical[0] != "fixed_list" else inner.reshape(a.length, size).any(axis=1)
    return differs


def _differing_words(a: Bytes, b: Bytes) -> Mask:
    width = a.shape[1]
    if width in (2, 4, 8) and a.flags.c_contiguous and b.flags.c_contiguous:
        return np.asarray((a.view(f"<u{width}") != b.view(f"<u{width}"))[:, 0])
    return np.asarray((a != b).any(axis=1))


def _differing_items(a: Column, b: Column) -> Mask:
    assert a.offsets is not None and b.offsets is not None
    if a.data is not None:
        return np.asarray(pc.not_equal(_arrow_strings(a), _arrow_strings(b)))
    lengths = np.diff(a.offsets)
    differs: Mask = lengths != np.diff(b.offsets)
    rows = np.flatnonzero(~differs & (lengths > 0))
    if len(rows) == 0:
        return differs
    items_a, items_b, lengths = a.children[0], b.children[0], lengths[rows]
    if differs.any():
        items_a = items_a.take(ranges(a.offsets[rows], lengths))
        items_b = items_b.take(ranges(b.offsets[rows], lengths))
    inner = np.flatnonzero(differing_rows(items_a, items_b))
    owner = np.searchsorted(np.cumsum(lengths), inner, side="right")
    differs[rows[owner]] = True
    return differs
