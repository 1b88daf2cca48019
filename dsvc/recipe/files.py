"""The files of a recipe: what is read to load it, and what a commit keeps of it.

Nothing heavy is imported here: a commit and a status need the files, not their meaning.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from dsvc.errors import MissingFileError, RecipeError
from dsvc.recipe.lines import find_lines
from dsvc.recipe.modules import reached_files
from dsvc.recipe.secrets import refuse_secret_keys, refuse_secrets
from dsvc.recipe.spec import KeyPath

RECIPE_FILE: Final = "dsvc.toml"
INCLUDE: Final = "include"
REFERENCE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*")
"""`module:function`, as a recipe names Python code."""


def recipe_files(directory: Path) -> dict[str, bytes]:
    """Return what a commit keeps of the recipe: path -> content, sorted by path.

    These are `dsvc.toml`, what it includes, and the Python files inside its directory that its functions are in or
    import. A function whose file is missing adds nothing; without `dsvc.toml` there are no files.

    Raises:
        RecipeError: If `dsvc.toml` or what it includes is no TOML.
        SecretInRecipeError: If one of the files holds a literal password.
        MissingFileError: If an included file does not exist.
    """
    if not (directory / RECIPE_FILE).exists():
        return {}
    root = directory.resolve()
    found: dict[str, bytes] = {}
    modules: list[str] = []
    for file, values, _ in iter_files(directory):
        found[file] = (root / file).read_bytes()
        modules += [reference.partition(":")[0] for reference in _references(values)]
    for path in reached_files(directory, modules):
        file = path.relative_to(root).as_posix()
        content = _read(path, file)
        refuse_secrets(content.decode(errors="replace"), file)
        found[file] = content
    return dict(sorted(found.items(), key=lambda item: item[0].encode()))


def _references(values: Mapping[str, Any]) -> Iterable[str]:
    """Yield every `module:function` of a file's content, whatever else is wrong with it."""
    for _, table in _inner(values, "step"):
        yield from _matching([table.get("python")])
    for section in ("signal", "task"):
        for _, table in _inner(values, section):
            formats = table.get("formats")
            yield from _matching(formats.values() if isinstance(formats, Mapping) else [])


def _matching(texts: Iterable[Any]) -> Iterable[str]:
    return (text for text in texts if isinstance(text, str) and REFERENCE.fullmatch(text))


def merge_files(directory: Path) -> tuple[dict[str, Any], dict[KeyPath, tuple[str, int]]]:
    """Return the merged sections of `dsvc.toml` and what it includes, and where each key is written.

    Raises:
        RecipeError: If a file is no TOML, includes one outside of the directory, or says again what another said.
        SecretInRecipeError: If a file holds a literal password.
        MissingFileError: If a file does not exist.
    """
    content: dict[str, Any] = {}
    places: dict[KeyPath, tuple[str, int]] = {}
    for file, values, lines in iter_files(directory):
        own: dict[KeyPath, tuple[str, int]] = {path: (file, line) for path, line in lines.items()}
        for section, tables in values.items():
            if section == INCLUDE:
                continue
            if not isinstance(tables, Mapping) or section not in content:
                _refuse_again(content, places, own, (section,))
                content[section] = dict(tables) if isinstance(tables, Mapping) else tables
                continue
            for name, table in tables.items():
                _refuse_again(content[section], places, own, (section, name))
                content[section][name] = table
        places = {**own, **places}
    return content, places


def _refuse_again(
    content: Mapping[str, Any],
    places: Mapping[KeyPath, tuple[str, int]],
    own: Mapping[KeyPath, tuple[str, int]],
    path: KeyPath,
) -> None:
    if path[-1] in content:
        (other, at), (file, line) = places[path], own[path]
        key = ".".join(map(str, path))
        found = f"it again, after {other}:{at}"
        raise RecipeError(file=file, line=line, key=key, expected="each table once", found=found)


def iter_files(directory: Path) -> Iterable[tuple[str, dict[str, Any], dict[KeyPath, int]]]:
    """Yield `dsvc.toml` and every file it includes, once each, in order of mention: (path, content, lines).

    Raises:
        RecipeError: If one is no TOML, or includes a file outside of the directory.
        SecretInRecipeError: If one holds a literal password.
        MissingFileError: If one does not exist.
    """
    waiting, seen = [RECIPE_FILE], {RECIPE_FILE}
    while waiting:
        file = waiting.pop(0)
        text = _read_text(directory, file)
        refuse_secrets(text, file)
        values, lines = _parse(text, file)
        _refuse_secret_keys(values, file, lines)
        included = _read_include(values, lines, directory, file)
        waiting.extend(path for path in included if path not in seen)
        seen.update(included)
        yield file, values, lines


def _read(path: Path, file: str) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise
    except OSError as err:
        raise RecipeError(file=file, key="text", expected="a file that can be read", found=err.strerror) from err


def _read_text(directory: Path, file: str) -> str:
    path = directory / file
    try:
        return _read(path, file).decode()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as err:
        raise MissingFileError(path=path, what="recipe") from err
    except UnicodeDecodeError as err:
        line = err.object[: err.start].count(b"\n") + 1
        raise RecipeError(file=file, line=line, key="text", expected="UTF-8", found="a byte that is none") from err


def _parse(text: str, file: str) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    try:
        values = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as err:
        reason, _, where = str(err).rpartition(" (at ")
        number = re.match(r"line (\d+)", where)
        line = int(number[1]) if number else len(text.splitlines()) or 1
        message = f"{file}:{line}: no TOML: {reason}"
        raise RecipeError(file=file, line=line, key="text", expected="TOML", found=reason, message=message) from err
    return values, find_lines(text)


def _read_include(values: Mapping[str, Any], lines: Mapping[KeyPath, int], directory: Path, file: str) -> list[str]:
    """Return the files that a file includes, as paths relative to the directory of `dsvc.toml`."""
    included = values.get(INCLUDE, [])
    root = directory.resolve()
    found = []
    for index, item in enumerate(included if isinstance(included, list) else [included]):
        path = (directory / file).parent / item if isinstance(item, str) else None
        inside = path is not None and isinstance(included, list) and path.resolve().is_relative_to(root)
        if path is None or not inside:
            line = lines.get((INCLUDE, index), lines.get((INCLUDE,)))
            expected = "an array of paths inside the directory of dsvc.toml"
            raise RecipeError(file=file, line=line, key=INCLUDE, expected=expected, found=repr(item))
        found.append(path.resolve().relative_to(root).as_posix())
    return found


def _refuse_secret_keys(values: Mapping[str, Any], file: str, lines: Mapping[KeyPath, int]) -> None:
    """Check the keys that go to plugins and to code; elsewhere `token` is the name of a field or a column."""
    for name, table in _inner(values, "feed"):
        options = {key: value for key, value in table.items() if key not in ("filter", "about")}
        refuse_secret_keys(options, file, lines, ("feed", name))
    for name, table in _inner(values, "step"):
        for key in ("parameters", "environment"):
            refuse_secret_keys(table.get(key), file, lines, ("step", name, key))


def _inner(values: Mapping[str, Any], section: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    tables = values.get(section)
    if isinstance(tables, Mapping):
        yield from ((name, table) for name, table in tables.items() if isinstance(table, Mapping))
