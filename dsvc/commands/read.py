"""`dsvc read`: the records of a version, joined by source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import command
from dsvc.commands._options import DATASET, HEAD, REVISION, SIGNAL, AtMost, json_option, open_repository
from dsvc.commands._render import emit, table

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_PER_BATCH = 65_536
ROWS_PER_TABLE = 1000
"""Rows that are aligned with each other when many are printed."""


@command(
    examples=["dsvc read --limit 5", "dsvc read main~1 --signal quality --signal spoof_score", "dsvc read v3 -d spoof"]
)
@click.argument("revision", default=HEAD, type=REVISION)
@click.option("--signal", "-s", "signals", multiple=True, type=SIGNAL, help="A signal to read (can be repeated)")
@click.option("--dataset", "-d", type=DATASET, help="Read the rows and columns of a dataset")
@click.option("--limit", "-n", type=AtMost(min=0), help="Rows at most")
@json_option
def read(*, revision: str, signals: tuple[str, ...], dataset: str | None, limit: int | None, as_json: bool) -> None:
    """Print the records of a version, one row a source.

    Rows are ordered by source. A row has what its source has of the signals; `-` stands where there is no record.
    A tag DATASET@NAME is read as its dataset; one that unnests a column has a row for each item.
    """
    if dataset and signals:
        raise click.UsageError("name signals or a dataset, not both")
    repo = open_repository()
    batches = repo.iter_read(
        revision, signals or None, dataset=dataset, rows_per_batch=min(limit or ROWS_PER_BATCH, ROWS_PER_BATCH)
    )
    rows = islice(_rows(batches), limit)
    emit(as_json=as_json, objects=({"type": "row", **row} for row in rows), lines=_lines(rows), long=True)


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    from dsvc.commands._values import rows_of

    for batch in batches:
        yield from rows_of(batch)


def _lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    header: tuple[str, ...] = ()
    while held := list(islice(rows, ROWS_PER_TABLE)):
        names = tuple(held[0])
        cells = ([row[names[0]], *(_cell(row[name]) for name in names[1:])] for row in held)
        yield from table(cells, header=() if header else names)
        header = names


def _cell(value: Any) -> str:
    from dsvc.commands._values import value_text

    return "-" if value is None else value_text(value)
