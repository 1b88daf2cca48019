"""JSON lines: one object a row, nested values as they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dsvc.plugins.contracts import Exporter

if TYPE_CHECKING:
    import pyarrow as pa


class JsonlExporter(Exporter):
    """Writes a JSON object for each row, with `source` first; `dsvc.export.plain` says how values are written."""

    suffix = ".jsonl"

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> None:
        """Write one file."""
        from dsvc.export.plain import plain_values  # a plugin loads what it needs when it is used

        encoder = msgspec.json.Encoder()
        with path.open("wb") as file:
            for batch in batches:
                columns = [plain_values(column) for column in batch.columns]
                rows = (dict(zip(schema.names, values, strict=True)) for values in zip(*columns, strict=True))
                file.write(encoder.encode_lines(rows))
