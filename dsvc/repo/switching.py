"""Moving HEAD: to a branch, to any commit, and dropping what is not committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsvc.errors import DirtyWorktreeError, RefNotFoundError
from dsvc.objects.oid import Oid
from dsvc.repo.branches import check_new_branch, list_branches
from dsvc.repo.names import check_ref_name, nearest
from dsvc.repo.refs import DRAFTS, HEAD, HEADS, Head, symbolic
from dsvc.repo.view import View
from dsvc.repo.worktree import changed_files, check_free, hash_files, read_recipe, restore
from dsvc.store.base import RefChange

if TYPE_CHECKING:
    from dsvc.repo.workspace import Workspace


def switch_branch(repo: Workspace, name: str, *, discard: bool) -> None:
    """Make another branch the current one; see `dsvc.repo.base.BaseRepository.switch`."""
    check_ref_name(name, "branch")
    value = repo.store.refs.get(HEADS + name)
    head, _ = repo.read_draft()
    if head.branch == name and not discard:
        return
    if value is None and head.branch != name:
        raise RefNotFoundError(
            revision=name,
            message=f"there is no branch {name!r}",
            nearest=nearest(name, (branch.name for branch in list_branches(repo))),
            hint=f"make it with `dsvc switch -c {name}`",
        )
    _move(repo, symbolic(name), None if value is None else Oid(value), discard=discard, command=f"switch {name}")


def switch_new_branch(repo: Workspace, name: str, revision: str | None) -> None:
    """Make a branch and make it the current one, taking the draft along."""
    check_new_branch(repo, name)
    head, data = repo.read_draft()
    start = head.commit if revision is None else repo.resolve(revision)
    if start != head.commit:
        _move(repo, symbolic(name), start, discard=False, command=f"switch -c {name}", new_branch=name)
        return
    changes = [RefChange(HEAD, head.value, symbolic(name))]
    if head.commit is not None:
        changes.append(RefChange(HEADS + name, None, head.commit))
    if data is not None:
        changes += [RefChange(head.draft_ref, data, None), RefChange(DRAFTS + name, None, data)]
    repo.store.refs.update(changes, op=repo.operation(f"switch -c {name}"))


def checkout_revision(repo: Workspace, revision: str, *, discard: bool) -> None:
    """Move HEAD to a branch or, detached, to any commit; see `dsvc.repo.base.BaseRepository.checkout_revision`."""
    if repo.store.refs.get(HEADS + revision) is not None:
        switch_branch(repo, revision, discard=discard)
        return
    commit = repo.resolve(revision)
    _move(repo, commit, commit, discard=discard, command=f"checkout {revision}")


def discard_changes(repo: Workspace) -> None:
    """Drop the draft and the edits of recipe files."""
    head, _ = repo.read_draft()
    _move(repo, head.value, head.commit, discard=True, command="discard")


def uncommitted(repo: Workspace, head: Head, draft: View) -> list[str]:
    """Return what a move of HEAD would lose, in words."""
    committed = repo.commit_view(draft)
    changes = []
    if (draft.root_id, draft.state_id) != (committed.root_id, committed.state_id):
        changes.append(f"the draft of {head.label}")
    return changes + [path for _, path in edited_files(repo, draft)]


def edited_files(repo: Workspace, draft: View) -> list[tuple[str, str]]:
    """Return how the recipe files differ from the last commit's, where dsvc keeps them."""
    if repo.config.recipe == "git":
        return []
    return changed_files(repo.baseline_ids(draft), hash_files(repo.lying_files(draft)))


def _move(
    repo: Workspace,
    value: bytes,
    commit: Oid | None,
    *,
    discard: bool,
    command: str,
    new_branch: str | None = None,
) -> None:
    """Point HEAD at `value`, whose commit is `commit`, and write that commit's recipe files."""
    head, data = repo.read_draft()
    draft = repo.draft_view(head, data)
    if not discard and (changes := uncommitted(repo, head, draft)):
        raise DirtyWorktreeError(changes=changes)
    moves = [RefChange(HEAD, head.value, value), RefChange(head.draft_ref, data, None)]
    if new_branch is not None:
        moves.append(RefChange(HEADS + new_branch, None, commit))
    keeps_recipe = repo.config.recipe == "dsvc" and commit is not None
    current = repo.baseline_files(draft)
    target = read_recipe(repo.store.objects, repo.read_commit(commit).recipe) if keeps_recipe and commit else {}
    if keeps_recipe and not discard:
        check_free(repo.path, current, target)
    if any(move.expected != move.new for move in moves):
        repo.store.refs.update(moves, op=repo.operation(command))
    if keeps_recipe:
        restore(repo.path, current, target)
