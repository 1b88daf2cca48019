"""Whether a version follows from what was put and ingested, by the recipe it was committed with.

Every step and dataset is made again (`dsvc.engine.verifying.rederive`), without a look at what was made before, and
compared with what is stored.  A part that differs is noted, and those after it are made from what is stored: each
divergence is told where it arises.  So the root comes out equal exactly if every part does.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, is_dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from dsvc.engine.making.report import ProgressCall
from dsvc.engine.verifying.rederive import DATASET, DIFFERS, EQUAL, REFUSED, STALE, STEP, Rederived, Rederiving
from dsvc.errors import NotReproducibleError, PluginError, UserError
from dsvc.objects.encoding import hash_encoded
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.snapshot import Root
from dsvc.plugins.manager import Plugins
from dsvc.recipe.committed import open_recipe
from dsvc.recipe.expressions import Expression
from dsvc.recipe.nodes import derives, get_node, node_names
from dsvc.recipe.spec import Recipe
from dsvc.repo.base import BaseRepository
from dsvc.repo.divergences import MAX_ROWS, Divergence, DivergentRow, note_divergence
from dsvc.repo.names import GLOBAL
from dsvc.repo.refs import DRAFT_REVISION
from dsvc.repo.view import View

ROWS = 5
"""Differing records of each part that are told of, unless more are asked for."""


@dataclass(frozen=True)
class Reproduction:
    """How the parts of a version came out when they were made again."""

    revision: str
    commit: Oid | None
    """None for a draft before the first commit."""
    root: Oid
    """Id of the version's content."""
    made_root: Oid | None
    """The root as it came out; None where not all of the version was compared."""
    parts: Sequence[Rederived]
    """Steps and datasets, each after those it reads."""

    @property
    def differing(self) -> list[Rederived]:
        """The parts that came out otherwise, in order."""
        return [part for part in self.parts if part.status == DIFFERS]

    @property
    def left_out(self) -> list[Rederived]:
        """The parts that could not be compared."""
        return [part for part in self.parts if part.status in (STALE, REFUSED)]

    @property
    def is_equal(self) -> bool:
        """Whether everything was compared and came out as it is stored."""
        return not (self.differing or self.left_out)


def reproduce(
    repo: BaseRepository,
    plugins: Plugins,
    revision: str,
    dataset: str | None = None,
    *,
    rows: int = ROWS,
    progress: ProgressCall | None = None,
) -> Reproduction:
    """Derive a version again from its put and ingested signals, with its own recipe, and compare.

    Nothing of the repository changes, but that divergences are noted.

    Args:
        repo: The repository.
        plugins: Offers transforms.
        revision: A commit.
        dataset: Only this dataset, and the steps that it needs; `global` is every step.
        rows: Differing records to tell of, of each part.
        progress: Told how far each part is.

    Raises:
        NotReproducibleError: If the version has no recipe for what it derived.
        RecipeError: If this dsvc cannot read the recipe.
        DatasetNotFoundError: If the version has no such dataset.
    """
    if revision == DRAFT_REVISION:
        raise UserError(
            message="a draft is not reproduced: it has no recipe of its own",
            hint="`dsvc run --check` makes its records again and compares",
        )
    view = repo.view(revision)
    if dataset not in (None, GLOBAL):
        view.dataset(str(dataset))
    with _open_recipe(view, plugins) as (recipe, missing):
        _link_declared_files(repo, recipe)
        steps, datasets = _needed(recipe, dataset)
        gone = [part for part in _unknown(view, recipe) if dataset in (None, part.name)]
        unreadable = [name for name in steps if missing is not None and get_node(recipe, name).kind == "transform"]
        work = Rederiving(repo, view, recipe, plugins, rows, progress)
        parts = [*gone]
        parts += [_refused(name, plugins, recipe, missing) for name in unreadable if missing is not None]
        parts += work.iter_all([name for name in steps if name not in unreadable], datasets)
    note_divergences(repo, parts, command="reproduce")
    return Reproduction(revision, view.commit_id, view.root_id, _made_root(view, parts, dataset), tuple(parts))


@contextmanager
def _open_recipe(view: View, plugins: Plugins) -> Iterator[tuple[Recipe, PluginError | None]]:
    """Give a version's recipe, and which plugin is missing to read all of it, if one is.

    Feeds need not be there to derive again what was made of their documents.
    """
    if not view.recipe_ids() and (view.state.derived or view.state.datasets):
        raise NotReproducibleError(revision=view.revision, reason="it was committed without a recipe")
    missing: PluginError | None = None
    with ExitStack() as stack:
        try:
            recipe = stack.enter_context(open_recipe(view, plugins))
        except PluginError as err:
            missing = err
            recipe = stack.enter_context(open_recipe(view, None))
        yield recipe, missing


def _refused(name: str, plugins: Plugins, recipe: Recipe, missing: PluginError) -> Rederived:
    """Return why a transform's step cannot be made."""
    err = missing
    try:
        plugins.get_transform(recipe.steps[name].code)
    except PluginError as own:
        err = own
    return Rederived(name, STEP, REFUSED, err.message, err.hint)


def _link_declared_files(repo: BaseRepository, recipe: Recipe) -> None:
    """Lay declared files, which no commit keeps, beside the recipe as they lie in the directory.

    Should one have another content by now, the step's transform hash tells.
    """
    for step in recipe.steps.values():
        for file in step.files:
            target, source = recipe.directory / file, repo.path / file
            if source.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(source.resolve())


def _needed(recipe: Recipe, dataset: str | None) -> tuple[list[str], list[str]]:
    """Return the steps that a dataset needs, in order, and the datasets to compare."""
    if dataset is None:
        return list(node_names(recipe)), list(recipe.datasets)
    if dataset == GLOBAL:
        return list(node_names(recipe)), []
    if dataset not in recipe.datasets:
        return [], []
    datasets: list[str] = []
    at: str | None = dataset
    while at is not None:
        datasets.insert(0, at)
        at = recipe.datasets[at].base
    said = [(spec, spec.split and recipe.splits[spec.split]) for spec in map(recipe.datasets.__getitem__, datasets)]
    wanted = {path.signal for expression in _expressions(said) for path in expression.inputs}
    names = node_names(recipe)
    for name in reversed(names):
        if name in wanted:
            wanted |= get_node(recipe, name).signals
    return [name for name in names if name in wanted], datasets


def _expressions(value: object) -> Iterator[Expression]:
    """Yield the expressions anywhere in what a recipe says."""
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _expressions(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _expressions(getattr(value, field.name))


def _unknown(view: View, recipe: Recipe) -> list[Rederived]:
    """Return what the version derived and its recipe does not say how."""
    why = "the recipe it was committed with has it no more"
    steps = [Rederived(entry.name, STEP, STALE, why) for entry in view.state.derived if not derives(recipe, entry.name)]
    entries = [entry.name for entry in view.state.datasets if entry.name not in recipe.datasets]
    return [*steps, *(Rederived(name, DATASET, STALE, why) for name in entries)]


def _made_root(view: View, parts: Collection[Rederived], dataset: str | None) -> Oid | None:
    """Return the root with the parts as they came out; None where not everything was compared."""
    if dataset is not None or any(part.status not in (EQUAL, DIFFERS) for part in parts):
        return None
    signals, datasets = dict(view.signals), dict(view.datasets)
    for part in parts:
        (signals if part.what == STEP else datasets)[part.name] = part.made
    named = (
        tuple((name, oid) for name, oid in sorted(entries.items()) if oid != ZERO) for entries in (signals, datasets)
    )
    return hash_encoded(Kind.ROOT, Root(*named))


def note_divergences(repo: BaseRepository, parts: Collection[Rederived], *, command: str) -> None:
    """Keep what came out otherwise in the repository's log of divergences."""
    for part in parts:
        if part.status == DIFFERS:
            divergence = Divergence(
                repo.clock(),
                command,
                part.what,
                part.name,
                part.compared.total,
                part.kept_value,
                part.made_value,
                tuple(_rows(part)),
            )
            note_divergence(repo, part.transform, divergence)


def _rows(part: Rederived) -> Iterator[DivergentRow]:
    rows = (row for batch in part.compared.rows for row in zip(*(batch.column(i) for i in (0, 2, 3)), strict=True))
    for source, kept, made in islice(rows, MAX_ROWS):
        yield DivergentRow(source.as_py(), *(_text(value) if value.is_valid else None for value in (kept, made)))


def _text(value: pa.Scalar[Any]) -> str:
    """Return a value as JSON, or as Arrow shows it where JSON has nothing like it."""
    try:
        return json.dumps(value.as_py(), default=str, ensure_ascii=False)
    except ValueError:
        return str(value)
