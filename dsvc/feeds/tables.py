"""Tables as documents: rows of Parquet and Arrow become what a JSON line with the same values is.

A null cell is a field that is missing: a table has no other way to leave one out. A column name with dots is a path
(`image.uri` is the field `uri` of `image`). Numbers keep their value and lose their width: `float32` is read as
double, `int8` as an integer.

Source: docs/how-to/ingest.md#files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 8192
"""Rows that are documents at a time."""

Document = dict[str, Any]


def documents_of(batch: pa.RecordBatch) -> list[Document]:
    """Return the rows of a batch as documents.

    Raises:
        ValueError: If a column holds times finer than a microsecond, which documents do not.
    """
    names = batch.schema.names
    columns = [_values(_whole_microseconds(column)) for column in batch.columns]
    rows = zip(*columns, strict=True) if columns else iter([()] * batch.num_rows)
    documents = [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows]
    if any("." in name for name in names):
        return [_nested(document) for document in documents]
    return documents


def _values(column: pa.Array) -> list[Any]:
    strip = _stripper(column.type)
    values = column.to_pylist()
    return values if strip is None else [strip(value) for value in values]


def _stripper(arrow: pa.DataType) -> Callable[[Any], Any] | None:
    """Return a function that leaves null fields out of structs; None where a type has none to leave out."""
    if not pa.types.is_struct(arrow):
        return None
    inner = {field.name: own for field in arrow if (own := _stripper(field.type)) is not None}

    def strip(value: Any) -> Any:
        if value is None:
            return None
        return {name: inner[name](item) if name in inner else item for name, item in value.items() if item is not None}

    return strip


def _whole_microseconds(column: pa.Array) -> pa.Array:
    """Return times as Python can hold them."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return column.cast(pa.timestamp("us", kind.tz))
    if pa.types.is_duration(kind) and kind.unit == "ns":
        return column.cast(pa.duration("us"))
    if pa.types.is_time64(kind) and kind.unit == "ns":
        return column.cast(pa.time64("us"))
    return column


def _nested(document: Document) -> Document:
    made: Document = {}
    for name, value in document.items():
        *parents, last = name.split(".")
        inner = made
        for parent in parents:
            inner = inner.setdefault(parent, {})
            if type(inner) is not dict:
                raise ValueError(f"column {name!r} lies within a column that is no struct")
        inner[last] = value
    return made


def wanted_columns(schema: pa.Schema, fields: Sequence[str] | None) -> list[str] | None:
    """Return the columns that hold the fields; None for all."""
    if fields is None:
        return None
    return [name for name in schema.names if any(f"{field}.".startswith(f"{name.split('.')[0]}.") for field in fields)]


def read_parquet(path: Path, fields: Sequence[str] | None) -> Iterator[list[Document]]:
    """Yield the rows of a Parquet file."""
    # Read ahead, pyarrow keeps the bytes of every row group until the end.
    with pq.ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches(ROWS, columns=wanted_columns(file.schema_arrow, fields)):
            yield documents_of(batch)


def read_arrow(path: Path, fields: Sequence[str] | None) -> Iterator[list[Document]]:
    """Yield the rows of an Arrow IPC file or stream, whichever it is."""
    with pa.memory_map(str(path)) as source:
        is_file = source.read(6) == b"ARROW1"
        source.seek(0)
        reader = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
        batches: Iterable[pa.RecordBatch] = (
            (reader.get_batch(i) for i in range(reader.num_record_batches)) if is_file else reader
        )
        columns = wanted_columns(reader.schema, fields)
        for batch in batches:
            chosen = batch if columns is None else batch.select(columns)
            for start in range(0, chosen.num_rows, ROWS):
                yield documents_of(chosen.slice(start, ROWS))
