"""The images that tests look at, and OpenCV, without which they skip."""

import os
from pathlib import Path

import pytest
from dsvc_haar import worker
from dsvc_haar.outputs import READ

DATA = Path(os.environ.get("DSVC_HAAR_IMAGES") or Path(__file__).parent / "data")
"""Images of your own can be named in the environment."""


@pytest.fixture(scope="session")
def opencv():
    """OpenCV with its cascades."""
    return pytest.importorskip("cv2", reason="opencv-python-headless <5, which ships the cascades, is not installed")


@pytest.fixture(scope="session")
def images(opencv):
    """The images, sorted by path."""
    return sorted(path for path in DATA.resolve().iterdir() if path.suffix in (".jpg", ".jpeg", ".png"))


@pytest.fixture(scope="session")
def written(images):
    """What the worker of each version writes of the images, by version: made once, since that is what takes time."""
    return {version: list(worker.documents(images, version)) for version in READ}
