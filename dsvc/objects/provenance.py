"""Provenance: who made a record, and by what."""

from __future__ import annotations

import msgspec

from dsvc.objects.oid import ZERO, StoredOid

ORIGINS = ("model", "human", "import", "step")
STANDINGS = ("final", "unaudited", "contested", "unusable")


class Provenance(msgspec.Struct, frozen=True, array_like=True):
    """Where one record comes from; with its pointer, (version, transform) is the record key.

    Only facts that a second run would give again stand here: no time, host, run or cost.

    Source: docs/format.md#provenance.
    """

    origin: str
    """One of `ORIGINS`."""
    producer: str
    """A worker, an importer, ``module:function``, an entry point, or ``sql``."""
    version: str
    """The producer's version; ``0`` where it declares none."""
    transform: StoredOid = ZERO
    """Transform hash; zero for a put."""
    standing: str = "final"
    """One of `STANDINGS`."""

    @classmethod
    def of_put(cls, producer: str) -> Provenance:
        """Return the provenance of put records from ``name@version``, cut at the last ``@``."""
        name, at, version = producer.rpartition("@")
        return cls("import", name if at else producer, version if at else "0")
