import pyarrow as pa
import pytest

from dsvc.errors import DatasetNotFoundError, SignalNotFoundError
from dsvc.objects.encoding import put_object
from dsvc.objects.oid import ZERO, Kind
from dsvc.objects.snapshot import Dataset
from dsvc.objects.state import Derived, State
from dsvc.repo.draft import DraftEdit, replace_datasets


def test_a_version_does_not_change(repo, put):
    """A view shows what it was opened on, whatever happens after."""
    put("quality", {"s3://a": 1})
    view = repo.view("@draft")
    put("quality", {"s3://b": 2})
    assert 1 == view.get_tree("quality").count
    assert 2 == repo.view("@draft").get_tree("quality").count


def test_absent_signals_and_datasets(repo, put):
    """Finding gives None, getting raises and names the nearest."""
    put("quality", {"s3://a": 1})
    view = repo.view("@draft")
    assert view.signal("qualty") is None
    assert view.tree("qualty") is None
    with pytest.raises(SignalNotFoundError, match="@draft") as caught:
        view.get_tree("qualty")
    assert "quality" in caught.value.hint
    with pytest.raises(DatasetNotFoundError):
        view.dataset("spoof")


def test_datasets_are_found(repo, put):
    """A dataset of the root is read with its selection."""
    put("quality", {"s3://a": 1})
    put("selected", {"s3://a": 0}, arrow=pa.int8())

    def edit(view, writer):
        dataset = put_object(writer, Kind.DATASET, Dataset(view.signals["selected"], (("q", "quality"),)))
        return DraftEdit(replace_datasets(view.root, {"good": dataset}))

    view = repo.edit_draft(edit, command="dataset")
    assert (("q", "quality"),) == view.dataset("good").columns
    assert 1 == view.selection(view.dataset("good")).count


def test_derived_signals_give_no_sources(repo, put):
    """The sources of a version are those of its put and ingested signals."""
    put("quality", {"s3://a": 1})
    put("spoof", {"s3://b": 1})
    put("count", {"s3://c": 1})
    repo.edit_draft(lambda view, writer: DraftEdit(state=State(derived=(Derived("count", ZERO),))), command="state")
    view = repo.view("@draft")
    assert ("quality", "spoof") == view.source_signals
    assert ["s3://a", "s3://b"] == [source for batch in view.sources() for source in batch.to_pylist()]


def test_the_empty_version_can_be_read(repo):
    """Before anything was put there is nothing, and no error."""
    view = repo.view("@draft")
    assert ({}, {}, {}) == (view.signals, view.datasets, view.recipe_files())
    assert [] == list(view.sources())
