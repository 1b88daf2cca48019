import pyarrow as pa
import pytest

from dsvc.errors import DatasetNotFoundError, SignalNotFoundError
from dsvc.export.dataset import DatasetReader, iter_dataset, read_dataset
from dsvc.objects.oid import ZERO
from dsvc.objects.state import Derived, State
from dsvc.repo.draft import DraftEdit


@pytest.fixture
def view(faces):
    """The draft with the dataset."""
    return faces.view("@draft")


def test_a_dataset_is_its_selected_sources_and_its_columns(view):
    """Columns by name, evaluated over what each source has; the part of the split is a column of its own."""
    table = read_dataset(view, "good")
    assert ["source", "q", "version", "who", "x2", "split"] == table.column_names
    assert [
        {"source": "s3://b", "q": 2, "version": "2.1", "who": "spoof", "x2": None, "split": "train"},
        {"source": "s3://c", "q": 3, "version": "2.1", "who": "spoof", "x2": None, "split": "test"},
        {"source": "s3://d", "q": 4, "version": None, "who": None, "x2": 5.0, "split": "train"},
    ] == table.to_pylist()


def test_global_is_all_sources_and_all_signals(view):
    """Every version has `global`: a column a signal, a row a source."""
    table = read_dataset(view, "global")
    assert ["source", "box", "quality", "spoof"] == table.column_names
    assert ["s3://a", "s3://b", "s3://c", "s3://d"] == table["source"].to_pylist()


def test_sources_that_only_a_derived_signal_has_are_none(faces, put):
    """A record that outlived its source until the next run is no row."""
    put("count", {"s3://a": 1, "s3://z": 1})
    faces.edit_draft(lambda view, writer: DraftEdit(state=State(derived=(Derived("count", ZERO),))), command="state")
    table = read_dataset(faces.view("@draft"), "global")
    assert ["s3://a", "s3://b", "s3://c", "s3://d"] == table["source"].to_pylist()
    assert [1, None, None, None] == table["count"].to_pylist()


def test_a_column_without_any_record_is_null(repo, put, select):
    """A dataset may name a signal that no source has."""
    put("quality", {"s3://a": 1})
    columns = {"n": "nothing", "f": "nothing.field", "why": "nothing._origin", "both": "coalesce(nothing, quality)"}
    select("odd", {"s3://a": 0}, columns)
    (row,) = read_dataset(repo.view("@draft"), "odd").to_pylist()
    assert {"source": "s3://a", "n": None, "f": None, "why": None, "both": 1} == row


def test_states_tell_why_a_source_waits(repo, put, select):
    """`x._state` is the record's standing, or, without one, the reason of its waiting."""
    put("quality", {"s3://a": 1, "s3://b": 2, "s3://c": 3})
    put("count", {"s3://a": 1})
    put("waiting", {"s3://b": {"detail": "boom", "reason": "failed"}})
    waiting = repo.view("@draft").signals["waiting"]
    state = State(derived=(Derived("count", ZERO, waiting),))
    repo.edit_draft(lambda view, writer: DraftEdit(state=state), command="state")
    select("told", dict.fromkeys(["s3://a", "s3://b", "s3://c"], 0), {"state": "count._state"})
    assert ["final", "failed", None] == read_dataset(repo.view("@draft"), "told")["state"].to_pylist()


def test_ranges_and_batches(view):
    """A range includes its start and not its stop; batches without a selected source are left out."""
    found = [batch["source"].to_pylist() for batch in iter_dataset(view, "good", start="s3://b", stop="s3://d")]
    assert [["s3://b", "s3://c"]] == found
    assert [] == list(iter_dataset(view, "good", stop="s3://b"))


def test_signals_can_be_read_for_a_datasets_sources(view):
    """With names of signals, these are the columns; the rows stay the dataset's."""
    table = read_dataset(view, "good", ["spoof", "quality"])
    assert ["source", "spoof", "quality", "split"] == table.column_names
    assert [0.5, 0.25, None] == table["spoof"].to_pylist()
    with pytest.raises(SignalNotFoundError):
        read_dataset(view, "good", ["nope"])


def test_the_schema_is_known_without_rows(view):
    """Types of expressions are known before any is evaluated over rows."""
    with DatasetReader(view, "good") as reader:
        types = [pa.string(), pa.int64(), pa.string(), pa.string(), pa.float64(), pa.string()]
        assert types == reader.schema.types
        assert reader.schema == read_dataset(view, "good").schema


def test_no_dataset_of_that_name(view):
    """A misspelt dataset is an error that names the nearest, raised before anything is read."""
    with pytest.raises(DatasetNotFoundError) as caught:
        iter_dataset(view, "god")
    assert "good" in caught.value.hint


def test_an_empty_version_has_an_empty_global(repo):
    """Nothing put is a table of no rows and one column."""
    table = read_dataset(repo.view("@draft"), "global")
    assert (["source"], 0) == (table.column_names, table.num_rows)
