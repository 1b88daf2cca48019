"""Apache Parquet: what most loaders read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dsvc.errors import SchemaError
from dsvc.plugins.contracts import Exporter
from dsvc.plugins.options import Option

if TYPE_CHECKING:
    import pyarrow as pa


class ParquetExporter(Exporter):
    """Writes Parquet files, a row group for each batch."""

    suffix = ".parquet"
    options = {
        "compression": Option(str, "codec of the pages", "zstd", ("none", "snappy", "gzip", "zstd", "lz4", "brotli"))
    }

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> None:
        """Write one file.

        Raises:
            SchemaError: If Parquet has no such type, as of a struct without fields.
        """
        import pyarrow as pa  # a plugin loads what it needs when it is used
        import pyarrow.parquet as pq

        try:
            with pq.ParquetWriter(path, schema, compression=self.values["compression"]) as writer:
                for batch in batches:
                    writer.write_batch(batch)
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as err:
            path.unlink(missing_ok=True)
            raise SchemaError(message=f"Parquet cannot hold this: {err}", hint="choose `--format arrow`") from err
