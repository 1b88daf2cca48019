"""Reading `dsvc.toml` and what it includes into a checked recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dsvc.recipe.bases import resolve_datasets
from dsvc.recipe.dataset_keys import read_dataset
from dsvc.recipe.files import INCLUDE, merge_files
from dsvc.recipe.graph import check_references, order_nodes
from dsvc.recipe.names import NAME, NAME_RULE, refuse_signal_name
from dsvc.recipe.sections import read_feed, read_signal, read_split, read_step
from dsvc.recipe.spec import CONTENT, KeyPath, Recipe
from dsvc.recipe.table import LATER_SECTIONS, Table, shown
from dsvc.recipe.tasks import read_platform, read_task

if TYPE_CHECKING:
    from dsvc.plugins.manager import Plugins

SECTIONS: Final = ("feed", "signal", "step", "split", "dataset", "platform", "task")
MAKERS: Final = ("signal", "step", "task")
"""Sections of which each table makes a signal of its name."""


def load_recipe(directory: Path, *, plugins: Plugins | None = None, also_known: Iterable[str] = ()) -> Recipe:
    """Return the recipe of a directory, checked as a whole.

    Args:
        directory: Where `dsvc.toml` is.
        plugins: Checks the options of feeds and transforms and fills in their defaults, and what producers declare;
            without it they are taken as written, which is enough for whatever neither ingests nor runs.
        also_known: The signals that are put by hand, which expressions may name too.

    Raises:
        RecipeError: If anything in it is wrong: file, line, key, what was expected, found, and the nearest spelling.
        SecretInRecipeError: If it holds a literal password.
        MissingFileError: If there is no `dsvc.toml`, or no file that it includes.
        PluginNotFoundError: If a plugin that it names is not installed.
    """
    known = tuple(also_known)
    recipe = read_sections(directory, *merge_files(directory), plugins=plugins, also_known=known)
    check_references(recipe, known)
    order = order_nodes(recipe)
    return replace(recipe, order=tuple(name for name in order if name in recipe.steps), node_order=order)


def read_sections(
    directory: Path,
    content: Mapping[str, Any],
    places: Mapping[KeyPath, tuple[str, int]],
    *,
    plugins: Plugins | None,
    also_known: Iterable[str],
) -> Recipe:
    """Return the recipe that merged sections say, each section checked for itself; args and raises as `load_recipe`."""
    recipe = Recipe(directory, places=places)
    _check_sections(recipe, content)
    recipe = replace(
        recipe,
        feeds={t.name: read_feed(t, plugins) for t in _tables(recipe, content, "feed")},
        signals={t.name: read_signal(t, plugins) for t in _tables(recipe, content, "signal")},
        steps={t.name: read_step(t, plugins) for t in _tables(recipe, content, "step")},
        splits={t.name: read_split(t) for t in _tables(recipe, content, "split")},
        platforms={t.name: read_platform(t, plugins) for t in _tables(recipe, content, "platform")},
        tasks={t.name: read_task(t) for t in _tables(recipe, content, "task")},
    )
    known = dict.fromkeys((*recipe.signals, *recipe.steps, *recipe.tasks, *also_known))
    every = tuple(name for name in known if name != CONTENT)
    datasets = {t.name: read_dataset(t, every) for t in _tables(recipe, content, "dataset")}
    return resolve_datasets(replace(recipe, datasets=datasets))


def _check_sections(recipe: Recipe, content: Mapping[str, Any]) -> None:
    for section, tables in content.items():
        if section in LATER_SECTIONS:
            raise recipe.error(
                (section,),
                f"a section that this version of dsvc knows ({', '.join(SECTIONS)})",
                f"[{section}]",
                hint=f"remove [{section}], or update dsvc: this version has no meaning for it",
            )
        if section not in SECTIONS:
            near = get_close_matches(section, (*SECTIONS, INCLUDE), 1)
            expected = f"one of the sections {', '.join(SECTIONS)}, or `{INCLUDE}`"
            raise recipe.error((section,), expected, repr(section), nearest=near[0] if near else None)
        if not isinstance(tables, Mapping):
            raise recipe.error((section,), f"tables [{section}.NAME]", shown(tables))
        for name in tables:
            rule = refuse_signal_name(name) if section in MAKERS else None
            if section not in MAKERS and not NAME.fullmatch(name):
                rule = NAME_RULE
            if rule:
                raise recipe.error((section, name), rule, repr(name))
    made: dict[str, str] = {}
    for section in MAKERS:
        for name in content.get(section, {}):
            other = made.setdefault(name, section)
            if other != section:
                found = f"[{other}.{name}] and [{section}.{name}]"
                raise recipe.error((section, name), f"a name that no {other} has", found)


def _tables(recipe: Recipe, content: Mapping[str, Any], section: str) -> Iterable[Table]:
    for name, values in content.get(section, {}).items():
        yield Table(recipe, (section, name), values)
