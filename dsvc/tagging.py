"""Giving versions of datasets a name, once they are what the recipe demands of them.

Part of `dsvc.repository.Repository`. Rooms above the store are imported when used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dsvc.errors import DatasetCheckError
from dsvc.looking import Looking
from dsvc.repo.names import split_tag_name
from dsvc.repo.refs import DRAFT_REVISION, HEAD

if TYPE_CHECKING:
    from dsvc.export.checks import Failure
    from dsvc.recipe.spec import Recipe
    from dsvc.repo.branches import TagInfo
    from dsvc.repo.view import View


class Tagging(Looking):
    """What a repository does before a dataset gets a name."""

    def tag(self, name: str, revision: str = HEAD, *, message: str = "") -> TagInfo:
        """Give a commit a lasting name, or, as ``dataset@version``, one dataset at a commit that passes its check.

        The check is that of the commit's own recipe. What was there before, for `max_loss`, is the last tagged version
        of the dataset before the commit, else the commit's first parent.

        Raises:
            InvalidNameError: If no tag can have this name.
            RefExistsError: If a tag or branch has it.
            DatasetNotFoundError: If the commit has no such dataset.
            DatasetCheckError: If the dataset does not pass its check there; nothing is tagged.
        """
        dataset, _ = split_tag_name(name)
        if dataset is not None:
            failures = self.find_failures(dataset, revision)
            if failures:
                told = [str(failure) for failure in failures]
                raise DatasetCheckError(dataset=dataset, revision=revision, failures=told)
        return super().tag(name, revision, message=message)

    def find_failures(self, dataset: str, revision: str = HEAD) -> tuple[Failure, ...]:
        """Return the checks of the recipe that a version of a dataset does not pass; empty where it has none.

        Args:
            dataset: Its name.
            revision: A commit, checked by its own recipe against the last tagged version before it, else its first
                parent; or `@draft`, checked by the recipe in the directory against HEAD.
        """
        from dsvc.repo.earlier import find_earlier, view_of

        if revision == DRAFT_REVISION:
            head = self.head().commit
            before = None if head is None else view_of(self, head)
            return self._find_failures(self.view(DRAFT_REVISION), self.recipe(), dataset, before)
        oid = self.resolve(revision)
        view = view_of(self, oid)
        if not _may_check(view.recipe_files()):
            return ()
        from dsvc.recipe.committed import open_recipe

        with open_recipe(view, None) as recipe:
            return self._find_failures(view, recipe, dataset, find_earlier(self, dataset, oid))

    def _find_failures(self, view: View, recipe: Recipe, dataset: str, before: View | None) -> tuple[Failure, ...]:
        from dsvc.export.checks import find_failures

        spec = recipe.datasets.get(dataset)
        return () if spec is None else find_failures(view, spec, before)

    def find_failing(self) -> Mapping[str, tuple[Failure, ...]]:
        """Return the checks that datasets of the draft do not pass, by dataset; of those that differ from HEAD."""
        head = self.head().commit
        committed = {} if head is None else self.view(HEAD).datasets
        draft = self.view(DRAFT_REVISION).datasets
        names = [name for name, spec in self.recipe().datasets.items() if spec.check is not None]
        changed = [name for name in names if draft.get(name) != committed.get(name)]
        found = {name: self.find_failures(name, DRAFT_REVISION) for name in changed}
        return {name: failures for name, failures in found.items() if failures}


def _may_check(files: Mapping[str, bytes]) -> bool:
    """Tell whether recipe files may demand a check, without reading them as a recipe; a key may be spelt in escapes."""
    return any(b"check" in content or b"\\" in content for path, content in files.items() if path.endswith(".toml"))
