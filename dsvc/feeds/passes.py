"""What of a feed has to be read, and why: all of it, what came since, or nothing.

Signals can differ: one whose section of the recipe was edited takes all documents, while the others of its feed go on
from the cursor. So a feed is read in passes, each for some signals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from dsvc.feeds.about import TargetChanges
from dsvc.objects.keys import Keys
from dsvc.recipe.spec import SignalSpec

MAX_LOOKUPS = 50_000
"""Keys that are looked up one by one; for more sources, reading everything is faster."""


class Marks(msgspec.Struct, frozen=True, array_like=True):
    """How far a feed was read; `FeedState.cursor` is its msgpack."""

    fingerprint: bytes | None = None
    """What the feed said of itself before it was read."""
    cursor: bytes | None = None
    """The feed's own word for where to go on."""
    order: bytes | None = None
    """The greatest value of the cursor's field, as `dsvc.feeds.documents.order_key` writes it."""

    def encode(self) -> bytes:
        """Return the bytes to keep."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, data: bytes | None) -> Marks:
        """Return what was kept; nothing known if it is nothing."""
        return cls() if data is None else msgspec.msgpack.decode(data, type=cls)


@dataclass(frozen=True)
class Pass:
    """One reading of a feed for some of its signals.

    Attributes:
        signals: The signals that take values from it.
        since: Where to go on; None reads everything, and what is not there any more goes.
        is_main: Whether it brings the feed's own state up to date: sources, keys, counts and cursor.
        lookups: Texts of keys whose documents are looked up besides.
        gone: Sources that are no more.
    """

    signals: Sequence[SignalSpec]
    since: bytes | None = None
    is_main: bool = True
    lookups: Sequence[str] = ()
    gone: Keys | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all documents are read."""
        return self.since is None


@dataclass(frozen=True)
class Plan:
    """The passes of one feed.

    Attributes:
        passes: In the order to read.
        why: Why everything is read; empty where it is not.
    """

    passes: Sequence[Pass]
    why: str = ""

    @property
    def read(self) -> str:
        """``all``, ``since`` or ``nothing``."""
        if not self.passes:
            return "nothing"
        return "all" if all(each.is_whole for each in self.passes) else "since"


def plan_passes(
    kept: Sequence[SignalSpec],
    fresh: Sequence[SignalSpec],
    before: Marks | None,
    now: bytes | None,
    *,
    why_not: str,
    target: TargetChanges | None,
) -> Plan:
    """Return how to read a feed.

    Args:
        kept: Signals that were read before as the recipe says now.
        fresh: Signals that were not.
        before: How far the feed was read; None where that is worth nothing now.
        now: The feed's present fingerprint.
        why_not: Why `before` is None.
        target: For a feed about another's sources, what changed of them; None for others.
    """
    both = [*kept, *fresh]
    if before is None:
        return Plan([Pass(both)], why_not)
    is_moved = target is not None and bool(target.new or target.gone or target.is_tangled)
    if now is not None:
        if now != before.fingerprint or is_moved:
            return Plan([Pass(both)], "changed" if now != before.fingerprint else "sources")
        return Plan([Pass(fresh, is_main=False)], "meaning") if fresh else Plan([])
    if before.cursor is None:
        return Plan([Pass(both)], "always")
    if target is None:
        return _with_fresh(fresh, Pass(kept, before.cursor))
    if target.is_tangled or len(target.new) > MAX_LOOKUPS:
        return Plan([Pass(both)], "sources")
    if not kept:
        return Plan([Pass(both)], "meaning")
    gone = Keys.of_bytes(sorted(target.gone)) if target.gone else None
    return _with_fresh(fresh, Pass(kept, before.cursor, lookups=target.new, gone=gone))


def _with_fresh(fresh: Sequence[SignalSpec], since: Pass) -> Plan:
    if not fresh:
        return Plan([since])
    return Plan([Pass(fresh, is_main=False), since], "meaning")
