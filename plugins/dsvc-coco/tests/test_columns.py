"""Which columns hold what."""

import pyarrow as pa
import pytest
from dsvc_coco.columns import count_points, find_layout, is_boxes
from values import BOX, POINT

from dsvc.errors import SchemaError

BOXES, POINTS = pa.list_(BOX), pa.list_(pa.list_(POINT, 5))


@pytest.mark.parametrize(
    "type_,boxes,points",
    [
        (BOXES, True, 0),
        (BOX, True, 0),
        (pa.large_list(BOX), True, 0),
        (POINTS, False, 5),
        (pa.list_(POINT, 4), False, 4),
        (pa.list_(POINT), False, 0),
        (pa.list_(BOX, 4), False, 0),
        (pa.list_(pa.float64(), 4), False, 0),
        (POINT, False, 0),
        (pa.struct([("x", pa.int32()), ("y", pa.int32()), ("w", pa.int32()), ("h", pa.int32())]), True, 0),
        (pa.string(), False, 0),
    ],
    ids=str,
)
def test_types_tell(type_, boxes, points):
    """Boxes have four sides, keypoints are lists of a fixed number of points."""
    assert (boxes, points) == (is_boxes(type_), count_points(type_))


def layout(columns, boxes=None, keypoints=None):
    """Return what is found in columns."""
    return find_layout(pa.schema([("source", pa.string()), *columns.items()]), boxes, keypoints)


def test_columns_are_found_by_type():
    """Whatever they are called; the rest has no place in COCO."""
    found = layout({"a": BOXES, "b": POINTS, "width": pa.int64(), "height": pa.int16(), "q": pa.float64()})

    assert ("a", "b", 5, "width", "height", ("q",)) == (
        found.boxes, found.keypoints, found.n_points, found.width, found.height, found.others
    )  # fmt: skip


def test_a_width_that_is_no_whole_number_is_an_ordinary_column():
    """COCO has no place for it."""
    assert ("width",) == layout({"a": BOXES, "width": pa.string()}).others


def test_one_of_several_is_named():
    """Else it is not known which is meant."""
    found = layout({"a": BOXES, "b": BOXES}, "b")
    assert ("b", ("a",)) == (found.boxes, found.others)
    with pytest.raises(SchemaError, match="several columns hold boxes: a, b") as caught:
        layout({"a": BOXES, "b": BOXES})
    assert "say which: `-o boxes=a`" == caught.value.hint


def test_what_is_named_must_hold_it():
    """With what there is."""
    with pytest.raises(SchemaError, match=r"column 'q' holds no boxes; columns are: .*q \(double\)") as caught:
        layout({"a": BOXES, "q": pa.float64()}, "q")
    assert "columns that do: a" == caught.value.hint


def test_there_must_be_something_to_annotate():
    """A dataset of scores is no COCO data set."""
    with pytest.raises(SchemaError, match=r"COCO needs a column of boxes or of keypoints; there are: q \(double\)"):
        layout({"q": pa.float64()})
