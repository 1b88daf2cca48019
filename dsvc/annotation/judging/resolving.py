"""What the answers to one question come to: a value, a rejection, no value possible, a dispute, or more people needed.

Of each person the last answer counts. People are asked until `overlap.min` have answered and, where `until` is given,
until they agree that far; never more than `overlap.max`. Who skips makes room for one more person, once; where more
skip than answer, it cannot be labelled.

How far a single person is agreed with is told by the value that was shown, where one was: who leaves a model's boxes
nearly as they are confirms them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, Literal

import msgspec

from dsvc.annotation.answers.agreement import likeness
from dsvc.annotation.answers.merging import merge
from dsvc.annotation.answers.payloads import AnswerType
from dsvc.annotation.answers.records import Answer
from dsvc.recipe.task_spec import OverlapSpec, TaskSpec

_PLACES: Final = 9
"""Decimals to which agreement is compared: three of five are the 0.6 that a recipe says, which no binary number is."""


class Voice(msgspec.Struct, frozen=True):
    """What one person says to one question."""

    annotator: str
    says: Literal["value", "reject", "skip"]
    value: str | None = None
    reasons: tuple[str, ...] = ()


class Settled(msgspec.Struct, frozen=True):
    """What the answers to one question come to."""

    state: Literal["value", "rejected", "unusable", "disputed", "open"]
    value: str | None = None
    """Of `disputed`, the best that there is."""
    needed: int = 0
    """How many more people, of `open`."""
    agreement: float = 0.0
    annotators: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def effective(answers: Iterable[Answer]) -> list[Answer]:
    """Return the last answer of each person, by person: equal for every order of arrival."""
    last: dict[str, Answer] = {}
    for answer in answers:
        other = last.get(answer.annotator)
        if other is None or (answer.submitted_us, answer.answer_id) > (other.submitted_us, other.answer_id):
            last[answer.annotator] = answer
    return [last[name] for name in sorted(last)]


def settle(task: TaskSpec, type_: AnswerType, voices: Sequence[Voice], reference: str | None = None) -> Settled:
    """Return what some people's answers to one question come to.

    Args:
        task: What is asked.
        type_: Its type, read.
        voices: One of each person.
        reference: The value that was shown and may be confirmed; None where nothing was, or it was rejected.
    """
    overlap = task.overlap
    values = {voice.annotator: voice.value for voice in voices if voice.says == "value" and voice.value is not None}
    n_rejects = sum(voice.says == "reject" for voice in voices)
    n_skips = sum(voice.says == "skip" for voice in voices)
    people = tuple(sorted(voice.annotator for voice in voices))
    reasons = tuple(sorted({reason for voice in voices for reason in voice.reasons}))
    n_said = len(values) + n_rejects
    is_last = n_said + n_skips >= _most(overlap, n_skips)
    if n_said < overlap.min and not (is_last and n_said):
        if is_last:
            return Settled("unusable", annotators=people, reasons=reasons)
        needed = min(overlap.min - n_said, _most(overlap, n_skips) - n_said - n_skips)
        return Settled("open", needed=needed, annotators=people, reasons=reasons)
    if is_last and n_skips > n_said:
        return Settled("unusable", annotators=people, reasons=reasons)
    if n_rejects > len(values):
        return Settled("rejected", agreement=n_rejects / n_said, annotators=people, reasons=reasons)
    merged = merge(type_, values, overlap.match, task.same.sigmas)
    agreement = merged.agreement * len(values) / n_said
    if n_said == 1 and reference is not None:
        agreement = likeness(type_, merged.value, reference)
    is_tie = merged.is_tie or n_rejects == len(values)
    wants_more = is_tie or (overlap.until is not None and round(Decimal(agreement), _PLACES) < overlap.until)
    if wants_more and not is_last:
        return Settled("open", needed=1, agreement=agreement, annotators=people, reasons=reasons)
    state: Literal["disputed", "value"] = "disputed" if is_tie else "value"
    return Settled(state, merged.value, 0, agreement, people, reasons)


def _most(overlap: OverlapSpec, n_skips: int) -> int:
    """Return how many people are asked at most: one more than said, once anybody has skipped."""
    return overlap.max + 1 if n_skips else overlap.max
