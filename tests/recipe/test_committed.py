"""The recipe of a version is loaded as it was committed."""

import pytest

from dsvc.plugins.manager import Plugins
from dsvc.recipe.committed import open_recipe
from dsvc.repository import Repository

STEP = '[step.double]\npython = "steps:double"\ninputs = ["n"]\ntype = "int64"\n'


@pytest.fixture(name="repo")
def _repo(tmp_path):
    import pyarrow as pa

    with Repository.init(tmp_path, author="ann") as repo:
        repo.put("n", pa.table({"source": ["s://a"], "n": [1]}), producer="p@1")
        (tmp_path / "steps.py").write_text("def double(n):\n    return n * 2\n")
        (tmp_path / "dsvc.toml").write_text(STEP)
        repo.run()
        repo.commit("first")
        yield repo


def test_recipe_is_that_of_the_version_whatever_lies_in_the_directory(repo, tmp_path):
    """Files edited since are not looked at."""
    (tmp_path / "dsvc.toml").write_text(STEP.replace("double]", "other]"))

    with open_recipe(repo.view("HEAD"), Plugins([])) as recipe:
        assert ["double"] == list(recipe.steps)
        assert "n * 2" in (recipe.directory / "steps.py").read_text()


def test_directory_is_gone_afterwards(repo):
    """It is private to the caller."""
    with open_recipe(repo.view("HEAD"), Plugins([])) as recipe:
        directory = recipe.directory

    assert not directory.exists()


def test_version_without_recipe_has_an_empty_one(tmp_path):
    """Such as a draft before the first commit."""
    with Repository.init(tmp_path, author="ann") as repo, open_recipe(repo.view("@draft"), Plugins([])) as recipe:
        assert ({}, {}) == (recipe.steps, recipe.datasets)
