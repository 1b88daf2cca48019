"""A commit: a version, where it comes from, and who says so."""

from __future__ import annotations

import msgspec

from dsvc.objects.encoding import check_ascending
from dsvc.objects.oid import Count, StoredOid


class Commit(msgspec.Struct, frozen=True, array_like=True):
    """One commit. Equal content has an equal `root`; the commit's own id also names time and author.

    Source: docs/format.md#commit.
    """

    root: StoredOid
    parents: tuple[StoredOid, ...]
    author: str
    time_us: int
    """Microseconds since 1970, UTC."""
    message: str
    generation: Count
    """1 + the greatest generation of the parents; 1 for the first commit."""
    recipe: StoredOid | None = None
    state: StoredOid | None = None
    delta: StoredOid | None = None
    """Reserved for an index of what changed against the first parent; None until one is stored."""
    notes: tuple[tuple[str, str], ...] = ()
    """Sorted marks: ``as-is``, ``git-head``, ``git-dirty``."""

    def __post_init__(self) -> None:
        check_ascending([name for name, _ in self.notes])
