"""Nodes of a signal tree: entries, and the value ids that leave provenance out.

A lowest node (level 1) lists chunks, a higher one lists nodes; every entry carries the last key and the number of
records below it.

| level | entry |
| --- | --- |
| 1 | [last key, count, key id, value id, provenance] |
| 2 and up | [last key, count, child id, child value id] |

Provenance is the id of a `provenance` object when every record of the chunk has it, else a list of one id, that of
a `prov` object.

Source: docs/format.md#nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from dsvc.errors import ObjectFormatError
from dsvc.objects.encoding import HEADER_BYTES, check_ascending, decode_object, encode_object, hash_encoded
from dsvc.objects.oid import OID_BYTES, Buffer, Kind, Oid, PositiveCount, StoredOid

if TYPE_CHECKING:
    from dsvc.objects.access import Reader

MAX_LEVEL = 16
"""Far above any tree: with 32 entries a node at the least, 16 levels hold 2^80 chunks."""


class ChunkEntry(msgspec.Struct, frozen=True, array_like=True):
    """What a lowest node says of one chunk."""

    last: bytes
    """UTF-8 bytes of the chunk's last key."""
    count: PositiveCount
    keys: StoredOid
    value: StoredOid
    """Names an object of kind `value` or `pieces`."""
    prov: Oid | tuple[StoredOid]
    """Id of the one provenance of all records, or, in a tuple, of a `prov` object."""
    # Not StoredOid | ...: msgspec 0.22 crashes on a union of a fixed tuple and bytes with a length.


class NodeEntry(msgspec.Struct, frozen=True, array_like=True):
    """What a higher node says of one node below it."""

    last: bytes
    count: PositiveCount
    child: StoredOid
    value: StoredOid
    """The child's value id."""


Entry = ChunkEntry | NodeEntry


class LowestNode(msgspec.Struct, frozen=True, array_like=True):
    """A node of level 1."""

    level: int
    entries: tuple[ChunkEntry, ...]


class HigherNode(msgspec.Struct, frozen=True, array_like=True):
    """A node of level 2 or more."""

    level: int
    entries: tuple[NodeEntry, ...]


Node = LowestNode | HigherNode


def make_node(level: int, entries: Sequence[Entry]) -> Node:
    """Return the node of `level` over `entries`, which are all of the kind that level holds."""
    if level == 1:
        return LowestNode(1, tuple(entries))  # type: ignore[arg-type]
    return HigherNode(level, tuple(entries))  # type: ignore[arg-type]


def encode_node(node: Node) -> bytes:
    """Return the canonical bytes of a node."""
    return encode_object(Kind.NODE, node)


def decode_node(data: Buffer) -> Node:
    """Return the node whose canonical bytes are `data`.

    Raises:
        ObjectFormatError: If the bytes are no node.
    """
    level = data[HEADER_BYTES + 1] if len(data) > HEADER_BYTES + 1 else 0
    node: Node
    if level == 1:
        node = decode_object(data, Kind.NODE, LowestNode)
        if any(len(e.prov) != (OID_BYTES if isinstance(e.prov, bytes) else 1) for e in node.entries):
            raise ObjectFormatError(kind="node", reason="a provenance id is too long or too short")
    else:
        node = decode_object(data, Kind.NODE, HigherNode)
        if not 1 < node.level <= MAX_LEVEL or not node.entries:
            raise ObjectFormatError(kind="node", reason=f"level {node.level} with {len(node.entries)} entries")
    try:
        check_ascending([entry.last for entry in node.entries])
    except ValueError as err:
        raise ObjectFormatError(kind="node", reason=str(err)) from err
    return node


def get_node(reader: Reader, oid: Oid) -> Node:
    """Read a node.

    Raises:
        ObjectNotFoundError: If the reader has no such object.
        ObjectFormatError: If the object is no node; the error names it.
    """
    try:
        return decode_node(reader.get(oid, Kind.NODE))
    except ObjectFormatError as err:
        raise ObjectFormatError(kind=err.kind, reason=err.reason, oid=oid) from err


def value_id_of(node: Node) -> Oid:
    """Return the value id of a node: a hash of keys and values without provenance or child ids.

    Source: docs/format.md#value-ids.
    """
    if isinstance(node, LowestNode):
        listed: list[list[object]] = [[e.last, e.count, e.keys, e.value] for e in node.entries]
    else:
        listed = [[e.last, e.count, e.value] for e in node.entries]
    return hash_encoded(Kind.NODEVALUE, [node.level, listed])


def count_of(node: Node) -> int:
    """Return the number of records below a node."""
    return sum(entry.count for entry in node.entries)
