"""Rounds: from the judged value, the condition and the evidence of one source to its value, or to who is asked next.

    L0 -> A0 -> L1 -> A1 -> ... -> expert

In L0 people answer first, where the condition or the task wants them, and what they give is final there unless
`audit.people` says otherwise; in each A the value is judged as one of a lot, itself if it is in the sample; in each
later L what was rejected, or the rest of a lot that failed, is done again. After `audit.rounds` audits an expert
decides, or finds that nobody can: `contested`. An auditor's own value is the next one to be judged. Nothing but the
arguments takes part, no time and no other source: a new answer changes one item.

A value that a person gave stays, whatever the model, the condition, a verdict or the recipe's audit says later: where
nobody judged the present value, and people did it again in a later round, theirs goes on from there. What a person said
of a value that was shown covers every value that `same` calls near.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from dsvc.annotation.answers.evidence import CANCELLED, WITHDRAWN, Member
from dsvc.annotation.answers.payloads import answer_type
from dsvc.annotation.answers.records import Context, Form, Mode, make_ask_id
from dsvc.annotation.judging.hearing import Decision, Heard, Item
from dsvc.annotation.judging.resolving import Settled, settle
from dsvc.objects.oid import Oid
from dsvc.recipe.task_spec import TaskSpec

LotState = Literal["pending", "drawn", "passed", "failed"]
"""`drawn`: pending, and this very member is looked at in place of another, which is void."""
Standing = Literal["final", "unaudited", "contested", "unusable"]
VerdictOf = Callable[[Oid], LotState]
"""Says what became of a lot."""
LOT_FAILED = "its lot failed"
DISAGREED = "answers disagree"


class Need(msgspec.Struct, frozen=True):
    """An ask that follows, and of how many people."""

    mode: Mode
    form: Form
    round: int
    judged: str | None
    people: int
    context: Context = Context()


class Resolution(msgspec.Struct, frozen=True):
    """What became of one item."""

    value: str | None = None
    """Canonical; null of `unusable`."""
    standing: Standing | None = None
    """None where there is no value: `needs` says what it waits for, and without needs there is nothing to say."""
    origin: Literal["judged", "human"] = "judged"
    """`judged`: the value is the judged one, to be kept as it is, with its own provenance."""
    needs: tuple[Need, ...] = ()
    round: int = 0
    lot: Oid | None = None
    """The lot that it is in, in this round; the last that it was taken out of, where it waits for another."""
    awaits_lot: bool = False
    """Whether `value` waits to be taken into a lot of `round`."""
    annotators: tuple[str, ...] = ()
    """Who had a part in it, sorted."""
    reasons: tuple[str, ...] = ()

    @property
    def has_record(self) -> bool:
        """Whether the task's signal has a record."""
        return self.standing is not None

    @property
    def is_pending(self) -> bool:
        """Whether it waits for people before there is a value."""
        return self.standing is None and bool(self.needs)

    @property
    def detail(self) -> str:
        """What a waiting source says: which ask, in which round, and of how many people."""
        return "; ".join(f"{need.mode}, round {need.round}, {need.people} more" for need in self.needs)


def resolve(task: TaskSpec, item: Item, verdict_of: VerdictOf = lambda _: "pending") -> Resolution:
    """Return what became of an item.

    Args:
        task: The task.
        item: The source, with all that is known of it.
        verdict_of: What became of the lots that it is in.
    """
    return _Walk(task, item, verdict_of).run()


class _Walk:
    """One item on its way through the rounds."""

    def __init__(self, task: TaskSpec, item: Item, verdict_of: VerdictOf) -> None:
        self.task, self.item, self.verdict_of = task, item, verdict_of
        self.type = answer_type(task.type_text)
        self.heard = Heard(task, self.type, item)
        self.current = item.judged
        self.origin: Literal["judged", "human"] = "judged"
        self.round = 0
        self.reasons: tuple[str, ...] = ()

    def run(self) -> Resolution:
        decided = self._expert()
        if decided is not None:
            return decided
        ended = self._first_answers()
        while ended is None:
            ended = self._audit()
        return ended

    # --- answers ----------------------------------------------------------------------------------------------------

    def _expert(self) -> Resolution | None:
        value_of = self.heard.value_of
        order = sorted(self.heard.experts, key=lambda a: (value_of(a, None) is not None, a.submitted_us, a.answer_id))
        if not order:
            return None
        answer = order[-1]  # who cannot tell takes nothing back that another could
        value = value_of(answer, None)
        if value is None:
            return self._end("contested", self.heard.judged_of(answer) or self.item.judged, "human")
        return self._end("final", value, "human")

    def _first_answers(self) -> Resolution | None:
        """Take what people said first; None where there is a value that goes on to be audited."""
        is_there = self.item.judged is not None or bool(self.heard.first(0))
        wanted = self.task.of is None or (self.item.asked and is_there)
        voices = self.heard.voices(0, self.current)
        reference = self.item.judged if self.task.mode == "adjust" else None
        settled = settle(self.task, self.type, voices, reference)
        if settled.state in ("open", "disputed") and not wanted:
            return None
        if settled.state == "open" and self._was_judged():
            return None
        return self._take(settled, self.task.mode, self.current)

    def _was_judged(self) -> bool:
        """Tell whether a person has judged the value already, or made another in a later round."""
        if self.task.of is None:
            return False  # there was nothing to judge
        said = self.heard.decide(0, self.current).state in ("right", "wrong", "known")
        return said or self._find_later() is not None

    def _find_later(self) -> tuple[int, Settled] | None:
        """Return the first later round in which people gave a value, with what they came to."""
        for round_ in self.heard.rounds_after(self.round):
            settled = settle(self.task, self.type, self.heard.voices(round_, None))
            if settled.state == "value":
                return round_, settled
        return None

    def _goes_on_later(self) -> bool:
        """Go into a later round where people gave a value there."""
        found = self._find_later()
        if found is not None:
            self.round, self.current, self.origin = found[0], found[1].value, "human"
        return found is not None

    def _again(self, form: Form, rejected: str | None, reasons: tuple[str, ...]) -> Resolution | None:
        """Go into the next round, in which people do it again; None where they have."""
        if not self._next_round():
            return self._ask_expert(rejected, reasons)
        self.reasons = reasons
        settled = settle(self.task, self.type, self.heard.voices(self.round, rejected))
        return self._take(settled, form, rejected)

    def _take(self, settled: Settled, form: Form, shown: str | None) -> Resolution | None:
        if settled.state == "value":
            self.current, self.origin = settled.value, "human"
            return None
        if settled.state == "unusable":
            return self._end("unusable", None, "human")
        if settled.state == "disputed":
            return self._ask_expert(settled.value, (*settled.reasons, DISAGREED))
        if settled.state == "rejected":
            reasons = tuple(sorted({*settled.reasons, *self.reasons}))
            if self.task.audit is not None and self.round == 0:
                return self._again("adjust", shown, reasons)
            return self._ask_expert(shown, reasons)
        context = Context(self.reasons, None, settled.annotators)
        return self._wait(Need(form, form, self.round, _shown(form, shown), settled.needed, context))

    def _next_round(self) -> bool:
        """Go into the next round, if there is one, or was when people began with it."""
        audit = self.task.audit
        if audit is None or (self.round + 1 >= audit.rounds and not self.heard.has_round(self.round + 1)):
            return False
        self.round += 1
        return True

    # --- audits -----------------------------------------------------------------------------------------------------

    def _audit(self) -> Resolution | None:
        """Judge the current value; None where another goes on to be judged."""
        audit, value = self.task.audit, self.current
        is_given = self.origin == "human" and self.round == 0
        is_judged = audit is not None and not (is_given and not audit.people)
        decision = self.heard.decide(self.round, value, only_of_it=is_given and not is_judged)
        is_free = is_judged or not is_given or self.task.of is None
        is_unsaid = decision.state in ("open", "unclear") or (not is_judged and decision.state == "wrong")
        if is_free and is_unsaid and decision.value is None and self._goes_on_later():
            return None
        if decision.state == "known":
            return self._end("final", decision.value, "human")
        if decision.state == "wrong" and (is_judged or decision.value is not None):
            return self._correct(decision, value)
        if value is None:
            return Resolution()  # there is nothing to judge, and nobody gave it
        if decision.state == "right" or not is_judged or audit is None:
            return self._end("final", value, self.origin)
        if decision.state == "unclear":
            return self._end("unusable", None, "human")
        members = self.heard.members(self.round, value)
        if not members:
            return self._end("unaudited", value, self.origin, awaits_lot=True)
        judged = [member for member in members if not member.void]
        form = audit.mode or self.task.mode
        if not judged:  # its lot is judged without it
            is_back = all(self._is_back(member, form, value) for member in members)
            return self._end("unaudited", value, self.origin, lot=members[-1].lot, awaits_lot=is_back)
        member = judged[0]
        verdict = self.verdict_of(member.lot)
        if any(self._is_looked_at(m) for m in judged):
            context = Context(self.reasons, None, self.heard.not_for(self.round))
            need = Need("audit", form, self.round, _shown(form, value), 1, context)
            standing: Standing = "final" if verdict == "passed" else "unaudited"
            return self._end(standing, value, self.origin, needs=(need,), lot=member.lot)
        if verdict == "failed" and audit.on_fail == "lot":
            return self._again(self.task.mode, value, (LOT_FAILED,))
        if verdict == "passed" or (verdict == "failed" and audit.on_fail == "found"):
            return self._end("final", value, self.origin, lot=member.lot)
        return self._end("unaudited", value, self.origin, lot=member.lot)

    def _is_back(self, member: Member, form: Form, value: str) -> bool:
        """Tell whether people can be asked again about a value that was taken out of its lot."""
        if member.void != CANCELLED:
            return member.void == WITHDRAWN  # here it is, as the judged value
        item, task = self.item, self.task
        named = item.source, item.content_id, item.region, task.name, task.version, task.type_text
        ask = make_ask_id(*named, form, "audit", self.round, _shown(form, value))
        return any(stop.ask == ask and not stop.is_on for stop in item.evidence.stops)

    def _is_looked_at(self, member: Member) -> bool:
        verdict = self.verdict_of(member.lot)
        return verdict == "drawn" or (verdict == "pending" and member.sampled)

    def _correct(self, decision: Decision, value: str | None) -> Resolution | None:
        if decision.value is None:
            return self._again("adjust", value, decision.reasons)
        if self.task.audit is None:
            self.round += 1  # it was audited once, and what came of it stays
        elif not self._next_round():
            return self._ask_expert(decision.value, decision.reasons, rejected=value)
        self.current, self.origin, self.reasons = decision.value, "human", decision.reasons
        return None

    # --- ends -------------------------------------------------------------------------------------------------------

    def _ask_expert(self, shown: str | None, reasons: tuple[str, ...], rejected: str | None = None) -> Resolution:
        form: Form = "label" if shown is None else "adjust"
        context = Context(tuple(sorted(set(reasons))), rejected, self.heard.people)
        return self._wait(Need("adjudicate", form, self.round, shown, 1, context))

    def _wait(self, need: Need) -> Resolution:
        return Resolution(needs=(need,), round=self.round, annotators=self.heard.people, reasons=need.context.reasons)

    def _end(
        self,
        standing: Standing,
        value: str | None,
        origin: Literal["judged", "human"],
        *,
        needs: tuple[Need, ...] = (),
        lot: Oid | None = None,
        awaits_lot: bool = False,
    ) -> Resolution:
        people = self.heard.people
        return Resolution(value, standing, origin, needs, self.round, lot, awaits_lot, people, self.reasons)


def _shown(form: Form, value: str | None) -> str | None:
    return None if form == "label" else value
