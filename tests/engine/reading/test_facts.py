"""Tests of what people answered as inputs of a task."""

import pytest

from dsvc.annotation.closing import take_out
from dsvc.annotation.keeping.ledger import Addition, append, read_ledger
from dsvc.engine.reading import facts
from dsvc.engine.reading.facts import EVIDENCE, LOTS, VERDICTS, LedgerFacts, PinnedFacts, bind_facts
from dsvc.engine.reading.inputs import Inputs
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import ZERO, Kind
from dsvc.objects.trace import Trace
from tests.engine.office import AUDIT, NAMES, Office, live, recipe


@pytest.fixture
def office(tmp_path):
    """Nine labelled images of which nobody is asked about any, and that are audited."""
    made = Office(tmp_path / "faces")
    made.put("label", {f"s{i}": NAMES[i % 2] for i in range(9)})
    made.put("score", {f"s{i}": 9 for i in range(9)})
    made.write(recipe(audit=AUDIT))
    made.run()
    return made


def verdicts(office):
    """Source -> the states of the lots that it is in."""
    item = next(item for item in office.bind_node("kind").inputs.items if item.path == VERDICTS)
    from tests.engine.signals import read_signal

    found = read_signal(office.bind_node("kind").inputs.reader, item.signal)
    return {source: [one["state"] for one in row] for source, row in found.items()}


def audit(office, *, right=True):
    """Let somebody judge all that is to be judged."""
    for source, ask in office.asks("kind").items():
        value = office.read("kind").get(source, "cat")
        office.answer(ask, value if right else "eel", who="aud")


def test_before_anybody_said_anything_there_is_nothing(office):
    """And nothing to compare: a task that nobody answered binds by ids alone."""
    facts = LedgerFacts(office.repo.store)

    assert (ZERO, ZERO) == (facts.evidence("kind"), facts.lots("kind"))
    assert {} == verdicts(office)


def test_verdicts_follow_from_what_was_said_of_the_sample(office):
    """Of a lot that is not decided there is none."""
    office.close_lots("kind")
    office.run()
    assert {} == verdicts(office)

    audit(office)
    assert [["passed"]] * 9 == list(verdicts(office).values())


def test_one_answer_may_fail_a_lot(office):
    """All of its members are told, and no other."""
    office.close_lots("kind")
    office.run()
    source, ask = next(iter(office.asks("kind").items()))
    lot = office.people("kind").look(source).resolution.lot
    office.answer(ask, "eel", who="aud")

    failed = {s for s, states in verdicts(office).items() if states == ["failed"]}
    ours = {m.source for m in read_ledger(office.repo.store).lots("kind")[lot].members}
    assert ours == failed


def test_verdicts_of_what_changed_equal_those_of_everything(office):
    """However the ledger came to be: they are made from the last run's, or anew."""
    office.close_lots("kind")
    office.run()
    audit(office, right=False)
    office.run()
    audit(office)
    office.run()
    office.close_lots("kind")
    office.run()
    audit(office)
    step_by_step = office.bind_node("kind").inputs.items[-1]
    assert VERDICTS == step_by_step.path

    fresh = Office(office.path.parent / "fresh")
    fresh.put("label", {f"s{i}": NAMES[i % 2] for i in range(9)})
    fresh.put("score", {f"s{i}": 9 for i in range(9)})
    fresh.write(recipe(audit=AUDIT))
    fresh.repo.store = office.repo.store  # the same ledger, and a draft without traces
    bound = fresh.bind_node("kind")
    assert step_by_step.signal_id == bound.inputs.items[-1].signal_id


def test_who_is_drawn_for_another_may_be_asked_by_the_condition(office):
    """Their answer decides over the lot as an auditor's would, and is found among what changed."""
    office.close_lots("kind")
    office.run()
    asked = office.asks("kind")
    ledger = read_ledger(office.repo.store)
    lot = next(lot for lot in ledger.lots("kind").values() if len(lot.members) > 1)
    for m in lot.sample:
        known = ledger.evidence("kind", [m.source])[m.source]
        append(office.repo.store, {"kind": Addition(also={m.source: take_out(known, {lot.lot_id}, "gone")})})
    office.run()
    office.write(recipe(ask="true", audit=AUDIT))
    office.run()
    before = {name for name, states in verdicts(office).items() if states == ["passed"]}
    for source, ask in office.asks("kind").items():
        if source not in asked and source in {m.source for m in lot.members}:
            assert "adjust" == ask.mode
            office.answer(ask, outcome="accept")

    passed = {name for name, states in verdicts(office).items() if states == ["passed"]} - before
    assert {m.source for m in lot.members} == passed


@pytest.mark.parametrize("seed", range(6))
def test_verdicts_are_the_same_step_by_step_and_anew(tmp_path, monkeypatch, seed):
    """Through lots that wait, pass and fail, answers that come twice, and members that are taken out; few at a time.

    Half of the time members are asked about by another condition too.
    """
    asks = ["score < 1", "score < 5"][: 1 + seed % 2]
    monkeypatch.setattr(facts, "_MEMBERS", 7)
    n_judged = 0
    for office in live(tmp_path / "faces", seed, asks):
        bound, loader = office.bind_node("kind"), office.loader
        plain = Inputs.bind(office.view, bound.spec.depends, bound.spec.required, loader.declared_types)
        ledger = LedgerFacts(office.repo.store)
        anew, _ = bind_facts(ledger, bound.spec, plain, None, loader.adapt(office.recipe.tasks["kind"]))
        assert anew.items[-1].signal_id == bound.inputs.items[-1].signal_id
        n_judged += anew.items[-1].signal_id != ZERO
    assert n_judged > 3


def test_a_trace_names_the_answers_that_it_was_made_from(office):
    """So a commit pins them."""
    office.close_lots("kind")
    office.run()
    entry = next(entry for entry in office.view.state.derived if entry.name == "kind")
    used = get_object(office.repo.store.objects, entry.trace, Kind.TRACE, Trace).inputs
    named = {item.path: item.signal for item in used}
    facts = LedgerFacts(office.repo.store)

    assert (facts.evidence("kind"), facts.lots("kind")) == (named[str(EVIDENCE)], named[LOTS])


def test_pinned_facts_are_those_of_the_version(office):
    """Whatever the ledger holds by now; of a task that it has not made, they are the ledger's."""
    office.close_lots("kind")
    office.run()
    draft = office.view
    audit(office)
    pinned, now = PinnedFacts(office.repo.store, draft), LedgerFacts(office.repo.store)

    assert pinned.evidence("kind") != now.evidence("kind")
    assert pinned.lots("kind") == now.lots("kind")
    assert pinned.evidence("other") == now.evidence("other")


def test_one_run_sees_one_ledger(office):
    """It is what it was when it was first asked for."""
    facts = LedgerFacts(office.repo.store)
    before = facts.evidence("kind")
    office.close_lots("kind")

    assert before == facts.evidence("kind")
