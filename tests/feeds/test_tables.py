from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dsvc.feeds.tables import documents_of, read_arrow, read_parquet

TABLE = pa.table(
    {
        "uri": ["a", "b"],
        "score": pa.array([0.5, None], pa.float32()),
        "capture": pa.array([{"at": datetime(2026, 1, 1), "by": None}, None]),  # noqa: DTZ001
        "boxes": pa.array([[{"x": 1, "y": None}], []]),
        "meta.n": pa.array([1, 2], pa.int8()),
        "kind": pa.array(["x", "x"]).dictionary_encode(),
    }
)
DOCUMENTS = [
    {
        "uri": "a",
        "score": 0.5,
        "capture": {"at": datetime(2026, 1, 1)},  # noqa: DTZ001
        "boxes": [{"x": 1, "y": None}],
        "meta": {"n": 1},
        "kind": "x",
    },
    {"uri": "b", "boxes": [], "meta": {"n": 2}, "kind": "x"},
]


def flat(batches):
    """Return the documents of batches."""
    return [document for batch in batches for document in batch]


def write_parquet(path):
    """Write the table as Parquet."""
    pq.write_table(TABLE, path)


def write_arrow_file(path):
    """Write the table as an Arrow IPC file of several batches."""
    with pa.ipc.new_file(path, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=1)


def write_arrow_stream(path):
    """Write the table as an Arrow IPC stream."""
    with pa.ipc.new_stream(path, TABLE.schema) as writer:
        writer.write_table(TABLE)


FORMATS = pytest.mark.parametrize(
    "write, read",
    [(write_parquet, read_parquet), (write_arrow_file, read_arrow), (write_arrow_stream, read_arrow)],
    ids=["parquet", "arrow file", "arrow stream"],
)


@FORMATS
def test_rows_are_documents(tmp_path, write, read):
    """A null is a missing field, also within structs; a dot in a name is a step into a field."""
    write(tmp_path / "x")

    assert DOCUMENTS == flat(read(tmp_path / "x", None))


@FORMATS
def test_only_asked_columns_are_read(tmp_path, write, read):
    """A path asks for the column that it begins with."""
    write(tmp_path / "x")

    asked = [{"capture": {"at": datetime(2026, 1, 1)}, "meta": {"n": 1}}, {"meta": {"n": 2}}]  # noqa: DTZ001
    assert asked == flat(read(tmp_path / "x", ["capture.at", "meta.n", "none"]))


@FORMATS
def test_rows_without_asked_columns_are_empty_documents(tmp_path, write, read):
    """Their number stays."""
    write(tmp_path / "x")

    assert [{}, {}] == flat(read(tmp_path / "x", ["none"]))


def test_values_keep_their_kind():
    """Times, dates, decimals and bytes are what they are in documents of any other feed."""
    values = [datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1), Decimal("1.50"), b"x", True, 2**63]
    types = [pa.timestamp("ns", "UTC"), pa.date32(), pa.decimal128(5, 2), pa.binary(), pa.bool_(), pa.uint64()]
    names = [str(type_) for type_ in types]
    columns = [pa.array([value], type_) for value, type_ in zip(values, types, strict=True)]
    batch = pa.RecordBatch.from_arrays(columns, names=[name.replace(".", "") for name in names])

    assert values == list(documents_of(batch)[0].values())


def test_times_finer_than_a_microsecond_are_an_error():
    """No document holds them, and none is rounded."""
    batch = pa.RecordBatch.from_arrays([pa.array([1], pa.timestamp("ns"))], names=["at"])

    with pytest.raises(ValueError, match="would lose data"):
        documents_of(batch)


def test_a_column_within_a_value_is_an_error():
    """`a` and `a.b` cannot both be."""
    batch = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a.b"])

    with pytest.raises(ValueError, match=r"'a\.b' lies within a column that is no struct"):
        documents_of(batch)
