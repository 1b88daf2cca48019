"""Where a repository lies on disk, and what tells that it is one.

| path | what |
| --- | --- |
| ``dsvc.toml`` | the recipe |
| ``.dsvc/format`` | the number of this layout, as text; written last, so a repository has it or is none |
| ``.dsvc/config.toml`` | `dsvc.repo.config` |
| ``.dsvc/store/`` | objects and refs |
| ``.dsvc/run`` | who runs the recipe: a lock with a note, `dsvc.repo.runlock` |
| ``.dsvc/annotation/`` | the state of asks under way; safe to delete: `dsvc.annotation.opstores.base` |
| ``.dsvc/tmp/`` | sorted runs and other files of work under way; safe to delete when nothing runs |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dsvc.errors import (
    MissingFileError,
    NotARepositoryError,
    RepositoryExistsError,
    UnsupportedFormatError,
    UserError,
)

DIRECTORY = ".dsvc"
FORMAT = "1"


class Layout(msgspec.Struct, frozen=True):
    """The paths of one repository."""

    path: Path
    """The directory that holds ``.dsvc``."""

    @property
    def directory(self) -> Path:
        """``.dsvc``."""
        return self.path / DIRECTORY

    @property
    def format(self) -> Path:
        """The file with the layout's number."""
        return self.directory / "format"

    @property
    def config(self) -> Path:
        """The settings."""
        return self.directory / "config.toml"

    @property
    def store(self) -> Path:
        """The store's directory."""
        return self.directory / "store"

    @property
    def run_lock(self) -> Path:
        """The file that one run at a time locks."""
        return self.directory / "run"

    @property
    def tmp(self) -> Path:
        """Where files of work under way go; it may not be there yet."""
        return self.directory / "tmp"


def find_layout(start: Path) -> Layout:
    """Return the repository in a directory, or in the nearest one above it.

    Raises:
        MissingFileError: If there is no such directory.
        NotARepositoryError: If there is none.
        UnsupportedFormatError: If another version of dsvc made it.
    """
    with telling_why(start):
        if not start.is_dir():
            raise MissingFileError(path=start, what="directory", hint="run `dsvc init DIR` to make a repository there")
    for path in (start, *start.resolve().parents):
        layout = Layout(path.resolve())
        found = _read_format(layout)
        if found is None:
            continue
        if found != FORMAT:
            raise UnsupportedFormatError(what=f"repository {layout.path}", found=repr(found), supported=FORMAT)
        return layout
    raise NotARepositoryError(path=start)


def _read_format(layout: Layout) -> str | None:
    """Return the number of a layout, None where there is none."""
    with telling_why(layout.format):
        try:
            return layout.format.read_text(encoding="utf-8", errors="replace").strip()
        except (FileNotFoundError, NotADirectoryError):
            return None


def begin_layout(path: Path) -> Layout:
    """Make the directories of a new repository; it is none before `finish_layout`.

    Raises:
        RepositoryExistsError: If there is one.
        UserError: If nothing can be written there.
    """
    layout = Layout(path.resolve())
    if layout.format.exists():
        raise RepositoryExistsError(path=layout.path)
    with telling_why(layout.path):
        layout.directory.mkdir(parents=True, exist_ok=True)
    return layout


@contextmanager
def telling_why(path: Path) -> Iterator[None]:
    """Make a refusal of the file system an error that says what it was about.

    Raises:
        UserError: If the file system refuses something inside the block.
    """
    try:
        yield
    except OSError as err:
        raise UserError(
            message=f"{err.filename or path}: {err.strerror or err}",
            hint="check that you may read and write there, and that there is room",
        ) from err


def finish_layout(layout: Layout) -> None:
    """Declare the repository made."""
    temporary = layout.directory / "format.new"
    temporary.write_text(f"{FORMAT}\n", encoding="utf-8")
    temporary.replace(layout.format)
