"""Datasets that are made from other datasets: what they take over, and an order in which all can be made.

A dataset with `from` has only sources that the other one selects. What it does not say itself is the other's: columns,
with `unnest` and `image`, which are about them; the split; and `take`. Its `where`, `sample` and `check` are its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches

from dsvc.errors import RecipeError
from dsvc.recipe.spec import ITEM, DatasetSpec, Recipe


def resolve_datasets(recipe: Recipe) -> Recipe:
    """Return the recipe with every dataset complete, each after the one that it is made from.

    Raises:
        RecipeError: If a `from` names no dataset, or datasets are made from each other in a circle; or if `unnest`,
            `image` or `check` name what the dataset has not.
    """
    done: dict[str, DatasetSpec] = {}
    for name in recipe.datasets:
        _visit(recipe, name, (), done)
    for spec in done.values():
        _check_columns(recipe, spec)
    return replace(recipe, datasets=done)


def _visit(recipe: Recipe, name: str, above: tuple[str, ...], done: dict[str, DatasetSpec]) -> None:
    if name in done:
        return
    if name in above:
        circle = " -> ".join((*above[above.index(name) :], name))
        raise recipe.error(("dataset", name, "from"), "datasets that are not made from each other in a circle", circle)
    spec = recipe.datasets[name]
    if spec.base is not None:
        if spec.base not in recipe.datasets:
            raise _unknown(recipe, (name, "from"), "a dataset", spec.base, [n for n in recipe.datasets if n != name])
        _visit(recipe, spec.base, (*above, name), done)
        spec = _take_over(spec, done[spec.base], _given(recipe, name))
    done[name] = spec


def _given(recipe: Recipe, name: str) -> frozenset[str]:
    """Return the keys that a dataset's table says."""
    return frozenset(str(path[2]) for path in recipe.places if path[:2] == ("dataset", name) and len(path) > 2)


def _take_over(spec: DatasetSpec, base: DatasetSpec, given: frozenset[str]) -> DatasetSpec:
    if not given & {"columns", "signals"}:
        spec = replace(spec, columns=base.columns, unnest=spec.unnest or base.unnest, image=spec.image or base.image)
    if spec.split is None:
        spec = replace(spec, split=base.split, keeps_parts=True)
    return spec if "take" in given else replace(spec, take=base.take)


def _check_columns(recipe: Recipe, spec: DatasetSpec) -> None:
    """Check what a dataset says of its columns and parts."""
    columns = dict(spec.columns)
    named: Mapping[tuple[str, ...], str | None] = {
        ("unnest",): spec.unnest,
        ("image", "crop"): None if spec.image is None else spec.image.crop,
        **{("check", "max_null", name): name for name, _ in (spec.check.max_null if spec.check else ())},
        **{("check", "min_per_class", name): name for name, _ in (spec.check.min_per_class if spec.check else ())},
    }
    for key, name in named.items():
        if name is not None and name not in columns:
            raise _unknown(recipe, (spec.name, *key), "a column of the dataset", name, columns)
    if spec.unnest is not None and ITEM in columns:
        expected = f"another name: with `unnest`, `{ITEM}` is the item's place in its list"
        raise recipe.error(("dataset", spec.name, "columns", ITEM), expected, repr(ITEM))
    if spec.check is not None and spec.check.min_per_part is not None and spec.split is None:
        raise recipe.error(("dataset", spec.name, "check", "min_per_part"), "a `split` to have parts", "none")


def _unknown(recipe: Recipe, key: tuple[str, ...], what: str, name: str, known: Iterable[str]) -> RecipeError:
    names = sorted(known)
    near = get_close_matches(name, names, 1)
    hint = None if near else f"there are: {', '.join(names) or 'none'}"
    return recipe.error(("dataset", *key), what, repr(name), nearest=near[0] if near else None, hint=hint)
