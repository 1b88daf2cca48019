"""What a plugin lets a recipe set: declared keys with a kind, a default and allowed values.

The declaration is checked when a recipe is loaded, before the plugin is made, so that a wrong key is an error with a
file and a line instead of a traceback.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

REQUIRED: Final = object()
"""The default of an option that has none."""

_KINDS: Final = {
    str: "a text",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    list: "an array",
    dict: "a table",
}


@dataclass(frozen=True)
class Option:
    """One key that a plugin reads.

    Attributes:
        kind: One of str, int, float, bool, list and dict; a float takes an integer too, and gets it as a float.
        doc: One line for people, without a period.
        default: What the plugin gets where the recipe says nothing; without it the key must be given.
        choices: The values allowed; empty for any of the kind.
    """

    kind: type
    doc: str
    default: Any = REQUIRED
    choices: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise TypeError(f"an option is one of {', '.join(kind.__name__ for kind in _KINDS)}, not {self.kind!r}")

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        return f"one of {', '.join(map(repr, self.choices))}" if self.choices else _KINDS[self.kind]

    def accepts(self, value: Any) -> bool:
        """Tell whether `value` is of the kind and among the choices; a bool is no number."""
        if isinstance(value, bool):
            fits = self.kind is bool
        else:
            fits = isinstance(value, (int, float) if self.kind is float else self.kind)
        return fits and (not self.choices or value in self.choices)


@dataclass(frozen=True)
class Problem:
    """Why a set of options cannot be used; the caller knows the file and the line."""

    key: str
    expected: str
    found: str | None = None
    nearest: str | None = None


def iter_problems(declared: Mapping[str, Option], given: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with `given`: unknown keys, values that do not fit, keys that are missing."""
    for key, value in given.items():
        if key not in declared:
            near = get_close_matches(key, declared, 1)
            known = ", ".join(sorted(declared)) or "none"
            yield Problem(key, f"one of the keys it knows ({known})", f"{key!r}", near[0] if near else None)
        elif not declared[key].accepts(value):
            option = declared[key]
            texts = [choice for choice in option.choices if isinstance(choice, str)]
            near = get_close_matches(value, texts, 1) if isinstance(value, str) else []
            yield Problem(key, option.expected, repr(value), near[0] if near else None)
    for key, option in declared.items():
        if option.default is REQUIRED and key not in given:
            yield Problem(key, f"{option.expected} ({option.doc})", "nothing")


def fill_options(declared: Mapping[str, Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return every declared option with its value or default, sorted by key; `given` must have no problems.

    An integer given for a number becomes a float: 1 and 1.0 are one setting and one hash.
    """
    filled = {key: given.get(key, option.default) for key, option in sorted(declared.items())}
    numbers = {key for key, option in declared.items() if option.kind is float}
    return {key: float(value) if key in numbers and value is not None else value for key, value in filled.items()}
