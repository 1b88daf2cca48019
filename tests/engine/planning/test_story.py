"""The story of one source."""

from __future__ import annotations

import pytest

from dsvc.engine.planning.story import Seen, tell_story
from dsvc.errors import SourceNotFoundError, UserError

RECIPE = """
[step.s]
python = "steps:f"
inputs = ["x"]
parameters = {{ k = {k} }}
[step.t]
sql = "SELECT s // 10 + coalesce(y, 0) AS t"
optional = ["y"]
[step.u]
sql = "SELECT t + y AS u"
[split.half]
by = "x"
parts = {{ all = 1.0 }}
[dataset.d]
where = "t >= 0"
columns = {{ t = "t" }}
split = "half"
"""
CODE = """
def f(x, k) -> int:
    if x == 13:
        raise ValueError("unlucky")
    return x + k
"""


@pytest.fixture
def faces(bench):
    """A current draft, in which the record of one source failed."""
    bench.put("x", {"a": 1, "b": 2, "c": 13}, producer="w@1")
    bench.put("y", {"a": 1}, producer="v@1")
    bench.write(RECIPE.format(k=0), steps=CODE)
    bench.run()
    return bench


def tell(bench, pointer, step=None):
    """Return the story of a source."""
    return tell_story(bench.repo, bench.recipe, bench.plugins, pointer, step)


def verdicts(bench, pointer):
    """Return the verdict of each step."""
    return [step.verdict for step in tell(bench, pointer).steps]


def test_a_current_source(faces):
    """Every record with what it was made from, and who made what answers."""
    story = tell(faces, "a")

    assert ["current", "current", "current"] == [step.verdict for step in story.steps]
    (x,) = story.steps[0].inputs
    assert ("x", Seen(1, "w 1"), Seen(1, "w 1"), False) == (x.path, x.now, x.before, x.has_changed)
    assert Seen(1, "steps:f 0") == story.steps[0].record
    assert "main" == story.steps[0].maker.draft
    (d,) = story.datasets
    assert ("unchanged", True, "all") == (d.status, d.is_selected, d.part)


def test_a_failed_source(faces):
    """The error is told, and what cannot exist without the record says so."""
    s, t, u = tell(faces, "c").steps

    assert ("failed", "failed: ValueError: unlucky") == (s.verdict, s.why)
    assert s.record is None
    assert ("missing-input", "no record of s: failed: ValueError: unlucky") == (t.verdict, t.why)
    assert ("missing-input", "no record of t") == (u.verdict, u.why)
    assert not tell(faces, "c").datasets[0].is_selected


def test_a_missing_input(faces):
    """A required input that was never there."""
    *_, u = tell(faces, "b").steps

    assert ("missing-input", "no record of y") == (u.verdict, u.why)


def test_a_changed_input(faces):
    """From what to what and by whom; what is below may be cut off."""
    faces.put("x", {"a": 4}, producer="w@2")

    s, t, u = tell(faces, "a").steps

    assert ("make", "changed x (version 1 -> 2)") == (s.verdict, s.why)
    assert (Seen(4, "w 2"), Seen(1, "w 1"), True) == (s.inputs[0].now, s.inputs[0].before, s.inputs[0].has_changed)
    assert ("maybe", "s is made again") == (t.verdict, t.why)
    assert (None, Seen(1, "steps:f 0")) == (t.inputs[0].now, t.inputs[0].before)
    assert "maybe" == u.verdict
    assert ["current", "current", "missing-input"] == verdicts(faces, "b")


def test_a_changed_step(faces):
    """What of it changed is why."""
    faces.repo.commit("first")
    faces.write(RECIPE.format(k=7), steps=CODE)

    s, *_ = tell(faces, "a").steps

    assert ("make", "changed transform: parameters.k 0 -> 7") == (s.verdict, s.why)


def test_a_parameter_taken_back_is_answered_by_its_trace(faces):
    """With the commit that made it."""
    faces.repo.commit("first")
    faces.write(RECIPE.format(k=7), steps=CODE)
    faces.run()
    faces.write(RECIPE.format(k=0), steps=CODE)

    s, *_ = tell(faces, "b").steps

    assert "taken" == s.verdict
    assert "first" == s.maker.commit.subject


def test_a_value_taken_back_is_answered_by_a_trace(faces):
    """Record by record."""
    faces.put("x", {"a": 4})
    faces.run()
    faces.put("x", {"a": 1, "b": 9})

    assert "taken" == tell(faces, "a", "s").steps[0].verdict
    assert "make" == tell(faces, "b", "s").steps[0].verdict


def test_a_removed_source(faces):
    """Its records go."""
    faces.repo.remove("x", ["a"])

    story = tell(faces, "a")

    assert [("remove", "no record of x"), ("remove", "no record of s"), ("remove", "no record of t")] == [
        (step.verdict, step.why) for step in story.steps
    ]
    assert "stale" == story.datasets[0].status


def test_a_new_source(faces):
    """Certain all the way down; no dataset has looked at it."""
    faces.put("x", {"z": 5})

    story = tell(faces, "z")

    assert ["make", "make", "missing-input"] == [step.verdict for step in story.steps]
    assert [None, None, None] == [step.record for step in story.steps]
    assert story.datasets[0].is_selected is None


def test_a_new_recipe(bench):
    """Nothing was made before."""
    bench.put("x", {"a": 1})
    bench.write(RECIPE.format(k=0), steps=CODE)
    bench.known.add("y")

    story = tell(bench, "a")

    assert [("make", "new step"), ("make", "new step")] == [(step.verdict, step.why) for step in story.steps[:2]]
    assert ("new", None) == (story.datasets[0].status, story.datasets[0].is_selected)


def test_one_step_alone(faces):
    """Without datasets; an unknown one is refused."""
    story = tell(faces, "a", "t")

    assert ["t"] == [step.name for step in story.steps]
    assert () == story.datasets
    with pytest.raises(UserError, match="no step 'tt'") as caught:
        tell(faces, "a", "tt")
    assert "did you mean 't'?" == caught.value.hint


def test_an_unknown_source(faces):
    """Refused, with the nearest."""
    with pytest.raises(SourceNotFoundError):
        tell(faces, "nowhere")


def test_a_story_says_what_the_plan_says(faces):
    """For every source and step."""
    faces.put("x", {"a": 4, "d": 2}, producer="w@2")
    faces.put("y", {"b": 3})
    faces.repo.remove("x", ["c"])

    planned = {(step, source): why.removesuffix("; may be cut off") for step, source, why in faces.plan().rows()}

    assert planned == {
        (step.name, source): step.why
        for source in "abcd"
        if source != "c"
        for step in tell(faces, source).steps
        if step.verdict in {"make", "maybe"}
    }
