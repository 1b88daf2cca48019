"""What a commit or a draft knows beside its content: how it was derived, what waits, how far feeds were read.

State stands outside the root: it may change while the root stays.

Source: docs/format.md#state.
"""

from __future__ import annotations

import msgspec

from dsvc.objects.encoding import check_ascending
from dsvc.objects.oid import Count, StoredOid


class Derived(msgspec.Struct, frozen=True, array_like=True):
    """How one derived signal was made. It is current, against its trace's inputs, for all but `waiting`."""

    name: str
    trace: StoredOid
    waiting: StoredOid | None = None
    """A `Signal` source -> struct<detail: string, reason: string>, or None when nothing waits."""


class Ingested(msgspec.Struct, frozen=True, array_like=True):
    """How one ingested signal was read."""

    name: str
    definition: StoredOid
    """Hash of what the recipe says of it."""
    feed: str
    waiting: StoredOid | None = None
    """As in `Derived`; reason ``held``, detail the kept value."""


class FeedState(msgspec.Struct, frozen=True, array_like=True):
    """How far one feed was read, and what came of it."""

    name: str
    meaning: StoredOid
    """Hash of collection, filter and mapping: a cursor is good for one meaning."""
    cursor: bytes | None = None
    keys: StoredOid | None = None
    """A `Signal` key text -> pointer, where feeds describe sources by another key."""
    documents: Count = 0
    superseded: Count = 0
    orphans: Count = 0
    """Documents whose source is not there yet."""
    content: StoredOid | None = None
    """A `Signal`: the sources that this feed gives, and what it says of their content. Of one feed alone it is the
    signal `content`; of several, that is their union. None for a feed about another's sources."""


class DatasetState(msgspec.Struct, frozen=True, array_like=True):
    """How one dataset's selection was made."""

    name: str
    definition: StoredOid
    trace: StoredOid


class State(msgspec.Struct, frozen=True, array_like=True):
    """Everything known beside the root; each tuple is sorted by name."""

    derived: tuple[Derived, ...] = ()
    ingested: tuple[Ingested, ...] = ()
    feeds: tuple[FeedState, ...] = ()
    datasets: tuple[DatasetState, ...] = ()

    def __post_init__(self) -> None:
        for items in (self.derived, self.ingested, self.feeds, self.datasets):
            check_ascending([item.name for item in items])
