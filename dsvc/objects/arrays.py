"""Arrow arrays to columns in normal form, and back.

Source: docs/format.md#normal-form.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from dsvc.errors import SchemaError
from dsvc.objects.column import Bytes, Column, Index, Mask, concat, null_column, offsets_of, ranges
from dsvc.objects.types import Physical, Type, fixed_width

_QUIET_NAN = {2: 0x7E00, 4: 0x7FC00000, 8: 0x7FF8000000000000}
_MAX_OFFSET = 2**31 - 1
_VIEW_BYTES = 16
_INLINE_BYTES = 12
"""A string view of so many bytes at most holds them itself, from its fifth byte on."""


def normalise(values: pa.Array | pa.ChunkedArray, physical: Physical | None = None) -> Column:
    """Return the normalised column of Arrow values.

    Every layout is decoded here, buffer by buffer, with no Arrow kernel: equal values give equal columns whatever
    release of Arrow is installed.

    Args:
        values: Any layout of a type we store: sliced, chunked, dictionary, run-end, view and large forms.
        physical: The type to store them as, where known; it must be that of the values.

    Raises:
        UnsupportedTypeError: If values of that type are not stored.
        SchemaError: If the values are not of the type `physical`.
    """
    found = Type.from_arrow(values.type)
    if physical is not None and physical != found.physical:
        raise SchemaError(message=f"values have type {found}, expected {Type(physical)}")
    if isinstance(values, pa.ChunkedArray):
        chunks = [_normalise(chunk, found.physical, None) for chunk in values.chunks]
        return concat(chunks) if chunks else null_column(found.physical, 0)
    return _normalise(values, found.physical, None)


def _normalise(array: pa.Array, physical: Physical, outer: Mask | None) -> Column:
    """Normalise one level; `outer` is False where an enclosing struct or fixed list is null."""
    n, kind = len(array), physical[0]
    if kind == "null":
        return Column(physical, n)
    if isinstance(array, pa.DictionaryArray):
        return _normalise(array.dictionary, physical, None).take(_masked(_dictionary_rows(array), outer))
    if isinstance(array, pa.RunEndEncodedArray):
        return _normalise(array.values, physical, None).take(_masked(_run_rows(array), outer))
    valid = _validity(array, outer)
    if (width := fixed_width(physical)) is not None:
        return Column(physical, n, valid, _fixed_data(array, kind, width, valid))
    if kind == "bool":
        bits = _bits(array, 1)
        return Column(physical, n, valid, bits if valid is None else bits * valid)
    if kind in ("string", "binary", "list"):
        return _normalise_items(array, physical, valid)
    if kind == "fixed_list":
        size = physical[1]
        child = array.values.slice(array.offset * size, n * size)
        inner = None if valid is None else np.repeat(valid, size)
        return Column(physical, n, valid, children=[_normalise(child, physical[2], inner)])
    children = [_normalise(array.field(i), child, valid) for i, (_, child) in enumerate(physical[1])]
    return Column(physical, n, valid, children=children)


def _masked(rows: Index, mask: Mask | None) -> Index:
    """Return `rows`, -1 where `mask` is False."""
    return rows if mask is None else np.where(mask, rows, np.int64(-1))


def _dictionary_rows(array: pa.DictionaryArray) -> Index:
    """Return which entry of its dictionary each row has, -1 for null."""
    return _masked(_integers(array.indices), _validity(array.indices, None))


def _run_rows(array: pa.RunEndEncodedArray) -> Index:
    """Return which run each row is in."""
    rows = np.arange(array.offset, array.offset + len(array))
    return np.searchsorted(_integers(array.run_ends), rows, side="right")


def _integers(array: pa.Array) -> Index:
    """Return integers of any width; what stands under null is not told apart."""
    sign = "i" if pa.types.is_signed_integer(array.type) else "u"
    return _words(array, 1, f"<{sign}{array.type.bit_width // 8}", len(array)).astype(np.int64)


def _validity(array: pa.Array, outer: Mask | None) -> Mask | None:
    """Return which rows hold a value, or None when all do."""
    valid = outer
    if array.null_count:
        own = _bits(array, 0).astype(np.bool_)
        valid = own if outer is None else own & outer
    return None if valid is None or bool(valid.all()) else valid


def _buffer(array: pa.Array, index: int) -> Bytes:
    buffer = array.buffers()[index]
    return np.empty(0, np.uint8) if buffer is None else np.frombuffer(buffer, np.uint8)


def _bits(array: pa.Array, index: int) -> Bytes:
    """Return one bit a row of a buffer, as 0 or 1; bits outside the array's rows are not looked at."""
    first, skipped = divmod(array.offset, 8)
    stop = skipped + len(array)
    packed = _buffer(array, index)[first : first + (stop + 7) // 8]
    return np.unpackbits(packed, count=stop, bitorder="little")[skipped:]


def _words(array: pa.Array, index: int, dtype: str, count: int) -> np.ndarray[tuple[int], np.dtype[Any]]:
    """Return `count` words of a buffer from the array's first row on; bytes outside them are not looked at."""
    width = np.dtype(dtype).itemsize
    raw = _buffer(array, index)[array.offset * width : (array.offset + count) * width]
    return raw.view(dtype)


def _fixed_data(array: pa.Array, kind: str, width: int, valid: Mask | None) -> Bytes:
    """Return the values as bytes, shape (n, width), without garbage under null and with one NaN."""
    n, stored = len(array), array.type.bit_width // 8
    data = _buffer(array, 1)[array.offset * stored : (array.offset + n) * stored].reshape(n, stored)
    if stored != width:
        data = _widen(data, width)
    elif kind.startswith("float") and n:
        nan = np.isnan(data.view(f"<f{width}")[:, 0])
        if nan.any():
            words = data.view(f"<u{width}")[:, 0].copy()
            words[nan] = _QUIET_NAN[width]
            data = words.view(np.uint8).reshape(n, width)
    return data if valid is None else np.where(valid[:, None], data, np.uint8(0))


def _widen(data: Bytes, width: int) -> Bytes:
    """Return signed little-endian integers, a row each, with `width` bytes: decimals of 4 or 8 bytes."""
    wide = np.empty((len(data), width), np.uint8)
    wide[:, : data.shape[1]] = data
    wide[:, data.shape[1] :] = np.where(data[:, -1:] & 0x80, np.uint8(0xFF), np.uint8(0))
    return wide


def _normalise_items(array: pa.Array, physical: Physical, valid: Mask | None) -> Column:
    """Normalise strings and lists: offsets from 0, nothing stored under null."""
    n, layout = len(array), str(array.type)
    if layout in ("string_view", "binary_view"):
        return _normalise_string_views(array, physical, valid)
    if layout.startswith(("list_view<", "large_list_view<")):
        return _normalise_list_views(array, physical, valid)
    if n == 0:
        return null_column(physical, 0)
    offsets = _words(array, 1, "<i8" if layout.startswith("large_") else "<i4", n + 1).astype(np.int64)
    first, last = int(offsets[0]), int(offsets[-1])
    offsets -= first
    if physical[0] == "list":
        child = _normalise(array.values.slice(first, last - first), physical[1], None)
        column = Column(physical, n, valid, offsets=offsets, children=[child])
    else:
        column = Column(physical, n, valid, _buffer(array, 2)[first:last], offsets)
    if valid is not None and np.diff(offsets)[~valid].any():
        column = column.take(_masked(np.arange(n), valid))
    return column


def _normalise_string_views(array: pa.Array, physical: Physical, valid: Mask | None) -> Column:
    """Normalise strings that point into buffers shared with rows that are not ours: ours alone are copied."""
    n = len(array)
    views = _buffer(array, 1)[array.offset * _VIEW_BYTES : (array.offset + n) * _VIEW_BYTES]
    # Of each view: length, and for long strings four bytes of prefix, the number of a buffer, an offset in it.
    words = views.view("<i4").reshape(n, 4).astype(np.int64)
    lengths = words[:, 0] if valid is None else np.where(valid, words[:, 0], 0)
    offsets = offsets_of(lengths)
    data = np.empty(int(offsets[-1]), np.uint8)

    def copy(rows: Index, source: Bytes, starts: Index) -> None:
        data[ranges(offsets[rows], lengths[rows])] = source[ranges(starts, lengths[rows])]

    long = lengths > _INLINE_BYTES
    inline = np.flatnonzero(~long)
    copy(inline, views, inline * _VIEW_BYTES + 4)
    for number in np.unique(words[long, 2]).tolist():
        rows = np.flatnonzero(long & (words[:, 2] == number))
        copy(rows, _buffer(array, 2 + number), words[rows, 3])
    return Column(physical, n, valid, data, offsets)


def _normalise_list_views(array: pa.Array, physical: Physical, valid: Mask | None) -> Column:
    """Normalise lists that give each row's start and length; they may overlap and be in any order."""
    n = len(array)
    dtype = "<i8" if str(array.type).startswith("large_") else "<i4"
    starts = _words(array, 1, dtype, n).astype(np.int64)
    lengths = _words(array, 2, dtype, n).astype(np.int64)
    if valid is not None:
        lengths[~valid] = 0
    items = _normalise(array.values, physical[1], None).take(ranges(starts, lengths))
    return Column(physical, n, valid, offsets=offsets_of(lengths), children=[items])


def to_arrow(column: Column) -> pa.Array:
    """Return a column as an Arrow array of its type; fixed-width data is not copied.

    Raises:
        SchemaError: If strings or list items pass what 32-bit offsets can reach.
    """
    physical, n = column.physical, column.length
    if physical[0] == "null":
        return pa.nulls(n)
    arrow = Type(physical).arrow
    validity = None if column.valid is None else pa.py_buffer(np.packbits(column.valid, bitorder="little"))
    children = [to_arrow(child) for child in column.children]
    if column.offsets is not None:
        if column.offsets[-1] > _MAX_OFFSET:
            raise SchemaError(
                message=f"{column.offsets[-1]:,} items of one column at once pass Arrow's 2^31 - 1",
                hint="read fewer rows at a time",
            )
        offsets = pa.py_buffer(column.offsets.astype(np.int32))
        if column.data is None:
            return pa.Array.from_buffers(arrow, n, [validity, offsets], children=children)
        return pa.Array.from_buffers(arrow, n, [validity, offsets, _as_buffer(column.data)])
    if column.data is not None:
        data = np.packbits(column.data, bitorder="little") if physical[0] == "bool" else column.data
        return pa.Array.from_buffers(arrow, n, [validity, _as_buffer(data)])
    return pa.Array.from_buffers(arrow, n, [validity], children=children)


def _as_buffer(data: Bytes) -> pa.Buffer:
    return pa.py_buffer(np.ascontiguousarray(data).reshape(-1))
