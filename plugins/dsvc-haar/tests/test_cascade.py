"""Finding faces: real ones, alike each time, in pixels of the stored image."""

import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dsvc_haar import cascade
from dsvc_haar.outputs import READ

HERE = Path(__file__).parent / "data"
VERSIONS = sorted(cascade.CASCADES)


@pytest.fixture
def face(opencv):
    """An image of one face that nearly fills it, 256 pixels square."""
    return (HERE / "ai-face.jpg").read_bytes()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_face_is_found_where_it_is(face, version):
    """One box, around the middle, of most of the image."""
    found = cascade.detect(face, version)
    (only,) = found.faces

    assert (256, 256) == (found.width, found.height)
    assert 128 == pytest.approx(only.x + only.w / 2, abs=20)
    assert 128 < only.w < 256


@pytest.mark.parametrize("version", VERSIONS)
def test_an_image_without_a_frontal_face_has_none(opencv, version):
    """Which is a finding, not an error."""
    assert () == cascade.detect((HERE / "ai-body.jpg").read_bytes(), version).faces


def test_the_versions_find_different_faces(written):
    """In some images; else there would be nothing to take in."""
    found = [[len(READ[version](document["output"])) for document in written[version]] for version in VERSIONS]

    assert {True, False} == {one == other for one, other in zip(*found, strict=True)}


def test_a_large_image_is_shrunk_and_scaled_back_exactly(opencv):
    """985 x 1280 is looked at as 369 x 480; each edge is a whole pixel of that, times the ratio of the sides."""
    found = cascade.detect((HERE / "cgi-model-9.jpg").read_bytes(), 1)
    across = [side * 369 / 985 for face in found.faces for side in (face.x, face.w)]
    down = [side * 480 / 1280 for face in found.faces for side in (face.y, face.h)]

    assert (985, 1280) == (found.width, found.height)
    assert found.faces
    assert [round(side) for side in across + down] == pytest.approx(across + down, abs=1e-9)


def test_a_rotation_in_exif_is_not_applied(face):
    """Boxes are in pixels of the stored image, whichever way a viewer would turn it."""
    tiff = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
    segment = b"Exif\0\0" + tiff
    turned = face[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + face[2:]

    assert cascade.detect(face, 2) == cascade.detect(turned, 2)


def test_findings_do_not_depend_on_what_runs_beside(images):
    """Twice in a row and from four threads at once."""
    jobs = [(image.read_bytes(), version) for image in images[:3] for version in VERSIONS]
    alone = [cascade.detect(*job) for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda job: cascade.detect(*job), jobs))

    assert alone == together
    assert [] == [found for found in alone if [*found.faces] != sorted(found.faces, key=lambda f: (f.x, f.y))]


@pytest.mark.parametrize("torn", [b"", b"no image", b"\xff\xd8\xff"], ids=["nothing", "text", "a beginning"])
def test_what_is_no_image_is_an_error(opencv, torn):
    """Not an image without faces."""
    with pytest.raises(cascade.NoImageError, match="that are no image"):
        cascade.detect(torn, 1)
