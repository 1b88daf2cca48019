"""What someone puts, in whatever form it comes, as segments of sorted and checked records.

A table is one segment. A stream is read once and in bounded memory: its first segment tells whether there is more,
and if so all of it goes through sorted runs on disk, which can be read again when the edit has to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import chain
from typing import Any, NoReturn, Protocol, TypeAlias

import msgspec
import pyarrow as pa

from dsvc.errors import DuplicateSourceError, SchemaError
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.column import Column
from dsvc.objects.keys import Keys
from dsvc.objects.types import Type
from dsvc.repo.records import (
    SHOWN_DUPLICATES,
    SOURCE,
    SourceColumn,
    check_schema,
    check_values,
    checked_sources,
    repeated,
    value_column,
    value_type,
)
from dsvc.repo.sorting import SortedRuns

SEGMENT_ROWS = 524_288
"""Rows of a stream that are put at a time, about."""
SEGMENT_BYTES = 128 * 1024 * 1024
"""Bytes of a stream that are put at a time, about."""
TABLE_BYTES = 1 << 30
"""A larger table is put as a stream: its sources may pass what one Arrow column of strings can hold."""
_VALUE = "value"


class ArrowStream(Protocol):
    """Anything that offers its rows as an Arrow C stream: readers, and tables of other libraries."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the stream as a capsule."""
        ...


TableLike: TypeAlias = pa.Table | pa.RecordBatch | ArrowStream | Iterable[pa.RecordBatch] | Mapping[str, Any]
Segment = tuple[Keys, Column]
"""Strictly ascending sources, and their values."""
ReadSources = Callable[[str, pa.ChunkedArray], SourceColumn]
"""Returns the sources of a table for a signal, perhaps as prepared for the signal before."""


class Incoming(msgspec.Struct, frozen=True):
    """Records to put."""

    type: Type
    """Of the values as they came."""
    segments: Callable[[], Iterator[Segment]]
    """Gives them in order, as often as asked; no source comes twice."""


def open_incoming(
    signal: str,
    data: TableLike,
    *,
    read_sources: ReadSources,
    runs: Callable[[pa.Schema], SortedRuns],
    stack: ExitStack,
) -> Incoming:
    """Return the records that `data` holds for a signal.

    Args:
        signal: The signal's name.
        data: As `dsvc.repo.base.BaseRepository.put` takes it.
        read_sources: Prepares the sources of a table.
        runs: Makes a place to sort records of a schema in.
        stack: Closes that place.
    """
    if isinstance(data, pa.RecordBatch):
        data = pa.Table.from_batches([data])
    elif isinstance(data, Mapping):
        data = pa.table(dict(data))
    if isinstance(data, pa.Table):
        if data.nbytes <= TABLE_BYTES:
            return _of_table(signal, data, read_sources)
        tables = _segments(signal, data.schema, iter(data.to_batches(max_chunksize=SEGMENT_ROWS)))
    else:
        tables = _segments(signal, *_batches(signal, data))
    first = next(tables)
    second = next(tables, None)
    if second is None:
        return _of_table(signal, first, read_sources)
    return _of_stream(signal, chain([first, second], tables), runs, stack)


def _batches(signal: str, data: ArrowStream | Iterable[pa.RecordBatch]) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    if hasattr(data, "__arrow_c_stream__"):
        reader = data if isinstance(data, pa.RecordBatchReader) else pa.RecordBatchReader.from_stream(data)
        return reader.schema, iter(reader)
    given: object = data  # what a caller without type checks may give
    batches = iter(given if isinstance(given, Iterable) else ())
    first = next(batches, None)
    if not isinstance(first, pa.RecordBatch):
        found = type(data if first is None else first).__name__
        raise SchemaError(
            message=f"put of {signal!r}: expected an Arrow table, a stream or record batches, found {found}",
            hint="make a table with `pyarrow.table({'source': [...], ...})`",
        )
    return first.schema, chain([first], batches)


def _segments(signal: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Join record batches into tables of about a segment each; at least one table, if of no rows."""
    held: list[pa.RecordBatch] = []
    n_rows = n_bytes = 0
    is_first = True
    for batch in batches:
        if not batch.schema.equals(schema):
            raise SchemaError(message=f"put of {signal!r}: a batch has columns {batch.schema}, expected {schema}")
        held.append(batch)
        n_rows += batch.num_rows
        n_bytes += batch.nbytes
        if n_rows >= SEGMENT_ROWS or n_bytes >= SEGMENT_BYTES:
            yield pa.Table.from_batches(held, schema)
            held, n_rows, n_bytes, is_first = [], 0, 0, False
    if held or is_first:
        yield pa.Table.from_batches(held, schema)


def _of_table(signal: str, table: pa.Table, read_sources: ReadSources) -> Incoming:
    check_schema(signal, table.schema)
    type_ = value_type(signal, table.schema)
    sources = read_sources(signal, table.column(SOURCE))
    values = value_column(signal, table, type_)
    if sources.order is not None:
        values = values.take(sources.order)
    check_values(signal, sources.keys, values)
    segments = [(sources.keys, values)] if table.num_rows else []
    return Incoming(type_, lambda: iter(segments))


def _of_stream(
    signal: str, tables: Iterator[pa.Table], make_runs: Callable[[pa.Schema], SortedRuns], stack: ExitStack
) -> Incoming:
    first = next(tables)
    check_schema(signal, first.schema)
    type_ = value_type(signal, first.schema)
    plain = pa.schema([(SOURCE, pa.string()), (_VALUE, type_.arrow)])
    runs = stack.enter_context(make_runs(plain))
    for table in chain([first], tables):
        # The order is left as it comes: sorting is the runs' work.
        keys = Keys.of(checked_sources(table.column(SOURCE)))
        values = value_column(signal, table, type_)
        check_values(signal, keys, values)
        runs.add(pa.table([keys.arrow, to_arrow(values)], schema=plain))
    return Incoming(type_, lambda: _sorted_segments(signal, runs.merged(), type_))


def _sorted_segments(signal: str, tables: Iterator[pa.Table], type_: Type) -> Iterator[Segment]:
    """Yield sorted tables as segments, until a source comes twice."""
    held: list[pa.Table] = []
    n_rows = 0
    for table in tables:
        if found := repeated(table.column(SOURCE)):
            _refuse(signal, found, tables)
        held.append(table)
        n_rows += table.num_rows
        if n_rows >= SEGMENT_ROWS:
            yield _segment(held, type_)
            held, n_rows = [], 0
    if held:
        yield _segment(held, type_)


def _segment(tables: list[pa.Table], type_: Type) -> Segment:
    table = pa.concat_tables(tables)
    return Keys.of(table.column(SOURCE)), normalise(table.column(_VALUE), type_.physical)


def _refuse(signal: str, found: list[str], rest: Iterator[pa.Table]) -> NoReturn:
    """Raise the error that names repeated sources, having counted those that are still to come."""
    names, total = found[:SHOWN_DUPLICATES], len(found)
    for table in rest:
        found = repeated(table.column(SOURCE))
        names, total = [*names, *found][:SHOWN_DUPLICATES], total + len(found)
    raise DuplicateSourceError(signal=signal, pointers=names, n_duplicates=total)
