"""Clones that share an op store: each wants what its own branches want, and one that is never seen again wants nothing.

An op store that is a clone's own has nobody else in it, and its subscribers are plain names of branches. In one that a
team shares they are ``<clone>:<branch>``, so that the branch `main` of one clone neither drops nor renews what that of
another wants. And a platform forgets an answer once every clone has done a pass since: each has a ledger of its own.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Container
from pathlib import Path
from typing import Final

from dsvc.annotation.opstores.base import OpStore, iter_scan, update
from dsvc.annotation.staging.expiry import DAY_US

SPACE: Final = "clones"
SILENT_US: Final = 14 * DAY_US
"""A clone that did no pass for so long is gone, and what it wanted is wanted no more."""


def clone_name(directory: Path) -> str:
    """Return what tells a clone from others: of a directory on a machine; the same every time."""
    place = f"{socket.gethostname()}\n{directory.resolve()}"
    return hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()[:12]


class Clones:
    """The clones of one op store, seen from one of them.

    Args:
        ops: What they share.
        own: The name of this one; empty where the op store is its own.
        clock: Microseconds UTC.
    """

    def __init__(self, ops: OpStore, own: str, clock: Callable[[], int]) -> None:
        self._ops, self._clock, self.own = ops, clock, own

    def subscriber(self, branch: str) -> str:
        """Return under which name a branch of this clone wants something."""
        return f"{self.own}:{branch}" if self.own else branch

    def note_pass(self, began_us: int) -> None:
        """Say that this clone has taken in what there was when its pass began."""
        if self.own:
            update(self._ops, SPACE, self.own, lambda _: {"seen_us": began_us})

    def is_gone(self, subscriber: str, branches: Container[str]) -> bool:
        """Tell whether a subscriber is no more: a branch of this clone that is not there, or a clone that is silent.

        Args:
            subscriber: The name under which something is wanted.
            branches: The branches of this clone.
        """
        clone, found, branch = subscriber.rpartition(":")
        if not found or clone == self.own:
            return branch not in branches or clone != self.own
        record = self._ops.get(SPACE, clone)
        return record is None or self._clock() - int(record.doc["seen_us"]) > SILENT_US

    def known_until(self) -> int:
        """Return until when every clone has taken in what there was; those that are gone hold nothing up."""
        now = self._clock()
        seen = [int(record.doc["seen_us"]) for record in iter_scan(self._ops, SPACE)]
        return min((us for us in seen if now - us <= SILENT_US), default=now)
