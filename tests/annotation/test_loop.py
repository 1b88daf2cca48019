"""The whole loop in one place: values, lots, audits and rounds until nothing is asked any more, by noisy people."""

import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from dsvc.annotation.answers.evidence import Answered
from dsvc.annotation.answers.records import make_answer
from dsvc.annotation.judging.asks import asks_of
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.lots import Candidate, close_lots
from dsvc.annotation.judging.rounds import resolve
from dsvc.annotation.judging.verdicts import judge_lots
from dsvc.annotation.keeping.ledger import Addition, append, read_ledger
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import AuditSpec, LotSpec, Nearness, OverlapSpec, TaskSpec
from dsvc.store.memory import MemoryStore

N = 80
AUDIT = AuditSpec(Decimal("0.2"), Decimal("0.05"), Nearness("equal"), lot=LotSpec(None, 20))
TASK = TaskSpec("t", parse_type("class(a, b, c, d)"), InputPath("q"), "adjust", audit=AUDIT)
CLASSES = ['"a"', '"b"', '"c"', '"d"']


class World:
    """A model that is often wrong, people who are sometimes, and what is true."""

    def __init__(self, task, seed, *, model_error=0.2, human_error=0.05):
        self.task, self.random = task, random.Random(seed)
        self.store, self.time = MemoryStore(), 0
        self.truth = {f"s{i:03}": self.random.choice(CLASSES) for i in range(N)}
        self.human_error = human_error
        self.model = {source: self.guess(source, model_error) for source in self.truth}
        self.asked = {source for source in self.truth if self.random.random() < 0.2}
        self.n_answers = Counter()

    def guess(self, source, error):
        """Return the truth, or something else."""
        return self.random.choice(CLASSES) if self.random.random() < error else self.truth[source]

    def resolve(self):
        """Return every item with what became of it."""
        ledger = read_ledger(self.store)
        evidence = dict(ledger.iter_evidence("t"))
        verdicts = judge_lots(self.task, ledger.lots("t").values(), evidence)
        items = [
            Item(s, "e", self.model[s], asked=s in self.asked, **({"evidence": evidence[s]} if s in evidence else {}))
            for s in self.truth
        ]
        return [(item, resolve(self.task, item, lambda lot: verdicts[lot].state)) for item in items]

    def turn(self):
        """Let people answer what is asked, and close the lots that can be; return whether anything happened."""
        resolved = self.resolve()
        answered = [self.answer(one.ask) for pair in resolved for one in asks_of(self.task, *pair)]
        candidates = [
            Candidate(item.source, found.value, "e", found.round, "", found.origin)
            for item, found in resolved
            if found.awaits_lot
        ]
        lots = close_lots(self.task, candidates, {}, self.time, nothing_more=not answered).lots
        append(self.store, {"t": Addition([one for one in answered if one is not None], lots)})
        return bool(answered or lots)

    def answer(self, ask):
        """Answer as somebody who may, by the form; sometimes skip, or come back later."""
        self.time += 1
        who = self.random.choice([f"p{i}" for i in range(12) if f"p{i}" not in ask.context.avoid])
        if self.random.random() < 0.1:
            return None
        self.n_answers[ask.ask_id, who] += 1
        said = self.guess(ask.source, 0 if ask.mode == "adjudicate" else self.human_error)
        outcome, payload = "value", said
        if self.random.random() < 0.02 and ask.mode != "adjudicate":
            outcome, payload = "skip", None
        elif ask.form == "verify":
            outcome, payload = ("accept", None) if said == ask.judged else ("reject", None)
        return Answered(ask, make_answer(ask, annotator=who, submitted_us=self.time, outcome=outcome, payload=payload))


@pytest.mark.parametrize("on_fail", ["lot", "found", "hold"])
@pytest.mark.parametrize("mode", ["label", "adjust", "verify"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_loop_comes_to_an_end(on_fail, mode, seed):
    """Every item ends with an honest standing, nobody answers one question twice, and the result is better."""
    overlap = OverlapSpec(1, 3, Decimal("0.8"))
    world = World(replace(TASK, mode=mode, overlap=overlap, audit=replace(AUDIT, on_fail=on_fail)), seed)
    turns = 0
    while world.turn():
        turns += 1
        assert turns < 100

    resolved = world.resolve()
    ends = Counter(found.standing for _, found in resolved)
    wrong = sum(found.value not in (None, world.truth[item.source]) for item, found in resolved)
    assert {"final", "contested", "unusable", *(["unaudited"] if on_fail == "hold" else [])} >= set(ends)
    assert not any(found.needs or found.awaits_lot for _, found in resolved)
    assert {1} == set(world.n_answers.values())
    assert wrong < sum(world.model[source] != truth for source, truth in world.truth.items())


def test_a_new_model_asks_only_what_its_values_make_necessary():
    """What people gave or confirmed stays; only sources whose value is another, and that nobody saw, go on."""
    world = World(TASK, 3)
    while world.turn():
        pass
    before = dict(read_ledger(world.store).iter_evidence("t"))
    seen = {source for source, evidence in before.items() if evidence.answers}
    old = {item.source: found.value for item, found in world.resolve()}
    changed = set(list(world.truth)[::4])
    world.model.update({source: CLASSES[(CLASSES.index(world.model[source]) + 1) % 4] for source in changed})

    resolved = {item.source: found for item, found in world.resolve()}
    assert all(resolved[source].value == old[source] for source in world.truth if source not in changed - seen)
    assert {source for source, found in resolved.items() if found.awaits_lot} <= changed - seen
    assert {"final"} >= {resolved[source].standing for source in set(world.truth) - changed} - {"contested", "unusable"}


def test_more_errors_fail_more_lots():
    """A good model passes as it is, a bad one goes to people."""
    work = []
    for error in (0.0, 0.6):
        world = World(TASK, 5, model_error=error, human_error=0.0)
        while world.turn():
            pass
        work.append(sum(world.n_answers.values()))
        assert all(found.value in (None, world.truth[item.source]) for item, found in world.resolve() if error == 0)

    assert work[0] < N / 2 < work[1]
