"""What came out otherwise when it was made again: noted, so that nobody has to have looked.

A result that is stored stays, whatever a second execution gives; that they differ is kept here, by transform hash. It
is part of no version, goes to no remote, and noting it is no operation that could be taken back. Sources and the
beginnings of values stand in it: whatever erases a source has to look here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from dsvc.errors import RefConflictError
from dsvc.objects.oid import ZERO, Oid, StoredOid
from dsvc.repo.refs import DIVERGENCES
from dsvc.store.base import RefChange, RefStore

if TYPE_CHECKING:
    from dsvc.repo.view import View
    from dsvc.repo.workspace import Workspace

MAX_DIVERGENCES = 32
"""Divergences kept for each transform hash."""
MAX_ROWS = 5
"""Records that one divergence tells of."""
MAX_CHARACTERS = 200
"""What is kept of a value's text."""


class DivergentRow(msgspec.Struct, frozen=True, array_like=True):
    """One record that came out otherwise."""

    source: str
    kept: str | None
    """The stored value as JSON, cut where it is long; None for no record."""
    found: str | None
    """What came out."""


class Divergence(msgspec.Struct, frozen=True, array_like=True):
    """One time that something was made again and differed from what is stored."""

    time_us: int
    command: str
    """What found it."""
    what: str
    """``step`` or ``dataset``."""
    name: str
    records: int
    """How many records differ."""
    kept: StoredOid
    """Value id of what is stored, and stays; zero for no record."""
    found: StoredOid
    """Value id of what came out."""
    rows: tuple[DivergentRow, ...] = ()
    """The first few."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Divergence, ...])


def note_divergence(repo: Workspace, transform: Oid, divergence: Divergence) -> None:
    """Note a divergence of what has this transform hash; durable on return."""
    name = DIVERGENCES + transform.hex()
    rows = tuple(DivergentRow(row.source, _cut(row.kept), _cut(row.found)) for row in divergence.rows[:MAX_ROWS])
    noted = msgspec.structs.replace(divergence, rows=rows)
    while True:
        data = repo.store.refs.get(name)
        kept = (noted, *_decode(data))[:MAX_DIVERGENCES]
        try:
            repo.store.refs.update([RefChange(name, data, _encoder.encode(kept))])
        except RefConflictError:
            continue
        return


def read_divergences(refs: RefStore) -> list[Divergence]:
    """Return what is noted, newest first."""
    found = [item for _, data in refs.iter_refs(DIVERGENCES) for item in _decode(data)]
    return sorted(found, key=lambda item: -item.time_us)


def find_current(view: View, noted: Iterable[Divergence]) -> list[Divergence]:
    """Return the newest divergence of each result that a version holds; those of results that are gone are history."""
    found: dict[tuple[str, str], Divergence] = {}
    for item in noted:
        if item.kept == _value_id(view, item.what, item.name):
            found.setdefault((item.what, item.name), item)
    return list(found.values())


def _value_id(view: View, what: str, name: str) -> Oid:
    if what == "dataset":
        signal = view.selection(view.dataset(name)) if name in view.datasets else None
    else:
        signal = view.signal(name)
    return ZERO if signal is None else signal.value_id


def _decode(data: bytes | None) -> tuple[Divergence, ...]:
    try:
        return () if data is None else _decoder.decode(data)
    except msgspec.DecodeError:
        return ()  # of another version of dsvc; nothing depends on it


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 3]}..."
