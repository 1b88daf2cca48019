"""How the algorithms over objects reach them: two protocols, so that this room does no I/O itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dsvc.objects.oid import Buffer, Kind, Oid


class Reader(Protocol):
    """Gives the canonical bytes of objects."""

    def get(self, oid: Oid, kind: Kind | None = None) -> Buffer:
        """Return the canonical bytes of one object; they stay valid while referenced.

        Args:
            oid: The object's id.
            kind: The kind it must be; None accepts any, and byte 4 of the result tells which.

        Raises:
            ObjectNotFoundError: If there is no such object.
            IntegrityError: If what is stored is not the object of that id and kind.
        """
        ...

    def get_many(self, oids: Sequence[Oid], kind: Kind | None = None) -> list[Buffer]:
        """Return the canonical bytes of several objects, in the order asked; as `get` otherwise."""
        ...


class Writer(Reader, Protocol):
    """Takes objects, and gives back what it took before it is durable."""

    def has(self, oid: Oid) -> bool:
        """Return whether the object was taken or is stored already."""
        ...

    def put(self, kind: Kind, parts: Sequence[Buffer], hint: Oid | None = None) -> Oid:
        """Take the object whose canonical bytes are `parts`, joined, and return its id.

        Idempotent. Durable only once the owner of the writer says so.

        Args:
            kind: What the object is.
            parts: Consecutive pieces of its canonical bytes; they are not changed or kept after the call.
            hint: Objects with an equal hint compress alike (the type id of a column).
        """
        ...
