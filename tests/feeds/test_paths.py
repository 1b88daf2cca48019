import pytest

from dsvc.feeds.paths import MISSING, DocumentPath, projections

DOCUMENT = {
    "models": {"face_detector": {"output": [{"x": 1}, {"x": 2}], "version": None}},
    "faces": [[1, 2], [3]],
    "0": "digit",
}


@pytest.mark.parametrize(
    "path, expected",
    [
        pytest.param("models.face_detector.output", [{"x": 1}, {"x": 2}], id="nested field"),
        pytest.param("models.face_detector.output.1.x", 2, id="list item"),
        pytest.param("faces.0.1", 2, id="list in list"),
        pytest.param("0", "digit", id="a digit is a field of an object"),
        pytest.param("models.face_detector.version", None, id="a null is there"),
        pytest.param("models.other", MISSING, id="no such field"),
        pytest.param("models.face_detector.version.x", MISSING, id="below a null"),
        pytest.param("faces.2", MISSING, id="beyond the list"),
        pytest.param("faces.x", MISSING, id="a name within a list"),
    ],
)
def test_a_path_leads_to_a_value_or_is_missing(path, expected):
    """A path steps through objects by name and through lists by number."""
    assert expected == DocumentPath(path).get(DOCUMENT)


def test_a_column_is_one_value_a_document():
    """Documents without the path keep their row."""
    documents = [{"a": {"b": 1}}, {}, {"a": 5}, {"a": {"b": None}}]

    assert [1, MISSING, MISSING, None] == DocumentPath("a.b").column(documents)


def test_projections_do_not_overlap_and_stop_at_list_positions():
    """A server refuses a path within another, and takes no position of a list."""
    paths = [DocumentPath(text) for text in ("image.uri", "image", "faces.0.box", "models.a", "models.ab")]

    assert ("faces", "image", "models.a", "models.ab") == projections(paths)


def test_a_path_that_begins_with_a_position_asks_for_whole_documents():
    """Nothing can be left out where the first part may be a position."""
    assert () == projections([DocumentPath("0.a"), DocumentPath("b")])
