"""How long a record of a transform takes on this machine, as measured by the runs so far.

A rate is kept beside the repository's data, never in it: it is part of no version, goes to no remote, and changing it
is no operation that could be taken back.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec

from dsvc.errors import RefConflictError
from dsvc.objects.oid import Oid
from dsvc.repo.refs import RATES
from dsvc.repo.workspace import Workspace
from dsvc.store.base import RefChange

MIN_NEWS = 1 / 16
"""A measurement of fewer records than this share of what is known says nothing new, and is not worth a write."""


class Measured(msgspec.Struct, frozen=True, array_like=True):
    """The value of ``rates/<transform hash>``, as msgpack."""

    records: float
    """Records measured, those of earlier runs counted half each time."""
    seconds: float
    """Wall seconds that they took."""


def note_rate(repo: Workspace, transform: Oid, records: int, seconds: float) -> None:
    """Keep what a run measured. The newest run counts most, and many records more than few.

    Args:
        repo: Where.
        transform: The transform hash of what ran.
        records: Records that it was called for.
        seconds: Wall seconds that it took, with however many workers.
    """
    if records <= 0 or seconds <= 0:
        return
    name = RATES + transform.hex()
    data = repo.store.refs.get(name)
    before = _decode(data)
    if before is not None and records < before.records * MIN_NEWS:
        return
    old = before or Measured(0, 0)
    new = Measured(old.records / 2 + records, old.seconds / 2 + seconds)
    with suppress(RefConflictError):  # another run of the same transform has measured as well
        repo.store.refs.update([RefChange(name, data, msgspec.msgpack.encode(new))])


def read_rate(repo: Workspace, transform: Oid) -> float | None:
    """Return the wall seconds that a record of a transform takes; None where none was measured."""
    measured = _decode(repo.store.refs.get(RATES + transform.hex()))
    return None if measured is None or measured.records <= 0 else measured.seconds / measured.records


def _decode(data: bytes | None) -> Measured | None:
    try:
        return None if data is None else msgspec.msgpack.decode(data, type=Measured)
    except msgspec.DecodeError:
        return None  # of another version of dsvc; an estimate is no reason to stop
