"""Images behind file:// pointers: regular files of this machine, whole or not at all."""

import os
from pathlib import Path

import pytest

from dsvc.errors import ImageUnreadableError, MissingFileError, PointerError
from dsvc.plugins.pixel_files import file_path, read_file


def always(_):
    """Say that there is room."""
    return True


def test_a_file_is_read_whole(tmp_path):
    """Its bytes as they are."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xffabc")

    assert b"\xff\xd8\xffabc" == read_file(path.as_uri(), always)


@pytest.mark.parametrize("name", ["a b.jpg", "100%.jpg", "a#1?b.jpg", "ü.jpg", "a+b.jpg", "a%20b.jpg"])
def test_names_are_decoded_once(tmp_path, name):
    """Whatever a file may be called, its URI names it."""
    path = tmp_path / name
    path.write_bytes(b"x")

    assert path == file_path(path.as_uri())
    assert b"x" == read_file(path.as_uri(), always)


def test_raw_signs_are_part_of_the_name(tmp_path):
    """Pointers of our own making need not encode `#` and `?`; a host may be said to be this one."""
    (tmp_path / "a#1?b.jpg").write_bytes(b"x")

    assert b"x" == read_file(f"file://{tmp_path}/a#1?b.jpg", always)
    assert b"x" == read_file(f"file://localhost{tmp_path}/a#1?b.jpg", always)
    assert b"x" == read_file(f"file:{tmp_path}/a#1?b.jpg", always)


@pytest.mark.parametrize(
    "pointer,rule",
    [
        ("file://server/a.jpg", "a file is on this machine, not on 'server'"),
        ("file:a.jpg", "expected file:// and an absolute path"),
        ("file:///a%00.jpg", "expected file:// and an absolute path"),
    ],
)
def test_a_pointer_that_names_no_file_is_refused(pointer, rule):
    """With what was expected."""
    with pytest.raises(PointerError) as caught:
        read_file(pointer, always)

    assert rule == caught.value.rule


def test_a_missing_image_is_named(tmp_path):
    """With its path."""
    with pytest.raises(MissingFileError, match=r"image .*gone\.jpg does not exist"):
        read_file((tmp_path / "gone.jpg").as_uri(), always)


def test_only_regular_files_are_read(tmp_path):
    """A directory, a pipe and a device would not end, or not begin."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(PointerError, match="expected a file of at most"):
            read_file(f"file://{path}", always)


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    """With what the system says; a part of the path that is a file is such a case."""
    (tmp_path / "a").write_bytes(b"x")

    with pytest.raises(ImageUnreadableError, match=r"/a/b cannot be read: Not a directory$"):
        read_file(f"file://{tmp_path}/a/b", always)


def test_there_must_be_room_for_it(tmp_path):
    """The size is told before anything is read; without room nothing is."""
    (tmp_path / "a").write_bytes(b"12345")
    told = []

    assert read_file(f"file://{tmp_path}/a", lambda size: told.append(size) or False) is None
    assert [5] == told


def test_a_file_that_changes_while_it_is_read_is_no_image(tmp_path):
    """Half of one and half of another would be neither."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    real = Path.open

    class Growing:
        """The file, to which somebody writes as soon as it was read."""

        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def fileno(self):
            return self.file.fileno()

        def readall(self):
            found = self.file.readall()
            with real(path, "ab") as more:
                more.write(b"new")
            os.utime(path, ns=(1, 1))
            return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", lambda self, *args, **kwargs: Growing(real(self, *args, **kwargs)))
        with pytest.raises(ImageUnreadableError, match="the file changed while it was read"):
            read_file(path.as_uri(), always)


def test_reading_writes_nothing(tmp_path, monkeypatch):
    """Every way to open for writing is an error while an image is read."""
    (tmp_path / "a").write_bytes(b"1")
    real = os.open

    def guarded(path, flags, *more, **named):
        assert not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT), path
        return real(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", guarded)
    before = sorted(tmp_path.rglob("*"))

    assert b"1" == read_file(f"file://{tmp_path}/a", always)
    assert before == sorted(tmp_path.rglob("*"))
