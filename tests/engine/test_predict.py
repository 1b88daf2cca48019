"""What a run would find at each step."""

from __future__ import annotations

import pytest

from dsvc.engine.plan import Count
from tests.engine.project import Project, told

FAILING = "def f(a: int) -> int:\n    if a == 3:\n        raise ValueError('no')\n    return a\n"


@pytest.fixture
def project(tmp_path):
    """Three sources."""
    made = Project(tmp_path)
    made.put("a", {"p": 1, "q": 2, "r": 3})
    return made


def test_what_traces_answer_is_reused_not_run(project):
    """A value taken back is answered by the trace that had it, a source that goes is removed; a new one runs."""
    project.write('[step.s]\nsql = "SELECT a * 2 AS s"')
    project.run()
    project.put("a", {"p": 5})
    project.run()
    project.put("a", {"p": 1, "t": 4})
    project.repo.remove("a", ["q"])

    step = project.plan_step("s")

    assert (Count(1, 1), 1, 1) == told(step, "run", "reuse", "remove")
    assert [("new source", 1)] == [told(reason, "why", "records") for reason in step.reasons]
    assert [("s", "t", "new source")] == list(project.plan().rows())
    assert (1, 1, 1) == told(project.run().steps[0], "ran", "reused", "removed")


def test_below_a_step_of_new_code_only_the_keys_are_known(project):
    """Where all of an input is made again, what runs is from what other inputs make certain to all there is."""
    recipe = '[step.s]\nsql = "SELECT a * {n} AS s"\n[step.t]\nsql = "SELECT s + b AS t"'
    project.put("b", {"p": 1, "q": 1})
    project.write(recipe.format(n=2))
    project.run()
    project.put("b", {"q": 2})
    project.write(recipe.format(n=3))

    assert Count(3, 3) == project.plan_step("s").run
    assert Count(1, 2) == project.plan_step("t").run
    assert {
        ("s", "p"),
        ("s", "q"),
        ("s", "r"),
        ("t", "p"),
        ("t", "q"),
    } == {row[:2] for row in project.plan().rows()}


def test_who_failed_waits_and_does_not_run_again(project):
    """A source that failed with the inputs it has is told as waiting; with another input it must run."""
    project.write('[step.s]\npython = "code:f"\ninputs = ["a"]', code=FAILING)
    project.run()

    assert ("unchanged", Count(0, 0), 1) == told(project.plan_step("s"), "status", "run", "waiting")

    project.put("a", {"r": 4})
    assert Count(1, 1) == project.plan_step("s").run
