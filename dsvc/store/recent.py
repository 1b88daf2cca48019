"""Objects that were decompressed lately, kept up to a bound.

Whatever touches many chunks reads their keys, for each signal again: decompressing them once halves the work.
Objects that lie in the store uncompressed are not kept, a copy of them is as cheap as a look-up.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from dsvc.objects.oid import Buffer, Kind, Oid

BOUND_BYTES = 128 << 20
"""Decompressed bytes that are kept at most."""
_KIND_AT = 4  # in canonical bytes


class Recent:
    """Canonical bytes by id, the least recently used dropped first.

    May be used by several threads. None of them ever waits, so that one that was at work during a fork stops no child:
    whoever finds another inside does without.
    """

    def __init__(self, bound_bytes: int = BOUND_BYTES) -> None:
        """Start empty.

        Args:
            bound_bytes: Bytes to keep at most.
        """
        self._bound_bytes = bound_bytes
        self._kept: OrderedDict[Oid, Buffer] = OrderedDict()
        self._size_bytes = 0
        self._lock = Lock()

    def find(self, oid: Oid, kind: Kind | None) -> Buffer | None:
        """Return an object's canonical bytes if they are kept, and are of the kind asked for."""
        if oid not in self._kept or not self._lock.acquire(blocking=False):
            return None
        try:
            data = self._kept.get(oid)
            if data is None or (kind is not None and data[_KIND_AT] != kind):
                return None
            self._kept.move_to_end(oid)
            return data
        finally:
            self._lock.release()

    def keep(self, oid: Oid, data: Buffer) -> None:
        """Keep an object's canonical bytes, and drop the oldest beyond the bound."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if oid not in self._kept and len(data) <= self._bound_bytes:
                self._kept[oid] = data
                self._size_bytes += len(data)
                while self._size_bytes > self._bound_bytes:
                    _, dropped = self._kept.popitem(last=False)
                    self._size_bytes -= len(dropped)
        finally:
            self._lock.release()

    def clear(self) -> None:
        """Keep nothing, but what another thread puts in meanwhile."""
        if self._lock.acquire(blocking=False):
            self._kept.clear()
            self._size_bytes = 0
            self._lock.release()
