"""Which group a record is of, as bytes: equal for records of one group, whatever the type of what they are grouped by.

The bytes are those of the value in normal form, so that equal bits are equal bytes.  A record without a value is a
group of its own: nobody knows that two unknown subjects are the same.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.fields import NOTHING
from dsvc.errors import SchemaError
from dsvc.objects.column import Bytes, Column, Index, null_column, offsets_of, ranges
from dsvc.objects.keys import Keys
from dsvc.recipe.paths import InputPath

Ids: TypeAlias = "pa.Array[Any]"
"""Large binary, without nulls: the group of each of some records."""

_VALUE, _ALONE = (pa.scalar(mark, pa.large_binary()) for mark in (b"v", b"s"))
_JOINT = pa.scalar(b"", pa.large_binary())

_Rows = tuple[Index, Bytes]
"""Bytes of each row: how many, and all of them joined."""


def ids_of(columns: Columns, group: InputPath | None) -> Ids:
    """Return the group of each of some records.

    Args:
        columns: Their inputs.
        group: What they are grouped by; None where all are one group.
    """
    if group is None:
        return pa.array([b""], pa.large_binary()).take(pa.array(np.zeros(len(columns), np.int64)))
    values = row_bytes(column_of(columns, group))
    ids = pc.binary_join_element_wise(_VALUE, values, _JOINT)
    if ids.null_count:
        ids = pc.coalesce(ids, alone_ids(columns.keys))
    return ids


def alone_ids(keys: Keys) -> Ids:
    """Return the groups of sources that are alone."""
    return pc.binary_join_element_wise(_ALONE, keys.arrow.cast(pa.large_binary()), _JOINT)


def column_of(columns: Columns, path: InputPath) -> Column:
    """Return what a path names, null where an older version of its signal has no such field."""
    try:
        return columns.column(path)
    except SchemaError:
        return null_column(NOTHING, len(columns))


def row_bytes(column: Column) -> pa.Array[Any]:
    """Return each row as large binary, null where it is: equal exactly where the rows' bits are."""
    if column.physical == NOTHING:
        return pa.nulls(column.length, pa.large_binary())
    if column.offsets is not None and column.data is not None:
        lengths, data = np.diff(column.offsets), column.data
    else:
        lengths, data = _encode(column)
    mask = None if column.valid is None else pa.py_buffer(np.packbits(column.valid, bitorder="little"))
    buffers = [mask, pa.py_buffer(offsets_of(lengths)), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.large_binary(), column.length, buffers)


def _encode(column: Column) -> _Rows:
    """Return the bytes of each row, which say themselves where they end."""
    valid = np.ones(column.length, np.uint8) if column.valid is None else column.valid.astype(np.uint8)
    parts = [_fixed(valid[:, None])]
    if column.offsets is not None:
        lengths = np.diff(column.offsets)
        parts.append(_fixed(lengths.astype("<i8").view(np.uint8).reshape(-1, 8)))
        if column.data is not None:
            parts.append((lengths, column.data))
        else:
            parts.append(_gather(_encode(column.children[0]), column.offsets))
    elif column.data is not None:
        parts.append(_fixed(column.data if column.data.ndim > 1 else column.data[:, None]))
    else:
        size = column.items_per_row
        offsets = np.arange(column.length + 1, dtype=np.int64) * size
        parts += [_gather(_encode(child), offsets) for child in column.children]
    return _interleave(parts)


def _fixed(rows: npt.NDArray[np.uint8]) -> _Rows:
    return np.full(len(rows), rows.shape[1], np.int64), np.ascontiguousarray(rows).reshape(-1)


def _gather(items: _Rows, offsets: Index) -> _Rows:
    """Return rows that each are several consecutive items; the bytes stay as they stand."""
    ends = offsets_of(items[0])[offsets]
    return np.diff(ends), items[1]


def _interleave(parts: list[_Rows]) -> _Rows:
    """Return rows that are the rows of several, joined one by one."""
    lengths = np.sum([part[0] for part in parts], axis=0)
    data = np.empty(int(lengths.sum()), np.uint8)
    at = offsets_of(lengths)[:-1]
    for own, own_data in parts:
        data[ranges(at, own)] = own_data
        at = at + own
    return lengths, data
