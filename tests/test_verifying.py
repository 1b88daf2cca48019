"""What a repository does to find results that do not hold."""

import pytest

from tests.engine.reproducing import Study

RECIPE = """
[step.random]
python = "steps:count"
inputs = ["x"]
version = "1"

[dataset.some]
where = "random > 1"
columns = { x = "x" }
"""


@pytest.fixture
def study(tmp_path):
    """A repository with a step that gives another value each time, committed and tagged."""
    study = Study(tmp_path / "study")
    study.put("x", [1, 2, 3])
    study.make(RECIPE)
    study.repo.tag("some@1")
    return study


def test_a_tag_means_its_dataset(study):
    """Unless another is named."""
    repo = study.repo

    assert ["random", "some"] == [part.name for part in repo.reproduce("some@1").parts]
    assert ["random"] == [part.name for part in repo.reproduce("some@1", "global").parts]
    assert ["some"] == [part.name for part in repo.check(only=["some"]).parts]


def test_divergences_are_of_results_that_are_there(study):
    """Once the result is another one, they are history."""
    repo = study.repo
    repo.reproduce()
    repo.check()
    before = repo.divergences(), repo.divergences(current=True)
    study.write(RECIPE.replace('version = "1"', 'version = "2"'))
    repo.run()

    assert (["run --check", "reproduce"], ["run --check"]) == tuple(
        [item.command for item in found] for found in before
    )
    assert (2, []) == (len(repo.divergences()), repo.divergences(current=True))


def test_changed_code_is_told_until_it_is_accepted(study):
    """The step is not made again for it."""
    repo = study.repo
    study.write(RECIPE, "def count(x) -> int:\n    return 7\n")
    changed = repo.changed_code()
    ran = repo.run().ran
    still = repo.changed_code()
    accepted = repo.accept_code()

    assert [("random", "steps:count", "1")] == [(item.step, item.code, item.version) for item in changed]
    assert (0, changed, changed, []) == (ran, still, accepted, repo.changed_code())
