"""The exporters that come with dsvc, offered as any plugin offers its own."""

from __future__ import annotations

from collections.abc import Mapping

from dsvc.export.arrow import ArrowExporter
from dsvc.export.csv import CsvExporter
from dsvc.export.jsonl import JsonlExporter
from dsvc.export.parquet import ParquetExporter
from dsvc.plugins import hookimpl
from dsvc.plugins.contracts import Exporter


@hookimpl
def dsvc_exporters() -> Mapping[str, type[Exporter]]:
    """Return the exporters by format."""
    return {"arrow": ArrowExporter, "csv": CsvExporter, "jsonl": JsonlExporter, "parquet": ParquetExporter}
