import io
import sys
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import bson
import pytest
from bson import Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

from dsvc.errors import PluginError
from dsvc.feeds import bson_dump
from dsvc.feeds.bson_dump import decode, last_document, need_pymongo, read_dump
from dsvc.feeds.documents import Unsupported

OID = "64b7f0c2a1d3e4f5a6b7c8d9"
UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    "stored, expected",
    [
        pytest.param(ObjectId(OID), OID, id="ObjectId is text"),
        pytest.param(datetime(2026, 1, 2, 3, 4, 5, 6789, UTC), datetime(2026, 1, 2, 3, 4, 5, 6000, UTC), id="date"),
        pytest.param(Decimal128("1.10"), Decimal("1.10"), id="decimal128"),
        pytest.param(5, 5, id="int32"),
        pytest.param(Int64(5), 5, id="int64"),
        pytest.param(2.0, 2.0, id="double"),
        pytest.param(b"ab", b"ab", id="generic binary"),
        pytest.param(Binary(UUID.bytes, 4), str(UUID), id="UUID is text"),
        pytest.param({"a": [ObjectId(OID), None]}, {"a": [OID, None]}, id="nested"),
        pytest.param(Binary(b"ab", 5), Unsupported("binary subtype 5", "6162"), id="other binary"),
        pytest.param(Regex("a.*", "i"), Unsupported("regex", "Regex('a.*', 2)"), id="regex"),
        pytest.param(Code("f()"), Unsupported("javascript", "f()"), id="JavaScript"),
        pytest.param(Timestamp(1, 2), Unsupported("internal timestamp", "Timestamp(1, 2)"), id="timestamp"),
        pytest.param(DBRef("c", 1), Unsupported("dbref", "DBRef('c', 1)"), id="DBRef"),
        pytest.param(MinKey(), Unsupported("minkey", "MinKey()"), id="min key"),
        pytest.param(MaxKey(), Unsupported("maxkey", "MaxKey()"), id="max key"),
        pytest.param(
            DatetimeMS(10**15), Unsupported("date outside the years 1-9999", f"DatetimeMS({10**15})"), id="far date"
        ),
    ],
)
def test_bson_becomes_document_values(stored, expected):
    """Or, where no type holds it, something that says what it is."""
    (document,) = decode(bson.encode({"v": stored}))

    assert expected == document["v"]
    assert isinstance(document["v"], type(expected))


def dump(*documents):
    """Return what mongodump writes of documents."""
    return b"".join(map(bson.encode, documents))


def test_a_dump_is_read_in_runs_of_whole_documents(monkeypatch):
    """Whatever the block size."""
    documents = [{"_id": i, "text": "x" * i} for i in range(50)]
    for size in (1, 7, 64, 10_000):
        monkeypatch.setattr(bson_dump, "BATCH_BYTES", size)
        assert documents == [d for run in read_dump(io.BytesIO(dump(*documents))) for d in decode(run)]


def test_a_dump_that_ends_within_a_document_is_an_error():
    """What is whole was given before."""
    runs = read_dump(io.BytesIO(dump({"a": 1}, {"a": 2})[:-1]))

    assert [{"a": 1}] == decode(next(runs))
    with pytest.raises(EOFError):
        next(runs)


def test_a_length_that_cannot_be_is_an_error():
    """Instead of an endless loop."""
    with pytest.raises(ValueError, match="cannot be 0 bytes long"):
        list(read_dump(io.BytesIO(bytes(8))))


def test_the_last_document_of_a_run_is_found():
    """By stepping over lengths alone."""
    assert bson.encode({"a": 3}) == last_document(dump({"a": 1}, {"b": "xyz"}, {"a": 3}))


def test_missing_pymongo_is_told_with_the_command(monkeypatch):
    """It is no part of a plain installation."""
    monkeypatch.setitem(sys.modules, "pymongo", None)

    with pytest.raises(PluginError, match="needs the package pymongo") as caught:
        need_pymongo("mongodb")
    assert "pip install 'dsvc[mongodb]'" == caught.value.hint
