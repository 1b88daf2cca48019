import pyarrow as pa
import pytest

from dsvc.export.arrow import ArrowExporter

TABLE = pa.table({"source": ["s3://a", "s3://b"], "box": pa.array([{"x": [1.5]}, None])})


@pytest.mark.parametrize("codec", ["none", "lz4", "zstd"])
def test_rows_come_back(tmp_path, codec):
    """What was written is read as it was, by memory map too."""
    path = tmp_path / "part.arrow"
    ArrowExporter({"compression": codec}).write(iter(TABLE.to_batches(1)), TABLE.schema, path)
    with pa.memory_map(str(path)) as file:
        reader = pa.ipc.open_file(file)
        assert 2 == reader.num_record_batches
        assert TABLE.equals(reader.read_all())


def test_no_rows_are_a_file(tmp_path):
    """A file without rows still says which columns there are."""
    ArrowExporter({"compression": "none"}).write([], TABLE.schema, tmp_path / "x")
    with pa.OSFile(str(tmp_path / "x")) as file:
        assert TABLE.schema == pa.ipc.open_file(file).schema
