"""What a directory of checked out files holds, so that the next checkout knows which of them are its own.

| file | what |
| --- | --- |
| ``dsvc-manifest.json`` | the checkout that is complete; replaced as the last step of the next one |
| ``.dsvc-checkout`` | while a checkout is under way: one JSON line for each file that is or may be ours |
| ``.dsvc-new-*`` | a file being written |
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from dsvc.errors import CheckoutError

MANIFEST = "dsvc-manifest.json"
JOURNAL = ".dsvc-checkout"
NEW_PREFIX = ".dsvc-new-"
VERSION = 1


class FileEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part of a dataset, and the file that holds its rows."""

    name: str | None
    """None for a part without rows, which has no file."""
    rows: int
    size_bytes: int
    content: str
    """Hex id of the rows, whatever the format."""
    inputs: str
    """Hex id of what the rows were made of."""
    split: str | None = None
    """Of formats with a file for each part of the split: which part it holds."""


class ColumnEntry(msgspec.Struct, frozen=True):
    """One column."""

    name: str
    type: str
    expression: str | None
    """None for `source`, `item` and `split`."""


class ImageEntry(msgspec.Struct, frozen=True):
    """What a loader shows of each image; it reads the image through its pointer and keeps it in memory alone."""

    crop: str | None
    """The column with the box it shows; None for the whole image."""
    margin: float
    """Added on each side, as a share of the box's side."""
    size: tuple[int, int] | None
    """Width and height in pixels that it is resized to; None for as it is."""


class Manifest(msgspec.Struct, frozen=True):
    """What was checked out."""

    dsvc_manifest: int
    """The version of this layout."""
    commit: str | None
    """Hex; None for a draft."""
    root: str
    dataset: str
    format: str
    options: dict[str, object]
    columns: tuple[ColumnEntry, ...]
    splits: tuple[str, ...]
    rows: int
    files: tuple[FileEntry, ...]
    """In order of their sources."""
    unnest: str | None = None
    """The column that has a row for each item; None for a row a source."""
    image: ImageEntry | None = None
    """None where the dataset does not say."""

    @property
    def style(self) -> tuple[object, ...]:
        """What must be equal for a file to be what would be written again."""
        return self.format, sorted(self.options.items())


class JournalLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the journal: a file that is ours, and what it holds once it is there."""

    name: str
    style: str = ""
    entry: FileEntry | None = None


def read_manifest(directory: Path) -> Manifest | None:
    """Return the manifest of a directory, None where there is none.

    Raises:
        CheckoutError: If there is a file of that name that is no manifest we know.
    """
    path = directory / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise CheckoutError(
            path=path, reason=f"it is no manifest of a checkout: {err}", hint="choose another directory with `--to`"
        ) from err


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Replace the manifest; durable on return."""
    new = directory / f"{NEW_PREFIX}manifest"
    new.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    sync_file(new)
    new.replace(directory / MANIFEST)
    sync_directory(directory)


def read_journal(directory: Path) -> list[JournalLine]:
    """Return the lines of an unfinished checkout; a line that was cut short is left out."""
    try:
        lines = (directory / JOURNAL).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    found = []
    for line in lines[:-1]:  # what follows the last line end was not written whole
        try:
            found.append(msgspec.json.decode(line, type=JournalLine))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found


def append_journal(file: int, lines: Iterable[JournalLine]) -> None:
    """Add lines to an open journal; durable on return."""
    os.write(file, b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    os.fsync(file)


def sync_file(path: Path) -> None:
    """Make a file's content durable."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    file = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
