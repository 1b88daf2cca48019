"""`dsvc plan`: what would be made again, and why."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import command
from dsvc.commands._options import json_option, open_repository
from dsvc.commands._render import Styled, count, emit, hint, plain, table

if TYPE_CHECKING:
    from dsvc.engine.plan import Count, DatasetPlan, Plan, StepPlan
    from dsvc.feeds.pending import Pending

NEW_STEP = "new step"
CHANGED_STEP = "changed transform"
"""Reasons that a step's own line has told."""
SAID = {"unchanged": "current", "open": "to be seen", "removed": "to go"}
COLOURS = {"new": "green", "stale": "yellow", "removed": "red", "open": "yellow"}


@command(examples=["dsvc plan", "dsvc plan --rows --limit 20"])
@click.option("--rows", is_flag=True, help="List the records instead, each with the reason")
@click.option("--limit", "-n", type=click.IntRange(min=0), help="Records at most, with --rows")
@json_option
def plan(*, rows: bool, limit: int | None, as_json: bool) -> None:
    """Count what `dsvc run` would make again, and say why.

    Counts are exact where the inputs of a step are known. Behind a step that has to run first they are a range:
    a record that comes out as it was changes nothing after it.
    """
    repo = open_repository()
    found = repo.plan()
    if rows:
        named = islice(found.rows(), limit)
        emit(
            as_json=as_json,
            objects=({"type": "planned-record", "step": step, "source": src, "why": why} for step, src, why in named),
            lines=(f"{plain(step)}  {plain(source)}  {plain(why)}" for step, source, why in named),
            long=True,
        )
        return
    pending = repo.find_pending()
    emit(
        as_json=as_json,
        objects=chain(map(_feed_object, pending), _objects(found)),
        lines=chain(table(map(_feed_row, pending)), _lines(found)),
    )
    if not as_json and pending:
        hint("`dsvc ingest` reads what the recipe changed; plan again after it")
    elif not as_json:
        hint("nothing is to be made" if found.is_current else "`dsvc run` makes it")


def _feed_row(item: Pending) -> tuple[object, ...]:
    names = ", ".join(map(plain, item.signals))
    told = {
        "first": "was not read yet",
        "meaning": "means other documents now: to be read again",
        "signals": f"to be read again for {names}",
        "gone": f"no longer in the recipe: {names} to go" if names else "no longer in the recipe",
    }
    return "feed", item.feed, Styled(told[item.why], "yellow")


def _feed_object(item: Pending) -> dict[str, Any]:
    return {"type": "planned-feed", "name": item.feed, "why": item.why, "signals": list(item.signals)}


def _lines(found: Plan) -> Iterator[str]:
    if found.is_current:
        yield "Everything is current"
        return
    rows = table([*map(_step_row, found.steps), *map(_dataset_row, found.datasets)])
    for item, line in zip_longest(found.steps, rows):
        yield line
        if item is not None:
            yield from _details(item)
    if found.run.upper:
        yield f"{_records(found.run)} to make in all"


def _step_row(item: StepPlan) -> tuple[object, ...]:
    told = [f"{_records(item.run)} to make"] if item.run.upper else []
    told += [f"{count(item.reuse)} taken from an earlier run"] if item.reuse else []
    told += [f"{count(item.remove)} to go"] if item.remove else []
    told += [f"{count(item.waiting)} failed before"] if item.waiting else []
    return "step", item.name, _status(item.status), ", ".join(told)


def _details(item: StepPlan) -> Iterator[str]:
    """Yield why the records of a step are to be made."""
    if item.change is not None:
        yield f"      the step changed: {plain(item.change)}"
    reasons = [r for r in item.reasons if r.why != NEW_STEP and not r.why.startswith(CHANGED_STEP)]
    for reason in reasons:
        is_whole = reason.records == item.run.lower == item.run.upper
        yield f"      {'' if is_whole else count(reason.records, 'record') + ': '}{plain(reason.why)}"
    if not item.run.is_exact:
        yield "      how many depends on what the steps before it give"


def _dataset_row(item: DatasetPlan) -> tuple[object, ...]:
    return "dataset", item.name, _status(item.status), f"changed: {', '.join(item.why)}" if item.why else ""


def _status(status: str) -> Styled:
    return Styled(SAID.get(status, status), COLOURS.get(status))


def _records(number: Count) -> str:
    return f"{number} {'record' if number.lower == number.upper == 1 else 'records'}"


def _objects(found: Plan) -> Iterator[dict[str, Any]]:
    yield {"type": "plan", "is_current": found.is_current, "run": _bounds(found.run)}
    for item in found.steps:
        yield {
            "type": "planned-step",
            "name": item.name,
            "status": item.status,
            "run": _bounds(item.run),
            "reuse": item.reuse,
            "remove": item.remove,
            "waiting": item.waiting,
            "change": item.change,
            "reasons": [{"why": reason.why, "records": reason.records} for reason in item.reasons],
        }
    for data in found.datasets:
        yield {"type": "planned-dataset", "name": data.name, "status": data.status, "why": data.why}


def _bounds(number: Count) -> dict[str, int]:
    return {"lower": number.lower, "upper": number.upper}
