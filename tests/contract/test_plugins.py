"""Our own feeds and exporters keep the contracts that everyone's must."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq

from dsvc.export.arrow import ArrowExporter
from dsvc.export.csv import CsvExporter
from dsvc.export.jsonl import JsonlExporter
from dsvc.export.parquet import ParquetExporter
from dsvc.feeds.files import FilesFeed
from dsvc.plugins.contracts import FeedQuery
from dsvc.testing.plugins import ExporterTests, FeedTests


class TestFilesFeed(FeedTests):
    def make_feed(self, documents, place, query):
        (place / "x.jsonl").write_text("".join(json.dumps(document) + "\n" for document in documents))
        return FilesFeed("files", {"path": "*.jsonl"}, place, query)

    def make_missing_feed(self, place):
        return FilesFeed("files", {"path": "*.jsonl"}, place, FeedQuery())


class TestParquetExporter(ExporterTests):
    exporter = ParquetExporter

    def read_back(self, path):
        return pq.read_table(path).to_pylist()


class TestArrowExporter(ExporterTests):
    exporter = ArrowExporter

    def read_back(self, path):
        return pa.ipc.open_file(path).read_all().to_pylist()


class TestJsonlExporter(ExporterTests):
    exporter = JsonlExporter

    def read_back(self, path):
        return [json.loads(line) for line in path.read_text().splitlines()]


class TestCsvExporter(ExporterTests):
    exporter = CsvExporter
    table = pa.table({"source": ["s3://faces/1", "s3://faces/ü"], "label": ["a", 'b "c", d'], "n": [1, 2]})

    def read_back(self, path):
        with path.open(newline="") as file:
            return [{**row, "n": int(row["n"])} for row in csv.DictReader(file)]
