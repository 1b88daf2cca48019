"""`dsvc try`: what a step reads and gives, on a few sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import STATUS_SOME_FAILED, command
from dsvc.commands._options import STEP, AtMost, json_option, open_repository
from dsvc.commands._render import Styled, emit, hint, plain, say, table
from dsvc.commands._streams import apart
from dsvc.commands._values import value_text

if TYPE_CHECKING:
    from dsvc.engine.planning.trying import Trial, Tried

COLOURS = {"new": "green", "differs": "yellow", "failed": "red", "missing-input": "red"}
DUE = {"new", "differs"}
SAID = {"missing-input": "missing input"}


@command(
    examples=[
        "dsvc try face_area",
        "dsvc try face_area --where 'quality >= 4' --limit 5",
        "dsvc try face_area s3://f/1",
        "dsvc try face_boxes",
    ],
    statuses={STATUS_SOME_FAILED: "done, but some records failed"},
)
@click.argument("step", type=STEP)
@click.argument("pointers", nargs=-1, metavar="[POINTER]...")
@click.option("--limit", "-n", type=AtMost(min=1), default=20, show_default=True, help="Sources at most")
@click.option("--where", metavar="EXPR", help="Sources that satisfy this SQL over signals of the draft")
@click.option("--all", "everything", is_flag=True, help="Take all sources in, as a step of all records needs")
@json_option
@click.pass_context
def try_(
    ctx: click.Context,
    *,
    step: str,
    pointers: tuple[str, ...],
    limit: int,
    where: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Run a step on a few sources and show inputs and results, or what a task would ask; nothing is stored or asked.

    The sources are those named, or the first that `dsvc run` would make, or the first there are. Steps before it that
    are stale are made in memory for these sources. A step of groups gets whole groups.
    """
    repo = open_repository()
    with apart():
        found = repo.try_step(step, pointers, limit=limit, where=where, everything=everything)
    for told in _notes(found):
        say(told)
    emit(as_json=as_json, objects=_objects(found), lines=_lines(found), long=True)
    if not as_json and found.rows:
        is_due = any(row.verdict in DUE for row in found.rows)
        upstream = " --upstream" * bool(found.made or found.stale)
        if any(row.asks for row in found.rows):
            hint("nothing was asked; `dsvc annotate sync --dry-run` counts what a pass would ask")
        else:
            hint("nothing was stored" + f"; `dsvc run {step}{upstream}` makes it" * is_due)
    ctx.exit(STATUS_SOME_FAILED if any(row.verdict == "failed" for row in found.rows) else 0)


def _notes(found: Trial) -> Iterator[str]:
    if found.made:
        yield f"Made in memory for these sources, since stale: {', '.join(map(plain, found.made))}"
    if found.stale:
        yield f"Stale, and read as they are: {', '.join(map(plain, found.stale))}"


def _lines(found: Trial) -> Iterator[str]:
    if not found.rows:
        yield "No source to try"
        return
    names = list(dict.fromkeys(name for row in found.rows for name in row.inputs))
    grouped = any(row.group is not None for row in found.rows)
    header = ["source", *(["group"] if grouped else []), *map(plain, names), plain(found.step), ""]
    yield from table((_row(row, names, grouped=grouped) for row in found.rows), header=header)


def _row(row: Tried, names: list[str], *, grouped: bool) -> tuple[object, ...]:
    inputs = (_shown(row.inputs.get(name)) for name in names)
    result = "-" if row.error is not None else _shown(row.value)
    note = row.error or row.asks or (f"was {_shown(row.present)}" if row.verdict == "differs" else "")
    verdict = Styled(SAID.get(row.verdict, row.verdict), COLOURS.get(row.verdict))
    told = (
        verdict
        if not note
        else verdict._replace(text=f"{verdict.text}: {note}" if row.error else f"{verdict.text}, {note}")
    )
    return (row.source, *([row.group] if grouped else []), *inputs, result, told)


def _shown(value: Any) -> str:
    return value_text(value)


def _objects(found: Trial) -> Iterator[dict[str, Any]]:
    yield {"type": "trial", "step": found.step, "made": found.made, "stale": found.stale}
    for row in found.rows:
        yield {
            "type": "tried-record",
            "source": row.source,
            "verdict": row.verdict,
            "inputs": row.inputs,
            "value": row.value,
            "error": row.error,
            "present": row.present,
            "has_present": row.has_present,
            "group": row.group,
            "asks": row.asks,
        }
