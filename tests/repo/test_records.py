import pyarrow as pa
import pytest

from dsvc.errors import (
    DuplicateSourceError,
    EncodedImageError,
    PointerError,
    RecordTooLargeError,
    SchemaError,
    SignalTypeError,
    UnsupportedTypeError,
)
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.chunk import MAX_RECORD_BYTES
from dsvc.objects.keys import Keys
from dsvc.objects.types import Type, parse_type
from dsvc.repo.records import (
    SourceColumn,
    check_schema,
    check_values,
    checked_sources,
    match_type,
    repeated,
    value_column,
    value_fields,
    value_type,
)


def chunked(values, type_=None):
    """Return values as a chunked array."""
    return pa.chunked_array([pa.array(values, type_)])


@pytest.mark.parametrize(
    "schema, named",
    [
        ([("quality", pa.int8())], "'source'"),
        ([("source", pa.string())], "beside 'source'"),
        ([("source", pa.int64()), ("quality", pa.int8())], "int64"),
        ([("source", pa.string()), ("a", pa.int8()), ("a", pa.int8())], "'a'"),
        ([], "found none"),
    ],
    ids=["no source", "no value", "source is no text", "one name twice", "nothing"],
)
def test_tables_that_are_none_of_records(schema, named):
    """A table without sources, without values, or with a name twice is refused and says why."""
    with pytest.raises(SchemaError, match=named):
        check_schema("quality", pa.schema(schema))


def test_several_columns_are_a_struct_sorted_by_name():
    """One column named like the signal is its value; any others are the fields of a struct."""
    table = pa.table({"y": [1], "source": ["s"], "x": [2.5]})
    assert ["x", "y"] == value_fields("box", table.schema)
    type_ = value_type("box", table.schema)
    assert pa.struct([("x", pa.float64()), ("y", pa.int64())]) == type_.arrow
    assert [{"x": 2.5, "y": 1}] == to_arrow(value_column("box", table, type_)).to_pylist()
    assert value_fields("x", pa.schema([("source", pa.string()), ("x", pa.int8())])) is None
    assert ["n"] == value_fields("x", pa.schema([("source", pa.string()), ("n", pa.int8())]))


def test_types_that_are_not_stored_are_refused():
    """A type outside of our list names the column."""
    with pytest.raises(UnsupportedTypeError, match="month_day_nano"):
        value_type("x", pa.schema([("source", pa.string()), ("x", pa.month_day_nano_interval())]))


def test_names_that_differ_by_case_are_refused():
    """Two fields that a file system or an engine may take for one are an error."""
    with pytest.raises(SchemaError, match="case"):
        value_type("x", pa.schema([("source", pa.string()), ("a", pa.int8()), ("A", pa.int8())]))


def test_types_must_match():
    """Equal storage joins a named type; another storage, or another name given on purpose, does not."""
    boxes = parse_type("boxes")
    assert boxes == match_type("x", Type.from_arrow(boxes.arrow), boxes, is_named=False)
    with pytest.raises(SignalTypeError) as caught:
        match_type("quality", Type.from_arrow(pa.int8()), Type.from_arrow(pa.int16()), is_named=False)
    assert "--replace" in caught.value.hint
    with pytest.raises(SignalTypeError):
        match_type("x", parse_type("text"), parse_type("class(a, b)"), is_named=True)


@pytest.mark.parametrize(
    "source, rule",
    [(None, "null"), ("", "empty"), ("x" * 1101, "1,101 bytes"), ("é" * 551, "1,102 bytes")],
    ids=["null", "empty", "long", "long in UTF-8"],
)
def test_what_is_no_pointer(source, rule):
    """A source is text of 1 to 1,100 bytes."""
    with pytest.raises(PointerError, match=rule):
        checked_sources(chunked(["s3://a", source]))


def test_what_is_a_pointer():
    """Any text of up to 1,100 bytes, NUL included, in any of Arrow's text types."""
    values = ["\0", "x" * 1100, "é" * 550, "s3://a b"]
    for type_ in (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
        assert values == checked_sources(chunked(values, type_)).to_pylist()
    assert [] == checked_sources(chunked([], pa.string())).to_pylist()


def test_bytes_that_are_no_text_are_no_pointer():
    """A string column whose bytes are no UTF-8 is refused."""
    broken = pa.array([b"s3://a", b"\xff\xfe"], pa.binary()).view(pa.string())
    with pytest.raises(PointerError, match="UTF-8"):
        checked_sources(pa.chunked_array([broken]))


def test_sources_are_sorted_by_bytes():
    """Unsorted sources come with the order of their rows; sorted ones without."""
    column = SourceColumn("x", chunked(["é", "z", "Z", "a\0"]))
    assert ["Z", "a\0", "z", "é"] == column.keys.arrow.to_pylist()
    assert [2, 3, 1, 0] == column.order.tolist()
    assert SourceColumn("x", chunked(["Z", "z"])).order is None


def test_duplicates_are_named_and_counted():
    """The first few sources with several rows are named, all of them counted."""
    sources = [f"s3://{i}" for i in range(9) for _ in range(i % 2 + 1)]
    with pytest.raises(DuplicateSourceError) as caught:
        SourceColumn("quality", chunked([*sources, "s3://1"]))
    assert (["s3://1", "s3://3", "s3://5", "s3://7"], 4) == (caught.value.pointers, caught.value.n_duplicates)
    assert "s3://1" in str(caught.value)
    assert ["a", "c"] == repeated(chunked(["a", "a", "a", "b", "c", "c"]))


def test_sources_are_known_again_by_their_buffers():
    """Columns that share their memory are the same sources; equal ones elsewhere are not."""
    table = pa.table({"source": ["a", "b"], "x": [1, 2], "y": [3, 4]})
    column = SourceColumn("x", table.select(["source", "x"])["source"])
    assert column.is_of(table.select(["source", "y"])["source"])
    assert not column.is_of(chunked(["a", "b"]))
    assert not column.is_of(table["source"].slice(1))


def test_heavy_records_are_refused():
    """A record weighs at most 256 KiB; a heavier one is named with both figures."""
    keys = Keys.of_bytes([b"s3://a", b"s3://b"])
    check_values("x", keys, normalise(pa.array([b"1", b"2" * (MAX_RECORD_BYTES - 4)])))
    with pytest.raises(RecordTooLargeError, match="s3://b") as caught:
        check_values("x", keys, normalise(pa.array([b"1", b"2" * (MAX_RECORD_BYTES - 3)])))
    assert MAX_RECORD_BYTES + 1 == caught.value.size_bytes
    wide = pa.list_(pa.float64(), MAX_RECORD_BYTES // 8 + 1)
    with pytest.raises(RecordTooLargeError, match="s3://a"):
        check_values("x", keys, normalise(pa.nulls(2, wide)))


def test_images_are_refused_with_their_pointer():
    """A value that is an encoded image names its source, its signal and the format."""
    keys = Keys.of_bytes([b"s3://a", b"s3://b"])
    with pytest.raises(EncodedImageError, match=r"thumbnail of s3://b .* PNG"):
        check_values("thumbnail", keys, normalise(pa.array([b"", b"\x89PNG\r\n\x1a\n"])))
