"""What can be asked of a repository beside its records: of its recipe, its datasets, and in SQL.

Part of `dsvc.repository.Repository`. Nothing here writes; rooms above the store are imported when used.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dsvc.errors import DatasetNotFoundError
from dsvc.repo.base import BaseRepository
from dsvc.repo.names import GLOBAL, nearest
from dsvc.repo.refs import DRAFT_REVISION, HEAD
from dsvc.repo.view import View
from dsvc.repo.worktree import RECIPE_FILE

if TYPE_CHECKING:
    import pyarrow as pa

    from dsvc.engine.looking.coverage import SignalCoverage
    from dsvc.engine.looking.funnel import Funnel
    from dsvc.engine.looking.movement import Move, Movement, Side
    from dsvc.engine.looking.profile import Profile
    from dsvc.plugins.manager import Plugins
    from dsvc.recipe.check import Problem
    from dsvc.recipe.spec import DatasetSpec, Recipe
    from dsvc.repo.catalog import DatasetEntry


class Looking(BaseRepository):
    """What a repository with a recipe answers."""

    @cached_property
    def plugins(self) -> Plugins:
        """The plugins of this environment."""
        from dsvc.plugins.manager import Plugins

        return Plugins()

    @abstractmethod
    def recipe(self) -> Recipe:
        """Return the recipe as it lies in the directory, checked as a whole."""

    def put_signals(self) -> tuple[str, ...]:
        """Return the signals that were put by hand: those in the draft that nothing else made."""
        draft = self.view(DRAFT_REVISION)
        made = {entry.name for entry in draft.state.ingested}
        return tuple(name for name in draft.source_signals if name not in made)

    # --- in SQL -----------------------------------------------------------------------------------------------------

    def sql(self, query: str, revision: str = HEAD) -> pa.Table:
        """Return the answer to one SELECT over the signals and datasets of a version, as tables.

        A signal `x` is a table `x` with the columns `source`, `x`, `_state`, `_origin`, `_producer` and `_version`; a
        dataset is a table of its columns; `global` has a row a source and a column a signal. Only what the query names
        is read. Nothing is written, and no file or network is reached.

        Args:
            query: DuckDB's SQL, aggregates, joins and windows included.
            revision: The version.

        Raises:
            QueryError: If it cannot be answered.
        """
        from dsvc.export.query import query_version

        return query_version(self.view(revision), query)

    def tables(self, revision: str = HEAD) -> list[tuple[str, tuple[str, ...]]]:
        """Return the tables of a version that a query can name, each with its columns."""
        from dsvc.export.query import VersionTables

        return VersionTables(self.view(revision)).list()

    # --- the recipe -------------------------------------------------------------------------------------------------

    def check_recipe(self) -> tuple[Problem, ...]:
        """Return everything that is wrong with the recipe as it lies, against the signals of the draft.

        Its Python files are loaded; no function is called and no feed is read.
        """
        if not (self.path / RECIPE_FILE).exists():
            return ()
        from dsvc.engine.verifying.checking import check_recipe

        return check_recipe(self.view(DRAFT_REVISION), self.path, self.plugins, self.put_signals())

    def resolve_recipe(self, revision: str = DRAFT_REVISION) -> dict[str, dict[str, dict[str, Any]]]:
        """Return section -> name -> key -> value of the recipe, after includes and with defaults.

        References to the environment are not expanded.

        Args:
            revision: A version, of which defaults that plugins give are left out; as it lies in the directory, with
                those of the plugins here, for the draft.

        Raises:
            RecipeError: If the recipe is wrong.
        """
        from dsvc.recipe.committed import open_recipe
        from dsvc.recipe.resolved import resolve_recipe

        if revision == DRAFT_REVISION:
            if not (self.path / RECIPE_FILE).exists():
                return {}
            return resolve_recipe(self.path, plugins=self.plugins, also_known=self.put_signals())
        view = self.view(revision)
        with open_recipe(view, None) as recipe:
            if not (recipe.directory / RECIPE_FILE).exists():
                return {}
            return resolve_recipe(recipe.directory, also_known=[*view.signals])

    # --- datasets ---------------------------------------------------------------------------------------------------

    def datasets(self, revision: str = HEAD) -> list[DatasetEntry]:
        """Return the datasets of a version by name, `global` last: what they select and show, and their tags."""
        from dsvc.repo.catalog import list_datasets

        return list_datasets(self, self.view(revision))

    def recipe_datasets(self, revision: str = HEAD) -> tuple[str, ...]:
        """Return the names of the datasets that the recipe of a version has, made or not."""
        with self._recipe_of(self.view(revision)) as recipe:
            return tuple(recipe.datasets)

    def funnel(self, revision: str, dataset: str) -> Funnel:
        """Return how many sources each stage of a dataset lets through, by the recipe of the version.

        Of the draft, that is the recipe as it lies, whether it was run or not.

        Raises:
            DatasetNotFoundError: If the recipe of the version has no such dataset.
        """
        from dsvc.engine.looking.funnel import find_funnel
        from dsvc.engine.making.loading import Loader

        view = self.view(revision)
        with self._recipe_of(view) as recipe:
            return find_funnel(view, Loader(recipe, self.plugins), _spec_of(recipe, dataset, revision))

    def coverage(self, revision: str, dataset: str) -> list[SignalCoverage]:
        """Return which of a dataset's sources have a record of each signal it names, and whose.

        Raises:
            DatasetNotFoundError: If the version has no such dataset.
        """
        from dsvc.engine.looking.coverage import measure_coverage
        from dsvc.recipe.expressions import parse_expression

        view = self.view(revision)
        with self._recipe_of(view) as recipe:
            if dataset == GLOBAL and dataset not in view.datasets:
                return measure_coverage(view, None, list(view.signals), recipe)
            made = view.dataset(dataset)
            expressions = [parse_expression(text) for _, text in made.columns]
            spec = recipe.datasets.get(dataset)
            if spec is not None:
                split = recipe.splits.get(spec.split or "")
                expressions += [*([spec.where] if spec.where else []), *([split.by] if split else [])]
                expressions += [spec.sample.per] if spec.sample is not None and spec.sample.per else []
            names = dict.fromkeys(path.signal for expression in expressions for path in expression.inputs)
            return measure_coverage(view, view.selection(made), list(names), recipe)

    def profile(self, revision: str, dataset: str) -> Profile:
        """Return what the values of a dataset are like: classes by part, ranges, histograms, nulls.

        Raises:
            DatasetNotFoundError: If the version has no such dataset.
        """
        from dsvc.engine.looking.profile import make_profile
        from dsvc.export.dataset import SPLIT, DatasetReader

        with DatasetReader(self.view(revision), dataset) as reader:
            part = SPLIT if SPLIT in reader.schema.names and SPLIT not in dict(reader.columns) else None
            shown = [name for name, _ in reader.columns]
            return make_profile(reader.read(), reader.schema, columns=shown, parts=reader.splits, part_column=part)

    def movement(self, before: str, after: str, dataset: str) -> Movement:
        """Return how many sources entered and left a dataset between two versions, and by which term.

        Raises:
            DatasetNotFoundError: If neither version has such a dataset.
        """
        from dsvc.engine.looking.movement import find_movement

        with self._sides(before, after, dataset) as sides:
            return find_movement(dataset, *sides)

    def moves(self, before: str, after: str, dataset: str) -> Iterator[Move]:
        """Yield each source that entered, left or changed its part, and why; raises as `movement`."""
        from dsvc.engine.looking.movement import iter_moves

        with self._sides(before, after, dataset) as sides:
            yield from iter_moves(*sides)

    @contextmanager
    def _recipe_of(self, view: View) -> Iterator[Recipe]:
        """Give the recipe of a version: that of its commit, or as it lies for the draft."""
        from dsvc.recipe.committed import open_recipe

        if view.revision == DRAFT_REVISION:
            yield self.recipe()
        else:
            with open_recipe(view, None) as recipe:
                yield recipe

    @contextmanager
    def _sides(self, before: str, after: str, dataset: str) -> Iterator[tuple[Side, Side]]:
        from dsvc.engine.looking.movement import Side
        from dsvc.engine.looking.sieve import Sieve
        from dsvc.engine.making.loading import Loader

        views = self.two_views(before, after)
        if not any(dataset in view.datasets for view in views):
            known = {name for view in views for name in view.datasets}
            raise DatasetNotFoundError(dataset=dataset, revision=after, nearest=nearest(dataset, known))
        with ExitStack() as stack:
            sides = []
            for view in views:
                recipe = stack.enter_context(self._recipe_of(view))
                spec = recipe.datasets.get(dataset)
                sieve = None if spec is None else Sieve(view, Loader(recipe, self.plugins), spec)
                sides.append(Side(view, sieve, view.dataset(dataset) if dataset in view.datasets else None))
            yield sides[0], sides[1]


def _spec_of(recipe: Recipe, name: str, revision: str) -> DatasetSpec:
    if name not in recipe.datasets:
        raise DatasetNotFoundError(dataset=name, revision=revision, nearest=nearest(name, recipe.datasets))
    return recipe.datasets[name]
