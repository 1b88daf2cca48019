"""Objects that a plan makes up and throws away: a writer over a reader, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from dsvc.objects.access import Reader, Writer
from dsvc.objects.encoding import kind_of
from dsvc.objects.oid import Buffer, Kind, Oid, hash_object


class Scratch:
    """An `objects.access.Writer` that nothing gets out of.

    Args:
        reader: What was there before.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._taken: dict[Oid, bytes] = {}

    def has(self, oid: Oid) -> bool:
        """Return whether the object was taken."""
        return oid in self._taken

    def put(self, kind: Kind, parts: Sequence[Buffer], hint: Oid | None = None) -> Oid:
        """Take an object and return its id."""
        data = b"".join(parts)
        oid = hash_object(kind, data)
        self._taken.setdefault(oid, data)
        return oid

    def copy_to(self, writer: Writer) -> None:
        """Hand everything that was taken to another writer."""
        for data in self._taken.values():
            writer.put(kind_of(data), [data])

    def get(self, oid: Oid, kind: Kind | None = None) -> Buffer:
        """Return an object of those taken, or of those there were."""
        taken = self._taken.get(oid)
        return self._reader.get(oid, kind) if taken is None else taken

    def get_many(self, oids: Sequence[Oid], kind: Kind | None = None) -> list[Buffer]:
        """Return several objects."""
        there = iter(self._reader.get_many([oid for oid in oids if oid not in self._taken], kind))
        return [self._taken[oid] if oid in self._taken else next(there) for oid in oids]
