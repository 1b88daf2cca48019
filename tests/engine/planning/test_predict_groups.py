"""What is known of groups before they run."""

from __future__ import annotations

import pytest

RECIPE = """
[step.s]
sql = "SELECT x {change} AS s"
[step.best]
python = "steps:best"
inputs = ["s", "y"]
group = "{group}"
parameters = {{ k = {k} }}
"""
GLOBAL = """
[step.s]
sql = "SELECT x {change} AS s"
[step.best]
python = "steps:best"
inputs = ["s", "y"]
global = true
parameters = {{ k = {k} }}
"""
CODE = """
def best(s, y, k) -> list[bool]:
    return [value == max(s) for value in s]
"""


def write(bench, *, change="", k=0, group="who", recipe=RECIPE):
    """Write the recipe."""
    bench.write(recipe.format(change=change, k=k, group=group), steps=CODE)


@pytest.fixture
def faces(bench):
    """Seven images of three people, and one of nobody known; `best` is current."""
    bench.put("x", dict(zip("abcdefgh", range(8), strict=True)))
    bench.put("y", dict.fromkeys("abcdefgh", 0))
    bench.put("who", {"a": 1, "b": 1, "c": 1, "d": 2, "e": 2, "f": 3, "g": 3, "h": None})
    write(bench)
    bench.run()
    return bench


def of(bench, name="best"):
    """Return (lower, upper), reasons, and the rows of one step's plan."""
    plan = bench.plan()
    step = next(step for step in plan.steps if step.name == name)
    rows = {source: why for step_name, source, why in plan.rows() if step_name == name}
    return (step.run.lower, step.run.upper), {reason.why: reason.records for reason in step.reasons}, rows


def ran(bench, name="best"):
    """Run, and return how many records of a step ran."""
    return next(step for step in bench.run().steps if step.name == name).ran


def test_a_changed_input_runs_its_group(faces):
    """All members are listed, with what changed of the group."""
    faces.put("y", {"a": 1})

    expected = dict.fromkeys("abc", "the group changed: y")

    assert ((3, 3), {"the group changed: y": 3}, expected) == of(faces)
    assert 3 == ran(faces)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ({"a": 2}, {"a": "new member", "b": "a member left", "c": "a member left", "d": "new member"}),
        ({"a": None}, {"a": "new member", "b": "a member left", "c": "a member left"}),
        ({"h": 3}, {"f": "new member", "g": "new member", "h": "new member"}),
        ({"i": 3}, {}),
    ],
)
def test_members_that_move_run_both_groups(faces, who, expected):
    """Each says whether somebody came or left."""
    faces.put("who", who)

    bounds, _, rows = of(faces)

    told = {source: f"the group changed: {why}" for source, why in expected.items()}
    assert told.items() <= rows.items()
    assert (len(rows), len(rows)) == bounds
    assert bounds[0] == ran(faces)


def test_a_member_that_is_gone_leaves_its_group(faces):
    """Its record goes, and the others are made again."""
    faces.repo.remove("y", ["a", "h"])
    plan = next(step for step in faces.plan().steps if step.name == "best")

    assert ((2, 2), {"the group changed: a member left": 2}) == of(faces)[:2]
    assert 2 == plan.remove
    assert 2 == ran(faces)


def test_below_what_runs_a_group_may_come_out_as_it_was(faces):
    """Of a group with a known change it is certain that it runs."""
    faces.put("x", {"a": 9, "d": 9})
    faces.put("y", {"d": 7})

    bounds, reasons, rows = of(faces)

    assert ((2, 5), {"the group changed: y": 2}) == (bounds, reasons)
    assert {"s is made again; may be cut off"} == {rows[source] for source in "abc"}


def test_below_a_changed_step_every_group_may_change(faces):
    """Nothing is certain but for groups whose other inputs changed, with all of their members."""
    write(faces, change="+ 1")
    faces.put("y", {"d": 7})

    bounds, reasons, rows = of(faces)

    assert (2, 8) == bounds
    assert {"the group changed: y": 2} == reasons
    assert set("abcdefgh") == set(rows)
    assert 8 == ran(faces)


def test_where_the_group_is_not_known_anything_may_change(faces):
    """A record that another step makes again may be of any group."""
    write(faces, group="s")
    faces.run()
    faces.put("x", {"a": 3})

    bounds, _, rows = of(faces)

    assert (0, 8) == bounds
    assert set("abcdefgh") == set(rows)
    assert 2 == ran(faces)


def test_a_parameter_taken_back_is_an_exact_plan(faces):
    """Groups that traces answer are told from those that none has seen."""
    write(faces, k=1)
    assert (8, 8) == of(faces)[0]
    faces.run()
    write(faces, k=0)
    faces.put("y", {"a": 5})

    assert (3, 3) == of(faces)[0]
    step = next(step for step in faces.plan().steps if step.name == "best")
    assert 5 == step.reuse
    assert 3 == ran(faces)


def test_all_or_nothing(faces):
    """A step of all records runs whole, or not at all."""
    write(faces, recipe=GLOBAL)
    assert (8, 8) == of(faces)[0]
    faces.run()
    assert (0, 0) == of(faces)[0]
    faces.put("y", {"a": 1})

    assert ((8, 8), {"the records changed: y": 8}) == of(faces)[:2]
    faces.run()
    faces.put("x", {"a": 1})
    assert (0, 8) == of(faces)[0]
    faces.put("y", {"a": 2})
    assert (8, 8) == of(faces)[0]
    write(faces, recipe=GLOBAL, change="+ 1")
    assert (8, 8) == of(faces)[0]
    faces.run()
    write(faces, recipe=GLOBAL, change="+ 2")
    assert (0, 8) == of(faces)[0]


def test_nothing_is_certain_of_records_that_are_not_there(faces):
    """A new source that lacks an input is no member, whatever the others come out as."""
    write(faces, recipe=GLOBAL)
    faces.run()
    write(faces, recipe=GLOBAL, change="+ 1")
    faces.put("y", {"i": 1})

    assert ((0, 8), {}) == of(faces)[:2]


def test_reasons_are_of_groups_for_programs(faces):
    """Whatever changed of it."""
    faces.put("y", {"a": 1})
    step = next(step for step in faces.plan().steps if step.name == "best")

    assert ["group"] == [reason.kind for reason in step.reasons]


def test_a_failed_group_is_run_again_where_another_failed(bench):
    """Another branch's failure says nothing of ours; one of the draft's own waits."""
    bench.put("q", {"a": 1, "b": 2, "c": 3})
    bench.put("who", {"a": 1, "b": 1, "c": 2})
    recipe = '[step.t]\npython = "steps:f"\ninputs = ["q"]\ngroup = "who"'
    bench.write(recipe, steps="def f(q) -> list[int]:\n    return [1 // (len(q) - 2) for _ in q]\n")
    bench.repo.commit("before", as_is=True)
    bench.repo.switch("other", create=True)
    bench.run()
    own = of(bench, "t")[0]
    waiting = bench.plan().steps[0].waiting
    bench.repo.commit("made")
    bench.repo.switch("main")
    bench.write(recipe, steps="def f(q) -> list[int]:\n    return [1 // (len(q) - 2) for _ in q]\n")

    assert ((0, 0), 2) == (own, waiting)
    assert ((2, 2), {"failed before": 2}) == of(bench, "t")[:2]
