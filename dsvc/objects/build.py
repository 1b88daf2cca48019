"""Building: consecutive records are cut into chunks, entries into nodes, level by level up to the root.

Source: docs/format.md#trees.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsvc.objects.access import Writer
from dsvc.objects.boundary import NODE_WINDOW, find_cuts, node_hashes
from dsvc.objects.chunk import Records, concat_records, write_chunks
from dsvc.objects.node import (
    ChunkEntry,
    Entry,
    Node,
    NodeEntry,
    count_of,
    encode_node,
    get_node,
    make_node,
    value_id_of,
)
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.types import Type


def cut_chunks(writer: Writer, type_: Type, blocks: Iterable[Records]) -> list[ChunkEntry]:
    """Cut consecutive records into chunks and write them; blocks may be of any size."""
    entries: list[ChunkEntry] = []
    rest: Records | None = None
    for block in blocks:
        if rest is None or len(rest) == 0:
            rest = block
            continue
        # More rows follow: every cut but the one that merely ends these rows has its whole window, and holds.
        ends = rest.keys.cuts[:-1].tolist()
        entries.extend(write_chunks(writer, rest.keys, rest.values, type_, rest.prov, ends))
        done = ends[-1] if ends else 0
        rest = concat_records([rest.slice(done, len(rest)), block])
    if rest is not None:
        entries.extend(write_chunks(writer, rest.keys, rest.values, type_, rest.prov, rest.keys.cuts.tolist()))
    return entries


def cut_nodes(writer: Writer, level: int, entries: Sequence[Entry]) -> list[NodeEntry]:
    """Cut consecutive entries into nodes of `level`, write them, and return the entries that name them."""
    hashes = node_hashes([entry.last for entry in entries], level)
    nodes = []
    start = 0
    for stop in find_cuts(hashes, NODE_WINDOW).tolist():
        nodes.append(write_node(writer, make_node(level, entries[start:stop])))
        start = stop
    return nodes


def write_node(writer: Writer, node: Node) -> NodeEntry:
    """Write a node of one entry at least, and return the entry that names it."""
    oid = writer.put(Kind.NODE, [encode_node(node)])
    return NodeEntry(node.entries[-1].last, count_of(node), oid, value_id_of(node))


def build_up(writer: Writer, level: int, entries: Sequence[Entry]) -> Oid:
    """Return the root over consecutive entries of nodes of `level`; at least one entry."""
    while level == 1 or len(entries) > 1:
        nodes = cut_nodes(writer, level, entries)
        if len(nodes) == 1:
            return nodes[0].child
        level, entries = level + 1, nodes
    # The edit left one node below a level that had more: the root is the lowest level with one node.
    (only,) = entries
    assert isinstance(only, NodeEntry)
    root = only.child
    while True:
        node = get_node(writer, root)
        if node.level == 1 or len(node.entries) > 1:
            return root
        child = node.entries[0]
        assert isinstance(child, NodeEntry)
        root = child.child
