"""Values in any layout become one column: a test for each way in which equal values have unequal buffers."""

import datetime as dt
import decimal

import numpy as np
import pyarrow as pa
import pytest

from dsvc.errors import SchemaError, UnsupportedTypeError
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.canonical import value_parts
from dsvc.objects.column import Column, null_column
from dsvc.objects.types import Type


def write(values):
    """Return the canonical bytes of Arrow values."""
    column = normalise(values)
    return b"".join(value_parts(column, Type(column.physical).id, 0, column.length))


def buffer(*values, dtype="<i4"):
    """Return a buffer of some words."""
    return pa.py_buffer(np.array(values, dtype).tobytes())


def bits(text):
    """Return a bitmap from zeros and ones, first row first."""
    return pa.py_buffer(np.packbits([int(bit) for bit in text], bitorder="little").tobytes())


STRUCT = pa.struct([("x", pa.int32()), ("s", pa.string())])
PLAIN = {
    "int16": pa.array([1, None, -3, 4], pa.int16()),
    "bool": pa.array([True, None, False, True] * 5),
    "string": pa.array(["", "ab", None, "cde"]),
    "binary": pa.array([b"", b"\0", None]),
    "fixed_binary": pa.array([b"ab", None, b"cd"], pa.binary(2)),
    "decimal": pa.array([decimal.Decimal("1.25"), None], pa.decimal128(5, 2)),
    "list": pa.array([[1], None, [], [2, None, 3]], pa.list_(pa.int8())),
    "fixed_list": pa.array([[1, None], None, [2, 3]], pa.list_(pa.int8(), 2)),
    "struct": pa.array([{"x": 1, "s": "a"}, None, {"x": None, "s": "b"}], STRUCT),
    "null": pa.nulls(3),
}


@pytest.mark.parametrize("plain", PLAIN.values(), ids=PLAIN)
def test_trap_2_a_slice_is_its_own_rows(plain):
    """Rows before and after a slice take no part, at any offset of bits."""
    for before in (1, 3, 7, 8, 9):
        longer = pa.concat_arrays([pa.concat_arrays([plain] * 9)[:before], plain, plain])

        assert write(plain) == write(longer.slice(before, len(plain)))


@pytest.mark.parametrize("plain", PLAIN.values(), ids=PLAIN)
def test_trap_2_a_slice_of_a_slice_of_children(plain):
    """Lists and structs whose children are slices themselves."""
    child = pa.concat_arrays([plain, plain]).slice(1, len(plain))
    lists = pa.ListArray.from_arrays([0, 1, len(child)], child).slice(1)
    structs = pa.StructArray.from_arrays([child], ["f"]).slice(1)

    assert write(pa.array(lists.to_pylist(), lists.type)) == write(lists)
    assert write(pa.array(structs.to_pylist(), structs.type)) == write(structs)


@pytest.mark.parametrize("plain", PLAIN.values(), ids=PLAIN)
def test_trap_5_chunks_are_invisible(plain):
    """A chunked array is its rows, whatever its chunks: empty ones, one a row, all at once."""
    one_each = pa.chunked_array([plain[i : i + 1] for i in range(len(plain))])
    with_empty = pa.chunked_array([plain[:0], plain, plain[:0]])

    assert {write(plain)} == {write(one_each), write(with_empty), write(pa.chunked_array([plain]))}


@pytest.mark.parametrize("plain", PLAIN.values(), ids=PLAIN)
def test_trap_2_no_rows(plain):
    """An empty array, an empty slice, no chunks, and an array whose buffers are missing."""
    empty = pa.array([], plain.type)

    assert {write(empty)} == {write(plain[:0]), write(plain[1:1]), write(pa.chunked_array([], plain.type))}
    assert empty == to_arrow(normalise(plain[:0]))


def test_trap_2_no_rows_and_no_offsets():
    """Arrow allows an empty array of strings or lists to have no offsets at all."""
    strings = pa.Array.from_buffers(pa.string(), 0, [None, None, pa.py_buffer(b"")])
    lists = pa.Array.from_buffers(pa.list_(pa.int8()), 0, [None, None], children=[pa.array([], pa.int8())])

    assert write(pa.array([], pa.string())) == write(strings)
    assert write(pa.array([], pa.list_(pa.int8()))) == write(lists)


@pytest.mark.parametrize("plain", PLAIN.values(), ids=PLAIN)
def test_trap_2_all_null(plain):
    """All rows null is one form, that of `null_column`."""
    physical = Type.from_arrow(plain.type).physical
    column = null_column(physical, 5)

    assert b"".join(value_parts(column, Type(physical).id, 0, 5)) == write(pa.nulls(5, plain.type))


def test_trap_2_garbage_under_a_null_number():
    """What stands in the slot of a null is not stored."""
    garbage = pa.Array.from_buffers(pa.int32(), 3, [bits("101"), buffer(1, 666, 3)])

    assert write(pa.array([1, None, 3], pa.int32())) == write(garbage)
    assert b"\x9a\x02" not in write(garbage)


def test_trap_2_garbage_under_a_null_bool():
    """A bit under null is not stored."""
    garbage = pa.Array.from_buffers(pa.bool_(), 3, [bits("101"), bits("111")])

    assert write(pa.array([True, None, True])) == write(garbage)


@pytest.mark.parametrize(
    "arrow, dtype", [(pa.string(), "<i4"), (pa.large_string(), "<i8"), (pa.binary(), "<i4")], ids=str
)
def test_trap_2_text_under_null(arrow, dtype):
    """A null string may span bytes in Arrow; they are dropped."""
    garbage = pa.Array.from_buffers(arrow, 3, [bits("101"), buffer(0, 1, 7, 8, dtype=dtype), pa.py_buffer(b"asecretb")])

    assert write(pa.array(garbage.to_pylist(), Type.from_arrow(arrow).arrow)) == write(garbage)
    assert b"secret" not in write(garbage)


def test_trap_2_items_under_a_null_list():
    """A null list may span items in Arrow; they are dropped, also below them."""
    items = pa.array(["a", "secret", None, "b"])
    garbage = pa.Array.from_buffers(pa.list_(pa.string()), 3, [bits("101"), buffer(0, 1, 3, 4)], children=[items])

    assert write(pa.array([["a"], None, ["b"]], pa.list_(pa.string()))) == write(garbage)
    assert b"secret" not in write(garbage)


def test_trap_2_items_before_the_first_offset_and_after_the_last():
    """Offsets need not begin at 0 nor reach the end of the items or bytes."""
    items = pa.array([9, 1, 2, 3, 9], pa.int8())
    lists = pa.Array.from_buffers(pa.list_(pa.int8()), 2, [None, buffer(1, 2, 4)], children=[items])
    strings = pa.Array.from_buffers(pa.string(), 2, [None, buffer(1, 2, 4), pa.py_buffer(b"?abc?")])

    assert write(pa.array([[1], [2, 3]], pa.list_(pa.int8()))) == write(lists)
    assert write(pa.array(["a", "bc"])) == write(strings)


def test_trap_2_children_of_a_null_struct_are_null():
    """What a null struct's children hold is not stored, and they are null themselves."""
    children = [pa.array([1, 666, 3], pa.int32()), pa.array(["a", "secret", "c"])]
    garbage = pa.Array.from_buffers(STRUCT, 3, [bits("101")], children=children)
    column = normalise(garbage)

    assert write(pa.array([{"x": 1, "s": "a"}, None, {"x": 3, "s": "c"}], STRUCT)) == write(garbage)
    assert [[True, False, True]] * 2 == [child.valid.tolist() for child in column.children]
    assert b"secret" not in write(garbage)


def test_trap_2_items_of_a_null_fixed_list_are_null():
    """What a null fixed list's items hold is not stored, and they are null themselves."""
    items = pa.array([1, 2, 666, 667], pa.int32())
    garbage = pa.Array.from_buffers(pa.list_(pa.int32(), 2), 2, [bits("10")], children=[items])
    column = normalise(garbage)

    assert write(pa.array([[1, 2], None], pa.list_(pa.int32(), 2))) == write(garbage)
    assert [True, True, False, False] == column.children[0].valid.tolist()


def test_trap_2_nulls_reach_through_every_level():
    """A null struct of fixed lists of structs of lists of dictionaries: all below it is null or empty."""
    words = pa.array(["a", "secret", "b", None]).dictionary_encode()
    lists = pa.ListArray.from_arrays([0, 1, 2, 3, 4], words)
    inner = pa.StructArray.from_arrays([lists], ["l"])
    pairs = pa.FixedSizeListArray.from_arrays(inner, 2)
    outer = pa.StructArray.from_arrays([pairs], ["p"], mask=pa.array([True, False]))
    plain = pa.struct([("p", pa.list_(pa.struct([("l", pa.list_(pa.string()))]), 2))])

    assert write(pa.array(outer.to_pylist(), plain)) == write(outer)
    assert b"secret" not in write(outer)
    assert [None, {"p": [{"l": ["b"]}, {"l": [None]}]}] == to_arrow(normalise(outer)).to_pylist()


@pytest.mark.parametrize("level", range(5))
def test_a_null_at_each_level_is_told_apart(level):
    """Null struct, null list, null fixed list, null item: each has bytes of its own and comes back."""
    value = {"a": [[1, 2]]}
    values = [None, {"a": None}, {"a": [None]}, {"a": [[1, None]]}, {"a": []}]
    arrow = pa.struct([("a", pa.list_(pa.list_(pa.int8(), 2)))])
    array = pa.array([value, values[level], value], arrow)

    assert array.to_pylist() == to_arrow(normalise(array)).to_pylist()
    assert len(values) == len({write(pa.array([value, other, value], arrow)) for other in values})


def test_trap_2_bits_after_the_last_row():
    """The tail of a bitmap, of validity and of values, may hold anything."""
    garbage = pa.Array.from_buffers(pa.bool_(), 3, [bits("10111111"), bits("10111111")])

    assert write(pa.array([True, None, True])) == write(garbage)


def test_trap_2_buffers_longer_than_needed():
    """Arrow pads buffers; what is behind the last row is not looked at."""
    numbers = pa.Array.from_buffers(pa.int16(), 2, [None, buffer(1, 2, 3, 4, dtype="<i2")])
    texts = pa.Array.from_buffers(
        pa.string(), 2, [bits("1111111111111111"), buffer(0, 1, 2, 9, 9), pa.py_buffer(b"ab-secret")]
    )

    assert write(pa.array([1, 2], pa.int16())) == write(numbers)
    assert write(pa.array(["a", "b"])) == write(texts)


@pytest.mark.parametrize("plain", [p.drop_null() for n, p in PLAIN.items() if n != "null"], ids=str)
def test_trap_2_validity_of_ones_is_no_validity(plain):
    """A bitmap of ones and no bitmap at all say the same."""
    children = [plain.field(i) for i in range(plain.type.num_fields)] if pa.types.is_struct(plain.type) else None
    if pa.types.is_list(plain.type) or pa.types.is_fixed_size_list(plain.type):
        children = [plain.values]
    own = [*plain.buffers()[1:]][: {"list": 1, "struct": 0, "fixed_size_list": 0}.get(str(plain.type).split("<")[0])]
    ones = bits("1" * (plain.offset + len(plain)))

    array = pa.Array.from_buffers(plain.type, len(plain), [ones, *own], offset=plain.offset, children=children)

    assert write(plain) == write(array)
    assert normalise(array).valid is None


@pytest.mark.parametrize("arrow, word", [(pa.float16(), "<u2"), (pa.float32(), "<u4"), (pa.float64(), "<u8")], ids=str)
def test_trap_3_every_nan_is_one(arrow, word):
    """Quiet or signalling, of either sign, with any payload: NaN is NaN."""
    width = arrow.bit_width
    ones = {16: 0x7C00, 32: 0x7F800000, 64: 0x7FF0000000000000}[width]
    quiet = {16: 0x7E00, 32: 0x7FC00000, 64: 0x7FF8000000000000}[width]
    nans = [ones | 1, quiet, quiet | 0x55, (1 << (width - 1)) | quiet, (1 << width) - 1]
    array = pa.Array.from_buffers(arrow, len(nans), [None, buffer(*nans, dtype=word)])

    assert [quiet] * len(nans) == normalise(array).data.reshape(-1).view(word).tolist()


@pytest.mark.parametrize("arrow", [pa.float16(), pa.float32(), pa.float64()], ids=str)
def test_trap_3_the_sign_of_zero_and_infinities_are_kept(arrow):
    """-0.0 is another value than 0.0, and infinity is no NaN."""
    values = [0.0, -0.0, float("inf"), float("-inf")]
    found = to_arrow(normalise(pa.array(values, arrow))).to_pylist()

    assert repr(values) == repr(found)
    assert write(pa.array([0.0], arrow)) != write(pa.array([-0.0], arrow))


def test_trap_3_nan_is_not_null():
    """A missing value and a value that is no number are two things, and NaN under null is null."""
    nan = float("nan")
    under_null = pa.Array.from_buffers(pa.float64(), 1, [bits("0"), buffer(nan, dtype="<f8")])

    assert write(pa.array([nan])) != write(pa.array([None], pa.float64()))
    assert write(pa.array([nan])) != write(pa.array([nan], from_pandas=True))
    assert write(pa.array([None], pa.float64())) == write(under_null)


def test_trap_4_order_of_a_dictionary_and_entries_nobody_uses():
    """A dictionary is a way to write values, not one of them."""
    one = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0], pa.int8()), pa.array(["b", "a"]))
    other = pa.DictionaryArray.from_arrays(pa.array([4, 0, None, 2], pa.uint32()), ["a", "secret", "b", "x", "b"])

    assert {write(pa.array(["b", "a", None, "b"]))} == {write(one), write(other)}
    assert b"secret" not in write(other)


def test_trap_4_nulls_inside_a_dictionary():
    """A row is null where its index is, and where the entry it points at is."""
    array = pa.DictionaryArray.from_arrays(pa.array([1, 0, None, 1], pa.int8()), pa.array([None, "a"]))

    assert write(pa.array(["a", None, None, "a"])) == write(array)


def test_trap_4_garbage_in_the_index_of_a_null():
    """An index under null may point anywhere."""
    indices = pa.Array.from_buffers(pa.int8(), 2, [bits("10"), buffer(0, 100, dtype="i1")])
    array = pa.DictionaryArray.from_arrays(indices, pa.array(["a"]), safe=False)

    assert write(pa.array(["a", None])) == write(array)


def test_trap_4_dictionaries_differ_from_chunk_to_chunk():
    """Chunks may bring dictionaries of their own, and a dictionary may be sliced or empty."""
    chunks = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", None]).dictionary_encode()]
    none = pa.DictionaryArray.from_arrays(pa.array([None, None], pa.int8()), pa.array([], pa.string()))

    assert write(pa.array(["a", "b", "b", None])) == write(pa.chunked_array(chunks))
    assert write(pa.array(["b", "b"])) == write(pa.array(["a", "b", "b"]).dictionary_encode()[1:])
    assert write(pa.array([None, None], pa.string())) == write(none)


def test_trap_4_dictionaries_of_structs_and_lists():
    """Entries of any type are followed."""
    entries = pa.array([[1, 2], [3], None], pa.list_(pa.int8()))
    array = pa.DictionaryArray.from_arrays(pa.array([1, 2, 1, 0], pa.int8()), entries)

    assert write(pa.array([[3], None, [3], [1, 2]], pa.list_(pa.int8()))) == write(array)


@pytest.mark.parametrize("view, plain", [(pa.string_view(), pa.string()), (pa.binary_view(), pa.binary())], ids=str)
def test_trap_4_views_carry_no_bytes_of_other_rows(view, plain):
    """Views share buffers with rows that are not ours: of those nothing is stored."""
    values = ["a" * 12, "the secret of another row", None, "b" * 13, "", "größer als zwölf"]
    values = [None if value is None else value.encode() for value in values]
    array = pa.array([v if v is None or plain == pa.binary() else v.decode() for v in values], view)
    own = array.buffers()[1].to_pybytes()
    buffers = [bits("10111"), pa.py_buffer(own[:16] + own[32:]), *array.buffers()[2:]]
    kept = pa.Array.from_buffers(view, 5, buffers)

    for found in (kept, array.slice(2), array):
        expected = pa.array([None if v is None else v.as_py() for v in found], plain)
        assert write(expected) == write(found)
    assert b"secret" not in write(kept)
    assert b"secret" not in write(array.slice(2))


def test_trap_4_views_into_several_buffers():
    """Long strings lie in any of several buffers, in any order."""
    views = np.zeros((3, 4), "<i4")
    views[0] = [16, 0, 1, 4]
    views[1] = [13, 0, 0, 0]
    views[2] = [16, 0, 1, 4]
    buffers = [
        None,
        pa.py_buffer(views.tobytes()),
        pa.py_buffer(b"0123456789abc!"),
        pa.py_buffer(b"????ABCDEFGHIJKLMNOP"),
    ]
    array = pa.Array.from_buffers(pa.binary_view(), 3, buffers)

    assert write(pa.array([b"ABCDEFGHIJKLMNOP", b"0123456789abc", b"ABCDEFGHIJKLMNOP"])) == write(array)


@pytest.mark.parametrize(
    "large, plain",
    [
        (pa.large_string(), pa.string()),
        (pa.large_binary(), pa.binary()),
        (pa.large_list(pa.large_string()), pa.list_(pa.string())),
    ],
    ids=str,
)
def test_trap_4_large_forms_are_the_plain_ones(large, plain):
    """64-bit offsets are a matter of layout."""
    values = {"list<item: string>": [["a"], None, [None, "b"]], "binary": [b"a", None, b""]}
    values = values.get(str(plain), ["a", None, ""])

    assert write(pa.array(values, plain)) == write(pa.array(values, large))
    assert write(pa.array(values[1:], plain)) == write(pa.array(values, large)[1:])


@pytest.mark.parametrize("make", [pa.ListViewArray, pa.LargeListViewArray], ids=["small", "large"])
def test_trap_4_list_views_overlap_and_come_in_any_order(make):
    """A list view gives each row's start and length: rows share items, skip some, and are not in order."""
    mask = pa.array([False, False, True, False])
    array = make.from_arrays([2, 0, 0, 1], [2, 3, 4, 0], pa.array([1, 2, 3, 666], pa.int16()), mask=mask)
    plain = pa.list_(pa.int16())

    assert write(pa.array([[3, 666], [1, 2, 3], None, []], plain)) == write(array)
    assert write(pa.array([None, []], plain)) == write(array[2:])


@pytest.mark.parametrize("ends", [pa.int16(), pa.int32(), pa.int64()], ids=str)
def test_trap_4_runs_are_their_rows(ends):
    """Run-end encoded values, sliced within a run, with runs of null."""
    array = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3, 6], ends), pa.array(["a", None, "b"]))

    assert write(pa.array(["a", "a", None, "b", "b", "b"])) == write(array)
    assert write(pa.array(["a", None, "b"])) == write(array.slice(1, 3))
    assert write(pa.array([], pa.string())) == write(array.slice(3, 0))


@pytest.mark.parametrize(
    "one, other",
    [
        (pa.array([1], pa.int8()), pa.array([1], pa.int16())),
        (pa.array([1], pa.int64()), pa.array([1], pa.uint64())),
        (pa.array([1], pa.int64()), pa.array([1], pa.float64())),
        (pa.array([1.0], pa.float32()), pa.array([1.0], pa.float64())),
        (pa.array([0], pa.timestamp("us")), pa.array([0], pa.timestamp("ns"))),
        (pa.array([0], pa.timestamp("us")), pa.array([0], pa.timestamp("us", tz="UTC"))),
        (pa.array([0], pa.timestamp("us", tz="UTC")), pa.array([0], pa.timestamp("us", tz="Europe/Berlin"))),
        (pa.array([0], pa.duration("s")), pa.array([0], pa.duration("ms"))),
        (pa.array([0], pa.time32("s")), pa.array([0], pa.time32("ms"))),
        (pa.array([decimal.Decimal(1)], pa.decimal128(5, 2)), pa.array([decimal.Decimal(1)], pa.decimal128(5, 1))),
        (pa.array([decimal.Decimal(1)], pa.decimal128(5, 2)), pa.array([decimal.Decimal(1)], pa.decimal128(6, 2))),
        (pa.array([decimal.Decimal(1)], pa.decimal128(5, 2)), pa.array([decimal.Decimal(1)], pa.decimal256(5, 2))),
        (pa.array(["a"]), pa.array([b"a"])),
        (pa.array([{"a": 1}]), pa.array([{"b": 1}])),
    ],
    ids=lambda array: str(array.type),
)
def test_trap_4_width_unit_zone_scale_and_names_count(one, other):
    """Types that say different things have different bytes, whatever the numbers in them."""
    assert write(one) != write(other)


def test_trap_4_zones_show_the_moment_they_were_given():
    """A zone is kept as it was written, and moments are UTC within."""
    moment = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
    array = pa.array([moment], pa.timestamp("us", tz="Europe/Berlin"))

    assert array.type == to_arrow(normalise(array)).type
    assert [moment] == to_arrow(normalise(array)).to_pylist()


@pytest.mark.parametrize("narrow", [pa.decimal32(7, 2), pa.decimal64(7, 2)], ids=str)
def test_trap_4_narrow_decimals_are_widened_with_their_sign(narrow):
    """Decimals of 32 and 64 bits are those of 128, also negative ones, NULLs and slices."""
    values = [decimal.Decimal(text) for text in ("-12345.67", "0.01", "-0.01", "99999.99")]
    values = [*values, None]

    assert write(pa.array(values, pa.decimal128(7, 2))) == write(pa.array(values, narrow))
    assert write(pa.array(values[2:], pa.decimal128(7, 2))) == write(pa.array(values, narrow)[2:])


def test_trap_6_text_is_stored_as_it_came():
    """No Unicode normalisation: composed and decomposed are two texts."""
    assert write(pa.array(["\u00e9"])) != write(pa.array(["e\u0301"]))
    assert ["e\u0301", "a\0b", "\U0001f600"] == to_arrow(
        normalise(pa.array(["e\u0301", "a\0b", "\U0001f600"]))
    ).to_pylist()


def test_metadata_and_nullability_take_no_part():
    """What a field says of itself beside its type is dropped."""
    field = pa.field("x", pa.int8(), nullable=False, metadata={"k": "v"})
    array = pa.StructArray.from_arrays([pa.array([1], pa.int8())], fields=[field])
    named = pa.ListArray.from_arrays([0, 1], pa.array([1], pa.int8()), type=pa.list_(pa.field("element", pa.int8())))

    assert write(pa.array([{"x": 1}], pa.struct([("x", pa.int8())]))) == write(array)
    assert write(pa.array([[1]], pa.list_(pa.int8()))) == write(named)


def test_values_of_another_type_than_asked_for_are_refused():
    """Nothing is cast."""
    with pytest.raises(SchemaError, match="values have type int8, expected int16"):
        normalise(pa.array([1], pa.int8()), ("int16",))
    assert 1 == normalise(pa.array([1], pa.int8()), ("int8",)).length


def test_maps_are_refused_with_what_to_do():
    """A map has no order of its own."""
    with pytest.raises(UnsupportedTypeError, match="map"):
        normalise(pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())))


def test_more_items_than_arrow_can_point_at_are_refused():
    """32-bit offsets never wrap."""
    column = Column(("string",), 1, offsets=np.array([0, 2**31]), data=np.empty(0, np.uint8))

    with pytest.raises(SchemaError, match="pass Arrow"):
        to_arrow(column)


@pytest.mark.parametrize("plain", PLAIN.values(), ids=PLAIN)
def test_columns_come_back_as_arrow_finds_sound(plain):
    """`to_arrow` undoes `normalise`."""
    found = to_arrow(normalise(plain))

    found.validate(full=True)
    assert plain == found
