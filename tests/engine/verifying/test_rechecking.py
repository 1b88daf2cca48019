"""The draft made again: what differs is told and noted, and stays."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dsvc.engine.verifying.rechecking import check
from dsvc.repo.divergences import read_divergences
from tests.engine.reproducing import Study

RECIPE = """
[step.twice]
python = "steps:double"
inputs = ["x"]

[step.random]
python = "steps:count"
inputs = ["twice"]

[dataset.some]
where = "twice > 2"
columns = { x = "x" }
"""


@pytest.fixture
def study(tmp_path):
    """A repository in which everything is made and nothing is committed."""
    study = Study(tmp_path / "study")
    study.put("x", [1, 2, 3])
    study.write(RECIPE)
    study.repo.run()
    return study


def test_everything_current_is_executed_and_compared(study):
    """The first result stays, in the draft and for whoever comes back to these inputs."""
    stored = study.read("random")

    found = check(study.repo, study.repo.recipe(), study.repo.plugins)
    study.put("x", [1, 2, 9])
    study.repo.run()
    study.put("x", [1, 2, 3])
    study.repo.run()

    assert [("twice", "equal", 3), ("random", "differs", 3), ("some", "equal", 3)] == [
        (part.name, part.status, part.ran) for part in found.parts
    ]
    assert stored == study.read("random")
    assert [("run --check", "random", 3)] == [
        (item.command, item.name, item.records) for item in read_divergences(study.repo.store.refs)
    ]


def test_only_what_is_named(study):
    """Nothing else is executed."""
    found = check(study.repo, study.repo.recipe(), study.repo.plugins, only=["twice"])

    assert (["twice"], True) == ([part.name for part in found.parts], found.is_equal)


def test_what_is_stale_differs_for_another_reason(study):
    """It is told to be stale, and no divergence."""
    study.put("x", [1, 2, 9])

    found = check(study.repo, study.repo.recipe(), study.repo.plugins, only=["twice"])

    assert ["its inputs have changed since it was made"] == [part.why for part in found.left_out]
    assert [] == read_divergences(study.repo.store.refs)


def test_an_input_that_changed_elsewhere_hides_nothing(study):
    """A field that the step does not name leaves its records current, and they are compared."""
    for other in (1, 2):
        study.repo.put("c", pa.table({"source": ["a"], "f": [5], "g": [other]}), producer="w@1")
        study.write('[step.s]\npython = "steps:count"\ninputs = ["c.f"]\n')
        report = study.repo.run(only=["s"])

    (part,) = check(study.repo, study.repo.recipe(), study.repo.plugins, only=["s"]).parts

    assert (0, "differs") == (report.ran, part.status)
