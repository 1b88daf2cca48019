"""What was said of one item: the answers that count, by round and by whose word they are, and how values are judged.

What a person said of a value that was shown covers every value that `same` calls near; a value that a person gave is
the person's, whatever was shown. Nobody audits what they made, and an expert has not answered or audited before: what
such a person says all the same is kept, and somebody else is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal

import msgspec

from dsvc.annotation.answers.adapting import adapt_evidence, adapt_member
from dsvc.annotation.answers.agreement import are_near, iou
from dsvc.annotation.answers.evidence import NOTHING, Evidence, Member
from dsvc.annotation.answers.payloads import UNKNOWN_DOUBT, AnswerType, answer_type
from dsvc.annotation.answers.records import WHOLE, Answer, Ask, Purpose
from dsvc.annotation.judging.resolving import Voice, effective
from dsvc.recipe.task_spec import TaskSpec

_SAME_REGION = Fraction(1, 2)
"""The IoU from which two crops show one thing: they are another model's boxes, and about as large."""
_ENOUGH_SKIPS = 2
"""As many auditors who cannot tell, and nobody is asked any more."""


class Item(msgspec.Struct, frozen=True):
    """One source of a task."""

    source: str
    content_id: str = ""
    judged: str | None = None
    """The canonical payload of what is judged; None where there is no record, or the task judges nothing."""
    asked: bool = False
    """Whether the condition holds; without one, `TaskSpec.asks_all`."""
    evidence: Evidence = NOTHING
    region: str = ""
    doubt: float = UNKNOWN_DOUBT
    """How unsure the model is of what is judged, from 0 to 1."""


class Decision(msgspec.Struct, frozen=True):
    """What an audit says of one value."""

    state: Literal["open", "right", "wrong", "known", "unclear"]
    """`known`: a person confirmed another value, which stays."""
    value: str | None = None
    """The person's own, of `wrong`, where there is one, and of `known`."""
    agrees: bool = False
    """Whether the value agrees with the person's: of a value that was corrected before, it may, and theirs stays."""
    reasons: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()


class Heard:
    """The answers to one item that count, by round and by whose word they are."""

    def __init__(self, task: TaskSpec, type_: AnswerType, item: Item) -> None:
        self._task, self._type, self._item = task, type_, item
        evidence, _ = adapt_evidence(task, item.evidence)
        self._members = [m for m in evidence.members if m.content_id == item.content_id]
        self._asks = {ask.ask_id: ask for ask in evidence.asks if self._counts(ask)}
        answers = [
            a for a in evidence.answers if a.ask_id in self._asks and a.version in task.accept and self._tells(a)
        ]
        self._by: dict[tuple[Purpose, int], list[Answer]] = {}
        for answer in answers:
            ask = self._asks[answer.ask_id]
            self._by.setdefault((ask.purpose, ask.round), []).append(answer)
        self.people = tuple(sorted({answer.annotator for answer in answers}))
        self.experts = [a for (purpose, _), found in self._by.items() if purpose == "expert" for a in found]
        self.experts = [a for a in self.experts if not _is_by_one_of(a, self._others())]

    def _counts(self, ask: Ask) -> bool:
        is_of_it = ask.type == self._task.type_text and ask.content_id == self._item.content_id
        return is_of_it and _shows_the_same(ask.region, self._item.region)

    def _tells(self, answer: Answer) -> bool:
        """Tell whether an answer says anything: right or wrong does of a value alone, which may be lost."""
        ask = self._asks[answer.ask_id]
        if ask.judged is not None or answer.payload is not None or answer.outcome == "skip":
            return True
        return answer.outcome == "reject" and ask.form == "label"

    def _others(self) -> list[Answer]:
        """Return what was said by whoever answered or audited, without skips: an expert is none of them."""
        found = (a for (purpose, _), answers in self._by.items() if purpose != "expert" for a in answers)
        return [answer for answer in found if answer.outcome != "skip"]

    def _makers(self, round_: int) -> list[Answer]:
        """Return the answers that made the value that is audited in a round: nobody audits their own."""
        if round_ == 0 and (self._task.audit is None or not self._task.audit.people):
            return []  # it is a model's
        first = [answer for answer in self.first(round_) if answer.outcome != "skip"]
        if first or round_ == 0:
            return first
        before = [answer for answer in self._audits(round_ - 1) if self.value_of(answer, None) is not None]
        return sorted(before, key=lambda a: (a.submitted_us, a.answer_id))[:1]

    def _audits(self, round_: int) -> list[Answer]:
        """Return what auditors said in a round, without those that judged what they made."""
        makers = self._makers(round_)
        return effective(a for a in self._by.get(("audit", round_), ()) if not _is_by_one_of(a, makers))

    def not_for(self, round_: int) -> tuple[str, ...]:
        """Return who must not audit in a round: who made the value, and who could not tell, sorted."""
        audited = self._by.get(("audit", round_), ())
        return tuple(sorted({answer.annotator for answer in (*self._makers(round_), *audited)}))

    def first(self, round_: int) -> Sequence[Answer]:
        """Return what people who were asked first said in a round."""
        return self._by.get(("first", round_), ())

    def rounds_after(self, round_: int) -> list[int]:
        """Return the later rounds in which people who were asked first said something, ascending."""
        return sorted(number for purpose, number in self._by if purpose == "first" and number > round_)

    def has_round(self, round_: int) -> bool:
        """Tell whether anybody said something in a round, or a lot of it was closed."""
        return any(number == round_ for _, number in self._by) or any(m.round == round_ for m in self._members)

    def judged_of(self, answer: Answer) -> str | None:
        """Return the value that an answer is about."""
        return self._asks[answer.ask_id].judged

    def value_of(self, answer: Answer, current: str | None) -> str | None:
        """Return the value that an answer gives: its own, or the one that it accepts, or a later one near that."""
        if answer.outcome != "accept":
            return answer.payload if answer.outcome in ("value", "reject") else None
        judged = self.judged_of(answer)
        return current if judged is not None and current is not None and self._is_same(judged, current) else judged

    def voices(self, round_: int, current: str | None) -> list[Voice]:
        """Return what each person says in a round, of those asked first; `current` is what is shown now."""
        found = []
        answers = effective(a for a in self.first(round_) if self._is_about(a, current))
        today = [answer for answer in answers if answer.version == self._task.version]
        if sum(answer.outcome != "skip" for answer in today) >= self._task.overlap.min:
            answers = today  # whoever was asked again takes the place of those before
        for answer in answers:
            value = self.value_of(answer, current)
            if answer.outcome == "skip":
                found.append(Voice(answer.annotator, "skip", None, answer.reasons))
            elif value is not None:
                found.append(Voice(answer.annotator, "value", value, answer.reasons))
            else:
                found.append(Voice(answer.annotator, "reject", None, answer.reasons))
        return found

    def _is_about(self, answer: Answer, current: str | None) -> bool:
        """Tell whether an answer says something of the present question.

        A value that a person gave does, whatever was shown; a rejection or a skip only of what was shown, or what is
        near it.
        """
        judged = self.judged_of(answer)
        if judged is None or current is None:
            return True
        if answer.outcome != "skip" and self.value_of(answer, None) is not None:
            return True
        return self._is_same(judged, current)

    def members(self, round_: int, value: str) -> list[Member]:
        """Return the memberships of a value in lots, that of the lot that was closed first before others.

        There is more than one where two clones closed lots at once: the first counts, and each has its sample judged.
        """
        return [
            member
            for member in self._members
            if member.round == round_ and member.version in self._task.accept and self._is_same(member.value, value)
        ]

    def decide(self, round_: int, value: str | None, *, by_anyone: bool = False, only_of_it: bool = False) -> Decision:
        """Return what the auditors of a round say of a value: the first of them who can tell.

        Args:
            round_: The round.
            value: The value; None where there is none any more: then what they gave or confirmed is all there is.
            by_anyone: Whether people who were asked before anybody audited it count as auditors, after those who are.
            only_of_it: Whether only those count who were judging this very value, or one near it.
        """
        answers = self._audits(round_)
        if only_of_it:
            answers = [answer for answer in answers if self._is_of(answer, round_, value)]
        if by_anyone and not answers:
            answers = effective(self.first(round_))
        n_skips = sum(answer.outcome == "skip" for answer in answers)
        people = tuple(answer.annotator for answer in answers)
        for answer in sorted(answers, key=lambda a: (a.submitted_us, a.answer_id)):
            decision = self._judge(answer, round_, value)
            if decision is not None:
                return msgspec.structs.replace(decision, annotators=people)
        return Decision("unclear" if n_skips >= _ENOUGH_SKIPS else "open", annotators=people)

    def _is_of(self, answer: Answer, round_: int, value: str | None) -> bool:
        judged = self.judged_of(answer) or self._frozen(round_, answer)
        return judged is not None and value is not None and self._is_same(judged, value)

    def _judge(self, answer: Answer, round_: int, value: str | None) -> Decision | None:
        """Return what one auditor's answer says of a value; None where it says nothing of it."""
        if answer.outcome == "skip":
            return None
        agree = self._task.same if self._task.audit is None else self._task.audit.agree
        theirs, judged = self.value_of(answer, value), self.judged_of(answer) or self._frozen(round_, answer)
        if theirs is None:
            about = value is not None and (judged is None or self._is_same(judged, value))
            return Decision("wrong", None, False, answer.reasons) if about else None
        agrees = value is not None and are_near(self._type, theirs, value, agree)
        confirmed = judged is not None and are_near(self._type, theirs, judged, agree)
        if theirs == value or (agrees and (confirmed or judged is None) and answer.outcome != "reject"):
            return Decision("right", agrees=True)
        if confirmed and answer.outcome != "reject":
            return Decision("known", theirs)
        return Decision("wrong", theirs, agrees, answer.reasons)

    def _frozen(self, round_: int, answer: Answer) -> str | None:
        """Return the value that an auditor judged who was shown none: that of the last lot that was closed before."""
        members = sorted((m for m in self._members if m.round == round_), key=lambda m: m.closed_us)
        before = [m for m in members if m.closed_us <= answer.submitted_us]
        return next((m.value for m in (*before[::-1], *members)), None)

    def _is_same(self, first: str, second: str) -> bool:
        return are_near(self._type, first, second, self._task.same)


def _shows_the_same(first: str, second: str) -> bool:
    """Tell whether two regions of an image show the same thing: one is the whole, or they overlap by half."""
    if WHOLE in (first, second) or first == second:
        return True
    boxes = [(x, y, w, h, None) for x, y, w, h in map(msgspec.json.decode, (first, second))]
    return iou(*boxes) >= _SAME_REGION


def _is_by_one_of(answer: Answer, others: Iterable[Answer]) -> bool:
    """Tell whether somebody had said something before of what they judge: evidence, but no judgement."""
    return any(o.annotator == answer.annotator and o.submitted_us <= answer.submitted_us for o in others)


def decide_member(task: TaskSpec, source: str, member: Member, evidence: Evidence) -> Decision:
    """Return what was said of a member of a lot, as it was when the lot was closed."""
    today = adapt_member(task, member)
    if today is None:
        return Decision("open")  # it is no value of today's type: nothing that is said today is said of it
    item = Item(source, today.content_id, today.value, evidence=evidence)
    # A member may be asked about by another condition since: who answers that has looked at it as an auditor would.
    by_anyone = member.round == 0 and task.of is not None and task.audit is not None and not task.audit.people
    return Heard(task, answer_type(task.type_text), item).decide(member.round, member.value, by_anyone=by_anyone)
