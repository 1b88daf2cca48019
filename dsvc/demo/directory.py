"""The directory that the demo works in: the recipe and the documents, copied out of the package."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from shutil import copyfile

from dsvc.errors import UserError

RECIPE_FILES = ("dsvc.toml", "steps.py", "formats.py")


def check_empty(directory: Path) -> None:
    """Refuse a directory that holds anything, and a path that is no directory.

    Raises:
        UserError: If `directory` is there and is not an empty directory.
    """
    hint = "name another directory: dsvc demo DIR"
    if directory.is_dir():
        if any(directory.iterdir()):
            raise UserError(message=f"{directory} is not empty; the demo needs a directory of its own", hint=hint)
    elif directory.exists() or directory.is_symlink():
        raise UserError(message=f"{directory} is there and is no directory", hint=hint)


def write_recipe(directory: Path) -> None:
    """Copy the recipe and its Python files into a directory, over what `dsvc init` wrote.

    Also inside somebody's git work tree dsvc, not git, keeps these files: they are the demo's, and `dsvc checkout` is
    to bring them back.
    """
    for name in RECIPE_FILES:
        _copy(f"recipe/{name}", directory / name)
    (directory / ".dsvc" / "config.toml").write_text('recipe = "dsvc"\n', encoding="utf-8")


def write_people_recipe(directory: Path) -> None:
    """Copy the recipe of the second act, and its guideline, into a directory; otherwise as `write_recipe`."""
    _copy("people_recipe/dsvc.toml", directory / "dsvc.toml")
    (directory / "guidelines").mkdir(exist_ok=True)
    _copy("people_recipe/boxes.md", directory / "guidelines" / "boxes.md")
    (directory / ".dsvc" / "config.toml").write_text('recipe = "dsvc"\n', encoding="utf-8")


def add_documents(directory: Path, name: str) -> Path:
    """Copy one file of documents to where the recipe's feeds look, and return its path."""
    path = directory / "documents" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    _copy(f"data/{name}", path)
    return path


def edit_file(path: Path, before: str, after: str) -> None:
    """Replace text that stands in a file exactly once.

    Raises:
        UserError: If it does not.
    """
    text = path.read_text(encoding="utf-8")
    if text.count(before) != 1:
        raise UserError(message=f"{path}: expected {before!r} exactly once, found it {text.count(before)} times")
    path.write_text(text.replace(before, after), encoding="utf-8")


def _copy(resource: str, path: Path) -> None:
    with as_file(files("dsvc.demo").joinpath(resource)) as source:
        copyfile(source, path)
