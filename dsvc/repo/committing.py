"""Turning a draft and the recipe files into a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dsvc.errors import DeriveError, NothingToCommitError, RecipeError, RefConflictError, StaleDraftError
from dsvc.objects.access import Writer
from dsvc.objects.commit import Commit
from dsvc.objects.encoding import put_object
from dsvc.objects.oid import Kind, Oid
from dsvc.repo.changes import NOTE_ROWS, noted_rows
from dsvc.repo.git import read_git_state
from dsvc.repo.history import NOTE_AS_IS, NOTE_GIT_DIRTY, NOTE_GIT_HEAD, CommitInfo, describe_commit
from dsvc.repo.refs import Head
from dsvc.repo.rowcounts import count_rows, known_counts
from dsvc.repo.view import EMPTY_ROOT, EMPTY_ROOT_ID, View
from dsvc.repo.worktree import RECIPE_FILE, STARTER_RECIPE, Files, hash_recipe, put_recipe
from dsvc.store.base import RefChange

if TYPE_CHECKING:
    from dsvc.repo.workspace import Workspace


def commit_draft(repo: Workspace, message: str, *, allow_empty: bool, as_is: bool) -> CommitInfo:
    """Commit the current draft; see `dsvc.repo.base.BaseRepository.commit`."""
    while True:
        head, data = repo.read_draft()
        draft = repo.draft_view(head, data)
        files = repo.recipe_files()
        recipe = hash_recipe(files)
        if not allow_empty and not _has_changes(draft, files, recipe):
            raise NothingToCommitError(branch=head.label)
        notes = _notes(repo, draft, files, is_stale=_is_stale(repo, draft, as_is=as_is))
        with repo.new_writer() as writer:
            if draft.commit is None or recipe != draft.commit.recipe:
                put_recipe(writer, files)
            commit = _make_commit(repo, writer, head, draft, recipe)
            commit = replace(commit, message=message, notes=tuple(sorted(notes)))
            oid = put_object(writer, Kind.COMMIT, commit)
            changes = [RefChange(head.ref, head.commit, oid), RefChange(head.draft_ref, data, None)]
            try:
                writer.update(changes, repo.operation("commit"))
            except RefConflictError:
                continue  # the draft or the branch moved: commit what is there now
        return describe_commit(oid, commit)


def _is_stale(repo: Workspace, draft: View, *, as_is: bool) -> bool:
    """Tell whether something derived is stale, or, where that is to be committed, cannot be told."""
    try:
        stale = repo.find_stale(draft)
    except (RecipeError, DeriveError):
        if not as_is:
            raise
        return True
    if stale and not as_is:
        raise StaleDraftError(
            signals=[name for what, name in stale if what == "signal"],
            datasets=[name for what, name in stale if what == "dataset"],
        )
    return bool(stale)


def _make_commit(repo: Workspace, writer: Writer, head: Head, draft: View, recipe: Oid | None) -> Commit:
    """Return the commit of a draft, without message and notes; its parts are in the writer."""
    if draft.root_id == EMPTY_ROOT_ID:
        put_object(writer, Kind.ROOT, EMPTY_ROOT)
    return Commit(
        root=draft.root_id,
        parents=() if head.commit is None else (head.commit,),
        author=repo.author,
        time_us=repo.clock(),
        message="",
        generation=1 if draft.commit is None else draft.commit.generation + 1,
        recipe=recipe,
        state=draft.state_id,
    )


def _has_changes(draft: View, files: Files, recipe: Oid | None) -> bool:
    commit = draft.commit
    if commit is None:
        is_untouched = not files or files == {RECIPE_FILE: STARTER_RECIPE}
        return draft.root_id != EMPTY_ROOT_ID or draft.state_id is not None or not is_untouched
    return (draft.root_id, draft.state_id, recipe) != (commit.root, commit.state, commit.recipe)


def _notes(repo: Workspace, draft: View, files: Files, *, is_stale: bool) -> list[tuple[str, str]]:
    notes = [(NOTE_AS_IS, "")] if is_stale else []
    if repo.config.recipe == "git" and (git := read_git_state(repo.path, files)) is not None:
        notes += [(NOTE_GIT_HEAD, git.head)] if git.head else []
        notes += [(NOTE_GIT_DIRTY, "1")] if git.is_dirty else []
    return notes + [(NOTE_ROWS + name, str(_count_rows(repo, draft, name))) for name in draft.datasets]


def _count_rows(repo: Workspace, draft: View, dataset: str) -> int:
    """Count the sources that a dataset selects: from the last commit's count and what changed since, where it can."""
    committed = repo.commit_view(draft)
    return count_rows(draft, dataset, [(committed, noted_rows(committed, dataset))], known_counts(repo.store.refs))
