"""How many sources selections select, kept."""

from __future__ import annotations

from dsvc.repo import rowcounts
from dsvc.repo.changes import dataset_changes, noted_rows
from dsvc.repo.refs import ROW_COUNTS
from dsvc.repo.rowcounts import count_rows, keep_counts, known_counts, note_rows
from tests.repo.test_changes import make_dataset


def test_a_draft_is_counted_once(repo, put):
    """What was noted is known without counting, of this selection alone."""
    make_dataset(repo, put, "good", {"s3://a": 0, "s3://b": None})
    before = repo.view("@draft")
    note_rows(repo.store.refs, before, before, ["good", "other"])

    assert 1 == noted_rows(before, "good", known_counts(repo.store.refs))
    make_dataset(repo, put, "good", {"s3://a": 0, "s3://b": 0})
    after = repo.view("@draft")
    assert noted_rows(after, "good", known_counts(repo.store.refs)) is None
    note_rows(repo.store.refs, before, after, ["good"])
    assert 2 == noted_rows(after, "good", known_counts(repo.store.refs))


def test_status_shows_the_rows_of_a_draft(repo, put):
    """Once they were noted."""
    make_dataset(repo, put, "good", {"s3://a": 0, "s3://b": None})
    repo.commit("one")
    make_dataset(repo, put, "good", {"s3://a": 0, "s3://b": 0})
    assert [(1, None)] == [(change.before, change.after) for change in repo.status().datasets]

    note_rows(repo.store.refs, repo.view(), repo.view("@draft"), ["good"])

    assert [(1, 2)] == [(change.before, change.after) for change in repo.status().datasets]


def test_counts_follow_from_those_nearby(repo, put, monkeypatch):
    """Only what changed since is read; a commit takes what was noted."""
    make_dataset(repo, put, "good", {"s3://a": 0, "s3://b": None})
    repo.commit("one")
    make_dataset(repo, put, "good", {"s3://a": 0, "s3://b": 0, "s3://c": 0})
    monkeypatch.setattr("dsvc.repo.selected.count_selected", None)

    assert 3 == count_rows(repo.view("@draft"), "good", [(repo.view(), 1)])
    keep_counts(repo.store.refs, {repo.view("@draft").dataset("good").selection: 3})
    monkeypatch.setattr("dsvc.repo.selected.selected_change", None)
    assert {"rows/good": "3"} == repo.commit("two").notes


def test_no_more_than_the_newest_are_kept(repo, monkeypatch):
    """One ref, of bounded size; what is known already is not written again."""
    monkeypatch.setattr(rowcounts, "MOST_KEPT", 3)
    oids = [bytes([number]) * 32 for number in range(5)]
    for number, oid in enumerate(oids):
        keep_counts(repo.store.refs, {oid: number})
    assert {oid: number for number, oid in enumerate(oids) if number >= 2} == known_counts(repo.store.refs)


def test_counts_that_cannot_be_read_are_none(repo):
    """A later version may keep them otherwise."""
    from dsvc.store.base import RefChange

    repo.store.refs.update([RefChange(ROW_COUNTS, None, b"?")])

    assert {} == known_counts(repo.store.refs)


def test_a_change_is_told_with_the_counts_that_are_given(repo, put):
    """For versions that are no commit."""
    make_dataset(repo, put, "good", {"s3://a": 0})
    draft = repo.view("@draft")
    counts = {draft.dataset("good").selection: 1}

    assert [("good", "+", 0, 1)] == [
        (c.name, c.op, c.before, c.after) for c in dataset_changes(repo.commit_view(draft), draft, counts)
    ]
