"""Arrow arrays to columns in normal form, and back.

Source: docs/format.md#normal-form.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.errors import SchemaError
from dsvc.objects.column import Bytes, Column, Mask, offsets_of
from dsvc.objects.types import Physical, Type, fixed_width

_QUIET_NAN = {2: 0x7E00, 4: 0x7FC00000, 8: 0x7FF8000000000000}
_MAX_OFFSET = 2**31 - 1


def normalise(values: pa.Array | pa.ChunkedArray, physical: Physical | None = None) -> Column:
    """Return the normalised column of Arrow values.

    Args:
        values: Any layout of a type we store: sliced, chunked, dictionary, run-end, view and large forms.
        physical: The type to store them as, where known; it must be that of the values.

    Raises:
        UnsupportedTypeError: If values of that type are not stored.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.chunk(0) if values.num_chunks == 1 else pa.concat_arrays(_large_chunks(values))
    return _normalise(values, physical or Type.from_arrow(values.type).physical, None)


def _large_chunks(values: pa.ChunkedArray) -> list[pa.Array]:
    """Return the chunks of a column, long strings with 64-bit offsets so that joining them cannot overflow."""
    if values.num_chunks == 0:
        return [pa.array([], values.type)]
    if values.type in (pa.string(), pa.binary()) and values.nbytes > _MAX_OFFSET:
        values = values.cast(pa.large_string() if values.type == pa.string() else pa.large_binary())
    elif pa.types.is_dictionary(values.type):
        values = values.unify_dictionaries()
    return list(values.chunks)


def _normalise(array: pa.Array, physical: Physical, outer: Mask | None) -> Column:
    """Normalise one level; `outer` is False where an enclosing struct or fixed list is null."""
    array = _plain(array)
    n, kind = len(array), physical[0]
    if kind == "null":
        return Column(physical, n)
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


def _plain(array: pa.Array) -> pa.Array:
    """Return the array without dictionary, run-end or view encoding at its top level."""
    if isinstance(array, pa.DictionaryArray):
        return _plain(array.dictionary_decode())
    text = str(array.type)
    if text.startswith("run_end_encoded"):
        return _plain(pc.run_end_decode(array))
    if text in ("string_view", "binary_view"):
        # The views point into buffers shared with rows that are not ours: the cast copies ours alone.
        return array.cast(pa.large_string() if text == "string_view" else pa.large_binary())
    if text.startswith(("list_view", "large_list_view")):
        return array.cast(pa.large_list(array.type.value_field))
    if text.startswith(("decimal32", "decimal64")):
        return array.cast(pa.decimal128(array.type.precision, array.type.scale))
    return array


def _validity(array: pa.Array, outer: Mask | None) -> Mask | None:
    """Return which rows hold a value, or None when all do."""
    valid = outer
    if array.null_count:
        own = _bits(array, 0).astype(np.bool_)
        valid = own if outer is None else own & outer
    return None if valid is None or bool(valid.all()) else valid


def _bits(array: pa.Array, index: int) -> Bytes:
    """Return one bit a row of a buffer, as 0 or 1; bits outside the array's rows are not looked at."""
    stop = array.offset + len(array)
    if len(array) == 0:
        return np.empty(0, np.uint8)
    return np.unpackbits(_buffer(array, index), count=stop, bitorder="little")[array.offset :]


def _buffer(array: pa.Array, index: int) -> Bytes:
    buffer = array.buffers()[index]
    return np.empty(0, np.uint8) if buffer is None else np.frombuffer(buffer, np.uint8)


def _fixed_data(array: pa.Array, kind: str, width: int, valid: Mask | None) -> Bytes:
    """Return the values as bytes, shape (n, width), without garbage under null and with one NaN."""
    n = len(array)
    data = _buffer(array, 1)[array.offset * width : (array.offset + n) * width].reshape(n, width)
    if kind.startswith("float") and n:
        nan = np.isnan(data.view(f"<f{width}")[:, 0])
        if nan.any():
            words = data.view(f"<u{width}")[:, 0].copy()
            words[nan] = _QUIET_NAN[width]
            data = words.view(np.uint8).reshape(n, width)
    return data if valid is None else np.where(valid[:, None], data, np.uint8(0))


def _normalise_items(array: pa.Array, physical: Physical, valid: Mask | None) -> Column:
    """Normalise strings and lists: offsets from 0, nothing stored under null."""
    n = len(array)
    if n == 0:
        array = pa.array([], array.type)
        offsets = np.zeros(1, np.int64)
    else:
        wide = str(array.type).startswith("large_")
        raw = np.frombuffer(array.buffers()[1], np.int64 if wide else np.int32)
        offsets = raw[array.offset : array.offset + n + 1].astype(np.int64)
    if valid is not None:
        lengths = np.diff(offsets)
        if lengths[~valid].any():
            kept = _normalise_items(array.filter(pa.array(valid)), physical, None)
            lengths[~valid] = 0
            return Column(physical, n, valid, kept.data, offsets_of(lengths), kept.children)
    first, last = int(offsets[0]), int(offsets[-1])
    offsets = offsets - first if first else offsets
    if physical[0] == "list":
        child = _normalise(array.values.slice(first, last - first), physical[1], None)
        return Column(physical, n, valid, offsets=offsets, children=[child])
    return Column(physical, n, valid, _buffer(array, 2)[first:last], offsets)


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


def _as_buffer(data: npt.NDArray[np.uint8]) -> pa.Buffer:
    return pa.py_buffer(np.ascontiguousarray(data).reshape(-1))
