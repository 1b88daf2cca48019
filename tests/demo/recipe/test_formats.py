"""The format adapters of the demo's recipe."""

import pytest

from dsvc.demo.recipe.formats import detector_v1


def test_rows_become_boxes():
    """Each row of five numbers is one box, in order, with its numbers as they are."""
    assert [
        {"x": -3, "y": 5, "w": 7, "h": 9, "score": 0.25},
        {"x": 1, "y": 2, "w": 3, "h": 4, "score": 0.5},
    ] == detector_v1([[-3, 5, 7, 9, 0.25], [1, 2, 3, 4, 0.5]])
    assert [] == detector_v1([])


def test_row_of_another_length_is_refused():
    """A row that is not five numbers is an error, never a box with fields missing."""
    with pytest.raises(ValueError, match="zip"):
        detector_v1([[1, 2, 3, 4]])
