"""Tests of which values wait for a lot, from pass to pass."""

import pytest

from dsvc.annotation.judging.lots import close_lots
from dsvc.annotation.keeping.ledger import Addition, append
from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.engine.planning import filling
from dsvc.engine.planning.filling import Filling, find_remembered
from dsvc.engine.planning.people import People
from dsvc.engine.planning.predict import Predictor
from dsvc.recipe.nodes import TaskNode
from tests.engine.office import AUDIT, NAMES, Office, live, recipe


@pytest.fixture
def office(tmp_path):
    """Nine labelled images of which nobody is asked about any, in lots of four."""
    made = Office(tmp_path / "faces")
    made.put("label", {f"s{i}": NAMES[i % 2] for i in range(9)})
    made.put("score", {f"s{i}": 9 for i in range(9)})
    made.write(recipe(audit=AUDIT))
    made.run()
    return made


def looked_at(office, monkeypatch, ops):
    """Return who waits, and among how many sources they were looked for; None for all."""
    people, among = office.people("kind"), []
    find = people.iter_candidates
    monkeypatch.setattr(people, "iter_candidates", lambda keys=None: among.append(keys) or find(keys))
    found = Filling(people, ops).candidates()
    return [one.source for one in found], None if among[0] is None else len(among[0])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("most", [3, 1000])
def test_who_waits_is_who_waits_by_a_look_at_everything(tmp_path, monkeypatch, seed, most):
    """Whatever happened since the last look: lots, answers, other values; and where too many wait to be remembered."""
    monkeypatch.setattr(filling, "MOST", most)
    ops, n_found = MemoryOpStore(), 0
    for office in live(tmp_path / "faces", seed):
        people = office.people("kind")
        one = Filling(people, ops)
        found = one.candidates()
        assert list(people.iter_candidates()) == found
        one.remember(found, [])
        n_found += len(found)
    assert n_found


@pytest.mark.parametrize("seed", range(2))
def test_who_will_wait_is_found_from_what_is_remembered(tmp_path, seed):
    """In a version as a run would leave it, though the draft is not made."""
    ops, n_foreseen = MemoryOpStore(), 0
    for office in live(tmp_path / "faces", seed):
        predictor = Predictor(office.repo, office.view, office.loader)
        forecast = predictor.forecast(TaskNode.of_task(office.recipe.tasks["kind"]))
        people = People(office.repo, predictor.view, office.loader, "kind", forecast.bound)
        record = ops.get("control", filling.name_of("kind"))
        found = find_remembered(people, None if record is None else record.doc, is_foreseen=True)
        if found is not None:
            assert list(people.iter_candidates()) == list(found)
            n_foreseen += people.point is None
        office.run()
        one = Filling(office.people("kind"), ops)
        one.remember(one.candidates(), [])
    assert n_foreseen


def test_a_look_is_at_who_waited_and_what_changed(office, monkeypatch):
    """Once looked at, those of closed lots wait no more; a value that changed is looked at again."""
    ops, people = MemoryOpStore(), office.people("kind")
    one = Filling(people, ops)
    found = one.candidates()
    assert 9 == len(found)
    lots = close_lots(people.task, found, {}, office.now).lots
    append(office.repo.store, {"kind": Addition(lots=lots)})
    office.run()
    one.remember(found, lots)
    (left,) = {candidate.source for candidate in found} - {m.source for lot in lots for m in lot.members}
    assert ([left], 9) == looked_at(office, monkeypatch, ops)

    again = Filling(office.people("kind"), ops)
    again.remember(again.candidates(), ())
    assert ([left], 1) == looked_at(office, monkeypatch, ops)
    other = next(source for source in office.read("label") if source != left)
    office.put("label", {other: "eel"})
    office.run()
    assert (sorted([left, other]), 2) == looked_at(office, monkeypatch, ops)


def test_of_a_draft_that_is_not_made_all_are_looked_at(office, monkeypatch):
    """Its values are not those that the ledger gives by now; and so where the task is another."""
    ops = MemoryOpStore()
    one = Filling(office.people("kind"), ops)
    one.remember(one.candidates(), ())
    assert 9 == looked_at(office, monkeypatch, ops)[1]
    office.put("label", {"s0": "eel"})
    assert looked_at(office, monkeypatch, ops)[1] is None
    office.write(recipe(audit=AUDIT, ask="score < 2"))
    office.run()
    assert looked_at(office, monkeypatch, ops)[1] is None
