"""Why a step's transform hash is another one."""

from __future__ import annotations

import pytest

from tests.engine.project import Project

BEFORE = """
[step.s]
python = "code:f"
inputs = ["a"]
type = "int64"
version = "1"
parameters = {{ k = 1 }}
{more}
"""
CODE = "def f(*values, k): return k\ndef g(*values, k): return k\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('version = "1"', 'version = "2"', "version 1 -> 2"),
        ('inputs = ["a"]', 'inputs = ["a", "b"]', "inputs a -> a, b"),
        ('type = "int64"', 'type = "float64"', "type int64 -> float64"),
        ('"code:f"', '"code:g"', "code:f -> code:g"),
    ],
    ids=["version", "inputs", "type", "producer"],
)
def test_records_tell_what_changed(tmp_path, old, new, expected):
    """What a trace and its records know is told without any commit, from what it was to what it is."""
    project = made(tmp_path)

    project.write(BEFORE.format(more="").replace(old, new), code=CODE)

    assert expected == project.plan_step("s").change


def test_a_committed_recipe_tells_the_parameter(tmp_path):
    """What records do not know is told by the recipe that the last commit has, if that made the draft."""
    project = made(tmp_path)
    project.write(BEFORE.format(more="").replace("k = 1", "k = 2"), code=CODE)
    assert "parameters" in project.plan_step("s").change
    project.write(BEFORE.format(more=""), code=CODE)
    project.repo.commit("first")

    project.write(BEFORE.format(more="").replace("k = 1", "k = 2"), code=CODE)

    assert "parameters.k 1 -> 2" == project.plan_step("s").change


def made(path) -> Project:
    """A project whose step was made."""
    project = Project(path)
    project.put("a", {"p": 1})
    project.put("b", {"p": 2})
    project.write(BEFORE.format(more=""), code=CODE)
    project.run()
    return project
