"""A store whose writes fail as real ones do: refused, without room, or done although the answer was lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dsvc.errors import StoreFullError, StoreUnavailableError
from dsvc.objects.oid import Buffer, Kind, Oid
from dsvc.store.base import Frame, ObjectStore, Operation, RefChange, RefStore, Store

_NAME = "faulty"


@dataclass
class Faults:
    """What goes wrong from now on; a count falls with each write that it spoils."""

    refused: int = 0
    """Writes that fail before anything is done."""
    lost_responses: int = 0
    """Writes that are done and then fail."""
    room_bytes: int | None = None
    """How many more bytes of objects fit; None for no limit."""
    n_writes: int = 0
    """Writes that were tried."""

    def before(self, items: Sequence[tuple[Oid, Frame]]) -> None:
        """Fail a write that is refused or does not fit.

        Raises:
            StoreUnavailableError: If it is refused.
            StoreFullError: If it does not fit.
        """
        self.n_writes += 1
        if self.refused:
            self.refused -= 1
            raise StoreUnavailableError(store=_NAME, reason="refused")
        if self.room_bytes is not None:
            size_bytes = sum(len(frame) for _, frame in items)
            if size_bytes > self.room_bytes:
                raise StoreFullError(store=_NAME, reason="there is no room left")
            self.room_bytes -= size_bytes

    def after(self) -> None:
        """Fail a write whose answer is lost.

        Raises:
            StoreUnavailableError: If it is.
        """
        if self.lost_responses:
            self.lost_responses -= 1
            raise StoreUnavailableError(store=_NAME, reason="no answer")


class FaultyObjectStore:
    """Objects of another store, with faults on their way in."""

    def __init__(self, inner: ObjectStore, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    def get(self, oid: Oid, kind: Kind | None = None) -> Buffer:
        """Return what the store behind returns."""
        return self._inner.get(oid, kind)

    def get_many(self, oids: Sequence[Oid], kind: Kind | None = None) -> list[Buffer]:
        """Return what the store behind returns."""
        return self._inner.get_many(oids, kind)

    def has(self, oid: Oid) -> bool:
        """Return what the store behind returns."""
        return self._inner.has(oid)

    def missing(self, oids: Sequence[Oid]) -> set[Oid]:
        """Return what the store behind returns."""
        return self._inner.missing(oids)

    def put_frames(self, items: Sequence[tuple[Oid, Frame]]) -> None:
        """Keep objects, unless a fault comes between."""
        self._faults.before(items)
        self._inner.put_frames(items)
        self._faults.after()

    def iter_oids(self) -> Iterator[Oid]:
        """Yield what the store behind yields."""
        return self._inner.iter_oids()


class FaultyRefStore:
    """Refs of another store, with faults on their way in."""

    def __init__(self, inner: RefStore, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    def get(self, name: str) -> bytes | None:
        """Return what the store behind returns."""
        return self._inner.get(name)

    def iter_refs(self, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield what the store behind yields."""
        return self._inner.iter_refs(prefix)

    def update(
        self,
        changes: Sequence[RefChange],
        *,
        objects: Sequence[tuple[Oid, Frame]] = (),
        op: Operation | None = None,
    ) -> None:
        """Update, unless a fault comes between."""
        self._faults.before(objects)
        self._inner.update(changes, objects=objects, op=op)
        self._faults.after()

    def iter_ops(self, *, newest_first: bool = True) -> Iterator[tuple[int, Operation]]:
        """Yield what the store behind yields."""
        return self._inner.iter_ops(newest_first=newest_first)


class FaultyStore:
    """Another store, behind faults: `FaultyStore(MemoryStore())`, then `store.faults.refused = 1`."""

    def __init__(self, inner: Store) -> None:
        """Put faults, none so far, before a store.

        Args:
            inner: The store behind.
        """
        self.faults = Faults()
        """What goes wrong; change it at any time."""
        self._inner = inner
        self._objects = FaultyObjectStore(inner.objects, self.faults)
        self._refs = FaultyRefStore(inner.refs, self.faults)

    @property
    def objects(self) -> FaultyObjectStore:
        """The objects."""
        return self._objects

    @property
    def refs(self) -> FaultyRefStore:
        """The refs."""
        return self._refs

    def close(self) -> None:
        """Close the store behind."""
        self._inner.close()
