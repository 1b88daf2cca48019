"""What is known of a run before it runs."""

from __future__ import annotations

import pytest

from dsvc.engine.planning import foreseen
from dsvc.engine.planning.predict import Predictor

CHAIN = """
[step.s]
sql = "SELECT x {change} AS s"
[step.t]
sql = "SELECT s // 10 + {k} AS t"
[step.u]
sql = "SELECT t + coalesce(y, 0) AS u"
optional = ["y"]
"""


@pytest.fixture
def faces(bench):
    """Five sources, and a chain of steps that is current."""
    bench.put("x", {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5})
    bench.put("y", {"a": 1, "b": 2})
    bench.write(CHAIN.format(change="", k=0))
    bench.run()
    return bench


def ranges(plan):
    """Return what each step must run."""
    return {step.name: (step.run.lower, step.run.upper) for step in plan.steps}


def test_a_new_recipe_runs_everything(bench):
    """Nothing was made before: all counts are exact, all the way down."""
    bench.put("x", {"a": 1, "b": 2})
    bench.put("y", {"a": 1, "c": 2})
    bench.write(CHAIN.format(change="", k=0))

    assert {"s": (2, 2), "t": (2, 2), "u": (2, 2)} == ranges(bench.plan())


def test_below_what_runs_nothing_is_certain(faces):
    """A changed record may be cut off; a new source cannot."""
    faces.put("x", {"a": 7, "f": 9})

    assert {"s": (2, 2), "t": (1, 2), "u": (1, 2)} == ranges(faces.plan())


def test_a_known_change_is_certain_although_another_input_is_not(faces):
    """A record whose other input changed runs unless a trace holds it with that."""
    faces.put("x", {"a": 7})
    faces.put("y", {"a": 5, "b": 5})

    assert {"s": (1, 1), "t": (0, 1), "u": (2, 2)} == ranges(faces.plan())


def test_a_changed_step_in_the_middle_leaves_a_range(faces):
    """All of the changed step runs, and nobody knows what it gives."""
    faces.write(CHAIN.format(change="+ 100", k=0))

    assert {"s": (5, 5), "t": (0, 5), "u": (0, 5)} == ranges(faces.plan())


def test_a_changed_step_below_an_unknown_one_runs_whole(faces):
    """Whatever comes from above, the new transform has never seen it."""
    faces.write(CHAIN.format(change="+ 100", k=7))

    assert {"s": (5, 5), "t": (5, 5), "u": (0, 5)} == ranges(faces.plan())


def test_what_traces_answer_is_known_below(faces):
    """A parameter taken back is an exact plan all the way down."""
    faces.write(CHAIN.format(change="+ 100", k=0))
    faces.run()
    faces.write(CHAIN.format(change="", k=0))

    plan = faces.plan()

    assert {"s": (0, 0), "t": (0, 0), "u": (0, 0)} == ranges(plan)
    assert [5, 5, 5] == [step.reuse for step in plan.steps]


def test_partly_answered_records_are_known_below(faces):
    """Records that a trace gives are compared by their values; the others are open."""
    faces.write(CHAIN.format(change="+ 100", k=0))
    faces.run()
    faces.write(CHAIN.format(change="", k=0))
    faces.put("x", {"a": 7, "b": 17})

    plan = faces.plan()

    assert {"s": (2, 2), "t": (0, 2), "u": (0, 2)} == ranges(plan)


def test_gone_sources_are_known_to_go(faces):
    """All the way down."""
    faces.repo.remove("x", ["a", "b"])

    plan = faces.plan()

    assert {"s": (0, 0), "t": (0, 0), "u": (0, 0)} == ranges(plan)
    assert [2, 2, 2] == [step.remove for step in plan.steps]


def test_without_inputs_a_signal_goes(faces):
    """When the last source is gone."""
    faces.repo.remove("x", list("abcde"))

    plan = faces.plan()

    assert [("stale", 5), ("stale", 5), ("stale", 5)] == [(step.status, step.remove) for step in plan.steps]
    faces.run()
    assert {"x", "s", "t", "u"} & set(faces.view.signals) == set()


def test_too_many_unknown_records_count_as_all(faces, monkeypatch):
    """The range only gets wider."""
    monkeypatch.setattr(foreseen, "MOST_KNOWN", 1)
    faces.put("x", {"a": 7, "f": 9})
    faces.put("y", {"f": 1})

    plan = faces.plan()

    assert {"s": (2, 2), "t": (0, 6), "u": (1, 6)} == ranges(plan)
    assert 6 == len([row for row in plan.rows() if row[0] == "u"])


def test_a_plan_changes_nothing(faces):
    """No object, no ref, no state: forecasts are made up in memory."""
    faces.put("x", {"a": 7, "f": 9})
    before = faces.view.root_id, set(faces.repo.store.objects.iter_oids()), dict(faces.repo.store.refs.iter_refs())

    list(faces.plan().rows())

    assert before == (
        faces.view.root_id,
        set(faces.repo.store.objects.iter_oids()),
        dict(faces.repo.store.refs.iter_refs()),
    )


def test_failed_records_wait_and_are_not_run_again(bench):
    """They are counted apart; what is below them does not see them."""
    bench.put("x", {"a": "1", "b": "oops"})
    bench.write('[step.s]\nsql = "SELECT CAST(x AS BIGINT) AS s"\n[step.t]\nsql = "SELECT s + 1 AS t"')
    bench.run()

    plan = bench.plan()

    assert plan.is_current
    assert [1, 0] == [step.waiting for step in plan.steps]


def test_two_steps_of_one_transform_may_share_everything(bench):
    """What the first makes, the second may take: nothing of it is certain to run."""
    bench.put("x", {"a": 1, "b": 2})
    bench.write('[step.s]\nsql = "SELECT x AS m, x + 1 AS n"\n[step.t]\nsql = "SELECT x AS m, x + 1 AS n"')

    plan = bench.plan()
    report = bench.run()

    assert {"s": (2, 2), "t": (0, 2)} == ranges(plan)
    assert [("a", "new step; may be cut off")] == [row[1:] for row in plan.rows() if row[0] == "t"][:1]
    assert [2, 0] == [step.ran for step in report.steps]


def test_the_draft_as_it_would_be(faces):
    """What is known stands in it, what is not stands open."""
    faces.put("x", {"a": 7})
    loader = faces.loader
    predictor = Predictor(faces.repo, faces.view, loader)

    forecast = predictor.forecast(loader.recipe.steps["s"])

    assert (1, 1) == (forecast.lower, forecast.upper)
    assert [[b"a"]] == [[*keys] for keys in predictor.unknown["s"]]
    assert 5 == predictor.view.signal("s").count
    assert predictor.forecast_gone("s").remove == 5
    assert predictor.view.signal("s") is None


def test_what_waits_still_waits_for_those_who_read_it(bench):
    """A step that names `s._state` is not told that a failed record of `s` changed because others are made again."""
    bench.put("x", {"a": "1", "b": "2", "c": "oops"})
    bench.write(
        '[step.s]\nsql = "SELECT CAST(x AS BIGINT) AS s"\n'
        '[step.t]\nsql = "SELECT coalesce(s._state, \'none\') || x AS t"\noptional = ["s._state"]'
    )
    bench.run()
    bench.put("x", {"b": "5"})

    planned = bench.plan().steps[1].run
    ran = bench.run().steps[1].ran

    assert planned.lower <= ran <= planned.upper
    assert 1 == planned.upper


def test_what_failed_may_fail_again_without_a_run(bench):
    """A record that failed is not certain to run while nobody knows whether its input changes."""
    bench.put("x", {"a": 1, "b": 20})
    bench.write(
        '[step.s]\nsql = "SELECT x // 10 AS s"\n[step.t]\npython = "steps:f"\ninputs = ["s"]',
        steps="def f(s) -> int:\n    return 1 // s\n",
    )
    bench.run()
    bench.put("x", {"a": 2})

    plan = bench.plan()

    assert {"s": (1, 1), "t": (0, 1)} == ranges(plan)
    assert [1, 0] == [step.ran for step in bench.run().steps]


def test_gone_sources_are_known_to_go_below_what_is_made_anew(bench):
    """Which sources a step will have is known before their values are; of steps of records and of all of them."""
    bench.put("x", {"a": 1, "b": 2, "c": 13})
    recipe = """
[step.s]
sql = "SELECT x + {} AS s"
[step.t]
python = "steps:t"
inputs = ["s"]
[step.g]
python = "steps:g"
inputs = ["t"]
global = true
"""
    code = "def t(s) -> int:\n    return s // (s - 14)\ndef g(t) -> list[int]:\n    return t\n"
    bench.write(recipe.format(1), steps=code)
    bench.run()
    bench.write(recipe.format(2))
    bench.repo.remove("x", ["a"])

    found = bench.plan()

    assert [(0, 2, 1), (0, 2, 1)] == [(s.run.lower, s.run.upper, s.remove) for s in found.steps[1:]]
    assert 1 == found.steps[1].waiting
    removed = [row for row in found.table(["t", "g"]).to_pylist() if row["action"] == "remove"]
    assert [("t", "a"), ("g", "a")] == [(row["step"], row["source"]) for row in removed]
    assert [1, 1] == [step.removed for step in bench.run().steps[1:]]


def test_where_every_record_may_change_none_counts_as_known(faces):
    """What is below is told without a look at a source."""
    faces.put("x", {source: value + 1 for source, value in faces.read("x").items()})
    loader = faces.loader
    predictor = Predictor(faces.repo, faces.view, loader)

    predictor.forecast(loader.recipe.steps[loader.recipe.order[0]])

    assert [None] == [*predictor.unknown.values()]
