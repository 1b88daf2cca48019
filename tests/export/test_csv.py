import csv
import json
from datetime import UTC, datetime

import pyarrow as pa

from dsvc.export.csv import CsvExporter, csv_lines


def test_rows_are_lines(tmp_path):
    """A header, then a line a row; nested values are JSON, times ISO 8601, null empty, and an empty text quoted."""
    table = pa.table(
        {
            "source": ["s3://a,1", "s3://b"],
            "boxes": pa.array([[{"x": 1.5, "label": 'a "b"'}], None]),
            "n": pa.array([1, None], pa.int8()),
            "text": ["", None],
            "at": pa.array([datetime(2026, 1, 2, tzinfo=UTC), None], pa.timestamp("s", "UTC")),
        }
    )
    CsvExporter({}).write(iter(table.to_batches(1)), table.schema, tmp_path / "x")
    text = (tmp_path / "x").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert ["s3://a,1", "1", "", "2026-01-02T00:00:00Z"] == [rows[0][name] for name in ("source", "n", "text", "at")]
    assert [{"x": 1.5, "label": 'a "b"'}] == json.loads(rows[0]["boxes"])
    assert '"s3://b",,,,' == text.splitlines()[2]


def test_no_rows_are_a_header(tmp_path):
    """A file without rows still says which columns there are."""
    CsvExporter({}).write([], pa.schema([("source", pa.string()), ("x", pa.list_(pa.int8()))]), tmp_path / "x")
    assert '"source","x"\n' == (tmp_path / "x").read_text()


def test_lines_are_those_of_the_file(tmp_path):
    """The header once, whatever number of batches."""
    table = pa.table({"a": [1, 2, None], "b": ["x", None, ""], "c": [[1], [], None]})
    CsvExporter({}).write(table.to_batches(max_chunksize=2), table.schema, tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_text() == "".join(csv_lines(table.to_batches(max_chunksize=2), table.schema))
    assert '"a","b","c"\n' == "".join(csv_lines([], table.schema))
