"""Hypothesis strategies: types that are stored, values of them, and the layouts that Arrow may give equal values.

A layout is how values lie in memory: plain, large, view, dictionary or run-end encoded, sliced out of a longer array,
in chunks, with anything at all under nulls and behind the last bit of a bitmap.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

SECONDS = 2**31 - 1
"""Seconds from 1970, either way, of the moments that are drawn: Python's datetime holds all of them."""
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400
_WIDE = Context(prec=80)
"""Moves the point of any decimal that Arrow holds without rounding it."""
_INTEGERS = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
_LEAVES = (
    *_INTEGERS,
    pa.null(),
    pa.bool_(),
    pa.float16(),
    pa.float32(),
    pa.float64(),
    pa.date32(),
    pa.date64(),
    pa.time32("s"),
    pa.time64("us"),
    pa.timestamp("ms"),
    pa.timestamp("us", tz="Europe/Berlin"),
    pa.duration("us"),
    pa.decimal128(7, 2),
    pa.decimal256(40, 3),
    pa.string(),
    pa.binary(),
    pa.binary(3),
)


def storable_types(max_depth: int = 3) -> st.SearchStrategy[pa.DataType]:
    """Return a strategy of Arrow types in the form in which they are stored.

    Args:
        max_depth: Levels of lists and structs within each other, at most.
    """
    leaves = st.sampled_from(_LEAVES)
    if max_depth == 0:
        return leaves
    inner = storable_types(max_depth - 1)
    lists = inner.map(pa.list_)
    fixed_lists = st.tuples(inner, st.integers(0, 3)).map(lambda drawn: pa.list_(*drawn))
    structs = st.lists(inner, max_size=3).map(lambda types: pa.struct([(f"f{i}", t) for i, t in enumerate(types)]))
    return st.one_of(leaves, lists, fixed_lists, structs)


def values_of(arrow: pa.DataType) -> st.SearchStrategy[Any]:
    """Return a strategy of Python values that `pa.array` takes for a stored type, none of them null at the top."""
    if pa.types.is_struct(arrow):
        fields = {field.name: nullable_values_of(field.type) for field in arrow}
        return st.fixed_dictionaries(fields)
    if pa.types.is_fixed_size_list(arrow):
        return st.lists(nullable_values_of(arrow.value_type), min_size=arrow.list_size, max_size=arrow.list_size)
    if pa.types.is_list(arrow):
        return st.lists(nullable_values_of(arrow.value_type), max_size=3)
    return _leaves_of(arrow)


def nullable_values_of(arrow: pa.DataType) -> st.SearchStrategy[Any]:
    """Return a strategy of Python values of a stored type, null among them."""
    return st.none() if pa.types.is_null(arrow) else st.one_of(st.none(), values_of(arrow), values_of(arrow))


def _leaves_of(arrow: pa.DataType) -> st.SearchStrategy[Any]:
    is_ = pa.types
    if is_.is_null(arrow):
        return st.none()
    if is_.is_boolean(arrow):
        return st.booleans()
    if is_.is_integer(arrow):
        low = -(2 ** (arrow.bit_width - 1)) if is_.is_signed_integer(arrow) else 0
        return st.integers(low, low + 2**arrow.bit_width - 1)
    if is_.is_floating(arrow):
        width: Any = arrow.bit_width
        return st.floats(width=width)
    if is_.is_decimal(arrow):
        limit = 10**arrow.precision - 1
        scale = arrow.scale
        return st.integers(-limit, limit).map(lambda digits: Decimal(digits).scaleb(-scale, _WIDE))
    if is_.is_string(arrow):
        return st.text(max_size=20)
    if is_.is_fixed_size_binary(arrow):
        return st.binary(min_size=arrow.byte_width, max_size=arrow.byte_width)
    if is_.is_binary(arrow):
        return st.binary(max_size=20)
    return _moments_of(arrow)


def _moments_of(arrow: pa.DataType) -> st.SearchStrategy[int]:
    """Return a strategy of dates, times, timestamps and durations as the integers that stand for them."""
    is_ = pa.types
    if is_.is_date32(arrow):
        return st.integers(-SECONDS // _DAY, SECONDS // _DAY)
    if is_.is_date64(arrow):
        return st.integers(-SECONDS // _DAY, SECONDS // _DAY).map(lambda days: days * _DAY * 1000)
    per_second = _PER_SECOND[arrow.unit]
    if is_.is_time(arrow):
        return st.integers(0, _DAY * per_second - 1)
    return st.integers(-SECONDS * per_second, SECONDS * per_second)


@st.composite
def equivalent_types(draw: st.DrawFn, arrow: pa.DataType) -> pa.DataType:
    """Draw an Arrow type whose values are stored as those of the stored type `arrow` are."""
    is_ = pa.types
    if is_.is_struct(arrow):
        return pa.struct([(field.name, draw(equivalent_types(field.type))) for field in arrow])
    if is_.is_fixed_size_list(arrow):
        return pa.list_(draw(equivalent_types(arrow.value_type)), arrow.list_size)
    if is_.is_list(arrow):
        make = draw(st.sampled_from([pa.list_, pa.large_list, pa.list_view, pa.large_list_view]))
        return make(draw(equivalent_types(arrow.value_type)))
    forms = [arrow]
    if is_.is_string(arrow):
        forms += [pa.large_string(), pa.string_view()]
    elif is_.is_binary(arrow):
        forms += [pa.large_binary(), pa.binary_view()]
    elif is_.is_decimal128(arrow):
        forms += [pa.decimal32(arrow.precision, arrow.scale), pa.decimal64(arrow.precision, arrow.scale)]
    form = draw(st.sampled_from(forms))
    if is_.is_null(arrow):
        return form
    wrap = draw(st.sampled_from(["plain", "plain", "dictionary", "run ends"]))
    if wrap == "dictionary":
        return pa.dictionary(draw(st.sampled_from([pa.int8(), pa.uint16(), pa.int64()])), form)
    if wrap == "run ends":
        return pa.run_end_encoded(draw(st.sampled_from([pa.int16(), pa.int32(), pa.int64()])), form)
    return form


@st.composite
def layouts(draw: st.DrawFn, values: list[Any], arrow: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Draw Arrow data that holds `values` of the stored type `arrow` in some layout.

    Args:
        draw: Given by Hypothesis.
        values: What the data holds, None for null.
        arrow: Their type, as `storable_types` draws it.
    """
    form = draw(equivalent_types(arrow))
    if draw(st.booleans()):
        return draw(_sliced(values, arrow, form))
    ends = sorted(draw(st.lists(st.integers(0, len(values)), max_size=3)))
    bounds = zip([0, *ends], [*ends, len(values)], strict=True)
    return pa.chunked_array([draw(_sliced(values[start:stop], arrow, form)) for start, stop in bounds], form)


@st.composite
def _sliced(draw: st.DrawFn, values: list[Any], arrow: pa.DataType, form: pa.DataType) -> pa.Array:
    """Draw an array of `values` that is cut out of a longer one."""
    spare = st.lists(nullable_values_of(arrow), max_size=2)
    before, after = draw(spare), draw(spare)
    array = draw(_array([*before, *values, *after], arrow, form))
    return array.slice(len(before), len(values))


@st.composite
def _array(draw: st.DrawFn, values: list[Any], arrow: pa.DataType, form: pa.DataType) -> pa.Array:
    """Draw an array of type `form` from buffers, with one drawn value under every null."""
    if pa.types.is_null(arrow):
        return pa.nulls(len(values))
    garbage = draw(values_of(arrow))
    if pa.types.is_dictionary(form):
        return draw(_dictionary(values, arrow, form, garbage))
    if pa.types.is_run_end_encoded(form):
        ends = np.arange(1, len(values) + 1, dtype=form.run_end_type.to_pandas_dtype())
        inner = draw(_array(values, arrow, form.value_type))
        return pa.RunEndEncodedArray.from_arrays(pa.array(ends, form.run_end_type), inner, form)
    full = [garbage if value is None else value for value in values]
    validity = draw(_validity(values))
    if pa.types.is_struct(arrow):
        children = [
            draw(_sliced([value[field.name] for value in full], field.type, own.type))
            for field, own in zip(arrow, form, strict=True)
        ]
        return pa.Array.from_buffers(form, len(values), [validity], children=children)
    if pa.types.is_fixed_size_list(arrow):
        items = draw(_sliced([item for value in full for item in value], arrow.value_type, form.value_type))
        return pa.Array.from_buffers(form, len(values), [validity], children=[items])
    if pa.types.is_list(arrow):
        items = draw(_sliced([item for value in full for item in value], arrow.value_type, form.value_type))
        return pa.Array.from_buffers(form, len(values), [validity, *_list_buffers(full, form)], children=[items])
    plain = pa.array(full, form)
    return pa.Array.from_buffers(form, len(values), [validity, *plain.buffers()[1:]])


@st.composite
def _dictionary(
    draw: st.DrawFn, values: list[Any], arrow: pa.DataType, form: pa.DataType, garbage: Any
) -> pa.DictionaryArray:
    """Draw a dictionary array: entries in any order, some twice, unused or null; nulls in indices or dictionary."""
    order = draw(st.permutations(range(len(values))))
    dictionary = [garbage, None, *(values[row] for row in order)]
    place = {row: at for at, row in enumerate(order, start=2)}
    # A null is hidden by the index, or points at a null of the dictionary.
    indices = [None if value is None and draw(st.booleans()) else place[row] for row, value in enumerate(values)]
    return pa.DictionaryArray.from_arrays(
        pa.array(indices, form.index_type), draw(_array(dictionary, arrow, form.value_type))
    )


@st.composite
def _validity(draw: st.DrawFn, values: list[Any]) -> pa.Buffer | None:
    """Draw a bitmap with anything behind its last bit; where all are valid, perhaps none."""
    valid = [value is not None for value in values]
    if all(valid) and draw(st.booleans()):
        return None
    tail = draw(st.lists(st.booleans(), min_size=16, max_size=16))
    return pa.py_buffer(np.packbits(np.array([*valid, *tail], np.bool_), bitorder="little").tobytes())


def _list_buffers(full: list[list[Any]], form: pa.DataType) -> list[pa.Buffer]:
    """Return offsets, or offsets and sizes, of lists whose items lie one after the other."""
    is_large = pa.types.is_large_list(form) or pa.types.is_large_list_view(form)
    dtype = np.dtype("<i8" if is_large else "<i4")
    sizes = np.array([len(value) for value in full], np.int64)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    if pa.types.is_list_view(form) or pa.types.is_large_list_view(form):
        return [pa.py_buffer(ends[:-1].astype(dtype).tobytes()), pa.py_buffer(sizes.astype(dtype).tobytes())]
    return [pa.py_buffer(ends.astype(dtype).tobytes())]
