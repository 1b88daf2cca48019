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

import msgspec

from dsvc.errors import ObjectFormatError
from dsvc.objects.encoding import HEADER_BYTES, decode_object, encode_object, hash_encoded
from dsvc.objects.oid import Buffer, Kind, Oid

MAX_LEVEL = 16
"""Far above any tree: with 32 entries a node at the least, 16 levels hold 2^80 chunks."""


class ChunkEntry(msgspec.Struct, frozen=True, array_like=True):
    """What a lowest node says of one chunk."""

    last: bytes
    """UTF-8 bytes of the chunk's last key."""
    count: int
    keys: Oid
    value: Oid
    """Names an object of kind `value` or `pieces`."""
    prov: Oid | tuple[Oid]
    """Id of the one provenance of all records, or, in a tuple, of a `prov` object."""


class NodeEntry(msgspec.Struct, frozen=True, array_like=True):
    """What a higher node says of one node below it."""

    last: bytes
    count: int
    child: Oid
    value: Oid
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
    node: Node = decode_object(data, Kind.NODE, LowestNode if level == 1 else HigherNode)
    if not 1 <= node.level <= MAX_LEVEL:
        raise ObjectFormatError(kind="node", reason=f"level is {node.level}, expected 1 to {MAX_LEVEL}")
    return node


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
