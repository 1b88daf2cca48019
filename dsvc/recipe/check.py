"""Finding everything that is wrong with the text of a recipe, not only the first thing.

The recipe is read as always. What a problem is about is taken out of the merged sections, and the rest is read again,
until it can be. A problem that is there only because something was taken out is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsvc.errors import DsvcError, PluginNotFoundError, RecipeError
from dsvc.recipe.expressions import Expression
from dsvc.recipe.files import merge_files
from dsvc.recipe.graph import iter_unknown, order_nodes
from dsvc.recipe.load import MAKERS, read_sections
from dsvc.recipe.spec import FeedSpec, KeyPath, Recipe, SplitSpec
from dsvc.recipe.task_spec import PlatformSpec

if TYPE_CHECKING:
    from dsvc.plugins.manager import Plugins

Places = Mapping[KeyPath, tuple[str, int]]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a recipe.

    Attributes:
        message: All of it in words.
        file: Where, as far as it is known.
        line: From 1.
        key: The key, dotted, or `module:function`.
        expected: What would be right.
        found: What is there.
        nearest: The right spelling that is closest to it.
        hint: What to do.
    """

    message: str
    file: str | None = None
    line: int | None = None
    key: str | None = None
    expected: str | None = None
    found: str | None = None
    nearest: str | None = None
    hint: str | None = None

    @classmethod
    def of(cls, error: DsvcError, recipe: Recipe | None = None, path: KeyPath = ()) -> Problem:
        """Return an error as a problem; one that does not say where it is, is at `path` of `recipe`."""
        if isinstance(error, RecipeError):
            construct = getattr(error, "construct", None)
            return cls(
                error.message,
                error.file,
                error.line,
                error.key,
                error.expected,
                construct if error.found is None else error.found,
                error.nearest,
                error.hint,
            )
        if recipe is None or not path:
            return cls(error.message, hint=error.hint)
        place = recipe.error(path, "")
        nearest = getattr(error, "nearest", None)
        message = f"{place.place}: {place.key}: {error.message}"
        return cls(message, place.file, place.line, place.key, nearest=nearest, hint=error.hint)


@dataclass(frozen=True)
class Checked:
    """What of a recipe can be read, and what cannot.

    Attributes:
        recipe: Without what is wrong; None where nothing can be read.
        problems: In order of file and line.
        broken: (section, name) of the tables that are not in `recipe` as written.
    """

    recipe: Recipe | None
    problems: tuple[Problem, ...]
    broken: frozenset[tuple[str, str]] = frozenset()


def check_text(directory: Path, *, plugins: Plugins | None, also_known: Iterable[str] = ()) -> Checked:
    """Read the recipe of a directory and say everything that is wrong with it.

    Args:
        directory: Where `dsvc.toml` is.
        plugins: As for `load_recipe`.
        also_known: The signals that are put by hand.
    """
    try:
        content, places = merge_files(directory)
    except DsvcError as err:
        return Checked(None, (Problem.of(err),))
    known = tuple(also_known)
    reading = _Reading(directory, deepcopy(content), places, plugins, known)
    recipe = reading.read()
    if recipe is None:
        return Checked(None, tuple(reading.problems), frozenset(reading.broken))
    for error in iter_unknown(_with_broken(recipe, reading.broken), (*known, *reading.broken_signals)):
        reading.problems.append(Problem.of(error))
    try:
        order = order_nodes(recipe)
        recipe = replace(recipe, order=tuple(name for name in order if name in recipe.steps), node_order=order)
    except RecipeError as err:
        reading.problems.append(Problem.of(err))
    return Checked(recipe, tuple(sorted(reading.problems, key=place_key)), frozenset(reading.broken))


def _with_broken(recipe: Recipe, broken: Iterable[tuple[str, str]]) -> Recipe:
    """Return a recipe in which feeds, splits and platforms that cannot be read have their names."""
    feeds = {name: FeedSpec(name, "", {}) for section, name in broken if section == "feed"}
    nothing = Expression("", (), "", is_input=False)
    splits = {name: SplitSpec(name, nothing, ()) for section, name in broken if section == "split"}
    platforms = {name: PlatformSpec(name, "") for section, name in broken if section == "platform"}
    return replace(
        recipe,
        feeds={**recipe.feeds, **feeds},
        splits={**recipe.splits, **splits},
        platforms={**recipe.platforms, **platforms},
    )


def place_key(problem: Problem) -> tuple[str, int]:
    """Return what orders problems: the file and the line."""
    return problem.file or "", problem.line or 0


class _Reading:
    """Sections that are read again and again, without what was found to be wrong."""

    def __init__(
        self,
        directory: Path,
        content: dict[str, Any],
        places: Places,
        plugins: Plugins | None,
        known: tuple[str, ...],
    ) -> None:
        self._directory, self._content, self._places = directory, content, places
        self._plugins, self._known = plugins, known
        self.problems: list[Problem] = []
        self.broken: set[tuple[str, str]] = set()
        self._taken: list[KeyPath] = []

    def read(self) -> Recipe | None:
        """Return the recipe without what is wrong; None if an error does not say what it is about."""
        while True:
            known = (*self._known, *self.broken_signals)
            try:
                return read_sections(
                    self._directory, self._content, self._places, plugins=self._plugins, also_known=known
                )
            except DsvcError as err:
                path = next(self._find(err), None)
                if path is None:
                    self.problems.append(Problem.of(err))
                    return None
                # What lacks something that was taken out of it lacks nothing in the file.
                if not any(taken[: len(path)] == path for taken in self._taken):
                    self.problems.append(Problem.of(err, Recipe(self._directory, places=self._places), path))
                if len(path) > 1:
                    self.broken.add((str(path[0]), str(path[1])))
                self._taken.append(path)
                _take_out(self._content, path)

    @property
    def broken_signals(self) -> tuple[str, ...]:
        """The signals whose tables are not as written."""
        return tuple(sorted(name for section, name in self.broken if section in MAKERS))

    def _find(self, err: DsvcError) -> Iterator[KeyPath]:
        """Yield what can be taken out for an error: the key it names, or else the table that lacks one."""
        if isinstance(err, RecipeError):
            parts = err.key.split(".")
            for depth in range(len(parts), 0, -1):
                key = ".".join(parts[:depth])
                yield from (path for path in self._places if ".".join(map(str, path)) == key and self._has(path))
        elif isinstance(err, PluginNotFoundError):
            for section, key in (("feed", "plugin"), ("step", "transform"), ("platform", "plugin")):
                for name, table in self._content.get(section, {}).items():
                    if isinstance(table, Mapping) and table.get(key) == err.plugin:
                        yield (section, name, key)

    def _has(self, path: KeyPath) -> bool:
        value: Any = self._content
        for part in path:
            if not isinstance(value, Mapping) or part not in value:
                return isinstance(part, int) and isinstance(value, list) and part < len(value)
            value = value[part]
        return True


def _take_out(content: dict[str, Any], path: KeyPath) -> None:
    """Remove a key, or of an array the whole of it: its other items would move."""
    above: Any = content
    for part in path[:-1]:
        inner = above[part]
        if not isinstance(inner, dict):
            del above[part]
            return
        above = inner
    del above[path[-1]]
