"""Trying a step on a few sources."""

from __future__ import annotations

import pytest

from dsvc.engine.planning.trying import try_step
from dsvc.errors import DeriveError, NotRowWiseError, SignalNotFoundError, SourceNotFoundError, UserError

RECIPE = """
[step.s]
python = "steps:f"
inputs = ["x"]
parameters = {{ k = {k} }}
[step.t]
sql = "SELECT s * 10 + coalesce(y, 0) AS t"
optional = ["y"]
[step.best]
python = "steps:best"
inputs = ["x", "who"]
group = "who"
[step.total]
python = "steps:count"
inputs = ["x"]
global = true
"""
CODE = """
def f(x, k) -> int:
    if x == 13:
        raise ValueError("unlucky")
    return x + k

def best(x, who) -> list[bool]:
    return [value == max(x) for value in x]

def count(x) -> list[int]:
    return [len(x)] * len(x)
"""


@pytest.fixture
def faces(bench):
    """Five sources of two subjects; nothing has run."""
    bench.put("x", {"a": 1, "b": 2, "c": 13, "d": 4, "e": 5}, producer="w@1")
    bench.put("y", {"a": 1}, producer="v@1")
    bench.put("who", {"a": "p", "b": "q", "c": "q", "d": "p"})
    bench.write(RECIPE.format(k=0), steps=CODE)
    return bench


def attempt(bench, name, *pointers, **options):
    """Try a step."""
    return try_step(bench.repo, bench.recipe, bench.plugins, name, pointers, **options)


def results(trial):
    """Return what came of each source."""
    return {row.source: row.value if row.error is None else row.error for row in trial.rows}


def stored(bench):
    """Return everything that the store holds."""
    store = bench.repo.store
    frames = {oid: bytes(store.objects.get(oid)) for oid in store.objects.iter_oids()}
    return frames, list(store.refs.iter_refs()), list(store.refs.iter_ops())


def test_the_first_that_would_run(faces):
    """In order, as many as asked for, with inputs; a record that fails says why."""
    trial = attempt(faces, "s", limit=3)

    assert {"a": 1, "b": 2, "c": "ValueError: unlucky"} == results(trial)
    assert ["new", "new", "failed"] == [row.verdict for row in trial.rows]
    assert [{"x": 1}, {"x": 2}, {"x": 13}] == [row.inputs for row in trial.rows]


@pytest.mark.parametrize("name", ["s", "t", "best"])
def test_nothing_is_stored(faces, name):
    """No object, no ref, no operation; whether before a first run or over stale records."""
    before = stored(faces)
    attempt(faces, name)
    assert before == stored(faces)

    faces.run(only=["s", "t"])
    faces.write(RECIPE.format(k=5), steps=CODE)
    before = stored(faces)
    attempt(faces, name)
    assert before == stored(faces)


def test_the_first_that_would_run_after_a_change(faces):
    """Not those that are current."""
    faces.run(only=["s"])
    faces.put("x", {"d": 40, "z": 50})

    trial = attempt(faces, "s")

    assert {"d": 40, "z": 50} == results(trial)
    assert [("differs", 4, True), ("new", None, False)] == [
        (row.verdict, row.present, row.has_present) for row in trial.rows
    ]


def test_the_first_there_are_where_none_would_run(faces):
    """A current step can be tried as well; what it gives is what there is."""
    faces.run(only=["s"])

    assert {("a", "same"), ("b", "same")} == {(row.source, row.verdict) for row in attempt(faces, "s", limit=2).rows}


def test_stale_steps_before_are_made_for_these_sources(faces):
    """In memory, and told; with another parameter, their results are those of a run."""
    faces.run(only=["s", "t"])
    faces.write(RECIPE.format(k=5), steps=CODE)

    trial = attempt(faces, "t", limit=2)

    assert ({"a": 61, "b": 70}, ("s",), ()) == (results(trial), trial.made, trial.stale)
    assert [11, 20] == [row.present for row in trial.rows]
    faces.run(only=["s", "t"])
    assert {"a": 61, "b": 70} == {source: value for source, value in faces.read("t").items() if source in "ab"}


def test_steps_before_that_a_trace_answers_are_not_made(faces):
    """A parameter taken back."""
    faces.run(only=["s", "t"])
    faces.write(RECIPE.format(k=5), steps=CODE)
    faces.run(only=["s", "t"])
    faces.write(RECIPE.format(k=0), steps=CODE)

    trial = attempt(faces, "t", "b")

    assert ({"b": 20}, ()) == (results(trial), trial.made)


def test_missing_inputs_are_told(faces):
    """Among them a record that failed just now."""
    trial = attempt(faces, "t", "a", "c")

    assert {"a": 11, "c": "no record of s"} == results(trial)
    assert ["new", "missing-input"] == [row.verdict for row in trial.rows]


def test_named_sources(faces):
    """In order of their pointers; an unknown one is refused."""
    assert ["b", "d"] == list(results(attempt(faces, "s", "d", "b")))
    with pytest.raises(SourceNotFoundError):
        attempt(faces, "s", "nowhere")


def test_sources_by_a_condition(faces):
    """Over any signal of the draft; of named sources, those that satisfy it."""
    assert ["a", "d"] == list(results(attempt(faces, "s", where="who = 'p'")))
    assert ["a"] == list(results(attempt(faces, "s", where="who = 'p'", limit=1)))
    assert ["d"] == list(results(attempt(faces, "s", "b", "d", where="who = 'p'")))
    assert [] == list(results(attempt(faces, "s", where="x > 99")))


@pytest.mark.parametrize(
    ("where", "error"),
    [("whom = 'p'", SignalNotFoundError), ("sum(x) > 1", NotRowWiseError), ("x + 1", DeriveError)],
)
def test_a_wrong_condition_is_refused(faces, where, error):
    """As in a recipe."""
    with pytest.raises(error):
        attempt(faces, "s", where=where)


def test_a_step_of_groups_is_given_whole_groups(faces):
    """All members of the groups of the sources that were chosen."""
    trial = attempt(faces, "best", "a")

    assert {"a": False, "d": True} == results(trial)
    assert 1 == len({row.group for row in trial.rows})
    assert {"a": False, "b": False, "c": True, "d": True} == results(attempt(faces, "best", "a", "b"))


def test_a_step_of_all_records_needs_all(faces):
    """It is refused, unless that is said; of the result only the chosen sources are shown."""
    with pytest.raises(UserError, match="all records at once") as caught:
        attempt(faces, "total")
    assert "dsvc try total --all" in caught.value.hint

    assert {"a": 5, "b": 5} == results(attempt(faces, "total", limit=2, everything=True))


def test_a_stale_step_of_groups_before_is_read_as_it_is(faces):
    """And named."""
    faces.write(RECIPE.format(k=0) + '\n[step.u]\nsql = "SELECT best AND x > 1 AS u"\n', steps=CODE)
    faces.run()
    faces.put("x", {"a": 9})

    trial = attempt(faces, "u", "a")

    assert ({"a": False}, ("best",)) == (results(trial), trial.stale)


def test_an_unknown_step(faces):
    """Refused, with the nearest."""
    with pytest.raises(UserError, match="no step 'bests'") as caught:
        attempt(faces, "bests")
    assert "did you mean 'best'?" == caught.value.hint


def test_the_first_sources_are_those_that_can_have_a_record(faces):
    """Where a step before it has never run, those with the other inputs; a changed step before it counts too."""
    faces.write(RECIPE.format(k=0) + '\n[step.u]\nsql = "SELECT s + y AS u"\n', steps=CODE)

    assert {"a": 2} == results(attempt(faces, "u"))

    faces.run()
    faces.put("x", {"a": 3})
    assert ({"a": 4}, ("s",)) == (results(attempt(faces, "u")), attempt(faces, "u").made)


def test_a_step_that_cannot_have_records_is_tried_on_none(faces):
    """For want of an input that anybody has."""
    faces.known.add("nobody")
    faces.write('[step.v]\nsql = "SELECT nobody AS v"\n')

    assert () == attempt(faces, "v").rows


def test_groups_are_whole_although_an_input_was_never_made(faces):
    """Who is in a group follows from its key."""
    recipe = RECIPE.format(k=0).replace('inputs = ["x", "who"]', 'inputs = ["s", "who"]')
    faces.write(recipe, steps=CODE)

    assert {"a": False, "d": True} == results(attempt(faces, "best", limit=1))


def test_groups_by_a_stale_step_are_refused(faces):
    """Nobody knows who is in one; with all sources in memory, it is known."""
    faces.write(
        RECIPE.format(k=0).replace('inputs = ["x", "who"]\ngroup = "who"', 'inputs = ["x", "s"]\ngroup = "s"'),
        steps=CODE,
    )

    with pytest.raises(UserError, match="makes groups by s, which is to be made first") as caught:
        attempt(faces, "best", "a")
    assert "dsvc run s" in caught.value.hint
    assert {"a": True} == results(attempt(faces, "best", "a", everything=True))


def test_with_all_sources_steps_of_groups_before_are_made(faces):
    """Nothing stale is read."""
    faces.write(RECIPE.format(k=0) + '\n[step.u]\nsql = "SELECT best AND x > 1 AS u"\n', steps=CODE)
    faces.run()
    faces.put("x", {"a": 9})

    trial = attempt(faces, "u", "a", everything=True)

    assert ({"a": True}, (), ("best",)) == (results(trial), trial.stale, trial.made)
