"""Whatever happens to images, model, recipe, branches and people: against an account of it all in plain Python.

The account resolves every image from the beginning, and remembers which inputs each was resolved with: a run executes
what was never seen, and what came to a record is never executed again. What a plan says of people is what the next pass
then does.

`DSVC_ORACLE_EXAMPLES` sets how many histories are played.
"""

from __future__ import annotations

import os
import tempfile
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsvc.annotation.keeping.ledger import read_ledger
from tests.people.keeping_world import DATASETS, Keeping

EXAMPLES = max(8, int(os.environ.get("DSVC_ORACLE_EXAMPLES", "25")) // 3)
SOURCES = [f"s3://faces/{i}.jpg" for i in range(6)]
AUDIT = """
[task.kind.audit]
sample    = 1.0
max_error = 1.0
rounds    = 1
lot       = { size = 3 }
"""
PERSON = {"adjust": "ann", "audit": "cleo", "adjudicate": "max"}
PURPOSE = {"adjust": "first", "audit": "audit", "adjudicate": "expert"}


@dataclass
class Branch:
    """What one branch has."""

    images: dict[str, str] = field(default_factory=dict)
    """Source -> content."""
    model: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Source -> (guess, score)."""
    least: float = 0.5
    is_audited: bool = False


@dataclass(frozen=True)
class Said:
    """What a person said of one image."""

    purpose: str
    content: str
    shown: int
    value: int


@dataclass(frozen=True)
class Executed:
    """How many images a run executes, at least and at most."""

    least: int
    most: int

    def __add__(self, other: Executed) -> Executed:
        return Executed(self.least + other.least, self.most + other.most)

    def __contains__(self, ran: int) -> bool:
        return self.least <= ran <= self.most


class World:
    """A repository, and what must be of it."""

    def __init__(self, directory: Path) -> None:
        self.keeping = Keeping.init(directory)
        self.now = Branch()
        self.branches: dict[str, Branch] = {}
        self.said: dict[str, list[Said]] = {source: [] for source in SOURCES}
        self.lots: dict[bytes, dict[str, tuple[int, str]]] = {}
        """Lot -> source -> (value, content). Who is in it is a fact, as answers are."""
        self.seen: set[tuple[Any, ...]] = set()
        """Inputs that were resolved."""
        self.recorded: set[tuple[Any, ...]] = set()
        """Of these, those that came to a record; of others a run may look again at whom it waits for."""
        self.write()

    # --- the account ------------------------------------------------------------------------------------------------

    def last(self, source: str, purpose: str) -> Said | None:
        """Return what was said last of the content that an image has."""
        found = [s for s in self.said[source] if s.purpose == purpose and s.content == self.now.images[source]]
        return found[-1] if found else None

    def resolve(self, source: str) -> tuple[tuple[int, str, str] | None, str | None, bool]:
        """Return the record (value, origin, standing), the mode of the ask, and whether the value waits for a lot."""
        guess, score = self.now.model[source]
        first, audit, expert = (self.last(source, purpose) for purpose in ("first", "audit", "expert"))
        if expert is not None:
            return (expert.value, "human", "final"), None, False
        if first is not None and (audit is None or audit.shown != first.value):
            return (first.value, "human", "final"), None, False
        if audit is not None:
            # Whether values are audited now or not: what an auditor said of one was said.
            judged = guess if first is None else first.value
            if audit.value == judged:
                return (judged, "model" if first is None else "human", "final"), None, False
            if audit.value != audit.shown and self.now.is_audited:
                return None, "adjudicate", False  # there is no further round
            return (audit.value, "human", "final"), None, False
        if score < self.now.least:
            return None, "adjust", False
        if not self.now.is_audited:
            return (guess, "model", "final"), None, False
        is_in_lot = (guess, self.now.images[source]) in self.memberships(source)
        return (guess, "model", "unaudited"), "audit" if is_in_lot else None, not is_in_lot

    def memberships(self, source: str) -> list[tuple[int, str]]:
        """Return what is judged of an image in lots."""
        return [lot[source] for lot in self.lots.values() if source in lot]

    def is_passed(self, lot: dict[str, tuple[int, str]]) -> bool:
        """Tell whether everybody in a lot was judged, by whoever looked at them."""
        judges = ("audit", "first") if self.now.is_audited else ("audit",)
        return all(
            any(said.purpose in judges and said.content == content for said in self.said[source])
            for source, (_, content) in lot.items()
        )

    def inputs(self, source: str) -> tuple[Any, ...]:
        """Return everything that decides what becomes of an image."""
        verdicts = tuple(sorted(oid for oid, lot in self.lots.items() if source in lot and self.is_passed(lot)))
        in_lots = tuple(sorted(oid for oid, lot in self.lots.items() if source in lot))
        task = self.now.least, self.now.is_audited
        return task, source, self.now.images[source], self.now.model[source], (*self.said[source],), in_lots, verdicts

    def look(self) -> Executed:
        """Remember the inputs of all images; return how many a run executes."""
        found = {source: self.inputs(source) for source in self.now.model}
        least, most = set(found.values()) - self.seen, set(found.values()) - self.recorded
        self.seen |= least
        self.recorded |= {inputs for source, inputs in found.items() if self.resolve(source)[0] is not None}
        return Executed(len(least), len(most))

    # --- what happens -----------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Write the recipe."""
        self.keeping.recipe(ask=f"score < {self.now.least}", tail=(AUDIT if self.now.is_audited else "") + DATASETS)

    def deliver(self) -> None:
        """Take in what images there are, and what the model says of them."""
        images, model = self.now.images.items(), self.now.model.items()
        self.keeping.write_documents("images", [{"uri": source, "etag": etag} for source, etag in images])
        self.keeping.write_documents(
            "models", [{"uri": s, "guess": guess, "score": score, "version": "1"} for s, (guess, score) in model]
        )
        with self.keeping.open() as repo:
            repo.ingest(full=True)

    def check(self) -> None:
        """Plan and run, and compare."""
        plan, executed, resolved = self.keeping.plan(), self.look(), self.resolved()
        asked = {source: mode for source, (_, mode, _) in resolved.items() if mode is not None}
        waiting = [source for source, (_, _, waits) in resolved.items() if waits]
        assert (len(asked), len(asked), len(waiting)) == (plan.asks, plan.answers, plan.audits)

        sent = self.keeping.run()
        members = self.find_new_lots()
        assert len(waiting) // 3 == sent.lots
        assert members <= set(waiting)
        n_audits = 3 * sent.lots
        assert self.keeping.ran["kind"] in (executed + self.look() if sent.lots else executed)
        assert (plan.new + n_audits, plan.shared) == (sent.new, sent.shared)
        assert {"kind": plan.asks + n_audits} == dict(sent.wanted)
        self.compare()
        assert self.keeping.run().did_nothing

    def resolved(self) -> dict[str, tuple[tuple[int, str, str] | None, str | None, bool]]:
        """Return what becomes of every image that the model says anything of."""
        return {source: self.resolve(source) for source in self.now.model}

    def compare(self) -> None:
        """Compare the task's signal, who waits, and what is out there with the account."""
        resolved = self.resolved()
        assert {s: record for s, (record, _, _) in resolved.items() if record is not None} == self.keeping.values()
        with self.keeping.open() as repo:
            ours = str(repo.head().branch)
            asked = {status.ask.source: status.ask.mode for status in repo.asks() if ours in status.subscribers}
        assert {source: mode for source, (_, mode, _) in resolved.items() if mode is not None} == asked

    def find_new_lots(self) -> set[str]:
        """Take note of the lots that were closed; return who is in them."""
        with self.keeping.open() as repo:
            lots = read_ledger(repo.store).lots("kind").values()
        new = {lot.lot_id: {m.source: (int(m.value), m.content_id) for m in lot.members} for lot in lots}
        members = [source for oid in new.keys() - self.lots.keys() for source in new[oid]]
        self.lots |= new
        assert len(members) == len(set(members))
        return set(members)

    def answer(self, draw: Any) -> None:
        """Let people answer some of what is open, and take it in."""
        asked = self.keeping.asked()
        chosen = draw(st.lists(st.sampled_from(sorted(asked)), unique=True)) if asked else []
        with self.keeping.open() as repo:
            asks = {status.ask.source: status.ask for status in repo.asks()}
        for source in chosen:
            ask = asks[source]
            shown = int(ask.judged)
            value = draw(st.sampled_from([shown, 1, 5]))
            if self.keeping.answer(PERSON[ask.mode], {source: value}):
                self.said[source].append(Said(PURPOSE[ask.mode], ask.content_id, shown, value))
        self.keeping.wait(0.1)
        executed = self.look()
        sent = self.keeping.run()
        self.find_new_lots()
        assert self.keeping.ran["kind"] in (executed + self.look() if sent.lots else executed)
        self.compare()

    def switch(self, name: str) -> None:
        """Commit, and go to a branch."""
        with self.keeping.open() as repo:
            ours = str(repo.head().branch)
            is_new = name != ours and name not in self.branches
            repo.commit("go", allow_empty=True, as_is=True)
            repo.switch(name, create=is_new)
        self.branches[ours] = deepcopy(self.now)
        if is_new:
            # What the draft waits for already is no news to a plan, though the branch joins those who want it here.
            sent = self.keeping.run()
            assert (0, 0) == (sent.new, sent.posted)
        self.now = self.branches.pop(name, self.now)

    def happen(self, draw: Any) -> None:
        """Let something happen."""
        what = draw(
            st.sampled_from(["answer"] * 4 + ["model"] * 2 + ["content", "come", "go", "ask", "audit", "switch"])
        )
        some = st.lists(st.sampled_from(SOURCES), max_size=3, unique=True)
        known = [source for source in draw(some) if source in self.now.images]
        says = st.tuples(st.integers(2, 4), st.sampled_from([0.25, 0.75]))
        if what == "answer":
            self.answer(draw)
            return
        if what == "switch":
            self.switch(draw(st.sampled_from(["main", "exp"])))
        elif what in ("ask", "audit"):
            self.now.least = draw(st.sampled_from([0.0, 0.5, 1.0])) if what == "ask" else self.now.least
            self.now.is_audited = self.now.is_audited ^ (what == "audit")
            self.write()
        else:
            if what == "model":
                self.now.model |= {source: draw(says) for source in known}
            elif what == "content":
                self.now.images |= {source: draw(st.sampled_from(["e0", "e1"])) for source in known}
            elif what == "come":
                come = draw(some)
                self.now.images |= {source: self.now.images.get(source, "e0") for source in come}
                self.now.model |= {source: draw(says) for source in come}
            for source in known if what == "go" else ():
                del self.now.images[source], self.now.model[source]
            self.deliver()
        self.check()


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_run_is_what_plain_python_says(data):
    """Values, origins and standings, who is asked what, what is executed, and what the plan said of people before."""
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        says = st.tuples(st.integers(2, 4), st.sampled_from([0.25, 0.75]))
        world.now.model = {source: data.draw(says) for source in SOURCES[:5]}
        world.now.images = dict.fromkeys(world.now.model, "e0")
        world.now.is_audited = data.draw(st.booleans())
        world.write()
        world.deliver()
        world.check()
        for _ in range(data.draw(st.integers(1, 8))):
            world.happen(data.draw)
