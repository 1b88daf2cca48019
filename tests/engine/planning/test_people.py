"""Tests of the sources of a task as people meet them."""

import pytest

from dsvc.engine.planning.people import lot_text
from dsvc.errors import UserError
from tests.engine.office import AUDIT, NAMES, Office, recipe


@pytest.fixture
def office(tmp_path):
    """Ten labelled images, three of them asked about."""
    made = Office(tmp_path / "faces")
    made.put("label", {f"s{i}": NAMES[i % 2] for i in range(10)}, "w@1")
    made.put("label", {f"s{i}": NAMES[i % 2] for i in range(5)}, "w@2")
    made.put("score", {f"s{i}": i for i in range(10)})
    made.write(recipe(audit=AUDIT.replace("size = 4", 'by = "label._version", size = 4') + "people = true\n"))
    made.run()
    return made


def test_who_is_asked_is_found_by_what_waits(office):
    """With the ask, of how many people, and what became of the source."""
    asked = list(office.people("kind").iter_asked())

    assert ["s0", "s1", "s2"] == [one.item.source for one in asked]
    assert [("adjust", 1)] * 3 == [(one.wanted[0].ask.mode, one.wanted[0].people) for one in asked]
    assert all(one.resolution.is_pending for one in asked)


def test_who_has_been_answered_since_the_run_is_left_out(office):
    """The ledger is the newest, whatever the draft was made from."""
    office.answer_all("kind", {"s1": "eel"})

    assert ["s0", "s2"] == [one.item.source for one in office.people("kind").iter_asked()]


def test_values_that_wait_for_a_lot_name_what_lots_are_told_apart_by(office):
    """And whose they are: values of people and of models are never in one lot."""
    office.answer_all("kind", {"s1": "eel"})
    office.run()
    found = {(c.source, c.value, c.key, c.origin) for c in office.people("kind").iter_candidates()}

    models = {(f"s{i}", f'"{NAMES[i % 2]}"', "2" if i < 5 else "1", "model") for i in range(3, 10)}
    assert models | {("s1", '"eel"', "2", "human")} == found


def test_what_is_in_a_lot_waits_for_none(office):
    """It waits for its verdict."""
    office.close_lots("kind")
    office.run()

    assert [] == list(office.people("kind").iter_candidates())


def test_a_task_without_audit_has_no_candidates(office):
    """Its values are final."""
    office.write(recipe())
    office.run()

    assert [] == list(office.people("kind").iter_candidates())


def test_items_are_those_that_there_is_anything_to_say_of(office):
    """Asked about, or answered; the others cost nothing to price."""
    assert ["s0", "s1", "s2"] == [item.source for item, _ in office.people("kind").iter_items()]


def test_one_source(office):
    """And none that is none of the task's."""
    assert office.people("kind").look("s9").resolution.awaits_lot
    assert office.people("kind").look("nowhere") is None


def test_an_unknown_task_is_refused(office):
    """With the nearest."""
    with pytest.raises(UserError, match="no task 'kin'") as caught:
        office.people("kin")
    assert "'kind'" in str(caught.value.hint)


def test_a_task_of_nothing_has_nobody(tmp_path):
    """Its judged signal has no records yet."""
    office = Office(tmp_path / "faces")
    office.known |= {"label", "score"}
    office.write(recipe())

    assert [] == list(office.people("kind").iter_asked())
    assert [] == list(office.people("kind").iter_items())
    assert office.people("kind").look("s1") is None


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), ("a", "a"), (2, "2"), ({"b": 1, "a": None}, '{"a": null, "b": 1}')]
)
def test_what_lots_are_told_apart_by_is_a_text(value, text):
    """Whatever `lot.by` gives."""
    assert text == lot_text(value)
