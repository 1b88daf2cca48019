"""What `--dry-run` says where a command would drop a draft, edits of recipe files, a branch or a tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dsvc.commands._render import emit, plain, short
from dsvc.errors import RefNotFoundError
from dsvc.repo.names import nearest
from dsvc.repo.switching import uncommitted

if TYPE_CHECKING:
    from dsvc.repository import Repository


def tell_uncommitted(repo: Repository, *, as_json: bool) -> None:
    """Say what a move of HEAD with `--discard` would drop."""
    head, data = repo.read_draft()
    losses = uncommitted(repo, head, repo.draft_view(head, data))
    emit(
        as_json=as_json,
        objects=({"type": "would-drop", "what": what} for what in losses),
        lines=[f"Would drop {plain(what)}" for what in losses] or ["Would drop nothing"],
    )


def tell_deletion(what: str, name: str, commits: Mapping[str, str | None], *, as_json: bool) -> None:
    """Say which commit a branch or tag leads to that would be taken away.

    Args:
        what: ``branch`` or ``tag``.
        name: Which one.
        commits: Name -> commit of all there are.
        as_json: Whether to say it for programs.

    Raises:
        RefNotFoundError: If there is none of this name.
    """
    if name not in commits:
        raise RefNotFoundError(revision=name, nearest=nearest(name, commits))
    emit(
        as_json=as_json,
        objects=[{"type": "would-delete", "what": what, "name": name, "commit": commits[name]}],
        lines=[f"Would delete {what} {plain(name)}, at {short(commits[name])}"],
    )
