"""The transform as dsvc runs it: found by its entry point, on images behind file:// pointers."""

import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

import dsvc

FACE = Path(__file__).parent / "images" / "ai-face.jpg"
BOX = {"x": 48.0, "y": 20.0, "w": 160.0, "h": 200.0, "score": 0.99, "label": "face"}
RECIPE = """
[step.sharpness]
transform = "laplacian_blur"
inputs    = ["pixels", "face_detection"]
"""


@pytest.fixture
def images(tmp_path):
    """A directory of images: the face, the same blurred, one that is no image; and room for one that is missing."""
    directory = tmp_path / "bucket"
    directory.mkdir()
    shutil.copy(FACE, directory / "sharp.jpg")
    with Image.open(FACE) as image:
        image.filter(ImageFilter.GaussianBlur(3)).save(directory / "soft.jpg", quality=95)
    (directory / "torn.jpg").write_bytes(FACE.read_bytes()[:2000])
    return directory


@pytest.fixture
def repo(tmp_path, images):
    """A repository with face boxes for the images, and the step in its recipe."""
    pa = pytest.importorskip("pyarrow")
    with dsvc.init(tmp_path / "repo") as repo:
        (repo.path / "dsvc.toml").write_text(RECIPE)
        found = {"sharp": [BOX], "soft": [BOX], "torn": [BOX], "missing": [BOX], "faceless": []}
        shutil.copy(FACE, images / "faceless.jpg")
        sources = sorted((images / f"{name}.jpg").as_uri() for name in found)
        boxes = [found[Path(source).stem] for source in sources]
        table = pa.table({"source": sources, "face_detection": boxes})
        repo.put("face_detection", table, producer="detector@1", type="boxes")
        yield repo


def test_sharpness_is_computed_from_pixels(repo):
    """The sharp face gets a much higher value than the blurred one, and an image without a face a null."""
    repo.run()

    found = read_sharpness(repo)
    assert {"sharp", "soft", "faceless"} == set(found)
    assert found["sharp"] > 10 * found["soft"] > 0
    assert found["faceless"] is None


def test_unreadable_images_are_failures_with_a_reason(repo):
    """An image that is torn or missing is a failed record; the others are not touched by it."""
    report = repo.run()

    assert 2 == report.failed
    assert {"sharp", "soft", "faceless"} == set(read_sharpness(repo))


def test_no_byte_of_an_image_reaches_the_repository(repo, images):
    """After ingest, run, commit and a second run no file of the repository holds any 64 bytes of any image."""
    repo.run()
    repo.commit("sharpness")
    repo.run()

    stored = {path: path.read_bytes() for path in repo.path.rglob("*") if path.is_file()}
    assert stored
    for image in images.iterdir():
        encoded = image.read_bytes()
        for at in range(0, len(encoded) - 64, 64):
            held = [path for path, data in stored.items() if encoded[at : at + 64] in data]
            assert [] == held, f"bytes {at} to {at + 64} of {image.name}"


def test_second_run_computes_nothing(repo, images):
    """With equal boxes and the same version of the transform no image is opened again: they may all be gone."""
    repo.run()
    found = read_sharpness(repo)
    shutil.rmtree(images)
    report = repo.run()

    assert (0, 0) == (report.ran, report.failed)
    assert found == read_sharpness(repo)


def read_sharpness(repo):
    """Return file name without suffix -> sharpness, from the draft."""
    table = repo.read("@draft", signals=["sharpness"])
    return {
        Path(source).stem: value
        for source, value in zip(table["source"].to_pylist(), table["sharpness"].to_pylist(), strict=True)
    }
