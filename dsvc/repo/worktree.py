"""The recipe files: as they lie in the directory, as a commit keeps them, and back.

Which files belong to the recipe is known to who can read it; here they come as path -> bytes. Paths are relative to
the repository's directory, with ``/``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from dsvc.errors import DirtyWorktreeError, ObjectFormatError
from dsvc.objects.access import Reader, Writer
from dsvc.objects.encoding import get_object, hash_encoded, put_object
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.snapshot import Recipe
from dsvc.repo.layout import telling_why

RECIPE_FILE = "dsvc.toml"
STARTER_RECIPE = b"""\
# The recipe: which documents come in, what is derived from them, and which datasets come out.
#
# [feed.images]                    # where documents come from
# plugin  = "files"
# path    = "archive/*.jsonl"
# pointer = "image.uri"
#
# [signal.quality]                 # one named piece of information per source
# from    = "images"
# value   = "models.quality.class"
# version = "models.quality.version"
#
# [dataset.good]                   # a selection of sources, and columns over signals
# where   = "quality >= 3"
# columns = { quality = "quality" }
"""
"""What `init` writes; until it is edited, there is nothing of it to commit."""

Files = Mapping[str, bytes]


def put_recipe(writer: Writer, files: Files) -> Oid | None:
    """Hand the recipe files to a writer and return the recipe's id, None for no files."""
    if not files:
        return None
    entries = tuple((path, put_object(writer, Kind.BLOB, content)) for path, content in sorted(files.items()))
    return put_object(writer, Kind.RECIPE, Recipe(entries))


def hash_recipe(files: Files) -> Oid | None:
    """Return the id that `put_recipe` gives, storing nothing."""
    if not files:
        return None
    entries = tuple((path, hash_encoded(Kind.BLOB, content)) for path, content in sorted(files.items()))
    return hash_encoded(Kind.RECIPE, Recipe(entries))


def hash_files(files: Files) -> dict[str, Oid]:
    """Return path -> id of the blob that a recipe would name, storing nothing."""
    return {path: hash_encoded(Kind.BLOB, content) for path, content in files.items()}


def read_recipe(reader: Reader, recipe: Oid | None) -> dict[str, bytes]:
    """Return the files of a stored recipe.

    Raises:
        ObjectFormatError: If a path leads out of the repository's directory.
    """
    blobs = read_recipe_ids(reader, recipe)
    return {path: get_object(reader, blob, Kind.BLOB, bytes) for path, blob in blobs.items()}


def read_recipe_ids(reader: Reader, recipe: Oid | None) -> dict[str, Oid]:
    """Return path -> id of a blob of a stored recipe; enough to compare, and quicker than the files.

    Raises:
        ObjectFormatError: If a path leads out of the repository's directory.
    """
    if recipe is None:
        return {}
    entries = get_object(reader, recipe, Kind.RECIPE, Recipe).files
    for path, _ in entries:
        if PurePosixPath(path).is_absolute() or ".." in path.split("/") or "\0" in path:
            raise ObjectFormatError(kind="recipe", reason=f"path {path!r} leads out of the repository", oid=recipe)
    return dict(entries)


def changed_files(before: Mapping[str, Oid], after: Mapping[str, Oid]) -> list[tuple[str, str]]:
    """Return ``(op, path)`` of every file that differs, by path; op is ``+``, ``-`` or ``~``.

    Args:
        before: Path -> id of its blob.
        after: The same, later.
    """
    return [
        ("+" if path not in before else "-" if path not in after else "~", path)
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def read_known(directory: Path, known: Iterable[str]) -> dict[str, bytes]:
    """Return the files of `known`, and the recipe file itself, as they lie in the directory."""
    found = {}
    with telling_why(directory):
        for path in sorted({RECIPE_FILE, *known}):
            try:
                found[path] = (directory / path).read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                continue
    return found


def check_free(directory: Path, current: Files, target: Files) -> None:
    """Check that `restore` would overwrite no file that is not the recipe's.

    Raises:
        DirtyWorktreeError: If a file to be written is there, has other content and is not part of `current`.
    """
    lying = read_known(directory, target)
    foreign = [path for path in target if path not in current and lying.get(path, target[path]) != target[path]]
    if foreign:
        raise DirtyWorktreeError(
            changes=foreign,
            message=f"files in the way of the recipe: {', '.join(foreign)}",
            hint="move them away, or overwrite them with `--discard`",
        )


def restore(directory: Path, current: Files, target: Files) -> None:
    """Make the recipe files of the directory those of `target`.

    Every file is replaced whole, so a reader sees the old or the new one. Files that are neither in `current` nor
    in `target` are not touched.

    Args:
        directory: The repository's.
        current: The recipe that the directory was last given; its files may be removed.
        target: The recipe to write.
    """
    lying = read_known(directory, target)
    with telling_why(directory):
        for path, content in target.items():
            if lying.get(path) != content:
                _replace_file(directory / path, content)
        for path in current:
            if path not in target:
                (directory / path).unlink(missing_ok=True)


def _replace_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.dsvc-new")
    temporary.write_bytes(content)
    temporary.replace(path)
