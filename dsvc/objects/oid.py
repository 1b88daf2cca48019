"""Object ids: what kinds of objects there are, and how their bytes become a name.

An id is 32 bytes of BLAKE3 over the canonical bytes of an object, in the key-derivation mode with the
context ``dsvc/v1/<kind>``: equal bytes of two kinds never share an id.  Stored bytes (codec, level,
padding of a frame) take no part in it.

Source: docs/format.md#ids.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, NewType

from blake3 import blake3
from msgspec import Meta

Buffer = bytes | bytearray | memoryview
Oid = NewType("Oid", bytes)
"""The 32-byte id of an object."""

OID_BYTES = 32
SHORT_HEX = 12
"""Hex digits of an id that people are shown."""
StoredOid = Annotated[Oid, Meta(min_length=OID_BYTES, max_length=OID_BYTES)]
"""An id as a field of a stored object: decoding refuses any other length."""
MAX_COUNT = 2**48
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
"""A number of records, rows or bytes as a field of a stored object."""
PositiveCount = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
ZERO = Oid(bytes(OID_BYTES))
"""Stands where there is no object: the type id of keys, the transform of a put, an absent input."""


class Kind(IntEnum):
    """What an object is; the number is the fifth byte of its canonical bytes and never changes.

    Kinds from 32 on are hashed, never stored.
    """

    KEY = 1
    VALUE = 2
    PIECES = 3
    NODE = 4
    PROV = 5
    PROVENANCE = 6
    SIGNAL = 7
    DATASET = 8
    ROOT = 9
    COMMIT = 10
    TAG = 11
    BLOB = 12
    RECIPE = 13
    STATE = 14
    TRACE = 15
    LEDGER = 16
    NODEVALUE = 32
    TYPE = 33
    TRANSFORM = 34
    DEFINITION = 35
    SPLIT = 36
    ASK = 37
    ANSWER = 38
    PAYLOAD = 39
    LOT = 40
    TASK = 41


_HASHERS = {kind: blake3(derive_key_context=f"dsvc/v1/{kind.name.lower()}") for kind in Kind}


def hash_object(kind: Kind, *parts: Buffer) -> Oid:
    """Return the id of the object whose canonical bytes are `parts`, joined.

    Args:
        kind: The kind of the object; it selects the hash domain.
        parts: Consecutive pieces of the canonical bytes.

    Source: docs/format.md#ids.
    """
    hasher = _HASHERS[kind].copy()
    for part in parts:
        hasher.update(part)
    return Oid(hasher.digest())


def short(oid: bytes) -> str:
    """Return the first 12 hex digits of an id, for people."""
    return oid.hex()[:SHORT_HEX]
