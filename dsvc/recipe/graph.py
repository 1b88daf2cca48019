"""What the sections of a recipe say of each other: names that must exist, and an order in which steps can run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from dsvc.errors import RecipeError
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import CONTENT, KeyPath, Recipe, StepSpec
from dsvc.recipe.task_spec import TaskSpec


def check_references(recipe: Recipe, also_known: Iterable[str]) -> None:
    """Check that every feed, signal and split that is named exists.

    Args:
        recipe: The recipe, without its order.
        also_known: Signals that are put by hand, which no recipe declares.

    Raises:
        RecipeError: If one does not; the nearest spelling is given.
    """
    for problem in iter_unknown(recipe, also_known):
        raise problem


def iter_unknown(recipe: Recipe, also_known: Iterable[str]) -> Iterator[RecipeError]:
    """Yield an error for every feed, signal and split that is named and does not exist; args as `check_references`."""
    for feed in recipe.feeds.values():
        if feed.about is not None:
            mains = [name for name, other in recipe.feeds.items() if other.about is None]
            yield from _check(
                recipe, ("feed", feed.name, "about", "feed"), feed.about.feed, mains, "a feed without `about`"
            )
    for signal in recipe.signals.values():
        yield from _check(recipe, ("signal", signal.name, "from"), signal.feed, recipe.feeds, "a feed")
    known = {*recipe.signals, *recipe.steps, *recipe.tasks, *also_known}
    if any(feed.about is None for feed in recipe.feeds.values()):
        known.add(CONTENT)
    for step in recipe.steps.values():
        key = "sql" if step.kind == "sql" else "inputs"
        yield from _check_signals(recipe, ("step", step.name, key), step.inputs, known)
        if step.group is not None:
            yield from _check_signals(recipe, ("step", step.name, "group"), [step.group], known)
    for task in recipe.tasks.values():
        yield from _iter_unknown_of_task(recipe, task, known)
    for split in recipe.splits.values():
        yield from _check_signals(recipe, ("split", split.name, "by"), split.by.inputs, known)
    for dataset in recipe.datasets.values():
        path: KeyPath = ("dataset", dataset.name)
        if dataset.where is not None:
            yield from _check_signals(recipe, (*path, "where"), dataset.where.inputs, known)
        given = "columns" if (*path, "columns") in recipe.places else "signals"
        takes_over = dataset.base is not None and (*path, given) not in recipe.places
        for column, expression in () if takes_over else dataset.columns:
            yield from _check_signals(recipe, (*path, given, column), expression.inputs, known)
        if dataset.sample is not None and dataset.sample.per is not None:
            yield from _check_signals(recipe, (*path, "sample", "per"), dataset.sample.per.inputs, known)
        if dataset.split is not None and not dataset.keeps_parts:
            yield from _check(recipe, (*path, "split"), dataset.split, recipe.splits, "a split")


def _iter_unknown_of_task(recipe: Recipe, task: TaskSpec, known: Iterable[str]) -> Iterator[RecipeError]:
    path: KeyPath = ("task", task.name)
    if task.of is not None:
        yield from _check_signals(recipe, (*path, "of"), [task.of], known)
        judged = recipe.signals.get(task.of.signal) or recipe.steps.get(task.of.signal)
        declared = None if judged is None else judged.type
        if declared is not None and str(declared) != task.type_text:
            found = f"{task.type_text}, and {task.of} is {declared}"
            yield recipe.error((*path, "type"), "the type of the signal that is judged", found)
    if task.ask is not None:
        yield from _check_signals(recipe, (*path, "ask"), task.ask.inputs, known)
    if task.shown.crop is not None:
        yield from _check_signals(recipe, (*path, "image", "crop"), task.shown.crop.inputs, known)
    if task.audit is not None and task.audit.lot.by is not None:
        yield from _check_signals(recipe, (*path, "audit", "lot", "by"), task.audit.lot.by.inputs, known)
    if task.platform is not None:
        yield from _check(recipe, (*path, "platform"), task.platform, recipe.platforms, "a platform")
    if task.answers is not None:
        yield from _check(recipe, (*path, "answers", "from"), task.answers.feed, recipe.feeds, "a feed")


def _check_signals(
    recipe: Recipe, path: KeyPath, inputs: Iterable[InputPath], known: Iterable[str]
) -> Iterator[RecipeError]:
    for read in inputs:
        yield from _check(recipe, path, read.signal, known, "a signal")


def _check(recipe: Recipe, path: KeyPath, name: str, known: Iterable[str], what: str) -> Iterator[RecipeError]:
    names = sorted(known)
    if name in names:
        return
    near = get_close_matches(name, names, 1)
    if what == "a signal":
        hint = f"declare [signal.{name}] or [step.{name}], or put it with `dsvc put {name} FILE`"
    else:
        hint = f"there are: {', '.join(names) or 'none'}"
    yield recipe.error(path, what, repr(name), nearest=near[0] if near else None, hint=None if near else hint)


def order_nodes(recipe: Recipe) -> tuple[str, ...]:
    """Return the names of steps and tasks, each after those it reads, otherwise steps first and in file order.

    Raises:
        RecipeError: If they read each other in a circle, which is named.
    """
    nodes: dict[str, StepSpec | TaskSpec] = {**recipe.steps, **recipe.tasks}
    done: dict[str, None] = {}
    for name in nodes:
        _visit(recipe, nodes, name, (), done)
    return tuple(done)


def _visit(
    recipe: Recipe, nodes: Mapping[str, StepSpec | TaskSpec], name: str, above: tuple[str, ...], done: dict[str, None]
) -> None:
    if name in done or name not in nodes:
        return
    if name in above:
        circle = above[above.index(name) :]
        section, what = ("step", "steps") if name in recipe.steps else ("task", "tasks")
        if len({other in recipe.steps for other in circle}) == 2:
            what = "steps and tasks"
        shown = " -> ".join((*circle, name))
        raise recipe.error((section, name), f"{what} that do not read each other in a circle", shown)
    for path in nodes[name].depends:
        _visit(recipe, nodes, path.signal, (*above, name), done)
    done[name] = None
