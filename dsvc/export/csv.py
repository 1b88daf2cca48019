"""CSV, in UTF-8 with a header; a null is an empty field, an empty text is quoted.

CSV has no nested values: lists and structs are written as JSON text, and whatever is no number, truth value or text as
`dsvc.export.plain` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dsvc.plugins.contracts import Exporter

if TYPE_CHECKING:
    import pyarrow as pa


class CsvExporter(Exporter):
    """Writes CSV files."""

    suffix = ".csv"

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> None:
        """Write one file."""
        import pyarrow as pa  # a plugin loads what it needs when it is used
        import pyarrow.csv

        from dsvc.export.plain import is_text_safe

        flat = pa.schema([(field.name, field.type if is_text_safe(field.type) else pa.string()) for field in schema])
        with path.open("wb") as file, pyarrow.csv.CSVWriter(file, flat) as writer:
            for batch in batches:
                columns = [_flat(column) for column in batch.columns]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=flat))


def csv_lines(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[str]:
    """Yield the same as text, a batch at a time, the header first."""
    import pyarrow as pa
    import pyarrow.csv

    from dsvc.export.plain import is_text_safe

    flat = pa.schema([(field.name, field.type if is_text_safe(field.type) else pa.string()) for field in schema])
    tables = (pa.Table.from_arrays([_flat(c) for c in batch.columns], schema=flat) for batch in batches)
    for number, table in enumerate((flat.empty_table(), *tables)):
        sink = pa.BufferOutputStream()
        pyarrow.csv.write_csv(table, sink, pyarrow.csv.WriteOptions(include_header=number == 0))
        yield sink.getvalue().to_pybytes().decode()


def _flat(column: pa.Array) -> pa.Array:
    """Return a column as numbers, truth values or text."""
    import pyarrow as pa

    from dsvc.export.plain import is_text_safe, plain_values

    if is_text_safe(column.type):
        return column
    encode = msgspec.json.encode
    texts = (v if v is None or isinstance(v, str) else encode(v).decode() for v in plain_values(column))
    return pa.array(texts, pa.string())
