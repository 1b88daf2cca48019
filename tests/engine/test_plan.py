"""What a run would do, said before it does."""

from __future__ import annotations

import json

import pytest

from dsvc.engine.plan import Count
from tests.engine.project import Project, told

RECIPE = """
[step.half]
sql = "SELECT a // 2 AS half"

[step.sum]
sql = "SELECT half + b AS sum"

[dataset.data]
where = "sum > 3"
columns = { x = "sum" }
"""


@pytest.fixture
def project(tmp_path):
    """Four sources, made."""
    made = Project(tmp_path)
    made.put("a", {"p": 0, "q": 2, "r": 4, "s": 6})
    made.put("b", {"p": 1, "q": 1, "r": 1})
    made.write(RECIPE)
    return made


def test_a_plan_says_exact_numbers_and_ranges_with_reasons(project):
    """What is certain is exact; below a record that is made again it is a range, closed by what certainly runs."""
    project.run()
    project.put("a", {"p": 1})
    project.put("b", {"q": 7})

    planned = project.plan()

    half, total = planned.steps
    assert ("stale", Count(1, 1)) == told(half, "status", "run")
    assert [("changed a", 1)] == [told(reason, "why", "records") for reason in half.reasons]
    assert ("stale", Count(1, 2)) == told(total, "status", "run")
    assert [("changed b", 1)] == [told(reason, "why", "records") for reason in total.reasons]
    assert [
        ("half", "p", "changed a"),
        ("sum", "p", "half is made again; may be cut off"),
        ("sum", "q", "changed b"),
    ] == list(planned.rows())
    assert ("open", ("sum",)) == told(planned.datasets[0], "status", "why")
    assert "2 to 3" == str(planned.run)
    assert 2 == project.run().ran


def test_a_new_recipe_and_one_that_is_gone(project):
    """Before the first run everything is new, after it nothing is to do, and what the recipe drops goes."""
    fresh = project.plan()
    assert [("new", Count(4, 4)), ("new", Count(3, 3))] == [told(step, "status", "run") for step in fresh.steps]
    assert "new" == fresh.datasets[0].status

    project.run()
    assert project.plan().is_current

    project.write('[step.sum]\nsql = "SELECT a + b AS sum"\n')
    gone = project.plan()
    assert [("half", "removed", 4), ("sum", "stale", 0)] == [
        told(step, "name", "status", "remove") for step in gone.steps
    ]
    assert [("data", "removed")] == [told(dataset, "name", "status") for dataset in gone.datasets]
    assert not gone.is_current


def test_a_dataset_says_what_makes_it_stale(project):
    """Another definition, other inputs and other sources are told apart."""
    project.write('[dataset.data]\nwhere = "a > 1"\ncolumns = { x = "a" }\n')
    project.run()
    project.put("a", {"p": 5})
    assert ("stale", ("a",)) == told(project.plan_dataset("data"), "status", "why")
    project.put("b", {"t": 1})
    assert ("stale", ("a", "sources")) == told(project.plan_dataset("data"), "status", "why")
    project.write('[dataset.data]\nwhere = "a > 2"\ncolumns = { x = "a" }\n')
    assert ("stale", ("definition",)) == told(project.plan_dataset("data"), "status", "why")


def test_a_plan_is_plain_data(project):
    """A plan's JSON has its numbers; planning alone leaves the draft as it was."""
    before = project.view().root_id

    said = json.loads(json.dumps(project.plan().to_json()))

    assert {"lower": 7, "upper": 7} == said["run"]
    assert [{"why": "new step", "records": 4}] == said["steps"][0]["reasons"]
    assert before == project.view().root_id
