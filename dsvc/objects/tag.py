"""A tag: a lasting name of a commit, or of one dataset at a commit."""

from __future__ import annotations

import msgspec

from dsvc.objects.oid import StoredOid


class Tag(msgspec.Struct, frozen=True, array_like=True):
    """What a tag points at.

    Source: docs/format.md#tag.
    """

    commit: StoredOid
    dataset: str | None
    """Set for ``dataset@version`` tags."""
    author: str
    time_us: int
    """Microseconds since 1970, UTC."""
    message: str
