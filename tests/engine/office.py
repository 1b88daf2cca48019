"""A repository whose recipe has tasks, people who answer them, and what must come of it by brute force."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

from dsvc.annotation.answers.evidence import Answered, evidence_of
from dsvc.annotation.answers.records import Answer, Ask, make_answer
from dsvc.annotation.closing import take_out
from dsvc.annotation.judging.asks import asks_of
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.lots import close_lots
from dsvc.annotation.judging.rounds import Resolution, resolve
from dsvc.annotation.judging.verdicts import judge_lots
from dsvc.annotation.keeping.ledger import Addition, append, read_ledger
from dsvc.engine.making.binding import Bound, bind_step
from dsvc.engine.planning.people import People
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.recipe.nodes import get_node
from tests.engine.conftest import Bench

NAMES = ("cat", "dog", "eel")


class Office(Bench):
    """A bench with people."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.now = 1_000

    def people(self, task: str) -> People:
        """Return who is asked by a task of the draft."""
        return People(self.repo, self.view, self.loader, task)

    def bind_node(self, name: str) -> Bound:
        """Bind a task to the draft."""
        loader = self.loader
        bound = bind_step(self.repo, self.view, loader, get_node(loader.recipe, name))
        assert bound is not None
        return bound

    def asks(self, task: str) -> dict[str, Ask]:
        """Return source -> the ask that people get, of the draft as it was run."""
        return {asked.item.source: asked.wanted[0].ask for asked in self.people(task).iter_asked()}

    def answer(self, ask: Ask, value: Any = None, *, who: str = "ann", outcome: str = "value", **more: Any) -> Answered:
        """Let somebody answer an ask; durable on return."""
        self.now += 1
        payload = None if value is None else json.dumps(value, separators=(",", ":"))
        made = make_answer(ask, annotator=who, submitted_us=self.now, outcome=outcome, payload=payload, **more)
        answered = Answered(ask, made)
        append(self.repo.store, {ask.task: Addition([answered])})
        return answered

    def answer_all(self, task: str, values: Mapping[str, Any], *, who: str = "ann") -> None:
        """Let somebody give values for the sources that people are asked about."""
        asks = self.asks(task)
        for source, value in values.items():
            self.answer(asks[source], value, who=who)

    def close_lots(self, task: str) -> int:
        """Close the lots of all values that wait for one, and return how many there are."""
        people = self.people(task)
        lots = close_lots(people.task, people.iter_candidates(), {}, self.now, nothing_more=True).lots
        append(self.repo.store, {task: Addition(lots=lots)})
        return len(lots)

    def made_by(self, signal: str) -> dict[str, Provenance]:
        """Return who made each record of a signal of the draft."""
        found = self.view.signal(signal)
        if found is None:
            return {}
        reader = self.repo.store.objects
        told = {}
        for rows in Tree(reader, found).rows(provenance=True):
            provenances = [get_object(reader, oid, Kind.PROVENANCE, Provenance) for oid in rows.provenance.oids()]
            told |= dict(zip(rows.sources.to_pylist(), provenances, strict=True))
        return told

    def waits(self, signal: str) -> dict[str, tuple[str, Any]]:
        """Return source -> (reason, detail) of who waits for a task's record, or is audited."""
        oid = self.view.waiting.get(signal)
        if oid is None:
            return {}
        reader = self.repo.store.objects
        found: dict[str, tuple[str, Any]] = {}
        for rows in Tree(reader, get_object(reader, oid, Kind.SIGNAL, Signal)).rows():
            for source, why in zip(rows.sources.to_pylist(), rows.values.to_pylist(), strict=True):
                found[source] = why["reason"], json.loads(why["detail"])
        return found

    # --- by brute force ---------------------------------------------------------------------------------------------

    def resolve_all(
        self, task: str, judged: Mapping[str, Any], asked: Iterable[str]
    ) -> dict[str, tuple[Item, Resolution]]:
        """Return what becomes of every source of a task, from the whole ledger and nothing kept.

        Args:
            task: The task.
            judged: Source -> the value that is judged.
            asked: The sources that the condition holds for.
        """
        spec, wanted = self.recipe.tasks[task], set(asked)
        ledger = read_ledger(self.repo.store)
        evidence = dict(ledger.iter_evidence(task))
        verdicts = judge_lots(spec, ledger.lots(task).values(), evidence)
        found = {}
        for source in sorted(judged):
            payload = None if judged[source] is None else json.dumps(judged[source], separators=(",", ":"))
            known = evidence.get(source, evidence_of([]))
            item = Item(source, "", payload, source in wanted, known)
            found[source] = item, resolve(spec, item, lambda lot: verdicts[lot].state)
        return found

    def expected_waits(self, task: str, resolved: Mapping[str, tuple[Item, Resolution]]) -> dict[str, tuple[str, Any]]:
        """Return what `waits` must give."""
        spec, found = self.recipe.tasks[task], {}
        for source, (item, resolution) in resolved.items():
            wanted = asks_of(spec, item, resolution)
            if wanted:
                told = {
                    "asks": [one.ask.ask_id.hex() for one in wanted],
                    "mode": wanted[0].ask.mode,
                    "people": sum(one.people for one in wanted),
                    "round": wanted[0].ask.round,
                }
                found[source] = ("audit" if resolution.has_record else "pending"), told
        return found


def recipe(*, ask: str = "score < 3", version: str = "1", audit: str = "", more: str = "", head: str = "") -> str:
    """Return a recipe with the task `kind`, which judges `label` by `score`."""
    return dedent(f"""
        {head}
        [task.kind]
        type    = "class(cat, dog, eel)"
        of      = "label"
        ask     = "{ask}"
        version = "{version}"
        {more}
        {audit}
        """)


AUDIT = """
[task.kind.audit]
sample = 0.5
max_error = 0.1
lot = { size = 4 }
rounds = 2
"""


def answers_of(office: Office, task: str) -> list[Answer]:
    """Return all that the ledger holds of a task."""
    return [answer for _, known in read_ledger(office.repo.store).iter_evidence(task) for answer in known.answers]


def live(path: Path, seed: int, asks: Sequence[str] = ("score < 1",)) -> Iterator[Office]:
    """Yield an office after each thing that happens: lots pass, fail and wait, values change, members are taken out.

    Args:
        path: Where it is.
        seed: Of what happens.
        asks: The conditions that the recipe has, one after the other.
    """
    rng, office = random.Random(seed), Office(path)
    labels = {f"s{i:02}": rng.choice(NAMES[:2]) for i in range(40)}
    office.put("label", labels)
    office.put("score", {source: rng.randrange(6) for source in labels})
    office.write(recipe(ask=asks[0], audit=AUDIT))
    office.run()
    for turn in range(4):
        if len(asks) > 1:
            office.write(recipe(ask=asks[turn % len(asks)], audit=AUDIT))
        office.close_lots("kind")
        office.run()
        yield office
        for source, ask in office.asks("kind").items():
            chance = rng.random()
            if chance < 0.6:
                value = labels[source] if rng.random() < 0.8 else rng.choice(NAMES)
                office.answer(ask, value, who=f"p{turn}")
            elif chance < 0.7 and ask.mode == "audit":
                known = read_ledger(office.repo.store).evidence("kind", [source])[source]
                out = take_out(known, {member.lot for member in known.members}, "gone")
                append(office.repo.store, {"kind": Addition(also={source: out})})
            if rng.random() < 0.1:
                yield office
        office.run()
        changed = rng.sample(sorted(labels), 4)
        labels |= {source: rng.choice(NAMES) for source in changed}
        office.put("label", {source: labels[source] for source in changed})
        yield office
