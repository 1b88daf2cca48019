"""How long a step may take."""

from __future__ import annotations

import pytest

from dsvc.engine.making.rates import note_rate, read_rate
from dsvc.engine.planning.estimates import Estimate

STEP = """
[step.s]
sql = "SELECT x + {k} AS s"
"""


@pytest.fixture
def faces(bench):
    """A step that has never run."""
    bench.put("x", {"a": 1, "b": 2})
    bench.write(STEP.format(k=1))
    return bench


def seconds(bench):
    """Return the estimate of the only step."""
    (step,) = bench.plan().steps
    return step.seconds


def test_what_never_ran_is_unknown(faces):
    """No number is made up."""
    assert seconds(faces) is None
    assert ("s",) == faces.plan().unmeasured


def test_nothing_to_make_takes_no_time(faces):
    """Whatever was measured."""
    faces.run()

    assert Estimate(0.0, 0.0) == seconds(faces)
    assert () == faces.plan().unmeasured


def test_a_measured_step(faces):
    """At its own rate."""
    note_rate(faces.repo, faces.bind("s").transform, 10, 5.0)

    assert Estimate(1.0, 1.0) == seconds(faces)


def test_a_changed_step_is_taken_to_be_as_fast_as_before(faces):
    """And says that this is not measured."""
    faces.run()
    transform = faces.bind("s").transform
    note_rate(faces.repo, transform, 1_000, 500.0)
    rate = read_rate(faces.repo, transform)
    faces.write(STEP.format(k=2))

    assert Estimate(2 * rate, 2 * rate, is_measured=False) == seconds(faces)
