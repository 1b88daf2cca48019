"""How far people agree: with each other, with what their task came to, with another signal. Names are pseudonyms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

import msgspec

from dsvc.annotation.answers.adapting import adapt_evidence
from dsvc.annotation.answers.agreement import Agreement, compare, kappa_of
from dsvc.annotation.answers.evidence import Evidence
from dsvc.annotation.answers.payloads import AnswerType, answer_type
from dsvc.annotation.answers.records import Answer, Ask
from dsvc.annotation.judging.resolving import effective
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


def value_given(answer: Answer, ask: Ask | None) -> str | None:
    """Return the value that an answer gives: its own, or the one that was shown and that it accepts."""
    if answer.outcome == "accept":
        return None if ask is None else ask.judged
    return answer.payload


def votes_of(task: TaskSpec, evidence: Evidence) -> list[dict[str, str]]:
    """Return what each person said last of each content of one source, as values of today's type.

    The content that somebody answered about last is the last.
    """
    read, _ = adapt_evidence(task, evidence)
    asks = {ask.ask_id: ask for ask in read.asks}
    by_content: dict[str, list[Answer]] = {}
    for answer in read.answers:  # by time
        content_id = asks[answer.ask_id].content_id
        by_content[content_id] = [*by_content.pop(content_id, ()), answer]
    found = []
    for answers in by_content.values():
        given = {a.annotator: value_given(a, asks[a.ask_id]) for a in effective(answers)}
        found.append({who: value for who, value in given.items() if value is not None})
    return found


def among_people(task: TaskSpec, found: Iterable[tuple[str, Evidence]]) -> list[Concord]:
    """Return how far people agree with each other where several answered about one source; everybody first.

    Of everybody, neither of a pair is the first: kappa is that of all pairs both ways round, whatever their names.
    """
    pairs: dict[str, list[tuple[str, str]]] = {EVERYBODY: []}
    for votes in (votes for _, evidence in found for votes in votes_of(task, evidence)):
        for first, second in combinations(sorted(votes), 2):
            pair = votes[first], votes[second]
            pairs[EVERYBODY].append(pair)
            pairs.setdefault(first, []).append(pair)
            pairs.setdefault(second, []).append(pair[::-1])
    both_ways = [*pairs[EVERYBODY], *(pair[::-1] for pair in pairs[EVERYBODY])]
    everybody, *others = _compared(task, "each other", pairs)
    return [msgspec.structs.replace(everybody, kappa=kappa_of(answer_type(task.type_text), both_ways)), *others]


def with_shown(task: TaskSpec, found: Iterable[tuple[str, Evidence]]) -> list[Concord]:
    """Return how far people left what they were shown as it was; everybody first. Nothing where nothing was shown."""
    pairs: dict[str, list[tuple[str, str]]] = {EVERYBODY: []}
    hasty: dict[str, int] = {}
    for read in (adapt_evidence(task, evidence)[0] for _, evidence in found):
        for answer in read.answers:
            ask = read.ask(answer.ask_id)
            given = value_given(answer, ask)
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
    """Return how far people agree with other values; everybody first. Of a source, its last content counts.

    Args:
        task: The task.
        found: What is known of each source.
        values: Source -> canonical payload; sources without one are left out.
        name: What to call these values.
    """
    pairs: dict[str, list[tuple[str, str]]] = {EVERYBODY: []}
    for source, evidence in found:
        if source in values:
            for who, value in (votes_of(task, evidence) or [{}])[-1].items():
                pair = value, values[source]
                pairs[EVERYBODY].append(pair)
                pairs.setdefault(who, []).append(pair)
    return list(_compared(task, name, pairs))


def _compared(task: TaskSpec, name: str, pairs: Mapping[str, list[tuple[str, str]]]) -> Iterator[Concord]:
    type_: AnswerType = answer_type(task.type_text)
    for who in sorted(pairs):
        found: Agreement = compare(type_, pairs[who], near_of(task))
        yield Concord(task.name, who, name, found.sources, found.mean, found.near, found.kappa)
