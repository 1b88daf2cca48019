"""The objects of one image as COCO writes them: a category, a box, its area, and keypoints where there are some.

Units are the same on both sides: pixels of the stored image, from its top left corner. COCO's third number of a
keypoint is 0 where it is not there, and 2 where it is; a score of a point is kept beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


class NotCocoError(ValueError):
    """A value that COCO cannot hold; the caller knows of which source."""


def pair_objects(boxes: Any, points: Any, *, has_boxes: bool, has_points: bool) -> list[tuple[Any, Any]]:
    """Return (box, keypoints) of each object; None for what the dataset has no column of.

    Raises:
        NotCocoError: If there are not as many boxes as lists of keypoints.
    """
    if not has_points:
        return [(box, None) for box in boxes]
    if not has_boxes:
        return [(None, found) for found in points]
    if len(boxes) != len(points):
        raise NotCocoError(f"there are {len(boxes)} boxes and keypoints of {len(points)}: expected one for the other")
    return list(zip(boxes, points, strict=True))


def box_part(box: Mapping[str, Any]) -> dict[str, Any]:
    """Return box, area and score of an object.

    Raises:
        NotCocoError: If a side or a corner is null, or no number.
    """
    numbers = [box[name] for name in ("x", "y", "w", "h")]
    if any(number is None or not math.isfinite(number) for number in numbers):
        raise NotCocoError(f"a box of {numbers}: expected four numbers")
    part: dict[str, Any] = {"bbox": numbers, "area": numbers[2] * numbers[3]}
    score = box.get("score")
    if score is not None and math.isfinite(score):
        part["score"] = score
    return part


def points_part(points: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Return the keypoints of an object, how many of them there are, and their scores if any has one."""
    flat: list[Any] = []
    n_there = 0
    scores: list[Any] = []
    for point in points:
        is_there = point is not None and all(
            point[name] is not None and math.isfinite(point[name]) for name in ("x", "y")
        )
        flat += [point["x"], point["y"], 2] if is_there and point is not None else [0, 0, 0]
        n_there += is_there
        scores.append(None if point is None else point.get("score"))
    part: dict[str, Any] = {"keypoints": flat, "num_keypoints": n_there}
    if any(score is not None for score in scores):
        part["keypoint_scores"] = [None if s is None or not math.isfinite(s) else s for s in scores]
    return part


def box_around(keypoints: Sequence[float]) -> dict[str, Any]:
    """Return the least box around the keypoints that are there, and its area."""
    xs = [keypoints[at] for at in range(0, len(keypoints), 3) if keypoints[at + 2]]
    ys = [keypoints[at + 1] for at in range(0, len(keypoints), 3) if keypoints[at + 2]]
    if not xs:
        return {"bbox": [0.0, 0.0, 0.0, 0.0], "area": 0.0}
    sides = [max(xs) - min(xs), max(ys) - min(ys)]
    return {"bbox": [min(xs), min(ys), *sides], "area": sides[0] * sides[1]}
