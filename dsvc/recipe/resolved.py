"""A recipe in one piece: what its files say together, with the defaults that they leave to dsvc and its plugins.

Loading the resolved text gives the same recipe. References to the environment stay references.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from dsvc.plugins.manager import Plugins
from dsvc.plugins.options import REQUIRED
from dsvc.recipe.files import merge_files
from dsvc.recipe.load import load_recipe
from dsvc.recipe.spec import Recipe, StepSpec
from dsvc.recipe.versions import EVERY_VERSION

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_LINES: Final = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f]*")
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def resolve_recipe(
    directory: Path, *, plugins: Plugins | None = None, also_known: Iterable[str] = ()
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return section -> name -> key -> value of a recipe, after includes and with defaults.

    Args:
        directory: Where `dsvc.toml` is.
        plugins: Gives the defaults of feeds' options and transforms' parameters; without it these are left out.
        also_known: The signals that are put by hand.

    Raises:
        RecipeError: If the recipe is wrong.
    """
    recipe = load_recipe(directory, plugins=plugins, also_known=also_known)
    content, _ = merge_files(directory)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for section, tables in content.items():
        for name, table in tables.items():
            given = {**table}
            for key, value in _defaults(recipe, section, name, given, plugins):
                given.setdefault(key, value)
            found.setdefault(section, {})[name] = given
    return found


def _defaults(
    recipe: Recipe, section: str, name: str, given: dict[str, Any], plugins: Plugins | None
) -> Iterator[tuple[str, Any]]:
    """Yield the keys of a table that mean what is written whether they are there or not."""
    if section == "feed" and plugins is not None:
        for key, option in plugins.get_feed(recipe.feeds[name].plugin).options.items():
            if option.default is not REQUIRED and option.default is not None:
                yield key, option.default
    elif section == "signal":
        signal = recipe.signals[name]
        if signal.type is not None:
            yield "type", str(signal.type)
        if signal.accept != EVERY_VERSION:
            yield "accept", str(signal.accept)
    elif section == "step":
        yield from _step_defaults(recipe.steps[name], given)
    elif section == "split":
        yield "seed", recipe.splits[name].seed
    elif section == "dataset":
        dataset = recipe.datasets[name]
        # A dataset made from another takes over what it does not say, together with what belongs to it.
        if not {"signals", "columns", "from"} & given.keys():
            yield "columns", {column: expression.text for column, expression in dataset.columns}
        yield "take", list(dataset.take)


def _step_defaults(step: StepSpec, given: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if step.kind == "python":
        yield "batch", step.batch
    if step.kind == "transform" and step.parameters:
        own = given.setdefault("parameters", {})
        given["parameters"] = {**{key: value for key, value in step.parameters.items() if value is not None}, **own}


def toml_lines(recipe: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Yield the lines of a recipe as TOML: a table for each name, and inner tables on one line."""
    first = True
    for section, tables in recipe.items():
        for name, values in tables.items():
            if not first:
                yield ""
            first = False
            yield f"[{_key(section)}.{_key(name)}]"
            width = max((len(_key(key)) for key in values), default=0)
            for key, value in values.items():
                yield f"{_key(key).ljust(width)} = {_value(value, many_lines=True)}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(c) or (f"\\u{ord(c):04x}" if c < " " or c == "\x7f" else c) for c in text) + '"'


def _is_literal(text: str) -> bool:
    return "'''" not in text and not text.endswith("'") and _PLAIN_LINES.fullmatch(text) is not None


def _value(value: Any, *, many_lines: bool = False) -> str:
    """Return a value as TOML; a text of several lines as one where nothing in it needs an escape."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            if many_lines and "\n" in value and _is_literal(value):
                return f"'''\n{value}'''"
            return _text(value)
        case Decimal() if not value.is_finite():
            return str(float(value))
        case int() | float() | Decimal():
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case Mapping():
            inner = ", ".join(f"{_key(str(key))} = {_value(item)}" for key, item in value.items())
            return f"{{ {inner} }}" if inner else "{}"
    return f"[{', '.join(_value(item) for item in value)}]"
