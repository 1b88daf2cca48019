"""The ledger: everything that people answered, and how far each platform was read. It only grows.

Source: docs/format.md#ledger.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from dsvc.objects.encoding import check_ascending
from dsvc.objects.oid import StoredOid


class LedgerTask(msgspec.Struct, frozen=True, array_like=True):
    """What is known of one task."""

    name: str
    evidence: StoredOid | None = None
    """A `Signal` source -> struct of answers, asks and members; None while there is none."""
    lots: StoredOid | None = None
    """A `Signal` of closed lots, by their ids and parts."""
    openings: tuple[tuple[str, int], ...] = ()
    """(key of a lot that is filling, since when in microseconds since 1970), sorted by key."""

    def __post_init__(self) -> None:
        check_ascending([key for key, _ in self.openings])


class Ledger(msgspec.Struct, frozen=True, array_like=True):
    """One state of the ledger."""

    parents: tuple[StoredOid, ...] = ()
    """What it was made from, this repository's own first."""
    tasks: tuple[LedgerTask, ...] = ()
    """Sorted by name."""
    cursors: tuple[tuple[str, bytes], ...] = ()
    """(platform and project, how far its answers are in here), sorted by name."""
    guidelines: tuple[tuple[str, str, StoredOid], ...] = ()
    """(task, version, hash of a guideline that answers of it were given under), sorted."""

    pseudonyms: bytes = b""
    """Tells by which key people became pseudonyms; empty for none."""

    N_LATER: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_ascending([task.name for task in self.tasks])
        check_ascending([name for name, _ in self.cursors])
        check_ascending(self.guidelines)
