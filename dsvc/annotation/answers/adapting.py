"""Answers of old versions of a task, as answers of today's.

An answer is a fact and stays as it was given; what changes is how it is read. `formats` names a function for a range of
versions, which is called with the value as a signal holds it. Without one, an answer of another type counts as it is
where it is a value of today's type: a class that was added makes no old answer worthless. The same goes for what was
shown, and for the values that are in lots.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from dsvc.annotation.answers.evidence import Evidence, Member
from dsvc.annotation.answers.payloads import (
    AnswerType,
    answer_type,
    canonical_payload,
    check_payload,
    is_payload,
    read_payload,
    shape_of,
)
from dsvc.annotation.answers.records import Answer, Ask
from dsvc.errors import AnswerFormatError
from dsvc.objects.oid import Oid
from dsvc.recipe.task_spec import TaskSpec

Call = Callable[[str, Any], Any]
"""Calls the function of a reference with a value, and returns today's."""


class Unreadable(msgspec.Struct, frozen=True):
    """An old answer that could not be read as today's: it does not count, and is shown."""

    answer_id: Oid
    version: str
    reason: str


def adapter_of(task: TaskSpec, version: str) -> str | None:
    """Return the function that reads answers of a version; None where they are read as they are."""
    return next((reference for range_, reference in task.formats if version in range_), None)


def adapt_evidence(
    task: TaskSpec, evidence: Evidence, call: Call | None = None
) -> tuple[Evidence, Sequence[Unreadable]]:
    """Return evidence as evidence of today's version, and what could not be read so.

    Args:
        task: The task as it is today.
        evidence: What is known of one source.
        call: Calls the functions of `formats`; without it, their answers are left as they are.
    """
    today = answer_type(task.type_text)
    read = [adapt_member(task, member, call) for member in evidence.members]
    members = tuple(member for member in read if member is not None)
    if members != evidence.members:
        evidence = msgspec.structs.replace(evidence, members=members)
    old = {ask.ask_id: ask for ask in evidence.asks if _is_old(task, ask, call)}
    if not old:
        return evidence, ()
    asks = {ask.ask_id: _adapt_ask(task, today, ask, call) if ask.ask_id in old else ask for ask in evidence.asks}
    answers: list[Answer] = []
    unreadable: list[Unreadable] = []
    for answer in evidence.answers:
        ask = old.get(answer.ask_id)
        if ask is None or answer.payload is None:
            answers.append(answer)
            continue
        try:
            payload = _adapt(task, today, ask.type, answer.version, answer.payload, call)
        except AnswerFormatError as err:
            unreadable.append(Unreadable(answer.answer_id, answer.version, err.reason))
        else:
            answers.append(msgspec.structs.replace(answer, payload=payload))
    return msgspec.structs.replace(evidence, answers=tuple(answers), asks=tuple(asks.values())), unreadable


def adapt_member(task: TaskSpec, member: Member, call: Call | None = None) -> Member | None:
    """Return a value in a lot as one of today's type; None where it is none."""
    today = answer_type(task.type_text)
    reference = None if call is None else adapter_of(task, member.version)
    if reference is None or call is None:
        return member if is_payload(today, member.value) else None
    try:
        value = read_payload(answer_type(shape_of(member.value)), member.value)
        return msgspec.structs.replace(member, value=canonical_payload(today, call(reference, value)))
    except AnswerFormatError:
        return None


def _is_old(task: TaskSpec, ask: Ask, call: Call | None) -> bool:
    return ask.type != task.type_text or (call is not None and adapter_of(task, ask.version) is not None)


def _adapt_ask(task: TaskSpec, today: AnswerType, ask: Ask, call: Call | None) -> Ask:
    """Return an old ask as one of today's type; what was shown is left out where it cannot be read so."""
    judged = None
    if ask.judged is not None:
        try:
            judged = _adapt(task, today, ask.type, ask.version, ask.judged, call)
        except AnswerFormatError:
            # Whatever a person said of it alone, right or wrong, says nothing any more; a value of theirs does.
            judged = None
    return msgspec.structs.replace(ask, type=today.text, judged=judged)


def _adapt(task: TaskSpec, today: AnswerType, type_text: str, version: str, payload: str, call: Call | None) -> str:
    reference = adapter_of(task, version)
    if reference is None or call is None:
        check_payload(today, payload)
        return payload
    return canonical_payload(today, call(reference, read_payload(answer_type(type_text), payload)))
