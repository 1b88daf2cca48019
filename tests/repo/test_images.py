import base64

import numpy as np
import pyarrow as pa
import pytest

from dsvc.objects.arrays import normalise
from dsvc.repo.images import find_encoded_image

REST = bytes(range(64))
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + REST
EXIF = b"\xff\xd8\xff\xe1\x3f\xfeExif\x00\x00" + REST
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + REST
GIF = b"GIF89a\x01\x00\x01\x00" + REST
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + REST
BMP = b"BM\x46\x12\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00" + REST
TIFF_LITTLE = b"II*\x00\x08\x00\x00\x00" + REST
TIFF_BIG = b"MM\x00*\x00\x00\x00\x08" + REST
HEIC = b"\x00\x00\x00\x18ftypheic" + REST
JP2 = b"\x00\x00\x00\x0cjP  \r\n\x87\n" + REST
IMAGES = {
    "JPEG": JPEG,
    "JPEG of a camera": EXIF,
    "PNG": PNG,
    "GIF": GIF,
    "WebP": WEBP,
    "BMP": BMP,
    "TIFF little": TIFF_LITTLE,
    "TIFF big": TIFF_BIG,
    "HEIF": HEIC,
    "JPEG 2000": JP2,
}
IN_TEXT = [name for name in IMAGES if name not in {"HEIF", "JPEG 2000"}]


def find(array):
    """Look for an image in an Arrow array."""
    return find_encoded_image(normalise(array))


@pytest.mark.parametrize("name", IMAGES)
def test_encoded_images_are_found_in_binary_values(name):
    """The first bytes of each format give it away, in the row where it is."""
    row, found = find(pa.array([b"", None, b"nothing", IMAGES[name]], pa.binary()))
    assert 3 == row
    assert name.startswith(found)


@pytest.mark.parametrize("name", IN_TEXT)
def test_encoded_images_are_found_in_base64(name):
    """The same bytes as base64 text are found, with either alphabet and with line breaks."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes):
        row, found = find(pa.array(["nothing to see", encode(IMAGES[name]).decode()]))
        assert 1 == row
        assert name.startswith(found)


def test_data_uris_are_found():
    """A data URI of an image is one, however it goes on."""
    assert (0, "data URI") == find(pa.array(["data:image/svg+xml;utf8,<svg/>"]))
    assert find(pa.array(["data:text/plain,hello"])) is None


@pytest.mark.parametrize(
    "array",
    [
        pa.array([None, {"a": 1, "b": [b"x"]}, {"a": 2, "b": [b"", PNG]}]),
        pa.array([[], None, [{"deep": [PNG]}]]),
        pa.array([list(b"nothing to see"), [], list(PNG)], pa.list_(pa.uint8())),
        pa.array([b"0" * 64, None, PNG[:64]], pa.binary(64)),
        pa.array([[b"x"], [b"y"], [PNG]], pa.list_(pa.binary(), 1)),
        pa.array([b"x", b"y", PNG], pa.large_binary()),
    ],
    ids=["struct", "list of structs", "list of bytes", "fixed binary", "fixed list", "large binary"],
)
def test_images_are_found_wherever_they_are(array):
    """Whatever a value is nested in, the record's row is named."""
    assert (2, "PNG") == find(array)


@pytest.mark.parametrize(
    "value",
    [
        "/9j/",
        "/9j/what/ever.txt",
        "R0lG",
        "iVBOR is not it",
        "Qkay, AAAAA is no size",
        "BM is a car",
        "data:",
        "GIF89a",
    ],
)
def test_texts_that_only_begin_alike_are_none(value):
    """A path or a sentence with the same first letters is not taken for an image."""
    assert find(pa.array([value])) is None


def test_noise_is_none():
    """A million random binaries and floats pass."""
    noise = np.random.default_rng(1).integers(0, 256, (1_000_000, 16), dtype=np.uint8)
    assert find(pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(noise), [None, pa.py_buffer(noise)])) is None
    assert find(pa.array(np.arange(1000.0))) is None


@pytest.mark.parametrize("type_", [pa.null(), pa.string(), pa.list_(pa.uint8()), pa.struct([("a", pa.binary())])])
def test_nothing_is_no_image(type_):
    """Empty columns, and columns of nulls, hold none."""
    assert find(pa.array([], type_)) is None
    assert find(pa.nulls(3, type_)) is None
