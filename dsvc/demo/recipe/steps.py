"""The steps of the recipe that are written in Python."""

from typing import Any


def face_count(face_detection: list[dict[str, Any]], *, min_score: float) -> int:
    """Count the faces that the detector is sure of."""
    return sum(box["score"] >= min_score for box in face_detection)
