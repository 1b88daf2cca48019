"""What the worker writes of a detection, which changed with its version, and how each format becomes boxes.

| version | format | coordinates | confidence |
| --- | --- | --- | --- |
| 1 | `{"boxes": [[x, y, w, h], ...], "weights": [...]}`, two lists side by side | pixels | level weights |
| 2 | `[{"centre": [x, y], "size": [w, h], "score": s, "image": [width, height]}, ...]` | shares of the image | scores |

Nothing here knows of dsvc: a box is a dictionary of `x`, `y`, `w`, `h` in pixels, `score` and `label`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from dsvc_haar.cascade import Detection

LABEL: Final = "face"

PIXEL_DIGITS: Final = 6
"""Decimals of a pixel that are kept: beyond them two formats differ by the rounding of floating point alone."""

_SCORES: Final[Mapping[int, tuple[float, float]]] = {1: (3.0, 3.0), 2: (55.5, 1.5)}
"""By version: the level weight that is a score of 0.5, and how far from it 0.25 and 0.75 are."""

Box = dict[str, Any]


def to_score(weight: float, version: int) -> float:
    """Return a level weight as a score between 0 and 1, growing with it.

    It is (1 + d / (s + |d|)) / 2 with d the distance from the version's midpoint and s its spread. Only sums and one
    division are needed, so that every machine finds the same number. The two cascades weigh differently, so scores of
    one version are not those of the other.
    """
    midpoint, spread = _SCORES[version]
    distance = weight - midpoint
    return (1 + distance / (spread + abs(distance))) / 2


def write_v1(found: Detection) -> dict[str, Any]:
    """Return a detection as version 1 wrote it."""
    return {
        "boxes": [[face.x, face.y, face.w, face.h] for face in found.faces],
        "weights": [face.weight for face in found.faces],
    }


def write_v2(found: Detection) -> list[dict[str, Any]]:
    """Return a detection as version 2 writes it."""
    return [
        {
            "centre": [(face.x + face.w / 2) / found.width, (face.y + face.h / 2) / found.height],
            "size": [face.w / found.width, face.h / found.height],
            "score": to_score(face.weight, 2),
            "image": [found.width, found.height],
        }
        for face in found.faces
    ]


def read_v1(raw: Any) -> list[Box]:
    """Return the boxes of an output of version 1.

    Raises:
        ValueError: If it is none.
    """
    if not isinstance(raw, Mapping) or set(raw) != {"boxes", "weights"}:
        raise ValueError("expected an object of boxes and weights")
    pairs = zip(raw["boxes"], raw["weights"], strict=True)
    return [_box(*sides, score=to_score(weight, 1)) for sides, weight in pairs]


def read_v2(raw: Any) -> list[Box]:
    """Return the boxes of an output of version 2.

    Raises:
        ValueError: If it is none.
    """
    keys = {"centre", "size", "score", "image"}
    if not isinstance(raw, list) or not all(isinstance(face, Mapping) and set(face) == keys for face in raw):
        raise ValueError("expected a list of objects of centre, size, score and image")
    boxes = []
    for face in raw:
        (centre_x, centre_y), (w, h), (width, height) = face["centre"], face["size"], face["image"]
        left, top = (centre_x - w / 2) * width, (centre_y - h / 2) * height
        boxes.append(_box(left, top, w * width, h * height, score=face["score"]))
    return boxes


def _box(x: float, y: float, w: float, h: float, *, score: float) -> Box:
    sides = {"x": x, "y": y, "w": w, "h": h}
    # Adding 0.0 makes the -0.0 that rounding may leave a 0.0.
    rounded = {name: round(float(side), PIXEL_DIGITS) + 0.0 for name, side in sides.items()}
    return {**rounded, "score": float(score), "label": LABEL}


WRITE: Final[Mapping[int, Callable[[Detection], Any]]] = {1: write_v1, 2: write_v2}
"""By version: a detection as the worker of it writes it."""
READ: Final[Mapping[int, Callable[[Any], list[Box]]]] = {1: read_v1, 2: read_v2}
"""By version: what was written, as boxes."""
