from contextlib import ExitStack

import pyarrow as pa
import pytest

from dsvc.errors import DuplicateSourceError, EncodedImageError, PointerError, SchemaError
from dsvc.objects.arrays import to_arrow
from dsvc.repo import incoming
from dsvc.repo.incoming import open_incoming
from dsvc.repo.records import SourceColumn
from dsvc.repo.sorting import SortedRuns

TABLE = pa.table({"source": ["b", "a", "d", "c"], "x": [2, 1, 4, 3]})
ROWS = [("a", 1), ("b", 2), ("c", 3), ("d", 4)]


@pytest.fixture
def read(tmp_path):
    """Reads what is put, and gives its type and rows; what is sorted goes to disk."""
    made = []

    def runs(schema):
        made.append(schema)
        return SortedRuns(tmp_path, schema, run_bytes=1)

    def read(data, signal="x"):
        with ExitStack() as stack:
            found = open_incoming(signal, data, read_sources=SourceColumn, runs=runs, stack=stack)
            rows = [rows_of(found.segments()) for _ in range(2)]
            assert rows[0] == rows[1]
        assert [] == list(tmp_path.iterdir())
        return found.type, rows[0]

    read.made = made
    return read


def rows_of(segments):
    """Return (source, value) of all rows of segments."""
    found = []
    for keys, values in segments:
        found.extend(zip(keys.arrow.to_pylist(), to_arrow(values).to_pylist(), strict=True))
    return found


class Foreign:
    """A table of another library: all it has is the Arrow C stream."""

    def __arrow_c_stream__(self, requested_schema=None):
        return TABLE.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TABLE,
        lambda: TABLE.to_batches()[0],
        TABLE.to_reader,
        lambda: iter(TABLE.to_batches(max_chunksize=1)),
        TABLE.to_batches,
        lambda: {"source": ["b", "a", "d", "c"], "x": [2, 1, 4, 3]},
        Foreign,
    ],
    ids=["table", "batch", "reader", "iterator", "list", "dict", "foreign"],
)
def test_every_form_of_a_table_gives_its_rows_in_order(read, make):
    """Tables, batches, readers, iterators, dicts and other libraries' tables are the same records."""
    type_, rows = read(make())
    assert (pa.int64(), ROWS) == (type_.arrow, rows)
    assert not read.made


@pytest.mark.parametrize("batch_rows", [1, 2, 3])
def test_a_long_stream_is_sorted_on_disk(read, monkeypatch, batch_rows):
    """What is more than a segment goes through sorted runs, and comes out the same."""
    monkeypatch.setattr(incoming, "SEGMENT_ROWS", 2)
    _, rows = read(iter(TABLE.to_batches(max_chunksize=batch_rows)))
    assert ROWS == rows
    assert read.made


def test_a_table_larger_than_memory_likes_is_a_stream(read, monkeypatch):
    """A very large table is put in segments."""
    monkeypatch.setattr(incoming, "TABLE_BYTES", 10)
    monkeypatch.setattr(incoming, "SEGMENT_ROWS", 2)
    assert ROWS == read(TABLE)[1]
    assert read.made


def test_structs_and_lists_survive_sorting(read, monkeypatch):
    """Nested, dictionary and null values are the same after a way over the disk."""
    monkeypatch.setattr(incoming, "SEGMENT_ROWS", 1)
    batches = [
        pa.record_batch(
            {
                "source": [source],
                "tag": pa.array([tag], pa.string()).dictionary_encode(),
                "boxes": pa.array([boxes], pa.list_(pa.float32())),
            }
        )
        for source, tag, boxes in (("b", "x", [1.0]), ("c", None, None), ("a", "y", []))
    ]
    type_, rows = read(iter(batches), "face")
    assert [{"boxes": [], "tag": "y"}, {"boxes": [1.0], "tag": "x"}, {"boxes": None, "tag": None}] == [
        r[1] for r in rows
    ]
    assert pa.struct([("boxes", pa.list_(pa.field("item", pa.float32()))), ("tag", pa.string())]) == type_.arrow


@pytest.mark.parametrize(
    "data, named",
    [(3, "int"), ([1, 2], "int"), ([], "list"), ("text", "str"), (None, "NoneType")],
    ids=["number", "numbers", "empty list", "text", "nothing"],
)
def test_what_is_no_table_is_refused(read, data, named):
    """The error says what came instead."""
    with pytest.raises(SchemaError, match=f"found {named}"):
        read(data)


def test_batches_of_other_columns_are_refused(read):
    """All batches of a stream have the columns of the first."""
    other = pa.table({"source": ["e"], "x": ["text"]})
    with pytest.raises(SchemaError, match="expected"):
        read(iter([*TABLE.to_batches(), *other.to_batches()]))


def test_duplicates_across_batches_are_found(read, monkeypatch):
    """A source that comes twice anywhere in a stream is named, and all such are counted."""
    monkeypatch.setattr(incoming, "SEGMENT_ROWS", 2)
    table = pa.table({"source": ["c", "a", "b", "c", "d", "e", "f", "a"], "x": range(8)})
    with pytest.raises(DuplicateSourceError) as caught:
        read(iter(table.to_batches(max_chunksize=2)))
    assert (["a", "c"], 2) == (caught.value.pointers, caught.value.n_duplicates)


@pytest.mark.parametrize("source, error", [("", PointerError), ("e", EncodedImageError)])
def test_streams_are_checked_like_tables(read, monkeypatch, source, error):
    """A bad pointer and an encoded image in a later batch are refused."""
    monkeypatch.setattr(incoming, "SEGMENT_ROWS", 1)
    values = ["", "iVBORw0KGgoAAAA"] if error is EncodedImageError else ["", ""]
    table = pa.table({"source": ["a", source], "x": values})
    with pytest.raises(error):
        read(iter(table.to_batches(max_chunksize=1)))


def test_an_empty_table_has_a_type_and_no_rows(read):
    """No rows are no segment, and no error."""
    type_, rows = read(TABLE.slice(0, 0))
    assert (pa.int64(), []) == (type_.arrow, rows)
