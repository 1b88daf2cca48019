"""How values of records, and who made them, are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dsvc.commands._json import json_line
from dsvc.commands._render import plain, short

if TYPE_CHECKING:
    import pyarrow as pa

    from dsvc.objects.provenance import Provenance

SHOWN_CHARACTERS = 100
"""What a person sees of a value; programs get all of it."""
NANOSECONDS = "[ns"


def python_values(array: pa.Array) -> list[Any]:
    """Return the values of an array as Python has them; times finer than that as text."""
    kind = str(array.type)
    if kind.startswith(("timestamp", "time64", "duration")) and NANOSECONDS in kind:
        array = array.cast("int64" if kind.startswith("duration") else "string")
    values: list[Any] = array.to_pylist()
    return values


def rows_of(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Yield the rows of a batch as plain values."""
    names = batch.schema.names
    for row in zip(*(python_values(column) for column in batch.columns), strict=True):
        yield dict(zip(names, row, strict=True))


def value_text(value: Any, *, whole: bool = False) -> str:
    """Return a value as JSON, cut where it is long."""
    text = plain(json_line(value))
    return text if whole or len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."


def provenance_text(given: Provenance) -> str:
    """Return who made a record, in words."""
    transform = f", transform {short(given.transform)}" if any(given.transform) else ""
    standing = f", {plain(given.standing)}" if given.standing != "final" else ""
    return f"{plain(given.producer)} {plain(given.version)} ({plain(given.origin)}{transform}{standing})"


def provenance_object(given: Provenance) -> dict[str, Any]:
    """Return who made a record, for programs."""
    return {
        "origin": given.origin,
        "producer": given.producer,
        "version": given.version,
        "transform": given.transform,
        "standing": given.standing,
    }
