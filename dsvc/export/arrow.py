"""Arrow IPC files: read without decoding, by memory map."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dsvc.plugins.contracts import Exporter
from dsvc.plugins.options import Option

if TYPE_CHECKING:
    import pyarrow as pa


class ArrowExporter(Exporter):
    """Writes Arrow IPC files, a record batch for each batch."""

    suffix = ".arrow"
    options = {
        "compression": Option(str, "codec of the buffers; `none` can be mapped", "none", ("none", "lz4", "zstd"))
    }

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> None:
        """Write one file."""
        import pyarrow as pa  # a plugin loads what it needs when it is used

        codec = self.values["compression"]
        options = pa.ipc.IpcWriteOptions(compression=None if codec == "none" else codec)
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema, options=options) as writer:
            for batch in batches:
                writer.write_batch(batch)
