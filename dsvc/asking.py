"""What people are asked, and what they said.

Part of `dsvc.repository.Repository`. Rooms above the store are imported when used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dsvc.errors import DsvcError, UserError
from dsvc.looking import Looking
from dsvc.repo.refs import DRAFT_REVISION, HEAD
from dsvc.repo.worktree import RECIPE_FILE, STARTER_RECIPE, read_known

if TYPE_CHECKING:
    from dsvc.annotation.keeping.guidelines import EditedGuideline
    from dsvc.annotation.under_way import UnderWay
    from dsvc.engine.looking.task_blame import TaskStory
    from dsvc.engine.planning.people import People
    from dsvc.engine.planning.task_plan import TaskPlan


class Asking(Looking):
    """What a repository knows of people."""

    def price_version(self, task: str, version: str, *, accept: str | None = None) -> TaskPlan:
        """Return what people would have to do if a task had another version, before it is raised: a plan of that.

        Args:
            task: The task.
            version: The version.
            accept: The versions whose answers count then, e.g. ``>=2``; those that count now if the new one is among
                them, else it alone.

        Raises:
            RecipeError: If the recipe is wrong.
            UserError: If it has no such task, or `accept` is no range.
        """
        from dsvc.engine.planning.pricing import price_version
        from dsvc.recipe.versions import VersionRange

        try:
            accepted = None if accept is None else VersionRange.parse(accept)
        except ValueError as err:
            raise UserError(message=f"expected {err}, found {accept!r}", hint="write it as in a recipe") from err
        with self._under_way() as under_way:
            recipe, plugins = self.recipe(), self.plugins
            return price_version(self, recipe, plugins, task, version, accept=accepted, under_way=under_way)

    @contextmanager
    def _under_way(self) -> Iterator[UnderWay]:
        """Look at what is on its way to people; nothing is written."""
        from dsvc.annotation.under_way import open_under_way

        with open_under_way(self.layout.directory, self.config.annotation, self.recipe(), self.clock) as found:
            yield found

    def edited_guidelines(self) -> list[EditedGuideline]:
        """Return the guidelines that were edited since people answered by them, under the same version of the task."""
        if read_known(self.path, ()) in ({}, {RECIPE_FILE: STARTER_RECIPE}):
            return []  # nothing need be loaded to know that
        try:
            recipe = self.recipe()
        except DsvcError:
            return []  # `plan` says what is wrong with it
        if not recipe.tasks:
            return []
        from dsvc.annotation.keeping.guidelines import find_edited
        from dsvc.annotation.keeping.ledger import read_ledger

        return find_edited(read_ledger(self.store), recipe.directory, recipe.tasks.values())

    def people(self, task: str) -> People:
        """Return what people are asked by a task of the draft, and which values wait for a lot.

        Raises:
            RecipeError: If the recipe is wrong.
            UserError: If it has no such task.
        """
        from dsvc.engine.making.loading import Loader
        from dsvc.engine.planning.people import People

        return People(self, self.view(DRAFT_REVISION), Loader(self.recipe(), self.plugins), task)

    def is_task(self, signal: str, revision: str = HEAD) -> bool:
        """Tell whether people make a signal of a version, told by how it was made."""
        from dsvc.repo.status import asks_people

        view = self.view(revision)
        return any(entry.name == signal and asks_people(view, entry.trace) for entry in view.state.derived)

    def blame_task(self, task: str, pointer: str, revision: str = HEAD) -> TaskStory | None:
        """Return how a task came to what a version has of one source; None for a source that is none of the task's.

        Annotators are pseudonymous. `blame` says of which commit and of which inputs the record is.

        Raises:
            RecipeError: If the recipe is wrong.
            UserError: If the version's recipe has no such task.
        """
        from dsvc.engine.looking.task_blame import tell_task
        from dsvc.recipe.committed import open_recipe

        view = self.view(revision)
        if revision == DRAFT_REVISION:
            return tell_task(self, self.recipe(), self.plugins, view, task, pointer)
        with open_recipe(view, None) as recipe:  # no plugin has a part in it
            return tell_task(self, recipe, self.plugins, view, task, pointer)
