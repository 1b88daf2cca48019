import json
from datetime import date

import pyarrow as pa

from dsvc.export.jsonl import JsonlExporter


def test_rows_are_objects(tmp_path):
    """One object a line, fields in the order of the columns, nested values nested, NaN as null."""
    table = pa.table(
        {
            "source": ["s3://é", "s3://b"],
            "box": pa.array([{"x": [1.5, float("nan")], "at": date(2026, 1, 2)}, None]),
            "n": [1, None],
        }
    )
    JsonlExporter({}).write(iter(table.to_batches(1)), table.schema, tmp_path / "x")
    lines = (tmp_path / "x").read_text(encoding="utf-8").splitlines()
    assert '{"source":"s3://é","box":{"x":[1.5,null],"at":"2026-01-02"},"n":1}' == lines[0]
    assert {"source": "s3://b", "box": None, "n": None} == json.loads(lines[1])
    assert 2 == len(lines)


def test_no_rows_are_an_empty_file(tmp_path):
    """There is nothing to say."""
    JsonlExporter({}).write([], pa.schema([("source", pa.string())]), tmp_path / "x")
    assert b"" == (tmp_path / "x").read_bytes()
