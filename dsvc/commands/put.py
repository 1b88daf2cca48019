"""`dsvc put`: put the rows of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import command
from dsvc.commands._options import SIGNAL, json_option, open_repository
from dsvc.commands._progress import Progress
from dsvc.commands._render import count, emit, plain

if TYPE_CHECKING:
    from dsvc.repo.putting import PutReport


@command(
    examples=["dsvc put spoof_score scores.parquet --producer spoof@2.1.0"],
    statuses={1: "refused: the file, its columns or its values; nothing was put"},
)
@click.argument("signal", type=SIGNAL)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--producer", "-p", required=True, metavar="NAME@VERSION", help="Who made the values")
@click.option("--type", "type_", help="Type of the signal, such as boxes or rating(5)")
@click.option("--format", "format_", type=click.Choice(["parquet", "arrow", "jsonl", "csv"]), help="What FILE holds")
@click.option("--replace", is_flag=True, help="Drop the signal's other records, and with them its type")
@json_option
def put(
    *, signal: str, file: Path, producer: str, type_: str | None, format_: str | None, replace: bool, as_json: bool
) -> None:
    """Put the rows of a file as records of a signal.

    FILE is Parquet, Arrow, JSON lines or CSV. It has a column `source` with pointers, in any order, each once,
    and beside it one column named like the signal, which is its value, or several, which are fields of a struct.
    A source that has a record of the signal gets the new one.
    """
    from dsvc.feeds.table_file import put_file

    repo = open_repository(writes=True)
    with Progress(f"Putting {signal}") as progress:
        done = put_file(
            repo, signal, file, producer=producer, type=type_, format=format_, replace=replace, progress=progress
        )
    numbers = {"added": done.added, "changed": done.changed, "same": done.same, "removed": done.removed}
    told = ", ".join(f"{count(n)} {what}" for what, n in numbers.items() if n or what == "added")
    emit(
        as_json=as_json,
        objects=[_object(done)],
        lines=[f"Put {plain(signal)} ({done.type}): {told}"],
    )


def _object(done: PutReport) -> dict[str, Any]:
    return {
        "type": "put",
        "signal": done.signal,
        "signal_type": done.type,
        "added": done.added,
        "changed": done.changed,
        "same": done.same,
        "removed": done.removed,
    }
