"""`dsvc sql`: questions in SQL about one version."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import command
from dsvc.commands._options import HEAD, REVISION, json_option, open_repository
from dsvc.commands._render import Styled, count, emit, plain, say, table

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_PER_BATCH = 10_000


@command(
    examples=[
        "dsvc sql",
        'dsvc sql "SELECT quality, count(*) FROM quality GROUP BY ALL ORDER BY ALL"',
        'dsvc sql "SELECT split, avg(score) FROM spoof GROUP BY split" --at spoof@v3 --csv',
    ]
)
@click.argument("query", required=False)
@click.option("--at", "revision", default=HEAD, type=REVISION, help="The version to ask; HEAD unless given")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV")
@click.option("--arrow", metavar="FILE", help="Write an Arrow file instead; `-` is a stream to stdout")
@json_option
def sql(*, query: str | None, revision: str, as_csv: bool, arrow: str | None, as_json: bool) -> None:
    """Ask one SELECT of the signals and datasets of a version; without QUERY, list its tables.

    Signal x is the table x with the columns source, x, _state, _origin, _producer and _version. A dataset is a table
    of its columns. `global` has a row a source and a column a signal. Where a signal and a dataset have one name, write
    signal.x and dataset.x. All of DuckDB's SQL can be used but what writes, reads files or reaches the network.
    """
    if as_csv + as_json + (arrow is not None) > 1:
        raise click.UsageError("choose one of --json, --csv and --arrow")
    repo = open_repository()
    if query is None:
        tables = repo.tables(revision)
        objects = ({"type": "sql-table", "name": name, "columns": columns} for name, columns in tables)
        rows = ((Styled(name, bold=True), ", ".join(columns)) for name, columns in tables)
        emit(as_json=as_json, objects=objects, lines=table(rows))
        return
    answer = repo.sql(query, revision)
    if arrow is not None:
        _write_arrow(answer, arrow)
    elif as_csv:
        _print_csv(answer)
    else:
        emit(as_json=as_json, objects=_objects(answer), lines=_lines(answer), long=True)


def _write_arrow(answer: pa.Table, sink: str) -> None:
    from dsvc.export.query import write_answer

    write_answer(answer, sys.stdout.buffer if sink == "-" else Path(sink))
    say(f"Wrote {count(answer.num_rows, 'row')} to {'stdout' if sink == '-' else plain(sink)}")


def _print_csv(answer: pa.Table) -> None:
    from dsvc.export.csv import csv_lines

    for text in csv_lines(answer.to_batches(max_chunksize=ROWS_PER_BATCH), answer.schema):
        click.echo(text.encode(), nl=False)  # as a file of the format is


def _rows(answer: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Yield rows of plain values; columns may have one name."""
    from dsvc.commands._values import python_values

    for batch in answer.to_batches(max_chunksize=ROWS_PER_BATCH):
        yield from zip(*map(python_values, batch.columns), strict=True)


def _objects(answer: pa.Table) -> Iterator[dict[str, Any]]:
    names = answer.schema.names
    yield from ({"type": "sql-row", "values": dict(zip(names, row, strict=True))} for row in _rows(answer))


def _lines(answer: pa.Table) -> Iterator[str]:
    """Yield a table; numbers to the right, without separators, since one may be a year or an id."""
    rows = [[_cell(value) for value in row] for row in _rows(answer)]
    names = [plain(name) for name in answer.schema.names]
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    for at, column in enumerate(columns):
        if str(answer.schema.types[at]).startswith(("int", "uint", "float", "double", "decimal")):
            width = max([len(names[at]), *map(len, column)])
            names[at] = names[at].rjust(width)
            columns[at] = tuple(text.rjust(width) for text in column)
    yield from table(zip(*columns, strict=True), header=names)


def _cell(value: Any) -> str:
    from dsvc.commands._json import to_json
    from dsvc.commands._values import value_text

    if value is None:
        return "-"
    if isinstance(value, str | list | dict | bool):
        return value if isinstance(value, str) else value_text(value)
    plain_value = to_json(value)  # a date or a decimal is a text to programs, which people see without its quotes
    return plain_value if isinstance(plain_value, str) else value_text(value)
