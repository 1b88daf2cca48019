"""Reading a frame back as the object that its id names.

Every object is hashed the first time a process reads it; ids that hashed right are remembered, up to a bound.
"""

from __future__ import annotations

from dsvc.errors import ChecksumMismatchError, ObjectFormatError
from dsvc.objects.oid import Buffer, Kind, Oid, hash_object
from dsvc.store.frame import decode_frame

REMEMBERED = 1 << 18
"""How many verified ids are remembered; about 25 MB."""


class Verifier:
    """Decodes frames and checks them against their ids. May be used by several threads."""

    def __init__(self, store: str, remembered: int = REMEMBERED) -> None:
        """Start with nothing verified.

        Args:
            store: What to call the store in errors.
            remembered: How many verified ids to remember before starting afresh.
        """
        self._store = store
        self._remembered = remembered
        self._verified: set[Oid] = set()

    def open(self, frame: Buffer, oid: Oid, kind: Kind | None) -> Buffer:
        """Return the canonical bytes in a frame, in memory of their own.

        Raises:
            ChecksumMismatchError: If they do not hash to `oid`.
            ObjectFormatError: If the frame cannot be decoded, or holds a sound object that is no `kind`.
        """
        stored, data = decode_frame(frame, oid)
        if oid not in self._verified:
            found = hash_object(stored, data)
            if found != oid:
                name = (kind or stored).name.lower()
                raise ChecksumMismatchError(oid=oid, kind=name, expected=oid, found=found, store=self._store)
            if len(self._verified) >= self._remembered:
                self._verified.clear()
            self._verified.add(oid)
        if kind is not None and stored != kind:
            reason = f"it is a {stored.name.lower()}"
            raise ObjectFormatError(kind=kind.name.lower(), reason=reason, oid=oid)
        return data

    def forget(self) -> None:
        """Verify everything again from here on."""
        self._verified.clear()
