"""Whatever a dataset holds, what is written is a valid COCO data set that says the same."""

import json

import pyarrow as pa
from coco_format import check_coco
from dsvc_coco.plugin import CocoExporter
from hypothesis import given, settings
from hypothesis import strategies as st
from values import BOX, box

from dsvc.plugins.options import fill_options

NUMBERS = st.floats(-1e6, 1e6)
BOXES = st.builds(
    box, NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.none() | st.floats(0, 1), st.sampled_from(["face", "ü", "a b", '"'])
)
ROWS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), st.lists(BOXES, max_size=3))


@settings(deadline=None, derandomize=True, database=None)
@given(rows=ROWS, batch=st.integers(1, 4))
def test_any_boxes_are_written_and_read(tmp_path_factory, rows, batch):
    """Each image once, with its boxes in their order, their scores and their labels."""
    sources = sorted(rows)
    table = pa.table({"source": sources, "boxes": pa.array([rows[source] for source in sources], pa.list_(BOX))})
    path = tmp_path_factory.mktemp("coco") / "x.json"
    CocoExporter(fill_options(CocoExporter.options, {})).write(iter(table.to_batches(batch)), table.schema, path)
    data = json.loads(path.read_text(encoding="utf-8"))
    names = {category["id"]: category["name"] for category in data["categories"]}

    assert rows == {
        source: [box(*one["bbox"], one.get("score"), names[one["category_id"]]) for one in annotations]
        for source, annotations in check_coco(data).items()
    }
