"""Variance of the Laplacian: the usual measure of how sharp an image is; a blurred edge has small second differences.

Nothing here knows of dsvc: images are arrays of grey values, boxes are in pixels with the origin at the top left.
"""

import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

Grey = npt.NDArray[np.float64]
"""Grey values 0 to 255, shape (height, width)."""

MIN_SIDE = 3
"""Pixels a side below which no pixel has its four neighbours."""


def decode_grey(image: bytes) -> Grey:
    """Return the grey values of an encoded image as it is stored: a rotation noted in its EXIF data is not applied."""
    with Image.open(io.BytesIO(image)) as decoded:
        return np.asarray(decoded.convert("L"), dtype=np.float64)


def find_largest(boxes: Sequence[Mapping[str, float]]) -> Mapping[str, float] | None:
    """Return the box of the largest area, the first of equal ones; None without boxes."""
    return max(boxes, key=lambda box: box["w"] * box["h"], default=None)


def cut_region(grey: Grey, box: Mapping[str, float], margin: float) -> Grey:
    """Return the pixels that a box touches, as far as they lie in the image.

    Args:
        grey: The whole image.
        box: `x`, `y`, `w`, `h`; it may reach beyond the image.
        margin: Share of the box's width and height to add on each side.
    """
    height, width = grey.shape
    side_x, side_y = box["w"] * margin, box["h"] * margin
    left, top = max(0, math.floor(box["x"] - side_x)), max(0, math.floor(box["y"] - side_y))
    right = min(width, math.ceil(box["x"] + box["w"] + side_x))
    bottom = min(height, math.ceil(box["y"] + box["h"] + side_y))
    return grey[top : max(top, bottom), left : max(left, right)]


def laplacian_variance(grey: Grey) -> float | None:
    """Return the variance of the Laplacian over all pixels with four neighbours; None where there is none."""
    if min(grey.shape) < MIN_SIDE:
        return None
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    return float(laplacian.var())
