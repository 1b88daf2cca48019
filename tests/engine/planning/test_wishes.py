"""Tests of what a branch comes to want, and wants no more."""

import pytest

from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.engine.planning.wishes import EVERY_US, Wishing
from tests.engine.office import NAMES, Office, live, recipe


def wish(office, ops, now_us=0, setting="a", subscriber="main"):
    """Return what is wanted, as far as it is to be told, and remember that it was."""
    wishing = Wishing([office.people("kind")], ops, subscriber, setting, now_us)
    found = wishing.find()
    wishing.remember(found)
    return found


def ids(wanted):
    """Return the ids of asks in hex."""
    return {one.ask.ask_id.hex() for one in wanted}


@pytest.fixture
def office(tmp_path):
    """Six labelled images, of which people are asked about three."""
    made = Office(tmp_path / "faces")
    made.put("label", {f"s{i}": NAMES[i % 2] for i in range(6)})
    made.put("score", {f"s{i}": i for i in range(6)})
    made.write(recipe())
    made.run()
    return made


@pytest.mark.parametrize("seed", range(4))
def test_what_is_told_from_pass_to_pass_comes_to_what_is_wanted(tmp_path, seed):
    """Told once in whole and then by what changed, the asks that are wanted are those of a look at everything."""
    ops, held, n_parts = MemoryOpStore(), set(), 0
    for number, office in enumerate(live(tmp_path / "faces", seed)):
        if number % 4:
            office.run()  # what is not made is told in whole
        found = wish(office, ops)
        told = ids(found.wanted["kind"])
        held = told if found.before is None else (held - found.before) | told
        n_parts += found.before is not None
        everything = [one for asked in office.people("kind").iter_asked() for one in asked.wanted]
        assert ids(everything) == held
        assert len(everything) == found.n_asks["kind"]
    assert n_parts >= 4


def test_a_pass_after_an_answer_tells_of_its_source(office):
    """And one after nothing of none."""
    ops = MemoryOpStore()
    assert wish(office, ops).before is None
    again = wish(office, ops)
    assert ([], frozenset(), 3) == (again.wanted["kind"], again.before, again.n_asks["kind"])
    ask = office.asks("kind")["s1"]
    office.answer(ask, "dog")
    office.run()
    after = wish(office, ops)
    assert ([], frozenset({ask.ask_id.hex()}), 2) == (after.wanted["kind"], after.before, after.n_asks["kind"])


@pytest.mark.parametrize("what", ["an hour", "setting", "subscriber", "clock", "op store", "not made", "task"])
def test_everything_is_told_where_more_than_sources_changed(office, what):
    """When an hour is over, wishes are others as a whole, nothing is remembered, or it cannot be told."""
    ops = MemoryOpStore()
    wish(office, ops, now_us=10)
    assert wish(office, ops, now_us=9 + EVERY_US).before is not None
    if what == "not made":
        office.answer(office.asks("kind")["s1"], "dog")
    if what == "task":
        office.write(recipe(ask="score < 2"))
        office.run()
    found = wish(
        office,
        MemoryOpStore() if what == "op store" else ops,
        {"an hour": 10 + EVERY_US, "clock": 9}.get(what, 10),
        "b" if what == "setting" else "a",
        "side" if what == "subscriber" else "main",
    )
    assert found.before is None
    assert len(found.wanted["kind"]) == found.n_asks["kind"] == (2 if what in ("task", "not made") else 3)


def test_who_is_gone_is_told_of_once(office):
    """Whose wishes they were is known from before they were told, so that nobody's are forgotten."""
    ops = MemoryOpStore()
    wish(office, ops)
    Wishing([office.people("kind")], ops, "side", "a", 0).find()  # and then the machine went down
    there = Wishing([office.people("kind")], ops, "main", "a", 0)
    assert there.find().before is not None
    gone = Wishing([office.people("kind")], ops, "main", "a", 0, lambda name: name == "side")
    found = gone.find()
    assert found.before is None
    gone.remember(found)
    again = Wishing([office.people("kind")], ops, "main", "a", 0, lambda name: name == "side")
    assert again.find().before is not None
