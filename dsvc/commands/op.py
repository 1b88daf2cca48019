"""`dsvc op`: the operation log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import DocumentedGroup, command
from dsvc.commands._options import AtMost, json_option, open_repository
from dsvc.commands._render import count, emit, plain, short
from dsvc.objects.oid import OID_BYTES
from dsvc.repo.draft import decode_draft
from dsvc.repo.refs import DRAFTS, HEADS, SYMBOLIC, TRACES

if TYPE_CHECKING:
    from dsvc.repo.oplog import OperationInfo


@click.group(cls=DocumentedGroup)
def op() -> None:
    """Look at what was done to the repository."""


@command(group=op, name="log", examples=["dsvc op log -n 10"])
@click.option("--limit", "-n", type=AtMost(min=0), help="Operations at most")
@json_option
def log_(*, limit: int | None, as_json: bool) -> None:
    """List operations, newest first.

    An operation is a command that moved a ref or changed a draft.
    """
    found = islice(open_repository().operations(), limit)
    emit(as_json=as_json, objects=map(_object, found), lines=_lines(found), long=True)


def _lines(operations: Iterable[OperationInfo]) -> Iterator[str]:
    for item in operations:
        number = click.style(str(item.number), fg="yellow")
        yield f"{number}  {item.time:%Y-%m-%d %H:%M:%S}  {plain(item.author)}  {plain(item.command)}"
        for move in item.moves:
            yield f"    {plain(move.name)}: {_value(move.name, move.before)} -> {_value(move.name, move.after)}"


def _value(name: str, value: bytes | None) -> str:
    """Return a ref's value for people: an id, a branch, the root of a draft, or how many traces are kept."""
    if value is None:
        return "none"
    if name.startswith(DRAFTS):
        return f"root {short(decode_draft(value).root)}"
    if name.startswith(TRACES):
        return count(len(value) // OID_BYTES, "trace")
    return value.removeprefix(SYMBOLIC + HEADS.encode()).decode() if value.startswith(SYMBOLIC) else short(value)


def _object(item: OperationInfo) -> dict[str, Any]:
    moves = [{"ref": move.name, "before": move.before, "after": move.after} for move in item.moves]
    return {
        "type": "operation",
        "number": item.number,
        "time": item.time,
        "author": item.author,
        "command": item.command,
        "moves": moves,
    }
