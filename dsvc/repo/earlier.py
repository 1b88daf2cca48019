"""The version of a dataset that a new one is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsvc.objects.oid import Oid
from dsvc.repo.branches import list_tags
from dsvc.repo.history import is_ancestor, read_commit
from dsvc.repo.view import View

if TYPE_CHECKING:
    from dsvc.repo.workspace import Workspace


def find_earlier(repo: Workspace, dataset: str, commit: Oid) -> View | None:
    """Return the last tagged version of a dataset before a commit, else the commit's first parent; None for neither.

    Args:
        repo: The repository.
        dataset: Whose tags.
        commit: The commit that is to be compared; a tag at itself is none before it.
    """
    reader = repo.store.objects
    tagged = {Oid(bytes.fromhex(tag.commit)) for tag in list_tags(repo) if tag.dataset == dataset} - {commit}
    before = [oid for oid in tagged if is_ancestor(reader, oid, commit)]
    newest = max(before, key=lambda oid: (read_commit(reader, oid).generation, oid), default=None)
    if newest is None:
        parents = read_commit(reader, commit).parents
        newest = parents[0] if parents else None
    return None if newest is None else view_of(repo, newest)


def view_of(repo: Workspace, oid: Oid) -> View:
    """Return a commit as a version to read from."""
    commit = read_commit(repo.store.objects, oid)
    return View(repo.store.objects, commit.root, commit.state, commit_id=oid, commit=commit, revision=oid.hex()[:12])
