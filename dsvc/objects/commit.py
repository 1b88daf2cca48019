"""A commit: a version, where it comes from, and who says so."""

from __future__ import annotations

import msgspec

from dsvc.objects.oid import Oid


class Commit(msgspec.Struct, frozen=True, array_like=True):
    """One commit. Equal content has an equal `root`; the commit's own id also names time and author.

    Source: docs/format.md#commit.
    """

    root: Oid
    parents: tuple[Oid, ...]
    author: str
    time_us: int
    """Microseconds since 1970, UTC."""
    message: str
    generation: int
    """1 + the greatest generation of the parents; 1 for the first commit."""
    recipe: Oid | None = None
    state: Oid | None = None
    delta: Oid | None = None
    """Reserved for an index of what changed against the first parent; None until one is stored."""
    notes: tuple[tuple[str, str], ...] = ()
    """Sorted marks: ``as-is``, ``git-head``, ``git-dirty``."""
