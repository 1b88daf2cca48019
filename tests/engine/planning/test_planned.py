"""The records of a plan, and how a run would go about them."""

from __future__ import annotations

import pytest

from dsvc.engine.planning.planned import iter_rows
from dsvc.engine.planning.predict import Predictor

STEP = """
[step.s]
sql = "SELECT x + {k} AS s"
"""


@pytest.fixture
def faces(bench):
    """A step that is current."""
    bench.put("x", {"a": 1, "b": 2})
    bench.write(STEP.format(k=1))
    bench.run()
    return bench


def mechanics(bench):
    """Return what is told of the only step."""
    return list(bench.plan().mechanics("s"))


def test_rows_come_in_batches_of_one_step(faces):
    """As the forecast reads them."""
    faces.put("x", {"a": 5, "c": 5})
    loader = faces.loader
    forecast = Predictor(faces.repo, faces.view, loader).forecast(loader.recipe.steps["s"])

    (batch,) = iter_rows(forecast)

    assert ["a", "c"] == batch["source"].to_pylist()
    assert ["changed x", "new source"] == batch["why"].to_pylist()
    assert ["make", "make"] == batch["action"].to_pylist()


def test_a_current_step_has_a_trace_that_holds(faces):
    """Nothing is said of the others."""
    assert ["transform hash", "trace"] == [
        line[: len(start)] for line, start in zip(mechanics(faces), ("transform hash", "trace"), strict=True)
    ]
    assert "of the draft holds" in mechanics(faces)[1]


def test_a_changed_input_starts_from_the_drafts_own_trace(faces):
    """By how many inputs are as they were."""
    faces.put("x", {"a": 5})

    assert "the draft's own: 0 of 1 inputs have equal value ids" in mechanics(faces)[-1]


def test_a_step_taken_back_is_taken_whole(faces):
    """Both hashes are told."""
    faces.write(STEP.format(k=2))
    assert ", was " in mechanics(faces)[0]
    assert "0 traces retained for this transform hash" == mechanics(faces)[1]

    faces.run()
    faces.write(STEP.format(k=1))

    assert "had equal inputs: its output is taken whole" in mechanics(faces)[-1]
