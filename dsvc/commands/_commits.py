"""How a commit is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._render import plain, short

if TYPE_CHECKING:
    from dsvc.repo.history import CommitInfo


def commit_object(info: CommitInfo) -> dict[str, Any]:
    """Return a commit for programs."""
    return {
        "type": "commit",
        "id": info.id,
        "root": info.root,
        "parents": info.parents,
        "author": info.author,
        "time": info.time,
        "message": info.message,
        "generation": info.generation,
        "recipe": info.recipe,
        "state": info.state,
        "notes": info.notes,
        "refs": info.refs,
    }


def commit_title(info: CommitInfo, *, whole: bool = False) -> str:
    """Return a commit's id and refs on one line, with the subject, or, for a block of its own, with the whole id."""
    name = f"commit {info.id}" if whole else short(info.id)
    refs = f" ({', '.join(map(_ref, info.refs))})" if info.refs else ""
    return click.style(name, fg="yellow") + refs + ("" if whole else f" {plain(info.subject)}")


def commit_block(info: CommitInfo) -> Iterator[str]:
    """Yield what a commit says of itself, as a block of lines."""
    yield commit_title(info, whole=True)
    yield f"Author: {plain(info.author)}"
    yield f"Date:   {info.time:%Y-%m-%d %H:%M:%S} UTC"
    yield f"Root:   {short(info.root)}"
    if info.is_as_is:
        yield "Note:   committed as it was, while something derived was stale"
    if info.git_head:
        yield f"Git:    {short(info.git_head)}{', recipe files edited since' if info.is_git_dirty else ''}"
    yield ""
    yield from (f"    {plain(line)}" for line in info.message.splitlines())


def _ref(name: str) -> str:
    return click.style(plain(name), fg="cyan" if name == "HEAD" else "green", bold=True)
