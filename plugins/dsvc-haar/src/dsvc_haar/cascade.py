"""Finding faces with the Haar cascades that OpenCV ships, on one core, alike each time.

Nothing here knows of dsvc: an encoded image comes in, and rectangles in pixels of that image come out.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Grey = npt.NDArray[np.uint8]

CASCADES: Final[Mapping[int, str]] = {
    1: "haarcascade_frontalface_default.xml",
    2: "haarcascade_frontalface_alt2.xml",
}
"""The file of each version of the model."""

LONGEST_SIDE: Final = 480
"""Pixels to which a larger image is shrunk before faces are looked for: time goes with the square of it."""

SCALE_STEP: Final = 1.1
"""How much larger each size of face is than the one before."""
MIN_NEIGHBOURS: Final = 4
"""How many overlapping finds make a face."""
MIN_FACE: Final = 24
"""Pixels a side, in the shrunk image, of the smallest face."""

_threads = threading.local()  # a classifier keeps the image it looks at, so each thread has its own


@dataclass(frozen=True)
class Face:
    """One face that was found.

    Attributes:
        x: Left edge, in pixels of the stored image.
        y: Upper edge.
        w: Width.
        h: Height.
        weight: The cascade's level weight: how far above its threshold the last stage was. It has no bounds.
    """

    x: float
    y: float
    w: float
    h: float
    weight: float


@dataclass(frozen=True)
class Detection:
    """What was found in one image.

    Attributes:
        width: Of the stored image, in pixels.
        height: Of the stored image.
        faces: From left to right, then from top to bottom.
    """

    width: int
    height: int
    faces: tuple[Face, ...]


class NoImageError(ValueError):
    """Bytes that are no image that OpenCV can decode."""


def detect(image: bytes, version: int) -> Detection:
    """Return the faces in an encoded image, found by one version of the model.

    Coordinates are pixels of the stored image: a rotation noted in its EXIF data is not applied, and the shrinking is
    undone with the exact ratio of the sides.

    Raises:
        NoImageError: If the bytes cannot be decoded.
    """
    import cv2

    grey = _decode(image)
    height, width = grey.shape
    small = _shrink(grey)
    small_height, small_width = small.shape
    found, _, weights = _classifier(version).detectMultiScale3(
        cv2.equalizeHist(small),
        scaleFactor=SCALE_STEP,
        minNeighbors=MIN_NEIGHBOURS,
        minSize=(MIN_FACE, MIN_FACE),
        outputRejectLevels=True,
    )
    # The order in which cascades find faces is not theirs to promise.
    rows = sorted(
        (tuple(int(side) for side in sides), float(weight)) for sides, weight in zip(found, weights, strict=True)
    )
    faces = tuple(
        Face(
            x=x * width / small_width,
            y=y * height / small_height,
            w=w * width / small_width,
            h=h * height / small_height,
            weight=weight,
        )
        for (x, y, w, h), weight in rows
    )
    return Detection(width, height, faces)


def _decode(image: bytes) -> Grey:
    import cv2
    import numpy as np

    grey: Grey | None = None
    if image:
        encoded = np.frombuffer(image, np.uint8)
        grey = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)  # type: ignore[assignment]
    if grey is None:
        raise NoImageError(f"{len(image):,} bytes that are no image")
    return grey


def _shrink(grey: Grey) -> Grey:
    """Return the image with a longest side of at most `LONGEST_SIDE`."""
    import cv2

    height, width = grey.shape
    longest = max(width, height)
    if longest <= LONGEST_SIDE:
        return grey
    size = (max(1, round(width * LONGEST_SIDE / longest)), max(1, round(height * LONGEST_SIDE / longest)))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _classifier(version: int) -> Any:
    """Return this thread's classifier of a version."""
    import cv2

    loaded = _threads.__dict__.setdefault("classifiers", {})
    if version not in loaded:
        # Threads of OpenCV would find faces in any order, and take the cores of other workers.
        cv2.setNumThreads(1)
        classifier = cv2.CascadeClassifier(str(_cascade_file(version)))
        if classifier.empty():
            raise RuntimeError(f"OpenCV cannot load {CASCADES[version]}")
        loaded[version] = classifier
    return loaded[version]


@cache
def _cascade_file(version: int) -> Path:
    import cv2.data

    file = Path(cv2.data.haarcascades) / CASCADES[version]
    if not file.is_file():
        raise RuntimeError(f"this OpenCV carries no {CASCADES[version]}: install opencv-python-headless >=4.8,<5")
    return file
