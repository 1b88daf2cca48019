"""`dsvc reproduce`: derive a version again, and compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import STATUS_DIFFERS, STATUS_NOT_COMPARED, command
from dsvc.commands._options import DATASET, HEAD, REVISION, AtMost, json_option, open_repository
from dsvc.commands._progress import Progress
from dsvc.commands._render import Styled, count, emit, hint, plain, short, table, when
from dsvc.commands._streams import apart

if TYPE_CHECKING:
    from dsvc.engine.verifying.rederive import Rederived
    from dsvc.engine.verifying.reproduce import Reproduction
    from dsvc.repo.divergences import Divergence

SHOWN_ROWS = 5
COLOURS = {"equal": "green", "differs": "red", "stale": "yellow", "refused": "yellow"}
rows_option = click.option(
    "--rows", type=AtMost(min=0), default=SHOWN_ROWS, help="Differing records to show of each step"
)


@command(
    examples=["dsvc reproduce", "dsvc reproduce spoof@v3", "dsvc reproduce main~2 spoof --rows 20"],
    statuses={
        0: "everything came out as it is stored",
        STATUS_DIFFERS: "something came out otherwise",
        STATUS_NOT_COMPARED: "something could not be derived here, and nothing that was differs",
    },
)
@click.argument("revision", default=HEAD, type=REVISION, metavar="[REV]")
@click.argument("dataset", required=False, type=DATASET)
@rows_option
@click.option("--log", is_flag=True, help="List what ever came out otherwise instead, newest first")
@json_option
@click.pass_context
def reproduce(ctx: click.Context, *, revision: str, dataset: str | None, rows: int, log: bool, as_json: bool) -> None:
    """Derive a version again, and compare it with what is stored.

    Every step and dataset is made from the stored values of its inputs, with the recipe that was committed and without
    a look at earlier results. With DATASET, or where REV is a tag of one, only what that dataset needs is made.
    Nothing is replaced: what differs is listed here, and kept in a log.
    """
    repo = open_repository(writes=not log)
    if log:
        from dsvc.repo.divergences import read_divergences

        noted = read_divergences(repo.store.refs)
        emit(as_json=as_json, objects=map(_noted_object, noted), lines=_noted_lines(noted), long=True)
        return
    with apart(), Progress("Deriving") as progress:
        found = repo.reproduce(revision, dataset, rows=rows, progress=progress)
    show_reproduction(found, as_json=as_json)
    ctx.exit(status_of(found))


def show_reproduction(found: Reproduction, *, as_json: bool) -> None:
    """Print how a version came out, and what to do about it."""
    emit(as_json=as_json, objects=_objects(found), lines=_lines(found), long=True)
    if as_json:
        return
    if found.differing:
        hint("what is stored stays, and `dsvc reproduce --log` lists this; where it is wrong, give the step a `salt`")
    for text in dict.fromkeys(part.hint for part in found.left_out if part.hint):
        hint(plain(text))


def status_of(found: Reproduction) -> int:
    """Return the exit status that tells how a version came out."""
    if found.differing:
        return STATUS_DIFFERS
    return STATUS_NOT_COMPARED if found.left_out else 0


def _lines(found: Reproduction) -> Iterator[str]:
    lines = table(_row(part) for part in found.parts)
    for part, line in zip(found.parts, lines, strict=True):
        yield line
        yield from _record_lines(part)
    if found.is_equal:
        what = "Equal" if found.parts else "Nothing is derived in this version"
        yield what + (f": root {short(found.root)}" if found.made_root is not None else "")
    elif found.differing:
        first = found.differing[0]
        yield f"The first that differs is {first.what} {plain(first.name)}"
        if found.made_root is not None:
            yield f"root {short(found.root)} is stored, {short(found.made_root)} came out"
    else:
        yield "What could be derived is equal"


def _row(part: Rederived) -> tuple[object, ...]:
    status = Styled(part.status, COLOURS[part.status])
    if part.status == "equal":
        return part.what, part.name, status, count(part.ran, "source" if part.what == "dataset" else "record")
    if part.status != "differs":
        return part.what, part.name, status, part.why
    differing = part.compared
    told = [
        f"{count(n, 'record')} {what}"
        for n, what in (
            (differing.changed, "with another value"),
            (differing.removed, "did not come out"),
            (differing.added, "came out anew"),
            (differing.remade, "by another provenance"),
        )
        if n
    ]
    ids = f"value {short(part.kept_value)} is stored, {short(part.made_value)} came out"
    return part.what, part.name, status, f"{', '.join(told) or 'columns or parts differ'}; {ids}"


def _record_lines(part: Rederived) -> Iterator[str]:
    from dsvc.commands._values import value_text

    n_shown = 0
    for row in _rows(part):
        n_shown += 1
        sides = [value_text(row[side]) if there else "no record" for side, there in _sides(row)]
        why = f"  ({plain(row['why'])})" if row["why"] else ""
        yield f"      {plain(row['source'])}  {sides[0]} -> {sides[1]}{why}"
    if n_shown and part.compared.total > n_shown:
        yield f"      and {count(part.compared.total - n_shown)} more"


def _rows(part: Rederived) -> Iterator[dict[str, Any]]:
    from dsvc.commands._values import rows_of

    for batch in part.compared.rows:
        yield from rows_of(batch)


def _sides(row: dict[str, Any]) -> tuple[tuple[str, bool], tuple[str, bool]]:
    """Return each side's column, and whether there is a record on it."""
    return ("kept", row["op"] != "+"), ("made", row["op"] != "-")


def _objects(found: Reproduction) -> Iterator[dict[str, Any]]:
    yield {
        "type": "reproduction",
        "revision": found.revision,
        "commit": found.commit,
        "is_equal": found.is_equal,
        "root": found.root,
        "made_root": found.made_root,
        "first": found.differing[0].name if found.differing else None,
    }
    for part in found.parts:
        differing = part.compared
        yield {
            "type": "reproduced-step" if part.what == "step" else "reproduced-dataset",
            "name": part.name,
            "status": part.status,
            "why": part.why or None,
            "ran": part.ran,
            "kept": part.kept,
            "made": part.made,
            "kept_value": part.kept_value,
            "made_value": part.made_value,
            "changed": differing.changed,
            "removed": differing.removed,
            "added": differing.added,
            "remade": differing.remade,
            "seconds": part.seconds,
        }
        for row in _rows(part):
            yield {"type": "divergent-record", "name": part.name, **row}


def _noted_lines(noted: Iterable[Divergence]) -> Iterator[str]:
    for item in noted:
        ids = f"value {short(item.kept)} stored, {short(item.found)} came out"
        yield (
            f"{when(item.time_us)}  {plain(item.command)}  {plain(item.what)} {plain(item.name)}  "
            f"{count(item.records, 'record')}; {ids}"
        )
        for row in item.rows:
            yield f"    {plain(row.source)}  {plain(row.kept or 'no record')} -> {plain(row.found or 'no record')}"


def _noted_object(item: Divergence) -> dict[str, Any]:
    return {
        "type": "divergence",
        "time": when(item.time_us),
        "command": item.command,
        "what": item.what,
        "name": item.name,
        "records": item.records,
        "kept": item.kept,
        "found": item.found,
        "rows": [{"source": row.source, "kept": row.kept, "found": row.found} for row in item.rows],
    }
