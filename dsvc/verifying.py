"""Whether what a repository holds comes out the same when it is made again, and is what its recipe says it is.

Part of `dsvc.repository.Repository`. Nothing here replaces a result; rooms above the store are imported when used.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from dsvc.looking import Looking
from dsvc.repo.refs import DRAFT_REVISION, HEAD
from dsvc.repo.worktree import RECIPE_FILE, STARTER_RECIPE, read_known

if TYPE_CHECKING:
    from dsvc.engine.making.report import ProgressCall, RunReport
    from dsvc.engine.verifying.reproduce import Reproduction
    from dsvc.recipe.declared import ChangedCode
    from dsvc.repo.divergences import Divergence


class Verifying(Looking):
    """What a repository does to find results that do not hold."""

    def reproduce(
        self, revision: str = HEAD, dataset: str | None = None, *, rows: int = 5, progress: ProgressCall | None = None
    ) -> Reproduction:
        """Derive a version again, with the recipe of its commit, and compare; what differs is told, noted, and stays.

        Args:
            revision: The version.
            dataset: Only this dataset and the steps that it needs; that of a ``dataset@version`` tag, else all, if
                None.
            rows: Differing records to tell of, of each step.
            progress: Told how far each step is.

        Raises:
            NotReproducibleError: If the version was committed without a recipe.
            DatasetNotFoundError: If it has no such dataset.
        """
        from dsvc.engine.verifying.reproduce import reproduce

        tagged = next((tag.dataset for tag in self.tags() if tag.name == revision), None)
        return reproduce(self, self.plugins, revision, dataset or tagged, rows=rows, progress=progress)

    def check(
        self, *, only: Collection[str] | None = None, rows: int = 5, progress: ProgressCall | None = None
    ) -> Reproduction:
        """Execute the derived records of the draft again, and compare; what differs is told, noted, and stays.

        Args:
            only: Steps and datasets to check; all if None.
            rows: Differing records to tell of, of each.
            progress: Told how far each step is.
        """
        from dsvc.engine.verifying.rechecking import check

        return check(self, self.recipe(), self.plugins, only=only, rows=rows, progress=progress)

    def divergences(self, *, current: bool = False) -> list[Divergence]:
        """Return what was noted to come out otherwise, newest first; if `current`, only of what the draft holds."""
        from dsvc.repo.divergences import find_current, read_divergences

        noted = read_divergences(self.store.refs)
        return find_current(self.view(DRAFT_REVISION), noted) if current else noted

    def changed_code(self) -> list[ChangedCode]:
        """Return the steps whose code is not what their declared version stood for when it was first made here."""
        if read_known(self.path, ()) in ({}, {RECIPE_FILE: STARTER_RECIPE}):
            return []  # nothing need be loaded to know that
        from dsvc.recipe.declared import find_changed_code

        return find_changed_code(self.store.refs, self.path)

    def accept_code(self) -> list[ChangedCode]:
        """Let declared versions stand for the code as it is now; return what had changed."""
        from dsvc.recipe.declared import accept_code

        return accept_code(self.store.refs, self.path)

    def note_code(self, done: RunReport) -> None:
        """Keep what the code of the declared versions is that a run has made."""
        made = [step.name for step in done.steps if step.records]
        if made:
            from dsvc.recipe.declared import note_code

            note_code(self.store.refs, self.path, made)
