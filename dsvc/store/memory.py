"""A store in memory: the same contract as one on disk, gone with the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import msgspec

from dsvc.errors import ObjectNotFoundError, RefConflictError
from dsvc.objects.oid import Buffer, Kind, Oid
from dsvc.store.base import Frame, ObjectStore, Operation, RefChange, encode_ref_name, moved
from dsvc.store.verify import Verifier

_NAME = "memory"


class MemoryObjectStore:
    """Objects in a dict."""

    def __init__(self) -> None:
        self.frames: dict[Oid, Frame] = {}
        """What is kept; tests damage it."""
        self.verifier = Verifier(_NAME)

    def get(self, oid: Oid, kind: Kind | None = None) -> Buffer:
        """Return the canonical bytes of an object."""
        frame = self.frames.get(oid)
        if frame is None:
            raise ObjectNotFoundError(oid=oid, kind="object" if kind is None else kind.name.lower(), store=_NAME)
        return self.verifier.open(frame, oid, kind)

    def get_many(self, oids: Sequence[Oid], kind: Kind | None = None) -> list[Buffer]:
        """Return the canonical bytes of several objects, in the order asked."""
        return [self.get(oid, kind) for oid in oids]

    def has(self, oid: Oid) -> bool:
        """Return whether there is such an object."""
        return oid in self.frames

    def missing(self, oids: Sequence[Oid]) -> set[Oid]:
        """Return those of `oids` that the store does not have."""
        return {oid for oid in oids if oid not in self.frames}

    def put_frames(self, items: Sequence[tuple[Oid, Frame]]) -> None:
        """Keep objects; one that is there already stays as it is."""
        for oid, frame in items:
            self.frames.setdefault(oid, frame)

    def iter_oids(self) -> Iterator[Oid]:
        """Yield every id in ascending order."""
        yield from sorted(self.frames)


class MemoryRefStore:
    """Refs in a dict, moved under a lock."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._lock = threading.Lock()
        self._refs: dict[str, bytes] = {}
        self._ops: list[Operation] = []

    def get(self, name: str) -> bytes | None:
        """Return what a ref holds, or None."""
        return self._refs.get(name)

    def iter_refs(self, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield (name, value) of the refs whose names begin with `prefix`, ascending."""
        with self._lock:
            found = sorted((name, value) for name, value in self._refs.items() if name.startswith(prefix))
        yield from found

    def update(
        self,
        changes: Sequence[RefChange],
        *,
        objects: Sequence[tuple[Oid, Frame]] = (),
        op: Operation | None = None,
    ) -> None:
        """Move refs, keep objects and log the operation: all of it, or nothing."""
        for name, _, _ in changes:
            encode_ref_name(name)
        with self._lock:
            for name, expected, _ in changes:
                found = self._refs.get(name)
                if found != expected:
                    raise RefConflictError(ref=name, expected=expected, found=found)
            self._objects.put_frames(objects)
            for name, _, new in changes:
                if new is None:
                    self._refs.pop(name, None)
                else:
                    self._refs[name] = new
            if op is not None:
                self._ops.append(msgspec.structs.replace(op, refs=moved(changes)))

    def iter_ops(self, *, newest_first: bool = True) -> Iterator[tuple[int, Operation]]:
        """Yield (number, operation)."""
        numbered = list(enumerate(self._ops, start=1))
        yield from reversed(numbered) if newest_first else numbered


class MemoryStore:
    """Objects and refs in memory."""

    def __init__(self) -> None:
        self.objects = MemoryObjectStore()
        self.refs = MemoryRefStore(self.objects)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""
