"""How far people agree: with each other, with what their task came to, with another signal. Names are pseudonyms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

import msgspec

from dsvc.annotation.agreement import Agreement, compare
from dsvc.annotation.evidence import Evidence
from dsvc.annotation.payloads import AnswerType, answer_type
from dsvc.annotation.resolving import effective
from dsvc.recipe.task_spec import Nearness, TaskSpec

EVERYBODY = ""
SHOWN = "shown"
HASTY_S = 1.0
"""Who leaves what was shown as it was sooner than this has hardly looked at it."""
_METRIC: Mapping[str, Nearness] = {"rating": Nearness("within")}


class Concord(msgspec.Struct, frozen=True):
    """How far two sides agree."""

    task: str
    who: str
    """A pseudonym; empty for everybody together."""
    against: str
    """`each other`, `shown`, `result`, or the name of a signal."""
    sources: int
    mean: float
    """Mean likeness, from 0 to 1."""
    near: int
    """Sources that are near enough."""
    kappa: float | None = None
    hasty: int = 0
    """Of `shown`: answers that left it as it was in less than a second."""


def near_of(task: TaskSpec) -> Nearness:
    """Return when two values of a task are near enough: as its audit says, else what is usual for its type."""
    if task.audit is not None:
        return task.audit.agree
    from decimal import Decimal

    shape = answer_type(task.type_text).shape
    if shape == "boxes":
        return Nearness("iou", Decimal("0.8"))
    if shape == "keypoints":
        return Nearness("oks", Decimal("0.9"), (Decimal("0.09"),))
    return _METRIC.get(shape, Nearness("equal"))


def votes_of(evidence: Evidence) -> dict[str, str]:
    """Return the value that each person gave for one source last; an accepted value is that which was shown."""
    votes: dict[str, str] = {}
    for answer in effective(evidence.answers):
        ask = evidence.ask(answer.ask_id)
        value = answer.payload
        if answer.outcome == "accept" and ask is not None:
            value = ask.judged
        if value is not None and answer.outcome != "skip":
            votes[answer.annotator] = value
    return votes


def among_people(task: TaskSpec, found: Iterable[tuple[str, Evidence]]) -> list[Concord]:
    """Return how far people agree with each other where several answered about one source; everybody first."""
    pairs: dict[str, list[tuple[str, str]]] = {EVERYBODY: []}
    for _, evidence in found:
        votes = votes_of(evidence)
        for first, second in combinations(sorted(votes), 2):
            pair = votes[first], votes[second]
            pairs[EVERYBODY].append(pair)
            pairs.setdefault(first, []).append(pair)
            pairs.setdefault(second, []).append(pair[::-1])
    return list(_compared(task, "each other", pairs))


def with_shown(task: TaskSpec, found: Iterable[tuple[str, Evidence]]) -> list[Concord]:
    """Return how far people left what they were shown as it was; everybody first. Nothing where nothing was shown."""
    pairs: dict[str, list[tuple[str, str]]] = {EVERYBODY: []}
    hasty: dict[str, int] = {}
    for _, evidence in found:
        for answer in evidence.answers:
            ask = evidence.ask(answer.ask_id)
            given = ask.judged if ask is not None and answer.outcome == "accept" else answer.payload
            if ask is None or ask.judged is None or given is None:
                continue
            is_hasty = given == ask.judged and answer.lead_s is not None and answer.lead_s < HASTY_S
            for who in (EVERYBODY, answer.annotator):
                pairs.setdefault(who, []).append((given, ask.judged))
                hasty[who] = hasty.get(who, 0) + is_hasty
    if not pairs[EVERYBODY]:
        return []
    return [msgspec.structs.replace(one, hasty=hasty[one.who]) for one in _compared(task, SHOWN, pairs)]


def against(
    task: TaskSpec, found: Iterable[tuple[str, Evidence]], values: Mapping[str, str], name: str
) -> list[Concord]:
    """Return how far people agree with other values; everybody first.

    Args:
        task: The task.
        found: What is known of each source.
        values: Source -> canonical payload; sources without one are left out.
        name: What to call these values.
    """
    pairs: dict[str, list[tuple[str, str]]] = {EVERYBODY: []}
    for source, evidence in found:
        if source in values:
            for who, value in votes_of(evidence).items():
                pair = value, values[source]
                pairs[EVERYBODY].append(pair)
                pairs.setdefault(who, []).append(pair)
    return list(_compared(task, name, pairs))


def _compared(task: TaskSpec, name: str, pairs: Mapping[str, list[tuple[str, str]]]) -> Iterator[Concord]:
    type_: AnswerType = answer_type(task.type_text)
    for who in sorted(pairs):
        found: Agreement = compare(type_, pairs[who], near_of(task))
        yield Concord(task.name, who, name, found.sources, found.mean, found.near, found.kappa)
