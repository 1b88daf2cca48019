"""Which steps, tasks and datasets of a recipe are meant by names, with what they need and what follows from them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from dsvc.errors import UserError
from dsvc.recipe.nodes import derives, iter_nodes
from dsvc.recipe.spec import Recipe
from dsvc.repo.names import nearest


def choose(
    recipe: Recipe, names: Collection[str] | None, *, upstream: bool = False, downstream: bool = False
) -> frozenset[str] | None:
    """Return the names of what is to be made; None for everything.

    Args:
        recipe: The recipe.
        names: Steps and datasets; None for all.
        upstream: Also the steps and datasets that those need.
        downstream: Also the steps and datasets that follow from those.

    Raises:
        UserError: If the recipe has not one of the names, or if there are none to go up or down from.
    """
    if names is None:
        if upstream or downstream:
            raise UserError(message="nothing is named that it could be upstream or downstream of", hint="name a step")
        return None
    check_names(recipe, names)
    needs = _needs(recipe)
    found = set(names)
    if upstream:
        found |= _reach(names, needs)
    if downstream:
        found |= _reach(names, _turned(needs))
    return frozenset(found)


def check_names(recipe: Recipe, names: Iterable[str]) -> None:
    """Refuse what the recipe neither derives nor selects.

    Raises:
        UserError: If it has not one of the names.
    """
    known = [*recipe.steps, *recipe.tasks, *recipe.datasets]
    for name in names:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean {close!r}?" if close else f"it has: {', '.join(known) or 'none'}"
            raise UserError(message=f"the recipe has no step, task or dataset {name!r}", hint=hint)


def _needs(recipe: Recipe) -> dict[str, set[str]]:
    """Return what of the recipe each step and dataset reads."""
    needs = {node.name: {signal for signal in node.signals if derives(recipe, signal)} for node in iter_nodes(recipe)}
    for name, dataset in recipe.datasets.items():
        read = [dataset.where, *(expression for _, expression in dataset.columns)]
        read += [split.by for split in recipe.splits.values() if split.name == dataset.split]
        read += [dataset.sample.per] if dataset.sample is not None else []
        inputs = {path.signal for expression in read if expression is not None for path in expression.inputs}
        needs[name] = {signal for signal in inputs if derives(recipe, signal)}
        if dataset.base is not None:
            needs[name].add(dataset.base)
    return needs


def _turned(needs: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    return {name: {other for other, read in needs.items() if name in read} for name in needs}


def _reach(names: Iterable[str], next_to: Mapping[str, Collection[str]]) -> set[str]:
    """Return what can be reached from names, themselves left out unless reached."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        for name in next_to[waiting.pop()]:
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found
