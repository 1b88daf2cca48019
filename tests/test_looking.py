"""What can be asked of a repository beside its records."""

import pyarrow as pa
import pytest

import dsvc


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
