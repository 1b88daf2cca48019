"""Canonical bytes do not depend on the layout that values come in, and other bytes are refused."""

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsvc.errors import ObjectFormatError, SchemaError
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.canonical import KEY_TYPE, key_parts, read_keys, read_values, value_parts
from dsvc.objects.column import Column, offsets_of
from dsvc.objects.keys import Keys
from dsvc.objects.oid import ZERO
from dsvc.objects.types import Type
from dsvc.testing.strategies import layouts, nullable_values_of, storable_types

GENEROUS = settings(suppress_health_check=[HealthCheck.too_slow])
NESTED = pa.struct(
    [
        ("a", pa.list_(pa.struct([("s", pa.string()), ("n", pa.int16())]))),
        ("b", pa.list_(pa.bool_(), 2)),
        ("c", pa.null()),
    ]
)
SAMPLES = {
    "int64": pa.array([1, None, -1]),
    "bool": pa.array([True, None, False] * 5),
    "string": pa.array(["a", None, "größer", ""]),
    "null": pa.nulls(3),
    "nested": pa.array(
        [{"a": [{"s": "x", "n": None}, None], "b": [True, None]}, None, {"a": None, "b": None}, {"a": [], "b": None}],
        NESTED,
    ),
    "empty": pa.array([], NESTED),
}


def write(values, start=0, stop=None):
    """Return the canonical bytes of rows of Arrow values."""
    column = normalise(values)
    stop = column.length if stop is None else stop
    return b"".join(value_parts(column, Type(column.physical).id, start, stop))


def read(data, type_, n):
    """Return the Arrow values of one object."""
    return to_arrow(read_values([data], type_, [n]))


@GENEROUS
@given(st.data())
def test_layout_takes_no_part_in_the_bytes(data):
    """Values of any type give the bytes of their plain array from any layout, and come back as they were."""
    arrow = data.draw(storable_types())
    values = data.draw(st.lists(nullable_values_of(arrow), max_size=5))
    expected = write(pa.array(values, arrow))

    assert expected == write(data.draw(layouts(values, arrow)))

    found = read(expected, Type.from_arrow(arrow), len(values))
    found.validate(full=True)
    assert arrow == found.type
    assert repr(pa.array(values, arrow).to_pylist()) == repr(found.to_pylist())
    assert expected == write(found)


@settings(max_examples=50)
@given(st.data())
def test_rows_of_a_column_are_written_as_if_alone(data):
    """An object of rows start to stop knows nothing of the rows around it."""
    arrow = data.draw(storable_types(2))
    values = data.draw(st.lists(nullable_values_of(arrow), max_size=6))
    start = data.draw(st.integers(0, len(values)))
    stop = data.draw(st.integers(start, len(values)))

    assert write(pa.array(values[start:stop], arrow)) == write(pa.array(values, arrow), start, stop)


@settings(max_examples=50)
@given(st.data())
def test_objects_are_joined_as_they_are_read(data):
    """Several objects read at once are one column, of which the bytes are those of the joined values."""
    arrow = data.draw(storable_types(2))
    parts = data.draw(st.lists(st.lists(nullable_values_of(arrow), max_size=3), min_size=1, max_size=3))
    type_ = Type.from_arrow(arrow)
    joined = [value for part in parts for value in part]

    column = read_values([write(pa.array(part, arrow)) for part in parts], type_, [len(part) for part in parts])

    assert write(pa.array(joined, arrow)) == b"".join(value_parts(column, type_.id, 0, len(joined)))


@pytest.mark.parametrize("values", SAMPLES.values(), ids=SAMPLES)
def test_every_truncation_is_refused(values):
    """No prefix of an object is an object."""
    data, type_ = write(values), Type.from_arrow(values.type)

    for size in range(len(data)):
        with pytest.raises(ObjectFormatError):
            read_values([data[:size]], type_, [len(values)])


@pytest.mark.parametrize("values", SAMPLES.values(), ids=SAMPLES)
def test_bytes_after_the_last_buffer_are_refused(values):
    """An object ends where its type says."""
    for more in (b"\0", bytes(8)):
        with pytest.raises(ObjectFormatError, match="after the last buffer"):
            read_values([write(values) + more], Type.from_arrow(values.type), [len(values)])


@pytest.mark.parametrize("values", SAMPLES.values(), ids=SAMPLES)
def test_a_flipped_bit_is_refused_or_reads_as_other_values(values):
    """Damage that ids would catch anyway raises one error or gives a column that can be walked, never a crash."""
    data, type_ = bytearray(write(values)), Type.from_arrow(values.type)
    expected = bytes(data)

    for bit in range(8 * len(data)):
        data[bit // 8] ^= 1 << bit % 8
        _read_or_refuse(bytes(data), type_, len(values))
        data[bit // 8] ^= 1 << bit % 8

    assert expected == bytes(data)


@GENEROUS
@given(st.data())
def test_malformed_bytes_raise_only_the_error_of_formats(data):
    """Objects of random types with bytes replaced anywhere, lengths of buffers too."""
    arrow = data.draw(storable_types(2))
    values = data.draw(st.lists(nullable_values_of(arrow), min_size=1, max_size=4))
    damaged = bytearray(write(pa.array(values, arrow)))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.sampled_from([0, 1, 8, 0x7F, 0x80, 0xFF]))

    _read_or_refuse(bytes(damaged), Type.from_arrow(arrow), len(values))


def _read_or_refuse(data, type_, n):
    """Read damaged bytes; where they are taken, the column has sound parts and is written again."""
    try:
        column = read_values([data], type_, [n])
    except ObjectFormatError:
        return
    again = b"".join(value_parts(column, type_.id, 0, n))
    assert _parts(column) == _parts(read_values([again], type_, [n]))


def _parts(column):
    """Return what a column says, to compare; a validity of ones is none."""
    valid = None if column.valid is None or column.valid.all() else column.valid.tolist()
    data = None if column.data is None else column.data.tolist()
    offsets = None if column.offsets is None else column.offsets.tolist()
    return column.length, valid, data, offsets, [_parts(child) for child in column.children]


def test_a_header_of_anything_else_is_refused():
    """Magic, kind, zeros, rows and type are what the reader was told."""
    data, type_ = write(pa.array([1, 2, 3])), Type.from_arrow(pa.int64())
    keys = b"".join(key_parts(Keys.of_bytes([b"a", b"b", b"c"]).column, 0, 3))

    for wrong in (b"dsv2" + data[4:], keys, data[:5] + b"\1" + data[6:]):
        with pytest.raises(ObjectFormatError, match="header is"):
            read_values([wrong], type_, [3])
    with pytest.raises(ObjectFormatError, match="header is"):
        read_values([data], type_, [2])
    with pytest.raises(ObjectFormatError, match="header is"):
        read_values([data], Type.from_arrow(pa.uint64()), [3])
    with pytest.raises(ObjectFormatError, match="header is"):
        read_keys([data], [3])


def test_bits_after_the_last_row_must_be_zero():
    """A bitmap's tail is part of the bytes, so it has one form."""
    data = bytearray(write(pa.array([1, None], pa.int8())))
    data[56] |= 0b1000

    with pytest.raises(ObjectFormatError, match="bits after the last"):
        read_values([bytes(data)], Type.from_arrow(pa.int8()), [2])


def test_padding_must_be_zero():
    """What pads a buffer to eight bytes carries nothing."""
    data = bytearray(write(pa.array([1, 2], pa.int8())))
    data[-1] = 1

    with pytest.raises(ObjectFormatError, match="padding"):
        read_values([bytes(data)], Type.from_arrow(pa.int8()), [2])


@pytest.mark.parametrize(
    "offsets",
    [[1, 1, 1], [0, 2, 1], [0, -1, 2], [0, 0, 2**31 - 1]],
    ids=["not from 0", "descending", "negative", "beyond the data"],
)
def test_offsets_must_ascend_from_zero_to_the_end_of_the_data(offsets):
    """Offsets say where each string is, without gaps."""
    values = pa.array(["a", "b"])
    data = write(values)
    at = data.index(b"".join(i.to_bytes(4, "little") for i in (0, 1, 2)))
    wrong = data[:at] + b"".join(i.to_bytes(4, "little", signed=True) for i in offsets) + data[at + 12 :]

    with pytest.raises(ObjectFormatError):
        read_values([wrong], Type.from_arrow(values.type), [2])


@given(st.lists(st.text(max_size=20).map(str.encode), unique=True, max_size=8).map(sorted), st.data())
def test_keys_come_back_from_their_bytes(keys, data):
    """Key objects hold the rows asked for, and several are joined in order."""
    column = Keys.of_bytes(keys).column
    middle = data.draw(st.integers(0, len(keys)))
    parts = [b"".join(key_parts(column, 0, middle)), b"".join(key_parts(column, middle, len(keys)))]

    assert keys == list(Keys(read_keys(parts, [middle, len(keys) - middle])))


def test_key_objects_have_no_validity_and_no_type():
    """Header, offsets and data: as docs/format.md says."""
    data = b"".join(key_parts(Keys.of_bytes([b"a", b"bc"]).column, 0, 2))

    assert b"dsv1\x01\0\0\0" + (2).to_bytes(8, "little") + ZERO == data[:48]
    assert (12).to_bytes(8, "little") + bytes([0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0]) + bytes(4) == data[48:72]
    assert (3).to_bytes(8, "little") + b"abc" + bytes(5) == data[72:]


@given(st.binary(max_size=120))
def test_any_bytes_are_keys_or_refused(data):
    """Random bytes never raise anything but the error of formats."""
    with pytest.raises(ObjectFormatError):
        read_keys([data], [1])


def test_more_items_than_offsets_reach_are_refused_before_they_are_written():
    """Offsets of an object have 32 bits."""
    offsets = offsets_of(pa.array([2**31 - 1, 1]).to_numpy())
    column = Column(KEY_TYPE, 2, offsets=offsets)

    with pytest.raises(SchemaError, match="32-bit offsets"):
        key_parts(column, 0, 2)


def test_validity_is_left_out_where_all_rows_of_that_object_are_valid():
    """Whatever the rest of the column has: the same rows have the same bytes."""
    values = pa.array([1, 2, None, 4], pa.int8())

    assert write(pa.array([1, 2], pa.int8())) == write(values, 0, 2)
    assert bytes(8) == write(values, 3, 4)[48:56]
