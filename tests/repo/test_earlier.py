"""Which version of a dataset a new one is compared with."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dsvc.objects.encoding import put_object
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.snapshot import Dataset
from dsvc.repo.base import BaseRepository
from dsvc.repo.draft import DraftEdit, replace_datasets
from dsvc.repo.earlier import find_earlier, view_of


@pytest.fixture
def repo(tmp_path):
    """Three commits of a dataset."""
    with BaseRepository.init(tmp_path / "faces", author="ann", clock=iter(range(10**6)).__next__) as repo:
        for number in range(3):
            table = pa.table({"source": ["a", "b"], "x": pa.array([0, number], pa.int8())})
            repo.put("x", table, producer="w@1")

            def edit(view, writer):
                made = put_object(writer, Kind.DATASET, Dataset(view.signals["x"], (("x", "x"),)))
                return DraftEdit(replace_datasets(view.root, {"d": made}))

            repo.edit_draft(edit, command="dataset")
            repo.commit(f"number {number}")
        yield repo


def earlier(repo, revision="HEAD"):
    """Return the message of the version that a revision is compared with."""
    found = find_earlier(repo, "d", repo.resolve(revision))
    return None if found is None else found.commit.message


def test_without_tags_it_is_the_parent(repo):
    """The first commit has none."""
    assert ("number 1", None) == (earlier(repo), earlier(repo, "HEAD~2"))


def test_the_last_tagged_version_before_goes_first(repo):
    """Of the same dataset, on the way to the commit, and not the commit itself."""
    repo.tag("d@v1", "HEAD~2")
    repo.tag("global@v1", "HEAD~1")
    repo.tag("plain", "HEAD~1")
    assert "number 0" == earlier(repo)
    repo.tag("d@v2", "HEAD~1")
    repo.tag("d@v3", "HEAD")
    assert ("number 1", "number 0") == (earlier(repo), earlier(repo, "HEAD~1"))


def test_a_tag_on_another_branch_is_none_before(repo):
    """It does not lead to the commit."""
    repo.switch("exp", create=True, revision="HEAD~2")
    repo.put("x", pa.table({"source": ["a"], "x": pa.array([9], pa.int8())}), producer="w@1")
    repo.commit("aside")
    repo.tag("d@exp")

    assert ("number 1", "number 0") == (earlier(repo, "main"), earlier(repo))


def test_a_commit_is_a_version(repo):
    """As it would be read by its name."""
    oid = repo.resolve("HEAD~1")

    assert repo.view("HEAD~1").root_id == view_of(repo, Oid(oid)).root_id
