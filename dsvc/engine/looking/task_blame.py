"""Who had a part in a task's record: which rounds it went through, who said what, and what was shown to them.

People are told by their pseudonyms. The story is that of the answers that the version was made from.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dsvc.annotation.answers.evidence import Evidence, Member
from dsvc.annotation.answers.records import Answer, Ask
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.rounds import LotState, Resolution
from dsvc.engine.making.loading import Loader
from dsvc.engine.planning.people import People
from dsvc.engine.reading.facts import PinnedFacts
from dsvc.plugins.manager import Plugins
from dsvc.recipe.spec import Recipe
from dsvc.repo.base import BaseRepository
from dsvc.repo.view import View


class Said(msgspec.Struct, frozen=True):
    """What one person said of the source."""

    round: int
    mode: str
    """Why they were asked: ``label``, ``adjust``, ``verify``, ``audit`` or ``adjudicate``."""
    form: str
    """What they saw and did."""
    annotator: str
    """Pseudonymous."""
    outcome: str
    """``value``, ``skip``, ``accept`` or ``reject``."""
    value: str | None
    """What they gave, canonical JSON."""
    shown: str | None
    """What was shown to be corrected or judged, canonical JSON."""
    reasons: tuple[str, ...]
    version: str
    """The task's, when they answered."""
    submitted_us: int
    ask: str
    """Id of the ask, in hex."""
    counts: bool
    """Whether it takes part: not where it is about other content, of a version that is not accepted, or replaced by a
    later answer of the same person."""
    platform: str = ""
    guideline: str | None = None
    """Hash of the guideline as it was."""


class InLot(msgspec.Struct, frozen=True):
    """A lot that a value of the source was in."""

    round: int
    lot: str
    """Its id, in hex."""
    state: str
    """``pending``, ``passed`` or ``failed``."""
    sampled: bool
    """Whether an auditor was to look at it."""
    value: str


class TaskStory(msgspec.Struct, frozen=True):
    """How a task came to what it has of one source."""

    task: str
    source: str
    standing: str | None
    """None where there is no record."""
    round: int
    judged: str | None
    """What is judged, canonical JSON."""
    is_asked: bool
    """Whether the condition holds."""
    value: str | None
    """Canonical JSON."""
    said: tuple[Said, ...]
    """By round and time."""
    lots: tuple[InLot, ...]
    waits_for: tuple[tuple[str, str, int], ...] = ()
    """(mode, id of the ask in hex, people wanted)."""


def tell_task(
    repo: BaseRepository, recipe: Recipe, plugins: Plugins, view: View, task: str, pointer: str
) -> TaskStory | None:
    """Return how a task came to what a version has of one source; None for a source that is none of the task's.

    Args:
        repo: The repository.
        recipe: That of the version.
        plugins: Offers transforms.
        view: The version.
        task: The task.
        pointer: The source.

    Raises:
        UserError: If the recipe has no such task.
    """
    people = People(repo, view, Loader(recipe, plugins, PinnedFacts(repo.store, view)), task)
    found = people.look(pointer)
    if found is None:
        return None
    item, resolution, verdict_of = found.item, found.resolution, found.verdict_of
    lots = tuple(_in_lot(m, verdict_of(m.lot)) for m in item.evidence.members if m.content_id == item.content_id)
    waits = tuple((one.ask.mode, one.ask.ask_id.hex(), one.people) for one in found.wanted if not one.is_stopped)
    said = tuple(_iter_said(people, item))
    return _story(task, item, resolution, said, lots, waits)


def _in_lot(member: Member, state: LotState) -> InLot:
    if member.void:
        return InLot(member.round, member.lot.hex(), f"judged without it: {member.void}", False, member.value)
    is_drawn = state == "drawn"
    told = "pending" if is_drawn else state
    return InLot(member.round, member.lot.hex(), told, member.sampled or is_drawn, member.value)


def _story(
    task: str,
    item: Item,
    found: Resolution,
    said: tuple[Said, ...],
    lots: tuple[InLot, ...],
    waits: tuple[tuple[str, str, int], ...],
) -> TaskStory:
    told = (item.judged, item.asked, found.value)
    return TaskStory(task, item.source, found.standing, found.round, *told, said, lots, waits)


def _iter_said(people: People, item: Item) -> Iterator[Said]:
    pairs = [(answer, ask) for answer in item.evidence.answers if (ask := item.evidence.ask(answer.ask_id)) is not None]
    last = _last(item.evidence)
    for answer, ask in sorted(pairs, key=lambda pair: (pair[1].round, pair[0].submitted_us, pair[0].answer_id)):
        is_about = ask.content_id == item.content_id and ask.type == people.task.type_text
        counts = is_about and answer.version in people.task.accept and last[_who(answer, ask)] == answer.answer_id
        yield Said(
            ask.round,
            ask.mode,
            ask.form,
            answer.annotator,
            answer.outcome,
            answer.payload,
            ask.judged,
            answer.reasons,
            answer.version,
            answer.submitted_us,
            ask.ask_id.hex(),
            counts,
            answer.platform,
            None if answer.guideline is None else answer.guideline.hex(),
        )


def _who(answer: Answer, ask: Ask) -> tuple[str, str, int]:
    return answer.annotator, ask.purpose, ask.round


def _last(evidence: Evidence) -> dict[tuple[str, str, int], bytes]:
    """Return the last answer of each person, by why and in which round they were asked."""
    last: dict[tuple[str, str, int], bytes] = {}
    for answer in sorted(evidence.answers, key=lambda answer: (answer.submitted_us, answer.answer_id)):
        ask = evidence.ask(answer.ask_id)
        if ask is not None:
            last[_who(answer, ask)] = answer.answer_id
    return last
