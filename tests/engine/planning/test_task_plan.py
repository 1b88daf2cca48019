"""Tests of what a plan says of people."""

import msgspec
import pytest

from dsvc.engine.planning.story import tell_story
from tests.engine.office import AUDIT, NAMES, Office, recipe


@pytest.fixture
def office(tmp_path):
    """Ten labelled images, three of them to be asked about."""
    made = Office(tmp_path / "faces")
    made.put("label", {f"s{i}": NAMES[i % 2] for i in range(10)})
    made.put("score", {f"s{i}": i for i in range(10)})
    made.write(recipe())
    return made


def planned(office, *names):
    """Return some of what a plan says of the task."""
    [task] = office.plan().tasks
    return tuple(getattr(task, name) for name in names)


def test_what_nobody_knows_is_new_until_it_was_run(office):
    """Then it is asked, and no news."""
    assert (3, 3, 0, 0, 3) == planned(office, "asks", "new", "shared", "reused", "answers")
    office.run()
    assert (3, 0, 0, 0, 3) == planned(office, "asks", "new", "shared", "reused", "answers")


def test_what_another_branch_waits_for_is_shared(office):
    """Committed there, or in its draft."""
    office.repo.commit("empty", as_is=True)
    office.repo.branch("other")
    office.run()
    office.repo.commit("asked")
    office.repo.switch("other")
    office.write(recipe(ask="score < 4"))

    assert (4, 1, 3) == planned(office, "asks", "new", "shared")


def test_what_people_said_already_is_reused(office):
    """It is taken from the ledger, whoever asked."""
    office.run()
    office.answer_all("kind", {"s0": "eel", "s1": "dog"})

    assert (1, 0, 2) == planned(office, "asks", "new", "reused")
    office.run()
    assert (1, 0, 0) == planned(office, "asks", "new", "reused")


def test_seconds_are_the_median_of_measured_ones(office):
    """For each answer that is missing; unknown where no platform has said."""
    office.run()
    assert (None,) == planned(office, "seconds")
    asks = office.asks("kind")
    office.answer(asks["s0"], "cat", lead_s=10.0)
    office.answer(asks["s1"], "cat", lead_s=30.0)

    assert (20.0,) == planned(office, "seconds")


def test_audits_are_expected_of_what_is_in_no_lot(office):
    """So many as closed lots of them will want."""
    office.write(recipe(audit=AUDIT))
    assert (4,) == planned(office, "audits")  # of four and three
    office.run()
    office.close_lots("kind")

    assert (4, 0, (("adjust", 3), ("audit", 4))) == planned(office, "new", "audits", "modes")


def test_what_an_earlier_run_found_is_planned_from_its_trace(office):
    """Edited and edited back: nothing is executed, and who waits is known; so is what reads of it."""
    reading = '\n[step.state]\nsql = "SELECT kind._state AS state"'
    office.write(recipe() + reading)
    office.run()
    office.write(recipe(ask="score < 0") + reading)
    office.run()
    office.write(recipe() + reading)

    assert (3, 3, 3) == planned(office, "asks", "new", "answers")
    found = {step.name: (step.run.lower, step.run.upper) for step in office.plan().steps}
    assert found == {step.name: (step.ran, step.ran) for step in office.run().steps}


def test_behind_a_step_that_must_run_a_plan_says_what_is_known(office):
    """And that it is not all."""
    office.write(recipe(ask="twice < 6") + '[step.twice]\nsql = "SELECT 2 * score AS twice"')

    assert (0, False) == planned(office, "asks", "is_exact")
    office.run()
    assert (3, True) == planned(office, "asks", "is_exact")


def test_what_is_below_a_task_that_is_not_known_yet_is_a_range(office):
    """Who is resolved again need not have a record: nothing below is certain."""
    office.write(
        recipe(ask="twice < 6")
        + '[step.twice]\nsql = "SELECT 2 * score AS twice"\n[step.c]\nsql = "SELECT kind = \'cat\' AS c"'
    )
    office.run()
    office.put("score", {"s0": 9, "s7": 0})
    runs = {step.name: (step.run.lower, step.run.upper) for step in office.plan().steps}
    assert {"twice": (2, 2), "kind": (0, 2), "c": (0, 2)} == runs

    assert {"twice": 2, "kind": 2, "c": 1} == {step.name: step.ran for step in office.run().steps}


def test_the_story_of_a_source_says_that_people_are_asked(office):
    """It is no failure."""
    office.run()
    [told] = tell_story(office.repo, office.recipe, office.plugins, "s0").steps

    assert "pending" == told.verdict
    assert ["label", "label._origin", "score", "content.id"] == [item.path for item in told.inputs]


def test_a_plan_as_json_tells_of_people(office):
    """Stable fields."""
    [told] = office.plan().to_json()["tasks"]

    assert told == msgspec.to_builtins(office.plan().tasks[0])


def test_a_resampled_share_is_asked_again(office):
    """To see whether old answers hold; the records stay meanwhile."""
    office.run()
    office.answer_all("kind", {"s0": "eel", "s1": "dog", "s2": "dog"})
    office.write(recipe(version="2", more='accept = ">=1"\nresample = 1.0'))
    office.run()

    assert {"audit"} == {reason for reason, _ in office.waits("kind").values()}
    assert 10 == len(office.read("kind"))
    assert (3,) == planned(office, "asks")
