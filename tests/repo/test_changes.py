import pyarrow as pa

from dsvc.objects.commit import Commit
from dsvc.objects.encoding import put_object
from dsvc.objects.oid import Kind
from dsvc.objects.snapshot import Dataset
from dsvc.repo.changes import dataset_changes, noted_rows, signal_changes
from dsvc.repo.draft import DraftEdit, replace_datasets
from dsvc.repo.view import View


def views(repo):
    """Return the last commit and the draft."""
    return repo.view("HEAD"), repo.view("@draft")


def test_signals_that_differ_are_told_from_their_objects(repo, put):
    """New, gone, other values, only other provenance, other type; equal ones are not mentioned."""
    for name in ("changed", "gone", "remade", "retyped", "same"):
        put(name, {"s3://a": 1, "s3://b": 2})
    repo.commit("one")
    put("new", {"s3://a": 1})
    put("changed", {"s3://a": 5})
    repo.remove("gone", ["s3://a", "s3://b"])
    put("remade", {"s3://a": 1}, producer="model@2")
    put("retyped", {"s3://a": "x"}, replace=True)
    found = [(c.name, c.op, c.before, c.after) for c in signal_changes(*views(repo))]
    expected = [("changed", "~", 2, 2), ("gone", "-", 2, 0), ("new", "+", 0, 1), ("remade", "=", 2, 2)]
    assert [*expected, ("retyped", "!", 2, 1)] == found


def make_dataset(repo, put, name, rows, columns=(("q", "quality"),)):
    """Have the draft hold a dataset that selects `rows`: source -> split or None."""
    put("selected", rows, arrow=pa.int8(), replace=True)

    def edit(view, writer):
        oid = put_object(writer, Kind.DATASET, Dataset(view.signals["selected"], columns))
        return DraftEdit(replace_datasets(view.root, {name: oid}))

    repo.edit_draft(edit, command="dataset")


def test_commits_know_the_rows_of_their_datasets(repo, put):
    """Each commit notes how many sources each dataset selects: counted first, then followed by what changed."""
    make_dataset(repo, put, "good", {"s3://a": 0, "s3://b": None, "s3://c": 1})
    one = repo.commit("one")
    assert {"rows/good": "2"} == one.notes
    make_dataset(repo, put, "good", {"s3://a": 0, "s3://b": 0, "s3://c": 0, "s3://d": None})
    repo.commit("two")
    assert 3 == noted_rows(repo.view(), "good")
    assert [("good", "~", 2, 3)] == [
        (c.name, c.op, c.before, c.after) for c in dataset_changes(repo.view("HEAD~1"), repo.view())
    ]


def test_rows_of_a_draft_are_not_known_without_counting(repo, put):
    """A draft's dataset says None, a dataset that is not there zero."""
    make_dataset(repo, put, "good", {"s3://a": 0})
    assert noted_rows(repo.view("@draft"), "good") is None
    assert 0 == noted_rows(repo.view("@draft"), "other")


def test_a_commit_without_the_note_is_counted_anew(repo, put):
    """A commit that someone made without noting rows does not mislead the next."""
    make_dataset(repo, put, "good", {"s3://a": 0, "s3://b": 0})
    view = repo.view("@draft")
    bare = View(view.reader, view.root_id, None, commit=Commit(view.root_id, (), "ann", 0, "", 1))
    assert noted_rows(bare, "good") is None
