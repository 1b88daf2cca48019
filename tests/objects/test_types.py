"""Types have one encoding, whatever form Arrow has them in, and names beside it."""

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.errors import ObjectFormatError, SchemaError, UnsupportedTypeError
from dsvc.objects.types import Type, fixed_width, format_physical, parse_type
from dsvc.testing.strategies import storable_types


def nested(depth):
    """Return lists within lists."""
    physical = ("int8",)
    for _ in range(depth):
        physical = ("list", physical)
    return physical


@given(storable_types())
def test_types_come_back_from_arrow_bytes_and_text(arrow):
    """Arrow, encoding and spelling are three forms of one type."""
    type_ = Type.from_arrow(arrow)

    assert arrow == type_.arrow
    assert type_ == Type.decode(type_.encoded)
    assert type_ == parse_type(str(type_))


@given(storable_types(2), st.data())
def test_flipped_bits_are_refused_or_are_another_type(arrow, data):
    """Damage raises the error of formats alone, or gives a type that is encoded just so."""
    encoded = bytearray(Type.from_arrow(arrow).encoded)
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[bit // 8] ^= 1 << bit % 8

    _decode_or_refuse(bytes(encoded))


@given(
    st.recursive(
        st.sampled_from(["list", "struct", "int8", "timestamp", "us", "", "x", 0, -1, 2**40, None, True]),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_description_is_a_type_or_refused(physical):
    """Nested arrays of words and numbers that no type has."""
    _decode_or_refuse(msgspec.msgpack.encode(["", physical]))


@given(st.binary(max_size=30))
def test_any_bytes_are_a_type_or_refused(encoded):
    """Random bytes."""
    _decode_or_refuse(encoded)


def _decode_or_refuse(encoded):
    try:
        type_ = Type.decode(encoded)
    except ObjectFormatError:
        return
    assert encoded == type_.encoded


@pytest.mark.parametrize(
    "physical",
    [
        ["int8", 1],
        ["large_string"],
        ["decimal32", 5, 2],
        ["decimal128", 39, 0],
        ["decimal128", 0, 0],
        ["time32", "us"],
        ["time64", "s"],
        ["timestamp", "us"],
        ["timestamp", "m", ""],
        ["fixed_binary", -2],
        ["fixed_binary", -1],
        ["fixed_list", -1, ["int8"]],
        ["list"],
        ["list", ["int8"], ["int8"]],
        ["map", ["string"], ["int8"]],
        ["struct", [["a", ["int8"]], ["A", ["int8"]]]],
        ["struct", [["a", ["int8"]], ["a", ["int8"]]]],
        [],
        "int8",
        nested(65),
    ],
    ids=lambda physical: str(physical)[:60],
)
def test_what_is_no_type_is_refused(physical):
    """Names, parameters and arguments that there are not, and nesting without end."""
    with pytest.raises(ObjectFormatError):
        Type.decode(msgspec.msgpack.encode(["", physical]))


@pytest.mark.parametrize("encoded", [b"", b"\x92\xa0", b"\x92\xd9\0\x91\xa4int8", b"\x92\xa0\x91\xa4int8\0"], ids=repr)
def test_other_encodings_of_a_type_are_refused(encoded):
    """Text in a longer form, bytes too few or too many."""
    with pytest.raises(ObjectFormatError):
        Type.decode(encoded)


def test_nesting_without_end_is_refused():
    """Bytes that would make every walk over a type overflow its stack."""
    with pytest.raises(ObjectFormatError):
        Type.decode(b"\x92\xa0" + b"\x92\xa4list" * 2000 + b"\x91\xa4int8")


def test_nesting_has_an_end():
    """64 levels are stored, 65 are not."""
    arrow = pa.int8()
    for _ in range(64):
        arrow = pa.list_(arrow)

    assert arrow == Type.decode(Type.from_arrow(arrow).encoded).arrow
    with pytest.raises(UnsupportedTypeError, match="nested deeper"):
        Type.from_arrow(pa.list_(arrow))


@pytest.mark.parametrize(
    "form, plain",
    [
        (pa.large_string(), pa.string()),
        (pa.string_view(), pa.string()),
        (pa.large_binary(), pa.binary()),
        (pa.binary_view(), pa.binary()),
        (pa.large_list(pa.int8()), pa.list_(pa.int8())),
        (pa.list_view(pa.int8()), pa.list_(pa.int8())),
        (pa.large_list_view(pa.int8()), pa.list_(pa.int8())),
        (pa.dictionary(pa.int8(), pa.string()), pa.string()),
        (pa.dictionary(pa.int8(), pa.dictionary(pa.int8(), pa.large_string())), pa.string()),
        (pa.run_end_encoded(pa.int32(), pa.int8()), pa.int8()),
        (pa.decimal32(5, 2), pa.decimal128(5, 2)),
        (pa.decimal64(12, 2), pa.decimal128(12, 2)),
        (pa.list_(pa.field("element", pa.int8(), nullable=False)), pa.list_(pa.int8())),
        (pa.struct([pa.field("a", pa.int8(), False, {"k": "v"})]), pa.struct([("a", pa.int8())])),
    ],
    ids=str,
)
def test_forms_of_one_type_have_one_id(form, plain):
    """Layout, item names, nullability and metadata are no part of a type."""
    assert Type.from_arrow(plain) == Type.from_arrow(form)
    assert plain == Type.from_arrow(form).arrow
    assert Type.from_arrow(plain).id == Type.from_arrow(form).id


def test_a_name_takes_no_part_in_the_id():
    """Naming the type of a signal rewrites no chunk, but is stored with the signal."""
    named, plain = parse_type("rating(5)"), parse_type("int8")

    assert plain.id == named.id
    assert plain.encoded != named.encoded
    assert named == Type.decode(named.encoded)


@pytest.mark.parametrize(
    "one, other",
    [
        (pa.int8(), pa.uint8()),
        (pa.string(), pa.binary()),
        (pa.timestamp("us"), pa.timestamp("us", tz="UTC")),
        (pa.struct([("a", pa.int8()), ("b", pa.int8())]), pa.struct([("b", pa.int8()), ("a", pa.int8())])),
        (pa.list_(pa.int8(), 2), pa.list_(pa.int8(), 3)),
        (pa.list_(pa.int8(), 2), pa.list_(pa.int8())),
    ],
    ids=str,
)
def test_types_that_differ_have_ids_that_differ(one, other):
    """Width, sign, unit, zone, length and the order of fields count."""
    assert Type.from_arrow(one).id != Type.from_arrow(other).id


@pytest.mark.parametrize(
    "arrow",
    [
        pa.map_(pa.string(), pa.int8()),
        pa.list_(pa.map_(pa.string(), pa.int8())),
        pa.month_day_nano_interval(),
        pa.dense_union([pa.field("a", pa.int8())]),
        pa.uuid(),
    ],
    ids=str,
)
def test_types_that_are_not_stored_are_refused(arrow):
    """Maps, intervals, unions and extension types, wherever they stand."""
    with pytest.raises(UnsupportedTypeError):
        Type.from_arrow(arrow)


def test_a_refused_type_is_shown_where_it_is():
    """The error names the field."""
    arrow = pa.struct([("a", pa.list_(pa.struct([("b", pa.month_day_nano_interval())])))])

    with pytest.raises(UnsupportedTypeError) as caught:
        Type.from_arrow(arrow)

    assert "a[].b" == caught.value.where


@pytest.mark.parametrize("names", [("a", "A"), ("a", "a"), ("É", "é")], ids=str)
def test_fields_that_differ_by_case_at_most_are_refused(names):
    """They would be one column elsewhere."""
    with pytest.raises(SchemaError, match="differ by case at most"):
        Type.from_arrow(pa.struct([pa.field(name, pa.int8()) for name in names]))


@pytest.mark.parametrize(
    "text, expected",
    [
        ("boxes", "boxes"),
        (" boxes ", "boxes"),
        ("keypoints( 5 )", "keypoints(5)"),
        ("class(a,b)", "class(a, b)"),
        ("rating(5)", "rating(5)"),
        ("score", "score"),
        ("text", "text"),
        ("list< float32 >", "list<float32>"),
        ("fixed_list<int8,2>", "fixed_list<int8, 2>"),
        ("struct<a:int8,b : list<string>>", "struct<a: int8, b: list<string>>"),
        ("struct<>", "struct<>"),
        ("timestamp(us)", "timestamp(us)"),
        ("timestamp(us, Europe/Berlin)", "timestamp(us, Europe/Berlin)"),
        ("decimal128(5, -2)", "decimal128(5, -2)"),
        ("fixed_binary(3)", "fixed_binary(3)"),
    ],
)
def test_types_are_spelled_one_way(text, expected):
    """Spaces are free when a type is read, and in one place when it is shown."""
    assert expected == str(parse_type(text))
    assert parse_type(expected) == parse_type(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "boxes(1)",
        "boxes()",
        "keypoints",
        "keypoints(0)",
        "keypoints(a)",
        "class",
        "class()",
        "class(a, a)",
        "class(a,)",
        "rating(1)",
        "rating(128)",
        "rating(5, 6)",
        "score(1)",
        "list",
        "list<",
        "list<int8",
        "list<int8>>",
        "list<boxes>",
        "struct<a>",
        "struct<a: int8, A: int8>",
        "fixed_list<int8>",
        "int8(1)",
        "int",
        "timestamp",
        "timestamp(m)",
        "decimal128(5)",
        "fixed_binary(-1)",
        "large_string",
        "list<" * 2000,
        "int8 int8",
    ],
    ids=lambda text: text[:30] or "nothing",
)
def test_what_is_no_spelling_is_refused(text):
    """One error, whatever is wrong."""
    with pytest.raises(SchemaError):
        parse_type(text)


@pytest.mark.parametrize(
    "text, near", [("boxs", "boxes"), ("flot32", "float32"), ("list<in8>", "docs/format.md#types")]
)
def test_the_nearest_spelling_is_offered(text, near):
    """The hint helps whoever mistyped."""
    with pytest.raises(SchemaError) as caught:
        parse_type(text)

    assert near in caught.value.hint


@given(st.text(max_size=12) | st.text("list<>int8struct:, ()", max_size=16))
def test_any_text_is_a_type_or_refused(text):
    """Nothing but `SchemaError`, and what is read is shown as text that reads the same."""
    try:
        type_ = parse_type(text)
    except SchemaError:
        return
    assert type_ == parse_type(str(type_))


@given(storable_types(0))
def test_fixed_width_is_that_of_arrow(arrow):
    """Types of one width have it; bool has bits, text has offsets, null has nothing."""
    expected = None
    if not (pa.types.is_null(arrow) or pa.types.is_boolean(arrow) or arrow in (pa.string(), pa.binary())):
        expected = arrow.bit_width // 8

    assert expected == fixed_width(Type.from_arrow(arrow).physical)


def test_physical_types_are_shown_as_they_are_written():
    """Without a name, a type is its physical one."""
    physical = ("struct", (("a", ("fixed_list", 2, ("timestamp", "us", ""))), ("b", ("null",))))

    assert "struct<a: fixed_list<timestamp(us), 2>, b: null>" == format_physical(physical) == str(Type(physical))
