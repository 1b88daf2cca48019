"""What a commit or a draft knows beside its content: how it was derived, what waits, how far feeds were read.

State stands outside the root: it may change while the root stays.

Source: docs/format.md#state.
"""

from __future__ import annotations

import msgspec

from dsvc.objects.oid import Oid


class Derived(msgspec.Struct, frozen=True, array_like=True):
    """How one derived signal was made. It is current, against its trace's inputs, for all but `waiting`."""

    name: str
    trace: Oid
    waiting: Oid | None = None
    """A `Signal` source -> struct<detail: string, reason: string>, or None when nothing waits."""


class Ingested(msgspec.Struct, frozen=True, array_like=True):
    """How one ingested signal was read."""

    name: str
    definition: Oid
    """Hash of what the recipe says of it."""
    feed: str
    waiting: Oid | None = None
    """As in `Derived`; reason ``held``, detail the kept value."""


class FeedState(msgspec.Struct, frozen=True, array_like=True):
    """How far one feed was read, and what came of it."""

    name: str
    meaning: Oid
    """Hash of collection, filter and mapping: a cursor is good for one meaning."""
    cursor: bytes | None = None
    keys: Oid | None = None
    """A `Signal` key text -> pointer, where feeds describe sources by another key."""
    documents: int = 0
    superseded: int = 0
    orphans: int = 0
    """Documents whose source is not there yet."""
    content: Oid | None = None
    """A `Signal`: the sources that this feed gives, and what it says of their content. Of one feed alone it is the
    signal `content`; of several, that is their union. None for a feed about another's sources."""


class DatasetState(msgspec.Struct, frozen=True, array_like=True):
    """How one dataset's selection was made."""

    name: str
    definition: Oid
    trace: Oid


class State(msgspec.Struct, frozen=True, array_like=True):
    """Everything known beside the root; each tuple is sorted by name."""

    derived: tuple[Derived, ...] = ()
    ingested: tuple[Ingested, ...] = ()
    feeds: tuple[FeedState, ...] = ()
    datasets: tuple[DatasetState, ...] = ()
