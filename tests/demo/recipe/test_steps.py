"""The Python steps of the demo's recipe."""

from dsvc.demo.recipe.steps import face_count


def test_faces_are_counted_from_the_least_score_on():
    """A face exactly at the threshold counts, one below does not, and no faces are zero."""
    boxes = [{"score": 0.9}, {"score": 0.5}, {"score": 0.49}]

    assert 2 == face_count(boxes, min_score=0.5)
    assert 0 == face_count([], min_score=0.5)
