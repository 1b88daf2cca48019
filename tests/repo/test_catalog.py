"""The datasets of a version."""

import pyarrow as pa
import pytest

import dsvc
from dsvc.repo.catalog import DatasetEntry, count_parts, count_sources, list_datasets

RECIPE = """
[split.all]
by = "n"
parts = { one = 1 }
[dataset.some]
where = "n > 1"
columns = { n = "n", twice = "n * 2" }
split = "all"
"""


@pytest.fixture(name="made")
def _made(tmp_path):
    """A repository with a dataset and tags of it."""
    with dsvc.init(tmp_path, author="ann") as repo:
        repo.put("n", pa.table({"source": ["s://a", "s://b", "s://c"], "n": [1, 2, 3]}), producer="p@1")
        repo.put("m", pa.table({"source": ["s://d"], "m": [1]}), producer="p@1")
        (tmp_path / "dsvc.toml").write_text(RECIPE)
        repo.run()
        repo.commit("one")
        repo.tag("some@v1")
        yield repo


def test_datasets_are_listed_with_what_they_select(made):
    """By name, and all sources last."""
    assert [
        DatasetEntry("some", 2, (("one", 2),), (("n", "n"), ("twice", "n * 2")), ("some@v1",)),
        DatasetEntry("global", 4, (), (("m", "m"), ("n", "n")), ()),
    ] == list_datasets(made, made.view("HEAD"))


def test_sources_are_counted_over_all_signals(made):
    """Each once."""
    view = made.view("HEAD")

    assert 4 == count_sources(view)
    assert {0: 2} == count_parts(view.reader, view.selection(view.dataset("some")))


def test_an_empty_version_has_nothing(tmp_path):
    """But the dataset that every version has."""
    with dsvc.init(tmp_path, author="ann") as repo:
        assert [DatasetEntry("global", 0, (), (), ())] == list_datasets(repo, repo.view("@draft"))
