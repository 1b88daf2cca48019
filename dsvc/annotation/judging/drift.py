"""Drift: whether answers of old versions of a task still hold, by those that were asked again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from dsvc.annotation.answers.adapting import adapt_evidence
from dsvc.annotation.answers.agreement import Agreement, compare
from dsvc.annotation.answers.evidence import Evidence
from dsvc.annotation.answers.merging import merge
from dsvc.annotation.answers.payloads import answer_type
from dsvc.annotation.answers.records import Answer
from dsvc.annotation.judging.concord import value_given
from dsvc.annotation.judging.resolving import effective
from dsvc.recipe.task_spec import Nearness, TaskSpec


class Drift(msgspec.Struct, frozen=True):
    """How far old answers agree with those of today's version, of the sources that have both."""

    version: str
    """Today's."""
    agreement: Agreement


def find_drift(task: TaskSpec, evidence: Iterable[Evidence], near: Nearness) -> Drift:
    """Return how far old answers agree with new ones.

    Args:
        task: The task, of today's version.
        evidence: Of each source.
        near: When two values are near enough.
    """
    type_ = answer_type(task.type_text)
    return Drift(task.version, compare(type_, _pairs(task, evidence), near))


def _pairs(task: TaskSpec, evidence: Iterable[Evidence]) -> Iterator[tuple[str, str]]:
    type_ = answer_type(task.type_text)
    for one in evidence:
        if len({answer.version for answer in one.answers}) <= 1:
            continue
        read, _ = adapt_evidence(task, one)
        old = _votes(read, (a for a in read.answers if a.version != task.version and a.version in task.accept))
        new = _votes(read, (a for a in read.answers if a.version == task.version))
        if old and new:
            yield merge(type_, old, task.overlap.match).value, merge(type_, new, task.overlap.match).value


def _votes(evidence: Evidence, answers: Iterable[Answer]) -> dict[str, str]:
    """Return the value that each person gave first-hand, or accepted, by person."""
    asks = {ask.ask_id: ask for ask in evidence.asks if ask.purpose == "first" and ask.round == 0}
    given = {a.annotator: value_given(a, asks[a.ask_id]) for a in effective(a for a in answers if a.ask_id in asks)}
    return {who: value for who, value in given.items() if value is not None}
