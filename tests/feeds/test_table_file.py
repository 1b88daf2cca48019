"""Putting the rows of a file."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dsvc.errors import MissingFileError, SchemaError, UserError
from dsvc.feeds.table_file import put_file
from dsvc.repository import Repository

CSV = "score,source\n0.5,s3://f/2\n,s3://f/1\n"
TABLE = pa.table({"source": ["s3://f/2", "s3://f/1"], "score": pa.array([0.5, None], pa.float32())})


@pytest.fixture(name="repo")
def make_repository(tmp_path):
    """An empty repository."""
    with Repository.init(tmp_path / "repo", author="Ada") as repo:
        yield repo


def read(repo, signal="score"):
    """Return what the draft has of a signal."""
    return {row["source"]: row[signal] for row in repo.read("@draft", [signal]).to_pylist()}


def write_arrow(path, *, stream):
    """Write the table as an IPC stream or file, of several batches."""
    make = pa.ipc.new_stream if stream else pa.ipc.new_file
    with make(path, TABLE.schema) as writer:
        for batch in TABLE.to_batches(max_chunksize=1):
            writer.write_batch(batch)


def write_lines(path):
    """Write the table as JSON lines, compressed where the name says so."""
    lines = "".join(f"{json.dumps(row)}\n" for row in TABLE.to_pylist())
    path.write_bytes(gzip.compress(lines.encode()) if path.suffix == ".gz" else lines.encode())


@pytest.mark.parametrize(
    ("name", "write", "found"),
    [
        pytest.param("t.parquet", lambda path: pq.write_table(TABLE, path), "float32", id="parquet"),
        pytest.param("t.arrow", lambda path: write_arrow(path, stream=False), "float32", id="arrow-file"),
        pytest.param("t.arrows", lambda path: write_arrow(path, stream=True), "float32", id="arrow-stream"),
        pytest.param("t.jsonl", write_lines, "float64", id="json-lines"),
        pytest.param("t.jsonl.gz", write_lines, "float64", id="json-lines-gzip"),
        pytest.param(
            "t.csv", lambda path: path.write_text("score,source\n0.5,s3://f/2\n,s3://f/1\n"), "float64", id="csv"
        ),
    ],
)
def test_every_format_gives_its_rows(name, write, found, repo, tmp_path):
    """Rows come in any order; a null is a record; types are the file's, or the least that hold every row."""
    write(tmp_path / name)
    report = put_file(repo, "score", tmp_path / name, producer="x@1")

    assert (found, 2) == (report.type, report.added)
    assert {"s3://f/1": None, "s3://f/2": 0.5} == read(repo)


def test_type_of_the_signal_is_kept(repo, tmp_path):
    """Integers in a later file are floats, as the signal's type says."""
    repo.put("score", TABLE, producer="x@1")
    (tmp_path / "t.jsonl").write_text('{"source": "s3://f/3", "score": 2}\n')
    put_file(repo, "score", tmp_path / "t.jsonl", producer="x@2")

    assert 2.0 == read(repo)["s3://f/3"]
    assert "float" == str(repo.read("@draft", ["score"]).schema.field("score").type)


def test_fields_of_the_struct_may_be_missing(repo, tmp_path):
    """Several columns are a struct; a later file without one of them leaves it null."""
    (tmp_path / "a.jsonl").write_text('{"source": "s3://f/1", "x": 1, "y": "a"}\n')
    (tmp_path / "b.jsonl").write_text('{"source": "s3://f/2", "x": 2}\n')
    for name in ("a.jsonl", "b.jsonl"):
        put_file(repo, "both", tmp_path / name, producer="x@1")

    assert {"s3://f/1": {"x": 1, "y": "a"}, "s3://f/2": {"x": 2, "y": None}} == read(repo, "both")


def test_pointers_stay_text(repo, tmp_path):
    """A pointer that looks like a number is not one."""
    (tmp_path / "t.csv").write_text("source,score\n007,1\n10,2\n")
    put_file(repo, "score", tmp_path / "t.csv", producer="x@1")

    assert {"007": 1, "10": 2} == read(repo)


def test_format_can_be_said(repo, tmp_path):
    """A name without a known ending needs `--format`."""
    write_lines(tmp_path / "export")
    with pytest.raises(UserError, match="does not say"):
        put_file(repo, "score", tmp_path / "export", producer="x@1")

    assert 2 == put_file(repo, "score", tmp_path / "export", producer="x@1", format="jsonl").added


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.jsonl", "t.csv"])
def test_broken_file_is_named(name, repo, tmp_path):
    """Whatever the reader says is the cause; the message has the file."""
    (tmp_path / name).write_bytes(b"\xff\x00 no such thing\n")
    with pytest.raises(SchemaError):
        put_file(repo, "score", tmp_path / name, producer="x@1")


def test_missing_file_is_named(repo, tmp_path):
    """Before anything else."""
    with pytest.raises(MissingFileError, match="nowhere"):
        put_file(repo, "score", tmp_path / "nowhere.csv", producer="x@1")


def test_odd_value_is_named_with_its_source(repo, tmp_path):
    """A value that fits no common type is refused, never cast."""
    (tmp_path / "t.jsonl").write_text('{"source": "s3://f/1", "score": 1}\n{"source": "s3://f/2", "score": "high"}\n')
    with pytest.raises(SchemaError, match="s3://f/2"):
        put_file(repo, "score", tmp_path / "t.jsonl", producer="x@1")


def test_progress_counts_rows(repo, tmp_path):
    """Who reads is told how many rows have been read."""
    pq.write_table(TABLE, tmp_path / "t.parquet")
    told = []
    put_file(repo, "score", tmp_path / "t.parquet", producer="x@1", progress=lambda *call: told.append(call))

    assert [("rows", 2, None)] == told
