import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsvc.errors import DatasetNotFoundError, DeriveError, SignalNotFoundError
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


FACES = {"s3://a": [{"x": 1}, {"x": 2}], "s3://b": [], "s3://c": None, "s3://d": [{"x": 3}], "s3://e": [None]}


@pytest.fixture
def faces_of(put, select, repo):
    """Lists of structs, and a dataset of them with a row for each item."""

    def make(records, parts, unnest="face", splits=("train", "test")):
        put("faces", records, pa.list_(pa.struct([("x", pa.int64())])))
        put("n", {source: i for i, source in enumerate(records)})
        select("each", parts, {"face": "faces", "n": "n * 10"}, splits, unnest)
        return repo.view("@draft")

    return make


def test_a_row_for_each_item(faces_of):
    """Source and place in the list are the key; a source without items has no row; a null item is one."""
    view = faces_of(FACES, {"s3://a": 1, "s3://b": 0, "s3://c": 0, "s3://d": None, "s3://e": 0})

    table = read_dataset(view, "each")

    assert ["source", "item", "face", "n", "split"] == table.column_names
    assert [
        {"source": "s3://a", "item": 0, "face": {"x": 1}, "n": 0, "split": "test"},
        {"source": "s3://a", "item": 1, "face": {"x": 2}, "n": 0, "split": "test"},
        {"source": "s3://e", "item": 0, "face": None, "n": 40, "split": "train"},
    ] == table.to_pylist()
    with DatasetReader(view, "each") as reader:
        assert 3 == reader.count_rows()


def test_signals_are_read_by_source(faces_of):
    """Whoever names signals gets these, a row a source."""
    view = faces_of(FACES, dict.fromkeys(FACES, 0))

    assert ["source", "faces", "split"] == read_dataset(view, "each", ["faces"]).column_names
    assert 5 == read_dataset(view, "each", ["faces"]).num_rows


def test_only_some_columns(faces_of, view):
    """And what it takes to have the rows."""
    each = faces_of(FACES, dict.fromkeys(FACES, 0))

    with DatasetReader(each, "each", only=["n"]) as reader:
        assert ["source", "item", "face", "n", "split"] == reader.schema.names
    with DatasetReader(view, "good", only=["q"]) as reader:
        assert (["source", "q", "split"], 3) == (reader.schema.names, reader.count_rows())


def test_a_list_that_nobody_has_gives_no_row(repo, put, select):
    """Its signal has no record, and so no type."""
    put("n", {"s3://a": 1})
    select("each", {"s3://a": 0}, {"face": "nothing"}, unnest="face")

    assert (0, ["source", "item", "face"]) == (
        (table := read_dataset(repo.view("@draft"), "each")).num_rows,
        table.column_names,
    )


def test_what_is_no_list_is_no_row(repo, put, select):
    """A signal that became something else since says so."""
    put("n", {"s3://a": 1})
    select("each", {"s3://a": 0}, {"face": "n"}, unnest="face")

    with pytest.raises(DeriveError, match="'face' is of type int64"):
        read_dataset(repo.view("@draft"), "each")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.integers(0, 30),
        st.tuples(st.none() | st.lists(st.none() | st.integers(0, 9), max_size=3), st.none() | st.integers(0, 1)),
        min_size=1,
    ),
    st.integers(1, 9),
    st.booleans(),
)
def test_items_can_be_put_together_again(repo, put, select, records, batch, fixed):
    """Whatever lists there are, and however they are batched: items by source and place are the lists."""
    lists = {
        f"s{i:02}": held if held is None or not fixed else (held * 3 + [7, 8])[:2] for i, (held, _) in records.items()
    }
    put("many", lists, pa.list_(pa.int64(), 2) if fixed else pa.list_(pa.int64()), replace=True)
    parts = {f"s{i:02}": part for i, (_, part) in records.items()}
    select("each", parts, {"v": "many"}, ("a", "b"), "v")

    rows = (
        pa.Table.from_batches(iter_dataset(repo.view("@draft"), "each", rows_per_batch=batch)).to_pylist()
        if any(lists[source] and parts[source] is not None for source in lists)
        else []
    )

    found = {}
    for row in rows:
        assert len(found.setdefault(row["source"], [])) == row["item"]
        assert ("a", "b")[parts[row["source"]]] == row["split"]
        found[row["source"]].append(row["v"])
    expected = {source: held for source, held in sorted(lists.items()) if held and parts[source] is not None}
    assert list(expected.items()) == list(found.items())
