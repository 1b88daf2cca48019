import pyarrow as pa
import pytest

from dsvc.errors import RecordNotFoundError, RefNotFoundError, SignalNotFoundError


@pytest.fixture
def three(repo, put):
    """Three signals of overlapping sources, committed."""
    put("quality", {"s3://a": 1, "s3://b": 2})
    put("spoof", {"s3://b": 0.5, "s3://c": None})
    put("box", {"s3://d": {"x": 1.0}})
    repo.commit("one")
    return repo


def test_reading_joins_by_source(three):
    """All signals by name; the sources that have any; null where there is no record."""
    table = three.read()
    assert ["source", "box", "quality", "spoof"] == table.column_names
    assert [
        {"source": "s3://a", "box": None, "quality": 1, "spoof": None},
        {"source": "s3://b", "box": None, "quality": 2, "spoof": 0.5},
        {"source": "s3://c", "box": None, "quality": None, "spoof": None},
        {"source": "s3://d", "box": {"x": 1.0}, "quality": None, "spoof": None},
    ] == table.to_pylist()


def test_reading_some_signals(three):
    """Columns come in the order asked; a source with none of them is left out; one named twice is one column."""
    table = three.read("main", signals=["spoof", "quality", "spoof"])
    assert ["source", "spoof", "quality"] == table.column_names
    assert ["s3://a", "s3://b", "s3://c"] == table["source"].to_pylist()


def test_reading_other_versions(three, put):
    """A version is read as it was; the draft by its name."""
    put("quality", {"s3://a": 9})
    assert [1, 2] == three.read("HEAD", ["quality"])["quality"].to_pylist()
    assert [9, 2] == three.read("@draft", ["quality"])["quality"].to_pylist()
    with pytest.raises(RefNotFoundError):
        three.read("nope")
    with pytest.raises(SignalNotFoundError, match="qualty") as caught:
        three.read(signals=["qualty"])
    assert "quality" in caught.value.hint


def test_reading_nothing(repo):
    """A version without signals is a table of no rows."""
    assert pa.table({"source": pa.array([], pa.string())}) == repo.read("@draft")
    repo.commit("empty", allow_empty=True)
    assert 0 == repo.read(signals=[]).num_rows


def test_reading_in_batches_and_ranges(repo, put):
    """Batches hold about the rows asked; a range includes its start and not its stop."""
    put("quality", {f"s3://{i:05}": i for i in range(6000)})
    batches = list(repo.iter_read("@draft", rows_per_batch=1000))
    assert 1 < len(batches)
    assert list(range(6000)) == [value for batch in batches for value in batch["quality"].to_pylist()]
    ranged = repo.iter_read("@draft", ["quality"], start="s3://00010", stop="s3://00013")
    assert [10, 11, 12] == [value for batch in ranged for value in batch["quality"].to_pylist()]


def test_one_record(three):
    """A single record comes with its provenance; a null is one, a missing record is an error."""
    record = three.record("quality", "s3://b")
    assert (2, "model", "1") == (record.value.as_py(), record.provenance.producer, record.provenance.version)
    assert three.record("spoof", "s3://c").value.as_py() is None
    with pytest.raises(RecordNotFoundError, match="s3://a"):
        three.record("spoof", "s3://a")
    with pytest.raises(SignalNotFoundError):
        three.record("nope", "s3://a")
