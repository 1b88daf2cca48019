"""A dataset gets a name once it is what the recipe demands of it."""

from __future__ import annotations

import json

import pytest

import dsvc
from dsvc.errors import DatasetCheckError, PluginNotFoundError
from dsvc.plugins.manager import Plugins

RECIPE = """
[feed.images]
plugin = "files"
path = "images.jsonl"
pointer = "uri"

[signal.quality]
from = "images"
value = "quality"

[dataset.good]
where = "quality >= 3"
columns = { q = "quality" }
"""


@pytest.fixture
def repo(tmp_path):
    """A repository with documents."""
    with dsvc.init(tmp_path / "faces", author="ann") as repo:
        write_documents(repo, {"a": 1, "b": 3, "c": 5})
        yield repo


def write_documents(repo, qualities):
    """Write the feed's documents: the quality of each image."""
    lines = [json.dumps({"uri": f"s3://{name}", "quality": quality}) for name, quality in qualities.items()]
    (repo.path / "images.jsonl").write_text("\n".join(lines))


CHECK = """
check = { min_rows = 2, max_loss = 0.4 }
"""


@pytest.fixture
def checked(repo):
    """The recipe with a check, run and committed: two sources are good."""
    (repo.path / "dsvc.toml").write_text(RECIPE + CHECK)
    repo.ingest()
    repo.run()
    repo.commit("first")
    return repo


def ingest(repo, qualities):
    """Ingest other documents, run, and return the draft's failures of dataset `good`, in words."""
    write_documents(repo, qualities)
    repo.ingest(full=True)
    repo.run()
    return [str(failure) for failure in repo.find_failing().get("good", ())]


def test_a_failed_check_refuses_the_tag(checked):
    """By the recipe of the commit, whatever lies in the directory; a plain tag says nothing of a dataset."""
    assert [] == ingest(checked, {"a": 3, "b": 3, "c": 5})
    ingest(checked, {"a": 1, "b": 1, "c": 5})
    checked.commit("few")
    (checked.path / "dsvc.toml").write_text(RECIPE)

    with pytest.raises(DatasetCheckError) as caught:
        checked.tag("good@v1")

    assert (3, "good", "HEAD") == (caught.value.exit_code, caught.value.dataset, caught.value.revision)
    assert [
        "min_rows: expected at least 2 rows, found 1",
        "max_loss: expected at most 40 % of the sources before gone, found 1 of 2 (50 %)",
    ] == caught.value.failures
    assert "min_rows: expected at least 2 rows, found 1" in str(caught.value)
    assert [] == checked.tags()
    checked.tag("v1")
    checked.tag("good@v0", "HEAD~1")


def test_loss_is_against_the_last_tagged_version(checked):
    """Losing a little with each commit is seen in the end."""
    checked.tag("good@v1")
    ingest(checked, {"a": 3, "b": 3, "c": 1})
    checked.commit("one for another")
    assert 1 == len(checked.find_failures("good"))  # one of two that were tagged
    ingest(checked, {"a": 3, "b": 3, "c": 1, "d": 4})
    checked.commit("and one more")
    assert 1 == len(checked.find_failures("good"))
    assert 0 == len(checked.find_failures("good", "HEAD~2"))


def test_a_draft_is_compared_with_its_commit(checked):
    """And only datasets that changed since are looked at."""
    assert {} == checked.find_failing()
    assert 2 == len(ingest(checked, {"a": 1, "b": 3, "c": 1}))
    checked.commit("all the same")

    assert {} == checked.find_failing()
    assert ["min_rows"] == [failure.check for failure in checked.find_failures("good", "@draft")]


def test_a_check_needs_no_plugin(checked):
    """The commit's recipe is read for its datasets alone."""
    checked.__dict__["plugins"] = Plugins([])
    with pytest.raises(PluginNotFoundError):
        checked.plugins.get_feed("files")

    assert "good" == checked.tag("good@v1").dataset
