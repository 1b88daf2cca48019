"""How the story of one source is shown: what a run would do to each of its records, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._render import plain, short

if TYPE_CHECKING:
    from dsvc.engine.planning.makers import Maker
    from dsvc.engine.planning.story import DatasetStory, InputStory, Seen, StepStory, Story

SAID = {
    "current": "stays as it is",
    "taken": "known from an earlier run",
    "make": "is made again",
    "maybe": "may be made again",
    "failed": "failed with these inputs",
    "pending": "waits for people",
    "missing-input": "cannot exist",
    "remove": "goes",
}
COLOURS = {"make": "yellow", "maybe": "yellow", "failed": "red", "remove": "red", "taken": "cyan"}
UNKNOWN = "not known before a step has run"


def story_lines(story: Story, *, verbose: bool = False) -> Iterator[str]:
    """Yield the story for people.

    Args:
        story: What to tell.
        verbose: Also name the trace that answers.
    """
    yield click.style(plain(story.source), bold=True)
    for step in story.steps:
        yield from _step_lines(step, verbose=verbose)
    for data in story.datasets:
        yield f"dataset {plain(data.name)}  {_selected(data)}{_again(data)}"


def _step_lines(step: StepStory, *, verbose: bool) -> Iterator[str]:
    said = "is made" if step.verdict == "make" and step.record is None else SAID[step.verdict]
    verdict = click.style(said, fg=COLOURS.get(step.verdict))
    # What failed says so itself, as it is listed elsewhere.
    why = f": {plain(step.why.removeprefix('failed: '))}" if step.why else ""
    yield f"step {click.style(plain(step.name), bold=True)}  {verdict}{why}"
    for item in step.inputs:
        yield f"  from {plain(item.path)}  {_input(item)}"
    yield f"  holds  {'no record' if step.record is None else _seen(step.record)}"
    if step.trace is not None:
        trace = f" (trace {short(step.trace)})" if verbose else ""
        yield f"  {'tried' if step.verdict == 'failed' else 'made '}  {_maker(step.maker)}{trace}"


def _input(item: InputStory) -> str:
    now = UNKNOWN if item.now is None else _seen(item.now)
    if item.before is None or (item.now == item.before):
        return now
    return f"{now}, was {_seen(item.before)}"


def _seen(seen: Seen) -> str:
    from dsvc.commands._values import value_text

    return "no record" if seen.producer is None else f"{value_text(seen.value)} by {plain(seen.producer)}"


def _maker(maker: Maker | None) -> str:
    if maker is not None and maker.commit is not None:
        refs = f" ({', '.join(map(plain, maker.commit.refs))})" if maker.commit.refs else ""
        return f"by commit {short(maker.commit.id)} {plain(maker.commit.subject)}{refs}"
    if maker is not None and maker.draft is not None:
        return f"in the draft of {plain(maker.draft)}"
    return "by an earlier run, in no branch now"


def _selected(data: DatasetStory) -> str:
    if data.is_selected is None:
        return "has not looked at it"
    if not data.is_selected:
        return "does not select it"
    return f"selects it, for {plain(data.part)}" if data.part else "selects it"


def _again(data: DatasetStory) -> str:
    why = ", ".join(map(plain, data.why))
    told = {
        "new": "; new in the recipe",
        "stale": f"; looked at again, changed: {why}" if why else "; looked at again",
        "open": f"; to be seen when {why} is made",
    }
    return told.get(data.status, "")


def story_objects(story: Story) -> Iterator[dict[str, Any]]:
    """Yield the story for programs: one object a step and dataset."""
    for step in story.steps:
        yield {
            "type": "step-story",
            "source": story.source,
            "name": step.name,
            "verdict": step.verdict,
            "why": step.why,
            "inputs": [_input_object(item) for item in step.inputs],
            "record": _seen_object(step.record),
            "trace": step.trace,
            "commit": step.maker.commit.id if step.maker and step.maker.commit else None,
            "draft": step.maker.draft if step.maker else None,
        }
    for data in story.datasets:
        yield {
            "type": "dataset-story",
            "source": story.source,
            "name": data.name,
            "status": data.status,
            "why": data.why,
            "is_selected": data.is_selected,
            "part": data.part,
        }


def _input_object(item: InputStory) -> dict[str, Any]:
    return {
        "path": item.path,
        "now": _seen_object(item.now),
        "before": _seen_object(item.before),
        "has_changed": item.has_changed,
        "missing": item.missing,
    }


def _seen_object(seen: Seen | None) -> dict[str, Any] | None:
    return None if seen is None else {"value": seen.value, "producer": seen.producer}
