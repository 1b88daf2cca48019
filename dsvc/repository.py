"""The repository as users meet it: versions of signals, and the recipe that fills and derives them.

Rooms above the store are reached from here and imported when used, so that the quick commands stay quick.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dsvc.annotating import Annotating
from dsvc.asking import Asking
from dsvc.errors import RecipeError, UserError
from dsvc.repo.names import GLOBAL
from dsvc.repo.refs import DRAFT_REVISION, HEAD
from dsvc.repo.view import View
from dsvc.repo.worktree import RECIPE_FILE, STARTER_RECIPE, read_known
from dsvc.tagging import Tagging

if TYPE_CHECKING:
    import pyarrow as pa

    from dsvc.engine.planning.plan import Plan
    from dsvc.engine.planning.story import Story
    from dsvc.engine.planning.trying import Trial
    from dsvc.export.checkout import CheckoutReport
    from dsvc.feeds.pending import Pending
    from dsvc.feeds.report import IngestReport
    from dsvc.recipe.spec import Recipe
    from dsvc.store.base import OnWait

Progress = Callable[[str, int, int | None], None]
"""Told what is under way, how much of it is done, and of how much; None where nobody knows."""


def now_us() -> int:
    """Return the time in microseconds since 1970, UTC."""
    return time.time_ns() // 1_000


class Repository(Annotating, Tagging, Asking):
    """One repository, open. Close it, or use it as a context manager."""

    environ = os.environ
    _loaded: tuple[Mapping[str, bytes], tuple[str, ...], Recipe] | None = None
    """The recipe last loaded, and what it was loaded from."""

    @classmethod
    def init(
        cls,
        path: Path | str = ".",
        *,
        author: str | None = None,
        clock: Callable[[], int] = now_us,
        command: str = "",
        on_wait: OnWait | None = None,
    ) -> Self:
        """Make a repository in a directory; as `Workspace.init`, here and by this machine's clock unless said."""
        repo = super().init(path, author=author, clock=clock, command=command, on_wait=on_wait)
        repo.on_wait = on_wait
        return repo

    @classmethod
    def open(
        cls,
        path: Path | str = ".",
        *,
        author: str | None = None,
        clock: Callable[[], int] = now_us,
        command: str = "",
        on_wait: OnWait | None = None,
    ) -> Self:
        """Open the repository in a directory, or in the nearest one above it; as `Workspace.open`."""
        repo = super().open(path, author=author, clock=clock, command=command, on_wait=on_wait)
        repo.on_wait = on_wait
        return repo

    # --- the recipe -------------------------------------------------------------------------------------------------

    def recipe(self) -> Recipe:
        """Return the recipe as it lies in the directory, checked as a whole; an empty one where there is none.

        Raises:
            RecipeError: If anything in it is wrong.
        """
        from dsvc.recipe.spec import Recipe

        if self._read_starter() is not None:
            return Recipe(self.path)
        from dsvc.recipe.load import load_recipe

        files, known = self.recipe_files(), self.put_signals()
        if self._loaded is None or self._loaded[:2] != (files, known):
            self._loaded = files, known, load_recipe(self.path, plugins=self.plugins, also_known=known)
        return self._loaded[2]

    def _read_starter(self) -> Mapping[str, bytes] | None:
        """Return the recipe files where they say nothing yet: none, or the one that init wrote; None otherwise.

        Nothing need be loaded to know what follows from such a recipe.
        """
        files = read_known(self.path, ())
        return files if files in ({}, {RECIPE_FILE: STARTER_RECIPE}) else None

    def recipe_files(self) -> Mapping[str, bytes]:
        """Return the recipe files to commit: path -> content.

        Raises:
            RecipeError: If they cannot be read as such.
        """
        starter = self._read_starter()
        if starter is not None:
            return starter
        from dsvc.recipe.files import recipe_files

        return recipe_files(self.path)

    def find_owner(self, signal: str) -> str | None:
        """Return the recipe's table that makes a signal, e.g. ``step.x``, or None if it may be put by hand."""
        if self._read_starter() is None:
            from dsvc.recipe.files import merge_files

            content, _ = merge_files(self.path)  # the names alone: a recipe may name signals that are still to be put
            for section in ("step", "task", "signal"):
                if signal in content.get(section, {}):
                    return f"{section}.{signal}"
        return super().find_owner(signal)

    def derived_names(self) -> tuple[frozenset[str], frozenset[str]] | None:
        """Return the names of the recipe's steps and tasks, and of its datasets, without a look at what they are."""
        if self._read_starter() is not None:
            return frozenset(), frozenset()
        from dsvc.recipe.files import merge_files

        try:
            content, _ = merge_files(self.path)
            derived = {*content.get("step", {}), *content.get("task", {})}
            return frozenset(derived), frozenset(content.get("dataset", {}))
        except (RecipeError, AttributeError, TypeError):
            return None  # `plan` says what is wrong with it

    def find_stale(self, draft: View) -> Sequence[tuple[str, str]]:
        """Return ("signal" or "dataset", name) of what does not follow from its inputs."""
        has_derived = bool(draft.state.derived or draft.state.datasets)
        if not has_derived and (self._read_starter() is not None or not self._derives_anything()):
            return ()
        from dsvc.engine.planning.plan import plan as make_plan
        from dsvc.engine.reading.facts import PinnedFacts

        # Who has answered since the last run holds no commit up: a version says which answers it was made from.
        plan = make_plan(self, self.recipe(), self.plugins, facts=PinnedFacts(self.store, draft))
        stale = [("signal", step.name) for step in plan.steps if step.status != "unchanged"]
        return stale + [("dataset", dataset.name) for dataset in plan.datasets if dataset.status != "unchanged"]

    def _derives_anything(self) -> bool:
        recipe = self.recipe()
        return bool(recipe.steps or recipe.tasks or recipe.datasets)

    # --- filling and deriving ---------------------------------------------------------------------------------------

    def ingest(
        self, *, full: bool = False, environ: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> IngestReport:
        """Take new and changed documents of every feed into the draft. Durable on return.

        Args:
            full: Read everything again, and find types anew, as a fresh repository would.
            environ: What ``${NAME}`` in a feed stands for; the environment if None.
            progress: Told how far each feed is.

        Raises:
            RecipeError: If the recipe is wrong.
            FeedError: If a feed cannot be read; nothing was taken in.
        """
        from dsvc.feeds.ingest import ingest

        variables = os.environ if environ is None else environ
        return ingest(self, self.recipe(), self.plugins, full=full, environ=variables, progress=progress)

    def plan(self) -> Plan:
        """Return what a run would make again, and why, counted before anything runs.

        Raises:
            RecipeError: If the recipe is wrong.
        """
        from dsvc.engine.planning.plan import plan

        with self._under_way() as under_way:
            return plan(self, self.recipe(), self.plugins, under_way=under_way)

    def explain(self, pointer: str, step: str | None = None) -> Story:
        """Return what a run would do to the records of one source, and why.

        Args:
            pointer: The source.
            step: Only its record of this step.

        Raises:
            RecipeError: If the recipe is wrong.
            SourceNotFoundError: If the draft has no such source.
            UserError: If the recipe has no such step.
        """
        from dsvc.engine.planning.story import tell_story

        return tell_story(self, self.recipe(), self.plugins, pointer, step)

    def try_step(
        self,
        step: str,
        pointers: Sequence[str] = (),
        *,
        limit: int = 20,
        where: str | None = None,
        everything: bool = False,
    ) -> Trial:
        """Run a step on a few sources of the draft and return what it reads and gives; nothing is stored.

        Of a task, say what people would be asked about them.

        Args and raises as `dsvc.engine.planning.trying.try_step`.
        """
        from dsvc.engine.planning.trying import try_step

        recipe, plugins = self.recipe(), self.plugins
        if step in recipe.tasks:
            from dsvc.engine.planning.task_trial import try_task

            if where is not None or everything:
                hint = f"name sources instead: `dsvc try {step} POINTER`"
                raise UserError(message=f"{step!r} is a task: it is tried source by source", hint=hint)
            return try_task(self, recipe, plugins, step, pointers, limit=limit)
        return try_step(self, recipe, plugins, step, pointers, limit=limit, where=where, everything=everything)

    def find_pending(self) -> tuple[Pending, ...]:
        """Return the feeds that the next ingest reads again because the recipe changed; reads none of them.

        Raises:
            RecipeError: If the recipe is wrong.
        """
        from dsvc.feeds.pending import find_pending

        return find_pending(self.view(DRAFT_REVISION).state, self.recipe(), self.plugins)

    # --- datasets ---------------------------------------------------------------------------------------------------

    def read(self, revision: str = HEAD, signals: Sequence[str] | None = None, dataset: str | None = None) -> pa.Table:
        """Return the records of signals, joined by source, or the rows of a dataset.

        Args:
            revision: The version.
            signals: Names, in the order of the columns; all by name, or the dataset's own columns, if None.
            dataset: A dataset of the version, or `global`; that of a ``dataset@version`` tag if neither it nor
                `signals` is given.

        Returns:
            `source`, then a column a signal or the dataset's columns (and `split`, where it has one), ordered by
            source: the sources that have any of the signals, or that the dataset selects; null where there is no
            record.

        Raises:
            SignalNotFoundError: If the version has no such signal.
            DatasetNotFoundError: If it has no such dataset.
        """
        dataset = self._dataset_of(revision, signals, dataset)
        if dataset is None:
            return super().read(revision, signals)
        from dsvc.export.dataset import read_dataset

        return read_dataset(self.view(revision), dataset, signals)

    def iter_read(
        self,
        revision: str = HEAD,
        signals: Sequence[str] | None = None,
        *,
        dataset: str | None = None,
        start: str | None = None,
        stop: str | None = None,
        rows_per_batch: int = 131_072,
    ) -> Iterator[pa.RecordBatch]:
        """Yield what `read` returns in batches, in bounded memory.

        Args:
            revision: The version.
            signals: Names; all, or the dataset's own columns, if None.
            dataset: A dataset of the version, or `global`; as for `read`.
            start: The first source, included.
            stop: The last source, not included.
            rows_per_batch: Rows of a batch, about.
        """
        dataset = self._dataset_of(revision, signals, dataset)
        if dataset is None:
            return super().iter_read(revision, signals, start=start, stop=stop, rows_per_batch=rows_per_batch)
        from dsvc.export.dataset import iter_dataset

        view = self.view(revision)
        return iter_dataset(view, dataset, signals, start=start, stop=stop, rows_per_batch=rows_per_batch)

    def checkout(
        self,
        revision: str = HEAD,
        dataset: str | None = None,
        *,
        to: Path | str | None = None,
        format: str = "parquet",  # noqa: A002  -- the word of the command line
        options: Mapping[str, Any] | None = None,
        discard: bool = False,
        progress: Progress | None = None,
    ) -> CheckoutReport | None:
        """Write a dataset at a version as files; or, without `to`, move HEAD to a revision.

        A second checkout into the same directory writes only files whose content differs, and touches none that are
        not its own.

        Args:
            revision: The version; `@draft` too, with `to`.
            dataset: A dataset of the version; that of a ``dataset@version`` tag, else `global`, if None.
            to: The directory; it is made where it is not there.
            format: ``parquet``, ``arrow``, ``jsonl``, ``csv``, or one that a plugin offers.
            options: What the format's exporter may be told.
            discard: Without `to`: drop a draft and edits of recipe files.
            progress: Told how many sources are done, of how many.

        Returns:
            What was written; None without `to`.

        Raises:
            DatasetNotFoundError: If the version has no such dataset.
            CheckoutError: If the files cannot be written there.
            PluginNotFoundError: If no plugin offers the format.
            DirtyWorktreeError: Without `to`: if a draft or edits of recipe files would be lost.
        """
        if to is None:
            if dataset is not None:
                raise UserError(message=f"where should dataset {dataset!r} go?", hint="name a directory with `--to`")
            self.checkout_revision(revision, discard=discard)
            return None
        from dsvc.export.checkout import check_out
        from dsvc.export.options import make_exporter

        exporter, filled = make_exporter(self.plugins, format, options or {})
        return check_out(
            self.view(revision),
            dataset or self._tagged_dataset(revision) or GLOBAL,
            Path(to),
            format_name=format,
            exporter=exporter,
            options=filled,
            progress=progress,
        )

    def _dataset_of(self, revision: str, signals: Sequence[str] | None, dataset: str | None) -> str | None:
        """Return what a read is of: a dataset, or None for signals."""
        if dataset is not None or signals is not None:
            return dataset
        return self._tagged_dataset(revision) if "@" in revision else None

    def _tagged_dataset(self, revision: str) -> str | None:
        """Return the dataset of a tag that names one."""
        return next((tag.dataset for tag in self.tags() if tag.name == revision), None)


init = Repository.init
open = Repository.open  # noqa: A001  -- dsvc.open reads as git's words do
