"""What a store is: objects by id, and refs that move by compare-and-swap.

A store keeps frames (`dsvc.store.frame`) under ids and knows nothing of what they mean. Objects are never changed;
refs are the only things that move, and `RefStore.update` is the only thing that moves them.
What returned is durable; what raised left nothing behind, but for `put_frames`, whose objects may be there unnamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from dsvc.errors import InvalidNameError
from dsvc.objects.oid import Buffer, Kind, Oid

Frame = bytes
"""An object as it is stored: header and payload, see `dsvc.store.frame`."""


class RefChange(NamedTuple):
    """One ref's move; `expected` is what it must be now, and None stands for no ref on either side."""

    name: str
    expected: bytes | None
    new: bytes | None


class Operation(msgspec.Struct, array_like=True, frozen=True):
    """One line of the operation log: who moved which refs, when, and with which command."""

    time_us: int
    author: str
    command: str
    refs: tuple[tuple[str, bytes | None, bytes | None], ...] = ()
    """(name, before, after) of each ref that moved; filled by `RefStore.update`."""


class WriterNote(NamedTuple):
    """Who holds the write lock of a store."""

    pid: int
    command: str
    since_us: int
    """When it was taken, in microseconds since 1970."""


OnWait = Callable[[WriterNote], None]
"""Called once by a writer that has waited for a second, perhaps in another thread."""


class ObjectStore(Protocol):
    """Objects by id; what is returned is checked against its id at least once per process."""

    def get(self, oid: Oid, kind: Kind | None = None) -> Buffer:
        """Return the canonical bytes of an object.

        Args:
            oid: The object's id.
            kind: The kind it must be; None accepts any.

        Raises:
            ObjectNotFoundError: If there is no such object.
            ChecksumMismatchError: If the bytes stored under the id do not hash to it.
            ObjectFormatError: If the object is of another kind, or its frame cannot be read.
        """
        ...

    def get_many(self, oids: Sequence[Oid], kind: Kind | None = None) -> list[Buffer]:
        """Return the canonical bytes of several objects, in the order asked; as `get` otherwise."""
        ...

    def has(self, oid: Oid) -> bool:
        """Return whether there is such an object."""
        ...

    def missing(self, oids: Sequence[Oid]) -> set[Oid]:
        """Return those of `oids` that the store does not have."""
        ...

    def put_frames(self, items: Sequence[tuple[Oid, Frame]]) -> None:
        """Keep objects; durable on return. One that is there already stays as it is.

        Raises:
            StoreFullError: If there is no room.
        """
        ...

    def iter_oids(self) -> Iterator[Oid]:
        """Yield every id in ascending order; objects put meanwhile may or may not be among them."""
        ...


class RefStore(Protocol):
    """Named bytes that move by compare-and-swap, and the log of how they moved."""

    def get(self, name: str) -> bytes | None:
        """Return what a ref holds, or None."""
        ...

    def iter_refs(self, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield (name, value) of the refs whose names begin with `prefix`, ascending, as of one moment."""
        ...

    def update(
        self,
        changes: Sequence[RefChange],
        *,
        objects: Sequence[tuple[Oid, Frame]] = (),
        op: Operation | None = None,
    ) -> None:
        """Move refs, keep objects and log the operation: all of it, durable on return, or nothing.

        A change whose `new` equals its `expected` only demands that the ref is so.

        Raises:
            RefConflictError: If a ref is not what its change expects.
            InvalidNameError: If a name is empty or longer than `REF_NAME_BYTES`.
            StoreFullError: If there is no room.
        """
        ...

    def iter_ops(self, *, newest_first: bool = True) -> Iterator[tuple[int, Operation]]:
        """Yield (number, operation); numbers count up from 1 without gaps."""
        ...


class Store(Protocol):
    """Objects and refs that are kept together."""

    @property
    def objects(self) -> ObjectStore:
        """The objects."""
        ...

    @property
    def refs(self) -> RefStore:
        """The refs."""
        ...

    def close(self) -> None:
        """Let go of files and threads; using the store afterwards is a bug. Closing twice is not."""
        ...


REF_NAME_BYTES = 510
"""The longest name of a ref in UTF-8; with its prefix, LMDB takes no longer key."""


def encode_ref_name(name: str) -> bytes:
    """Return a ref's name in UTF-8.

    Raises:
        InvalidNameError: If it is empty or too long.
    """
    encoded = name.encode()
    if not 0 < len(encoded) <= REF_NAME_BYTES:
        raise InvalidNameError(what="ref", name=name, rule=f"it has 1 to {REF_NAME_BYTES} bytes in UTF-8")
    return encoded


def moved(changes: Sequence[RefChange]) -> tuple[tuple[str, bytes | None, bytes | None], ...]:
    """Return the (name, before, after) of the changes that change something, for the operation log."""
    return tuple((name, before, after) for name, before, after in changes if before != after)
