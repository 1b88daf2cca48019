"""What can be asked of a repository beside its records: of its recipe, its datasets, and in SQL.

Part of `dsvc.repository.Repository`. Nothing here writes; rooms above the store are imported when used.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dsvc.repo.base import BaseRepository
from dsvc.repo.refs import DRAFT_REVISION
from dsvc.repo.worktree import RECIPE_FILE

if TYPE_CHECKING:
    from dsvc.plugins.manager import Plugins
    from dsvc.recipe.check import Problem
    from dsvc.recipe.spec import Recipe


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

    # --- the recipe -------------------------------------------------------------------------------------------------

    def check_recipe(self) -> tuple[Problem, ...]:
        """Return everything that is wrong with the recipe as it lies, against the signals of the draft.

        Its Python files are loaded; no function is called and no feed is read.
        """
        if not (self.path / RECIPE_FILE).exists():
            return ()
        from dsvc.engine.checking import check_recipe

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
