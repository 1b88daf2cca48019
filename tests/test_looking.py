"""What can be asked of a repository beside its records."""

import pyarrow as pa
import pytest

import dsvc
from dsvc.errors import DatasetNotFoundError


@pytest.fixture
def repo(tmp_path):
    """A repository with a signal that was put, and no recipe but the one that init wrote."""
    with dsvc.init(tmp_path / "faces", author="ann") as repo:
        repo.put("n", pa.table({"source": ["s://a", "s://b"], "n": [1, 2]}), producer="p@1")
        yield repo


def test_the_recipe_that_init_wrote_is_sound(repo):
    """And empty."""
    assert () == repo.check_recipe()
    assert {} == repo.resolve_recipe()


def test_no_recipe_is_none(repo):
    """Nothing is wrong with it, whatever version is asked for."""
    (repo.path / "dsvc.toml").unlink()

    assert () == repo.check_recipe()
    assert {} == repo.resolve_recipe()
    assert {} == repo.resolve_recipe(repo.commit("one").id)


def test_a_recipe_is_checked_against_the_draft(repo):
    """Signals that were put are known, with their types."""
    (repo.path / "dsvc.toml").write_text("[dataset.d]\nwhere = 'n > 1'\n[dataset.e]\nwhere = 'n'\n")

    assert ["dataset.e.where"] == [problem.key for problem in repo.check_recipe()]


RECIPE = """
[step.m]
sql = "SELECT n * 10 AS m"
[dataset.d]
where = "n >= 2 AND k = 'x'"
columns = { m = "m", k = "k" }
"""


@pytest.fixture
def made(repo):
    """Two commits of a dataset: of a source, then of another."""
    repo.put("k", pa.table({"source": ["s://a", "s://b"], "k": ["x", "x"]}), producer="p@1")
    (repo.path / "dsvc.toml").write_text(RECIPE)
    repo.run()
    repo.commit("one")
    (repo.path / "dsvc.toml").write_text(RECIPE.replace("n >= 2", "n < 2"))
    repo.run()
    repo.commit("two")
    return repo


def test_a_funnel_is_that_of_the_versions_recipe(made):
    """Whatever lies in the directory; of the draft, what lies there, run or not."""
    (made.path / "dsvc.toml").write_text(RECIPE.replace("n >= 2", "n >= 9"))

    def told(revision):
        found = made.funnel(revision, "d")
        return found.stages[0].text, found.stages[0].passed, found.is_current

    assert ("n >= 2", 1, True) == told("HEAD~1")
    assert ("n < 2", 1, True) == told("HEAD")
    assert ("n >= 9", 0, False) == told("@draft")


def test_a_dataset_is_told_by_coverage_and_profile(made):
    """Of the signals that it names, and of its columns."""
    assert ["k", "m", "n"] == sorted(item.signal for item in made.coverage("HEAD", "d"))
    assert {"k", "m", "n"} == {item.signal for item in made.coverage("HEAD", "global")}
    assert [1, 2] == [made.profile("HEAD", name).rows for name in ("d", "global")]
    assert ["k", "m"] == [column.name for column in made.profile("HEAD", "d").columns]


def test_what_moved_between_two_versions(made):
    """With the terms of both recipes."""
    movement = made.movement("HEAD~1", "HEAD", "d")

    assert (1, 1, 1, 1) == (movement.before, movement.after, movement.entered, movement.left)
    assert ["n >= 2", "n < 2"] == [cause.text for cause in movement.causes]
    assert ["s://a", "s://b"] == [move.source for move in made.moves("HEAD~1", "HEAD", "d")]


@pytest.mark.parametrize("ask", ["funnel", "coverage", "profile"])
def test_an_unknown_dataset_gets_the_nearest(made, ask):
    """Whatever is asked of it."""
    with pytest.raises(DatasetNotFoundError, match="'dd'"):
        getattr(made, ask)("HEAD", "dd")


def test_an_unknown_dataset_has_not_moved(made):
    """In neither version."""
    with pytest.raises(DatasetNotFoundError) as caught:
        made.movement("HEAD~1", "HEAD", "dd")

    assert "did you mean 'd'?" == caught.value.hint


def test_datasets_of_a_version_and_of_its_recipe(made):
    """The one may have others than the other."""
    assert ["d", "global"] == [entry.name for entry in made.datasets()]
    (made.path / "dsvc.toml").write_text(RECIPE.replace("dataset.d", "dataset.e"))
    assert (("d",), ("e",)) == (made.recipe_datasets("HEAD"), made.recipe_datasets("@draft"))


def test_questions_in_sql(made):
    """Of any version; the answer is a table, and nothing is written."""
    n_before = len(list(made.operations()))

    assert [{"n": 1}] == made.sql("SELECT count(*) AS n FROM d").to_pylist()
    assert [20] == made.sql("SELECT m FROM d", "HEAD~1")["m"].to_pylist()
    assert ("d", ("source", "k", "m")) in made.tables()
    assert n_before == len(list(made.operations()))
