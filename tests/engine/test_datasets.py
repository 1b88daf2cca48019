"""Making datasets incrementally and with traces."""

from __future__ import annotations

import pytest

from dsvc.errors import TransformFailedError
from tests.engine.project import Project, told

RECIPE = '[dataset.data]\nwhere = "a > {n}"\ncolumns = {{ x = "{column}" }}'


@pytest.fixture
def project(tmp_path):
    """Four sources, one of which has no `a`."""
    made = Project(tmp_path)
    made.put("a", {"p": 1, "q": 2, "r": None})
    made.put("b", {"t": 1})
    return made


def report(project, **more):
    """Run, and return what became of the dataset, how many sources were evaluated, and how many changed."""
    return told(project.run(**more).datasets[0], "status", "evaluated", "changed")


def test_only_what_changed_is_evaluated(project):
    """A dataset costs its changed sources; another column costs none, and a threshold taken back none."""
    project.write(RECIPE.format(n=1, column="a"))
    assert ("made", 4, 4) == report(project)
    assert {"p": None, "q": 0, "r": None, "t": None} == project.selection("data")
    assert ("unchanged", 0, 0) == report(project)

    project.put("a", {"p": 5})
    assert ("made", 1, 1) == report(project)
    project.put("b", {"u": 1})
    assert ("made", 1, 1) == report(project)
    project.repo.remove("b", ["u"])
    assert ("taken", 0, 1) == report(project)

    project.write(RECIPE.format(n=4, column="a"))
    assert ("made", 4, 1) == report(project)
    project.write(RECIPE.format(n=1, column="a"))
    assert ("taken", 0, 1) == report(project)
    project.write(RECIPE.format(n=1, column="b"))
    assert ("taken", 0, 0) == report(project)
    assert {"p": 0, "q": 0, "r": None, "t": None} == project.selection("data")


def test_a_dataset_that_the_recipe_drops_goes(project):
    """It is removed by a whole run, and stays where only something else is asked for."""
    project.write(RECIPE.format(n=1, column="a"))
    project.run()
    project.write('[step.s]\nsql = "SELECT a AS s"')

    assert () == project.run(only=["s"]).datasets
    assert project.selection("data")
    assert ("removed", 0, 0) == report(project)
    assert {} == project.selection("data")


def test_a_where_that_fails_names_the_source_and_leaves_the_dataset(project):
    """An error on one source names it; the selection there was stays."""
    project.write(RECIPE.format(n=1, column="a"))
    project.run()
    before = project.selection("data")
    project.write(
        "[dataset.data]\nwhere = \"CAST(CASE WHEN a = 2 THEN 'x' ELSE '1' END AS INT) = 1\"\ncolumns = { x = \"a\" }"
    )

    with pytest.raises(TransformFailedError) as err:
        project.run()

    assert ("data", "q") == (err.value.step, err.value.pointer)
    assert before == project.selection("data")
