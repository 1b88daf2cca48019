"""What the tests of this package share."""

import json

import pyarrow as pa
import pytest
from dsvc_coco.plugin import CocoExporter

from dsvc.plugins.options import fill_options


@pytest.fixture
def export(tmp_path):
    """Writes columns (name -> (values, type)) as COCO; returns what a JSON reader finds."""

    def export(columns, **options):
        arrays = {name: pa.array(values, type_) for name, (values, type_) in columns.items()}
        table = pa.table(arrays)
        path = tmp_path / "x.json"
        CocoExporter(fill_options(CocoExporter.options, options)).write(iter(table.to_batches(2)), table.schema, path)
        return json.loads(path.read_text(encoding="utf-8"))

    return export
