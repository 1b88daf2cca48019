import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dsvc.errors import SchemaError
from dsvc.export.parquet import ParquetExporter

TABLE = pa.table({"source": ["s3://a", "s3://b"], "box": pa.array([{"x": [1.5]}, None])})


def test_rows_come_back(tmp_path):
    """What was written is read as it was, batch after batch, with the codec asked for."""
    path = tmp_path / "part.parquet"
    ParquetExporter({"compression": "gzip"}).write(iter(TABLE.to_batches(1)), TABLE.schema, path)
    assert TABLE.equals(pq.read_table(path))
    file = pq.ParquetFile(path)
    assert (2, "GZIP") == (file.num_row_groups, file.metadata.row_group(0).column(0).compression)


def test_equal_rows_are_equal_bytes(tmp_path):
    """The same rows give the same file."""
    for name in ("a", "b"):
        ParquetExporter({"compression": "zstd"}).write(TABLE.to_batches(), TABLE.schema, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_no_rows_are_a_file(tmp_path):
    """A file without rows still says which columns there are."""
    ParquetExporter({"compression": "none"}).write([], TABLE.schema, tmp_path / "x")
    assert TABLE.schema == pq.read_table(tmp_path / "x").schema


def test_what_parquet_cannot_hold_is_an_error(tmp_path):
    """A type that Parquet lacks is refused, and nothing is left."""
    table = pa.table({"source": ["s3://a"], "e": pa.array([{}], pa.struct([]))})
    with pytest.raises(SchemaError, match="Parquet"):
        ParquetExporter({"compression": "zstd"}).write(table.to_batches(), table.schema, tmp_path / "x")
    assert not (tmp_path / "x").exists()
