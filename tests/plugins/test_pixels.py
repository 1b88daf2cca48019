"""Reading images: through file:// pointers, into memory and nowhere else."""

import os

import pytest

from dsvc.errors import MissingFileError, PointerError
from dsvc.plugins.pixels import PointerPixels, file_path, read_image


def test_an_image_is_read_whole(tmp_path):
    """Its bytes as they are."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xffabc")

    assert b"\xff\xd8\xffabc" == read_image(path.as_uri())


@pytest.mark.parametrize("name", ["a b.jpg", "100%.jpg", "a#1?b.jpg", "ü.jpg", "a+b.jpg", "a%20b.jpg"])
def test_names_are_decoded_once(tmp_path, name):
    """Whatever a file may be called, its URI names it."""
    path = tmp_path / name
    path.write_bytes(b"x")

    assert path == file_path(path.as_uri())
    assert b"x" == read_image(path.as_uri())


def test_raw_signs_are_part_of_the_name(tmp_path):
    """Pointers of our own making need not encode `#` and `?`; a host may be said to be this one."""
    (tmp_path / "a#1?b.jpg").write_bytes(b"x")

    assert b"x" == read_image(f"file://{tmp_path}/a#1?b.jpg")
    assert b"x" == read_image(f"file://localhost{tmp_path}/a#1?b.jpg")
    assert b"x" == read_image(f"file:{tmp_path}/a#1?b.jpg")


@pytest.mark.parametrize(
    "pointer,rule",
    [
        ("s3://bucket/a.jpg", "this version reads the pixels of file:// pointers only"),
        ("/a.jpg", "this version reads the pixels of file:// pointers only"),
        ("file://server/a.jpg", "a file is on this machine, not on 'server'"),
        ("file:a.jpg", "expected file:// and an absolute path"),
        ("file:///a%00.jpg", "expected file:// and an absolute path"),
    ],
)
def test_a_pointer_that_names_no_file_is_refused(pointer, rule):
    """It says what pixels are read of."""
    with pytest.raises(PointerError) as caught:
        read_image(pointer)

    assert rule == caught.value.rule


def test_a_missing_image_is_named(tmp_path):
    """With its path."""
    with pytest.raises(MissingFileError, match=r"image .*gone\.jpg does not exist"):
        read_image((tmp_path / "gone.jpg").as_uri())


def test_only_regular_files_are_read(tmp_path):
    """A directory, a pipe and a device would not end, or not begin."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(PointerError, match="expected a file of at most"):
            read_image(f"file://{path}")


def test_images_of_a_batch_are_read_when_asked(tmp_path):
    """Row by row, each time again: nobody keeps them."""
    (tmp_path / "a").write_bytes(b"1")
    pixels = PointerPixels([f"file://{tmp_path}/a", f"file://{tmp_path}/gone"])

    assert 2 == len(pixels)
    assert b"1" == pixels[0]
    (tmp_path / "a").write_bytes(b"2")
    assert b"2" == pixels[0]
    with pytest.raises(MissingFileError):
        _ = pixels[1]


def test_reading_writes_nothing(tmp_path, monkeypatch):
    """Every way to open for writing is an error while an image is read."""
    (tmp_path / "a").write_bytes(b"1")
    real = os.open

    def guarded(path, flags, *more, **named):
        assert not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT), path
        return real(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", guarded)
    before = sorted(tmp_path.rglob("*"))

    assert b"1" == read_image(f"file://{tmp_path}/a")
    assert before == sorted(tmp_path.rglob("*"))
