"""The measure of sharpness, on images whose answer is known."""

import io
from pathlib import Path

import numpy as np
import pytest
from dsvc_sharpness import laplacian
from PIL import Image, ImageFilter

FACE = Path(__file__).parent / "images" / "ai-face.jpg"


def test_flat_image_has_no_sharpness():
    """Equal pixels have no second differences."""
    assert 0.0 == laplacian.laplacian_variance(np.full((8, 8), 100.0))


def test_variance_of_a_known_image():
    """One white pixel amid 5 x 5 black ones: the nine inner answers are -1020, four times 255, four zeros."""
    grey = np.zeros((5, 5))
    grey[2, 2] = 255

    assert np.var([-1020.0, *[255.0] * 4, *[0.0] * 4]) == pytest.approx(laplacian.laplacian_variance(grey))


def test_blur_lowers_sharpness():
    """The same face is less sharp the more it is blurred."""
    with Image.open(FACE) as image:
        versions = [image.filter(ImageFilter.GaussianBlur(radius)) for radius in (0, 1, 3)]
    found = [laplacian.laplacian_variance(laplacian.decode_grey(_encode(version))) for version in versions]

    assert sorted(found, reverse=True) == found
    assert found[0] > 10 * found[2]


@pytest.mark.parametrize(
    "box, margin, expected_shape",
    [
        pytest.param({"x": 2, "y": 1, "w": 4, "h": 3}, 0.0, (3, 4), id="inside"),
        pytest.param({"x": 2.5, "y": 1, "w": 1, "h": 1}, 0.0, (1, 2), id="every-pixel-it-touches"),
        pytest.param({"x": -5, "y": -5, "w": 8, "h": 7}, 0.0, (2, 3), id="beyond-the-top-left"),
        pytest.param({"x": 8, "y": 8, "w": 9, "h": 9}, 0.0, (2, 2), id="beyond-the-bottom-right"),
        pytest.param({"x": 4, "y": 4, "w": 2, "h": 2}, 0.5, (4, 4), id="with-margin"),
        pytest.param({"x": 50, "y": 50, "w": 4, "h": 4}, 0.0, (0, 0), id="outside"),
        pytest.param({"x": -9, "y": -9, "w": 4, "h": 4}, 0.0, (0, 0), id="outside-on-the-other-side"),
    ],
)
def test_region_is_cut_at_the_image(box, margin, expected_shape):
    """A box keeps the pixels it touches that lie in the image."""
    assert expected_shape == laplacian.cut_region(np.zeros((10, 10)), box, margin).shape


def test_too_small_region_has_no_answer():
    """A region without inner pixels has no Laplacian."""
    assert laplacian.laplacian_variance(np.zeros((2, 9))) is None
    assert laplacian.laplacian_variance(np.zeros((0, 0))) is None


def test_largest_box_wins():
    """The face measured is the one with the largest area, the first among equals."""
    small, large, equal = ({"x": x, "y": 0, "w": w, "h": h} for x, w, h in ((0, 2, 2), (1, 3, 4), (2, 4, 3)))

    assert large == laplacian.find_largest([small, large, equal])
    assert laplacian.find_largest([]) is None


def test_rotation_in_exif_is_not_applied():
    """Boxes are in pixels of the stored image, so a noted rotation must not turn it."""
    image = Image.new("L", (20, 10))
    exif = image.getexif()
    exif[0x0112] = 6  # "rotate by 90 degrees to show"
    stored = io.BytesIO()
    image.save(stored, "JPEG", exif=exif)

    assert (10, 20) == laplacian.decode_grey(stored.getvalue()).shape


def _encode(image):
    stored = io.BytesIO()
    image.save(stored, "PNG")
    return stored.getvalue()
