"""One object as COCO writes it."""

import pytest
from dsvc_coco.objects import NotCocoError, box_around, box_part, pair_objects, points_part
from values import box, point


def test_a_box_has_its_area_and_score():
    """In COCO's order of numbers."""
    assert {"bbox": [1, 2, 3, 4], "area": 12, "score": 0.5} == box_part(box(1, 2, 3, 4, 0.5))
    assert {"bbox": [1, 2, 0, 4], "area": 0} == box_part(box(1, 2, 0, 4))
    assert "score" not in box_part(box(1, 2, 3, 4, float("nan")))


@pytest.mark.parametrize("side", [None, float("nan"), float("inf")])
def test_a_box_is_four_numbers(side):
    """JSON has no others."""
    with pytest.raises(NotCocoError, match="expected four numbers"):
        box_part(box(1, 2, 3, side))


def test_points_that_are_not_there_are_zeros():
    """Null points, and points without a place."""
    assert {"keypoints": [1, 2, 2, 0, 0, 0, 0, 0, 0], "num_keypoints": 1} == points_part(
        [point(1, 2), None, point(3, None)]
    )


def test_scores_of_points_are_kept():
    """Where any has one."""
    assert [0.5, None, None] == points_part([point(1, 2, 0.5), point(1, 2), None])["keypoint_scores"]


def test_the_box_around_points_is_the_least():
    """Of those that are there; of none it is nothing."""
    assert {"bbox": [1, 2, 4, 6], "area": 24} == box_around([5, 2, 2, 1, 8, 2, 0, 0, 0])
    assert {"bbox": [0.0] * 4, "area": 0.0} == box_around([0, 0, 0])


def test_boxes_and_points_are_paired_in_order():
    """One for the other, or one alone."""
    assert [(1, "a"), (2, "b")] == pair_objects([1, 2], ["a", "b"], has_boxes=True, has_points=True)
    assert [(1, None)] == pair_objects([1], [], has_boxes=True, has_points=False)
    assert [(None, "a")] == pair_objects([], ["a"], has_boxes=False, has_points=True)
    with pytest.raises(NotCocoError, match="there are 1 boxes and keypoints of 2"):
        pair_objects([1], ["a", "b"], has_boxes=True, has_points=True)
