"""`dsvc diff`: what differs between two versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._changes import COLOURS
from dsvc.commands._command import command
from dsvc.commands._options import HEAD, REVISION, SIGNAL, AtMost, json_option, open_repository
from dsvc.commands._render import Styled, change, count, emit, plain, table

if TYPE_CHECKING:
    import pyarrow as pa

    from dsvc.repo.diffing import Stat


@command(examples=["dsvc diff --stat", "dsvc diff main..exp/blur --signal quality --limit 20"])
@click.argument("before", default=HEAD, type=REVISION)
@click.argument("after", required=False, type=REVISION)
@click.option("--signal", "-s", type=SIGNAL, help="Only this signal")
@click.option("--stat", is_flag=True, help="Count instead of listing, datasets too")
@click.option("--provenance", is_flag=True, help="Tell who made the values, and records where only that differs")
@click.option("--limit", "-n", type=AtMost(min=0), help="Records at most")
@json_option
def diff(
    *,
    before: str,
    after: str | None,
    signal: str | None,
    stat: bool,
    provenance: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """Show the records that differ between two versions.

    BEFORE is HEAD unless given, AFTER the draft; A..B compares A with B.
    `+` is a new record, `-` one that is gone, `~` another value, `=` the same value made by something else.
    """
    repo = open_repository()
    if stat:
        stats = [item for item in repo.diff_stat(before, after) if signal in {None, item.name}]
        emit(as_json=as_json, objects=map(_stat_object, stats), lines=table(map(_stat_row, stats)))
        return
    rows = islice(_rows(repo.diff(before, after, signal=signal, provenance=provenance)), limit)
    emit(as_json=as_json, objects=({"type": "change", **row} for row in rows), lines=_lines(rows), long=True)


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    from dsvc.commands._values import rows_of

    for batch in batches:
        yield from rows_of(batch)


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    from dsvc.commands._values import value_text

    signal = None
    for row in rows:
        if row["signal"] != signal:
            signal = row["signal"]
            yield click.style(f"signal {plain(signal)}", bold=True)
        old, new = (value_text(row[side]) for side in ("before", "after"))
        told = {"+": new, "-": old, "=": new}.get(row["op"], f"{old} -> {new}")
        yield click.style(f"{row['op']} {plain(row['source'])}  {told}", fg=COLOURS[row["op"]])
        if "after_provenance" in row:
            yield f"    {_maker(row['before_provenance'])} -> {_maker(row['after_provenance'])}"


def _maker(given: dict[str, str] | None) -> str:
    return "none" if given is None else plain(f"{given['producer']} {given['version']}")


def _stat_row(item: Stat) -> tuple[object, ...]:
    unit = "record" if item.what == "signal" else "row"
    counts = (("+", item.added), ("-", item.removed), ("~", item.changed), ("=", item.remade))
    told = " ".join(f"{sign}{count(n)}" for sign, n in counts if n) or "0"
    return (
        item.what,
        Styled(item.name, bold=True),
        f"{change(item.before, item.after)} {unit}s",
        told,
        "redefined" if item.is_redefined else "",
    )


def _stat_object(item: Stat) -> dict[str, Any]:
    return {
        "type": "stat",
        "what": item.what,
        "name": item.name,
        "before": item.before,
        "after": item.after,
        "added": item.added,
        "removed": item.removed,
        "changed": item.changed,
        "remade": item.remade,
        "is_redefined": item.is_redefined,
    }
