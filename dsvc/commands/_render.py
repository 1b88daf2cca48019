"""How results are shown: one JSON object per line for programs, plain aligned text for people.

stdout carries data only; talk, hints and errors go to stderr.
Text that came from outside (pointers, messages, values) is shown with its control characters escaped,
so that it cannot write to the terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from dsvc.errors import DsvcError

PAGER_WANTED = "dsvc.pager"
"""Key in click's context: whether the person did not say `--no-pager`."""
SHORT_ID_DIGITS = 12
COLUMN_GAP = "  "
_CONTROL_CODES = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ESCAPES = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in _CONTROL_CODES}


class Styled(NamedTuple):
    """A table cell with a colour, which only a terminal gets."""

    text: str
    fg: str | None = None
    bold: bool = False


def emit(*, as_json: bool, objects: Iterable[Mapping[str, Any]], lines: Iterable[str], long: bool = False) -> None:
    """Print a result in the form that was asked for; the other form is never made.

    Args:
        as_json: Print `objects`, one a line, instead of `lines`.
        objects: For programs; each has a "type".
        lines: For people.
        long: Whether `lines` may be long enough for a pager.
    """
    if as_json:
        from dsvc.commands._json import json_line  # text output needs no encoder

        for item in objects:
            click.echo(json_line(item).encode())  # JSON is UTF-8, whatever the terminal is
    elif long and sys.stdout.isatty() and click.get_current_context().meta.get(PAGER_WANTED, True):
        from dsvc.commands._pager import pager  # only a terminal needs subprocesses

        with pager() as stream:
            for line in lines:
                click.echo(line, file=stream, color=_colour_through_pager())
    else:
        for line in lines:
            click.echo(line)


def say(text: str) -> None:
    """Print talk for a person, on stderr."""
    click.echo(text, err=True)


def hint(text: str) -> None:
    """Print what to do next, on stderr."""
    say(click.style("Hint: ", fg="cyan") + text)


def plain(text: object) -> str:
    """Return text from outside with its control characters escaped."""
    return str(text).translate(_ESCAPES)


def short(oid: bytes | str | None) -> str:
    """Return the first digits of an id, or `-` for none."""
    if oid is None:
        return "-"
    return (oid.hex() if isinstance(oid, bytes) else oid)[:SHORT_ID_DIGITS]


def count(n: int, noun: str = "", plural: str = "") -> str:
    """Return a number as people write it: `12,345`, `1 record`, `2 records`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}" if noun else f"{n:,}"


def change(before: int | None, after: int | None) -> str:
    """Return `before -> after` of a number, or the number where it did not change; `?` stands for an unknown one."""
    if before == after and after is not None:
        return count(after)
    return " -> ".join("?" if n is None else count(n) for n in (before, after))


def when(time_us: int) -> str:
    """Return a time in microseconds as ISO 8601 in UTC, to the second."""
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time_us // 1_000_000))


def table(rows: Iterable[Sequence[object]], *, header: Sequence[str] = (), indent: str = "") -> Iterator[str]:
    """Yield rows with their columns aligned: text to the left, columns of integers to the right.

    Args:
        rows: Cells; all are held to find the widths.
        header: Names of the columns; not shown when there are no rows.
        indent: What each line begins with.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    if not cells:
        return
    if header:
        cells.insert(0, [(Styled(name), False) for name in header])
    widths = [
        max(len(row[at][0].text) for row in cells if len(row) > at) for at in range(max(len(row) for row in cells))
    ]
    numeric = [_is_numeric([row[at] for row in cells[bool(header) :] if len(row) > at]) for at in range(len(widths))]
    for place, row in enumerate(cells):
        fields = [
            _styled(cell, _padded(cell.text, widths[at], is_number=numeric[at], is_last=at == len(row) - 1))
            for at, (cell, _) in enumerate(row)
        ]
        line = indent + COLUMN_GAP.join(fields).rstrip()
        yield click.style(line, dim=True) if header and place == 0 else line


def _cell(value: object) -> tuple[Styled, bool]:
    """Return a cell as text, and whether it is a number."""
    if isinstance(value, Styled):
        return value._replace(text=plain(value.text)), False
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return Styled(f"{value:,}" if is_number else plain("-" if value is None else value)), is_number


def _is_numeric(cells: Sequence[tuple[Styled, bool]]) -> bool:
    """Tell whether a column is one of numbers; empty cells belong to either kind."""
    return all(is_number or not cell.text for cell, is_number in cells) and any(is_number for _, is_number in cells)


def _padded(text: str, width: int, *, is_number: bool, is_last: bool) -> str:
    """Return text as wide as its column; nothing stands behind the last, which a colour would make visible."""
    if is_number:
        return text.rjust(width)
    return text if is_last else text.ljust(width)


def _styled(cell: Styled, text: str) -> str:
    return click.style(text, fg=cell.fg, bold=cell.bold or None) if cell.fg or cell.bold else text


def print_error(error: DsvcError) -> None:
    """Print what failed, what caused it, and what to type next."""
    say(click.style("Error: ", fg="red", bold=True) + plain(error.message))
    cause = error.__cause__
    while cause is not None:
        text = getattr(cause, "message", None) or f"{type(cause).__name__}: {cause}"
        say(click.style("Caused by: ", fg="red") + plain(text))
        cause = cause.__cause__
    if error.hint:
        hint(plain(error.hint))


def print_bug(error: Exception) -> None:
    """Print the traceback of a bug in dsvc."""
    import traceback

    say("".join(traceback.format_exception(error)).rstrip())
    say(click.style("Error: ", fg="red", bold=True) + "this is a bug in dsvc; what it had acknowledged is kept")
    hint("report the lines above, without pointers that must stay private")


def _colour_through_pager() -> bool:
    """Return whether to colour what a pager shows: as on the terminal it stands for."""
    return click.get_current_context().color is not False
