import gzip
import json
import os
import sys
from datetime import UTC, datetime

import bson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dsvc.errors import FeedError, PluginError
from dsvc.feeds.files import FilesFeed
from dsvc.plugins.contracts import FeedQuery

DOCUMENTS = [{"uri": f"s3://b/{i}", "n": i, "models": {"a": {"v": 0.5 * i}}} for i in range(5)]


def make(folder, path, **query):
    """Return a feed of files in a folder."""
    return FilesFeed("archive", {"path": path}, folder, FeedQuery(**query))


def read(feed):
    """Return all documents of a feed."""
    return [document for batch in feed.read() for document in batch.documents]


def json_lines(documents):
    """Return documents as JSON lines."""
    return "".join(json.dumps(document) + "\n" for document in documents).encode()


def write_all_formats(folder):
    """Write the same documents in a file of each format."""
    (folder / "a.jsonl").write_bytes(json_lines(DOCUMENTS))
    (folder / "b.ndjson.gz").write_bytes(gzip.compress(json_lines(DOCUMENTS)))
    (folder / "c.bson").write_bytes(b"".join(map(bson.encode, DOCUMENTS)))
    (folder / "d.bson.gz").write_bytes(gzip.compress(b"".join(map(bson.encode, DOCUMENTS))))
    table = pa.Table.from_pylist(DOCUMENTS)
    pq.write_table(table, folder / "e.parquet")
    with pa.ipc.new_file(folder / "f.arrow", table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.new_stream(folder / "g.arrows", table.schema) as writer:
        writer.write_table(table)
    rows = "".join(f"{d['uri']},{d['n']},{d['models']['a']['v']}\n" for d in DOCUMENTS)
    (folder / "h.csv").write_text("uri,n,models.a.v\n" + rows)


NAMES = ["a.jsonl", "b.ndjson.gz", "c.bson", "d.bson.gz", "e.parquet", "f.arrow", "g.arrows", "h.csv"]


@pytest.mark.parametrize("name", NAMES)
def test_every_format_gives_the_same_documents(tmp_path, name):
    """A file's name says its format."""
    write_all_formats(tmp_path)

    assert DOCUMENTS == read(make(tmp_path, name))


def test_a_pattern_names_many_files(tmp_path):
    """Read in the order of their names, below any number of folders."""
    for name in ("b/2.jsonl", "a.jsonl", "b/c/3.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(json_lines([{"from": name}]))

    assert ["a.jsonl", "b/2.jsonl", "b/c/3.jsonl"] == [d["from"] for d in read(make(tmp_path, "**/*.jsonl"))]
    assert ["a.jsonl"] == [d["from"] for d in read(make(tmp_path / "b", str(tmp_path / "a.*")))]


def test_a_filter_chooses_documents(tmp_path):
    """As a server's would; positions stay those of the file."""
    write_all_formats(tmp_path)
    feed = make(tmp_path, "a.jsonl", filter={"n": {"$gte": 3}})

    assert DOCUMENTS[3:] == read(feed)
    assert [("a.jsonl", 3), ("a.jsonl", 4)] == [place for batch in feed.read() for place in batch.positions]


def test_positions_follow_files_and_rows(tmp_path):
    """They ascend, and are the same when read again."""
    write_all_formats(tmp_path)
    feed = make(tmp_path, "[ab].*")
    positions = [position for batch in feed.read() for position in batch.positions]

    assert sorted(set(positions)) == positions
    assert positions == [position for batch in feed.read() for position in batch.positions]


def test_documents_of_a_dump_are_known_by_their_id(tmp_path):
    """A dump has no order that its collection has too."""
    (tmp_path / "x.bson").write_bytes(bson.encode({"_id": "b"}) + bson.encode({"_id": "a"}) + bson.encode({}))
    (batch,) = make(tmp_path, "x.bson").read()

    assert ["b", "a", ("x.bson", 2)] == batch.positions
    assert "x.bson, document 3" == str(batch.positions[2])


def test_a_lookup_finds_documents_by_a_field(tmp_path):
    """Also within lists and by numbers of any kind."""
    write_all_formats(tmp_path)
    feed = make(tmp_path, "a.jsonl")

    found = [document for batch in feed.lookup("models.a.v", [1, 0.5, None]) for document in batch.documents]

    assert DOCUMENTS[1:3] == found


def test_the_fingerprint_follows_the_files(tmp_path):
    """It changes with a file's size or time, and with the set of files; not with anything else."""
    write_all_formats(tmp_path)
    feed = make(tmp_path, "*.jsonl")
    before = feed.fingerprint()

    assert before == make(tmp_path, "*.jsonl").fingerprint()
    os.utime(tmp_path / "a.jsonl", ns=(1, 1))
    touched = feed.fingerprint()
    (tmp_path / "b.jsonl").write_text("{}")
    assert 3 == len({before, touched, feed.fingerprint()})


@pytest.mark.parametrize(
    "name, content, message",
    [
        pytest.param("x.jsonl", b'{"a": 1}\n{"a"\n', r"cannot read x\.jsonl: line 2: ", id="JSON"),
        pytest.param("x.jsonl.gz", b"{}", r"cannot read x\.jsonl\.gz: Not a gzipped file", id="gzip"),
        pytest.param("x.bson", bson.encode({"a": 1})[:-1], r"x\.bson: it ends within a document", id="cut BSON"),
        pytest.param("x.bson", b"\x06\0\0\0\x10\0", r"cannot read x\.bson: ", id="BSON"),
        pytest.param("x.parquet", b"PAR1", r"cannot read x\.parquet: ", id="Parquet"),
        pytest.param("x.arrow", b"ARROW1\0\0x", r"cannot read x\.arrow: ", id="Arrow"),
        pytest.param("x.csv", b"a,b\n1\n", r"cannot read x\.csv: ", id="CSV"),
        pytest.param("x.csv", b"", r"cannot read x\.csv: ", id="empty CSV"),
        pytest.param("x.txt", b"", r"the name of x\.txt does not say its format", id="no format"),
        pytest.param("x.parquet.gz", b"", r"the name of x\.parquet\.gz does not say its format", id="Parquet in gzip"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content, message):
    """With the feed and what is wrong."""
    (tmp_path / name).write_bytes(content)

    with pytest.raises(FeedError, match=rf"feed 'archive': .*{message}"):
        read(make(tmp_path, "x.*"))


def test_no_file_is_an_error(tmp_path):
    """A misspelt path must not look like an empty feed."""
    with pytest.raises(FeedError, match=r"no file matches 'nothing/\*\.jsonl'"):
        read(make(tmp_path, "nothing/*.jsonl"))


def test_bson_needs_pymongo(tmp_path, monkeypatch):
    """Nothing else does."""
    write_all_formats(tmp_path)
    monkeypatch.setitem(sys.modules, "pymongo", None)

    assert DOCUMENTS == read(make(tmp_path, "a.jsonl"))
    with pytest.raises(PluginError, match="needs the package pymongo"):
        read(make(tmp_path, "c.bson"))


def test_times_of_a_dump_are_in_utc(tmp_path):
    """Whole milliseconds, as BSON holds them."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    (tmp_path / "x.bson").write_bytes(bson.encode({"at": at}))

    assert [{"at": at}] == read(make(tmp_path, "x.bson"))
