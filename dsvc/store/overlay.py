"""A store laid over another: it reads both, and what is written stays above and is thrown away.

What is written and not below is held in memory up to a bound, and beyond it in a store of its own on disk.  Refs are
its own, and none is there to begin with.  Work that must not leave a trace in a repository is done on such a store.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from dsvc.objects.oid import Buffer, Kind, Oid
from dsvc.store.base import Frame, ObjectStore, Store
from dsvc.store.lmdb import LmdbStore
from dsvc.store.memory import MemoryObjectStore, MemoryRefStore
from dsvc.store.temporary import remove_abandoned, temporary_directory

HELD_BYTES = 64 << 20
"""Stored bytes that are held in memory before they go to disk."""
PREFIX = "overlay"


class OverlayObjectStore:
    """The objects of another store, and beside them what was written since.

    Args:
        base: The objects below, of which nothing changes.
        directory: Where a directory for what memory does not hold is made, if it comes to that.
        held_bytes: Stored bytes that memory holds.
    """

    def __init__(self, base: ObjectStore, directory: Path, held_bytes: int = HELD_BYTES) -> None:
        self._base = base
        self._directory = directory
        self._held_bytes = held_bytes
        self._memory = MemoryObjectStore()
        self._disk: ObjectStore | None = None
        self._bytes = 0
        self._lock = threading.Lock()
        self._cleanup = ExitStack()

    @property
    def is_on_disk(self) -> bool:
        """Whether memory was too small."""
        return self._disk is not None

    def _owner(self, oid: Oid) -> ObjectStore:
        """Return the store that holds an object, or the one below, which says that it is not there."""
        memory = self._memory  # another thread may put a new one in its place
        if memory.has(oid):
            return memory
        return self._disk if self._disk is not None and self._disk.has(oid) else self._base

    def get(self, oid: Oid, kind: Kind | None = None) -> Buffer:
        """Return the canonical bytes of an object."""
        return self._owner(oid).get(oid, kind)

    def get_many(self, oids: Sequence[Oid], kind: Kind | None = None) -> list[Buffer]:
        """Return the canonical bytes of several objects, in the order asked."""
        if self._disk is None and not self._memory.frames:
            return self._base.get_many(oids, kind)
        by_owner: dict[int, tuple[ObjectStore, list[int]]] = {}
        for at, oid in enumerate(oids):
            owner = self._owner(oid)
            by_owner.setdefault(id(owner), (owner, []))[1].append(at)
        found: dict[int, Buffer] = {}
        for owner, places in by_owner.values():
            found.update(zip(places, owner.get_many([oids[at] for at in places], kind), strict=True))
        return [found[at] for at in range(len(oids))]

    def has(self, oid: Oid) -> bool:
        """Return whether there is such an object, above or below."""
        return self._owner(oid).has(oid)

    def missing(self, oids: Sequence[Oid]) -> set[Oid]:
        """Return those of `oids` that neither store has."""
        missing = self._memory.missing(oids)
        for store in (self._disk, self._base):
            if missing and store is not None:
                missing = store.missing(sorted(missing))
        return missing

    def put_frames(self, items: Sequence[tuple[Oid, Frame]]) -> None:
        """Keep objects above; one that is there already, above or below, stays as it is."""
        with self._lock:
            missing = self.missing([oid for oid, _ in items])
            new = [(oid, frame) for oid, frame in items if oid in missing]
            self._memory.put_frames(new)
            self._bytes += sum(len(frame) for _, frame in new)
            if self._bytes > self._held_bytes:
                self._spill()

    def _spill(self) -> None:
        if self._disk is None:
            path = self._cleanup.enter_context(temporary_directory(self._directory, PREFIX))
            store = LmdbStore(path, create=True)
            self._cleanup.callback(store.close)
            self._disk = store.objects
        self._disk.put_frames(list(self._memory.frames.items()))
        self._memory, self._bytes = MemoryObjectStore(), 0

    def iter_oids(self) -> Iterator[Oid]:
        """Yield every id, above and below, in ascending order."""
        above = set(self._memory.frames) | set(() if self._disk is None else self._disk.iter_oids())
        yield from sorted(above | set(self._base.iter_oids()))

    def close(self) -> None:
        """Throw away what was written."""
        self._disk, self._memory = None, MemoryObjectStore()
        self._cleanup.close()


class OverlayStore:
    """A `Store` over another, whose refs are its own. A context manager.

    Args:
        base: The store below.
        directory: Where a directory for what memory does not hold is made, if it comes to that; those of processes
            that died are removed from there at once.
        held_bytes: Stored bytes that memory holds.
    """

    def __init__(self, base: Store, directory: Path, *, held_bytes: int = HELD_BYTES) -> None:
        remove_abandoned(directory, PREFIX)
        self.objects = OverlayObjectStore(base.objects, directory, held_bytes)
        self.refs = MemoryRefStore(self.objects)

    def close(self) -> None:
        """Throw away what was written."""
        self.objects.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
