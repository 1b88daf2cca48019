"""Reading one table of a recipe strictly: every key that is not asked for is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from dsvc.errors import RecipeError
from dsvc.recipe.spec import KeyPath, Recipe

LATER_SECTIONS = frozenset({"remote"})
"""Sections of product's recipe that this version has no meaning for."""

_EXAMPLES = {str: "a text", bool: "true or false", Mapping: "a table", list: "an array"}


class Table:
    """One table of a recipe, e.g. `[step.face_count]`.

    Args:
        recipe: Makes errors that say where.
        path: The table's own path.
        values: Its keys.
    """

    def __init__(self, recipe: Recipe, path: KeyPath, values: Any) -> None:
        self.recipe = recipe
        self.path = path
        if not isinstance(values, Mapping):
            raise self.error(None, "a table", shown(values))
        self._values = values
        self._asked: dict[str, None] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return str(self.path[-1])

    def error(self, key: str | KeyPath | None, expected: str, found: str | None = None, **more: Any) -> RecipeError:
        """Return an error about a key of this table, or about the table itself."""
        inner = () if key is None else (key,) if isinstance(key, str) else key
        return self.recipe.error((*self.path, *inner), expected, found, **more)

    def get(self, key: str, kind: type, expected: str = "") -> Any:
        """Return the value of a key, or None where it is not given."""
        self._asked[key] = None
        value = self._values.get(key)
        if value is not None and not isinstance(value, kind):
            raise self.error(key, expected or _EXAMPLES[kind], shown(value))
        return value

    def text(self, key: str, expected: str = "a text") -> str | None:
        """Return a text that is not empty."""
        value: str | None = self.get(key, str, expected)
        if value is not None and not value.strip():
            raise self.error(key, expected, "an empty text")
        return value

    def require(self, key: str, expected: str = "a text") -> str:
        """Return a text that must be given."""
        value = self.text(key, expected)
        if value is None:
            # A misspelt key is the likeliest reason why one is missing.
            near = next((other for other in self._values if other not in self._asked and _close(key, other)), None)
            if near is not None:
                raise self.error(near, "a key it knows", repr(near), nearest=key)
            raise self.error(key, expected, "nothing")
        return value

    def path_text(self, key: str, expected: str = "a dotted path into a document") -> str | None:
        """Return a dotted path."""
        value = self.text(key, expected)
        if value is not None and not all(value.split(".")):
            raise self.error(key, expected, repr(value))
        return value

    def texts(self, key: str, expected: str = "an array of texts") -> tuple[str, ...]:
        """Return an array of texts, none twice; empty where it is not given."""
        values = self.get(key, list, expected) or []
        for index, value in enumerate(values):
            if not isinstance(value, str) or not value.strip():
                raise self.error((key, index), "a text", shown(value))
            if values.index(value) != index:
                raise self.error((key, index), "each name once", repr(value))
        return tuple(values)

    def flag(self, key: str) -> bool:
        """Return a bool; false where it is not given."""
        return bool(self.get(key, bool))

    def table(self, key: str, expected: str = "a table") -> Mapping[str, Any]:
        """Return an inner table with plain values; empty where it is not given."""
        values: Mapping[str, Any] = plain(self.get(key, Mapping, expected) or {})
        return values

    def paths(self, key: str) -> dict[str, str]:
        """Return an inner table of dotted paths by name."""
        values = self.table(key, "a table of names and dotted paths")
        for name, path in values.items():
            if not isinstance(path, str) or not all(path.split(".")):
                raise self.error((key, name), "a dotted path into a document", shown(path))
        return dict(values)

    def refuse(self, keys: Sequence[str], reason: str) -> None:
        """Check that none of these keys is given."""
        for key in keys:
            self._asked[key] = None
            if key in self._values:
                raise self.error(key, f"no `{key}`: {reason}", shown(self._values[key]))

    def rest(self) -> dict[str, Any]:
        """Return all keys not asked for, with plain values: what a plugin reads."""
        return {key: plain(value) for key, value in self._values.items() if key not in self._asked}

    def finish(self) -> None:
        """Check that every key was asked for."""
        for key in self._values:
            if key not in self._asked:
                near = get_close_matches(key, self._asked, 1)
                known = ", ".join(self._asked)
                raise self.error(key, f"one of {known}", repr(key), nearest=near[0] if near else None)


def _close(key: str, other: str) -> bool:
    return bool(get_close_matches(key, [other], 1))


def plain(value: Any) -> Any:
    """Return a value with decimals as floats, at any depth."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {key: plain(child) for key, child in value.items()}
    return [plain(child) for child in value] if isinstance(value, list) else value


def shown(value: Any) -> str:
    """Return a value as an error shows it: short, and never a secret, since those were refused before."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a table"
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
