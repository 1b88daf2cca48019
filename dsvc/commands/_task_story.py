"""How a task came to what it has of one source: who said what in which round, its lots, and what it waits for.

Values are shown as the signal holds them, in pixels, whatever grid they are kept on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dsvc.commands._render import count, plain

if TYPE_CHECKING:
    from dsvc.engine.looking.task_blame import InLot, Said, TaskStory

KNOWN = 12
"""Digits of an id that are shown."""


def story_object(story: TaskStory, type_text: str) -> dict[str, Any]:
    """Return a story for programs."""
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(story)
    for part, fields in ((found, ("judged", "value")), *((lot, ("value",)) for lot in found["lots"])):
        part |= {field: payload_value(type_text, part[field]) for field in fields}
    for said in found["said"]:
        said |= {field: payload_value(type_text, said[field]) for field in ("value", "shown")}
    found["waits_for"] = [{"mode": mode, "ask": ask, "people": people} for mode, ask, people in story.waits_for]
    return found


def story_lines(story: TaskStory, type_text: str) -> Iterator[str]:
    """Yield a story by round."""
    yield f"  people      {_standing(story)}"
    for round_ in sorted({said.round for said in story.said} | {lot.round for lot in story.lots}):
        yield from (f"    round {round_}  {_said(s, story, type_text)}" for s in story.said if s.round == round_)
        yield from (f"    round {round_}  {_lot(lot, story, type_text)}" for lot in story.lots if lot.round == round_)
    for mode, ask, people in story.waits_for:
        yield f"    waits for {count(people, 'person', 'people')} to {_VERBS.get(mode, mode)}, ask {ask[:KNOWN]}"


_VERBS = {
    "label": "label it",
    "adjust": "adjust it",
    "verify": "verify it",
    "audit": "audit it",
    "adjudicate": "decide",
}


def _standing(story: TaskStory) -> str:
    if story.standing is None:
        return f"pending, round {story.round}"
    return f"{story.standing}, round {story.round}"


def _said(said: Said, story: TaskStory, type_text: str) -> str:
    value = "" if said.value is None else f" {payload_text(type_text, said.value)}"
    shown = "" if said.shown is None else payload_text(type_text, said.shown)
    is_confirmed = said.shown is not None and (said.outcome == "accept" or said.value == said.shown)
    told = f"confirmed {shown}" if is_confirmed else f"{said.outcome}{value}{shown and f', was shown {shown}'}"
    why = f" ({plain(', '.join(said.reasons))})" if said.reasons else ""
    line = f"{said.mode} by {plain(said.annotator)}: {told}{why}, version {plain(said.version)}"
    if not said.counts:
        return f"{line}  [does not count]"
    return line + (_covered(story, said.shown) if is_confirmed else "")


def _lot(lot: InLot, story: TaskStory, type_text: str) -> str:
    told = f"lot {lot.lot[:KNOWN]} {plain(lot.state)}{', looked at in its sample' if lot.sampled else ''}"
    covered = _covered(story, lot.value) if lot.state == "passed" else ""
    return f"{told}, as {payload_text(type_text, lot.value)}{covered}" if covered else told


def _covered(story: TaskStory, value: str | None) -> str:
    """Say where a value that was judged stands for one that is only near it."""
    if value is None or story.value != story.judged or value == story.judged:
        return ""
    return "; it covers the value there is now, which `same` calls near"


def payload_text(type_text: str, payload: str) -> str:
    """Return the value of a payload as a person sees it."""
    from dsvc.commands._values import value_text

    return value_text(payload_value(type_text, payload))


def payload_value(type_text: str, payload: str | None) -> Any:
    """Return the value of a payload; the text itself where it is of another type than today's."""
    from dsvc.annotation.answers.payloads import answer_type, read_payload

    if payload is None:
        return None
    try:
        return read_payload(answer_type(type_text), payload)
    except (ValueError, TypeError):
        return payload
