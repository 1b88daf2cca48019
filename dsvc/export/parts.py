"""The files that a checkout is cut into, and what tells whether one of them may have changed.

A dataset is cut where the lowest nodes of its selection end, about every 130,000 sources. The cuts depend on the set
of sources alone, so two versions with about the same sources have the same parts but for a few.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from dsvc.export.dataset import SPLIT, DatasetReader
from dsvc.objects.arrays import normalise
from dsvc.objects.boundary import CHUNK_WINDOW, NODE_WINDOW, find_cuts, node_hashes
from dsvc.objects.canonical import key_parts, value_parts
from dsvc.objects.encoding import hash_encoded
from dsvc.objects.keys import Keys
from dsvc.objects.node import ChunkEntry, LowestNode
from dsvc.objects.oid import Kind, hash_object
from dsvc.objects.tree import Path, Tree, TreeNodes
from dsvc.objects.types import Type
from dsvc.repo.records import SOURCE
from dsvc.repo.sources import covering_trees, iter_source_keys
from dsvc.repo.view import View

_WHOLE_RULE = "checkout-whole/1"
_LABEL = re.compile(r"[a-z0-9_]+")
"""Parts of a split that a file's name can say."""
_RULE = "checkout/1"
"""Raised when equal inputs would give other rows than before."""


class Part(msgspec.Struct, frozen=True):
    """A range of sources that one file holds."""

    start: str | None
    """The first source, included; None from the beginning."""
    stop: str | None
    """The first source that is not included; None to the end."""
    n_sources: int
    inputs: str
    """Hex id of everything that the rows are made of: parts of equal inputs have equal rows."""


def cut_parts(reader: DatasetReader) -> list[Part]:
    """Return the parts of a dataset, in order of their sources; at least one."""
    ends = list(_find_ends(reader)) or [(b"", 0)]
    fingerprint = _Fingerprint(reader)
    parts = []
    start: bytes | None = None
    for number, (last, count) in enumerate(ends):
        # The text right after another one is that text and a NUL.
        stop = None if number == len(ends) - 1 else last + b"\0"
        parts.append(Part(_text(start), _text(stop), count, fingerprint.of(start, stop)))
        start = stop
    return parts


class Whole(msgspec.Struct, frozen=True):
    """All rows of a part of the split, or of a dataset without one, that one file holds."""

    split: str | None
    """None for all rows."""
    label: str
    """What the file's name says of the split, with a dot before it; empty for all rows."""
    parts: tuple[Part, ...]
    """What the rows are read from, in order."""
    inputs: str
    """As of a part."""

    @property
    def n_sources(self) -> int:
        """How many sources are looked at."""
        return sum(part.n_sources for part in self.parts)


def cut_splits(reader: DatasetReader) -> list[Whole]:
    """Return what the files of a format hold that has one for each part of the split; at least one."""
    parts = tuple(cut_parts(reader))
    splits = reader.splits if SPLIT in reader.schema.names and SPLIT not in dict(reader.columns) else ()
    made = []
    for place, split in enumerate(splits or (None,)):
        label = "" if split is None else f".{split}" if _LABEL.fullmatch(split) else f".split{place}"
        named = [_WHOLE_RULE, split or "", [part.inputs for part in parts]]
        made.append(Whole(split, label, parts, hash_encoded(Kind.DEFINITION, named).hex()))
    return made


def _text(key: bytes | None) -> str | None:
    return None if key is None else key.decode()


def _find_ends(reader: DatasetReader) -> Iterable[tuple[bytes, int]]:
    """Return the last source of each part, and how many sources it has."""
    view = reader.view
    if reader.selection is not None:
        return _lowest_nodes(Tree(view.reader, reader.selection).nodes())
    if view.datasets:  # the selection of any dataset has all sources
        return _lowest_nodes(Tree(view.reader, view.selection(view.dataset(next(iter(view.datasets))))).nodes())
    trees = covering_trees(view)
    return _lowest_nodes(trees[0].nodes()) if len(trees) == 1 else _cut_sources(view)


def _lowest_nodes(nodes: TreeNodes, path: Path = ()) -> Iterator[tuple[bytes, int]]:
    """Yield the last key and the count of each lowest node of a tree."""
    node = nodes.node(path)
    if isinstance(node, LowestNode):
        if node.entries:
            yield node.entries[-1].last, sum(entry.count for entry in node.entries)
    elif node.level == 2:
        yield from ((entry.last, entry.count) for entry in node.entries)
    else:
        for i in range(len(node.entries)):
            yield from _lowest_nodes(nodes, (*path, i))


def _cut_sources(view: View) -> Iterator[tuple[bytes, int]]:
    """Yield the last source and the count of each lowest node that a tree of all sources would have."""
    hashes = [keys.hashes for keys in iter_source_keys(view)]
    if not hashes:
        return
    chunk_ends = find_cuts(np.concatenate(hashes), CHUNK_WINDOW)
    lasts: list[bytes] = []
    first = 0
    for keys in iter_source_keys(view):
        within = chunk_ends[(chunk_ends > first) & (chunk_ends <= first + len(keys))]
        lasts += [keys[end - first - 1] for end in within.tolist()]
        first += len(keys)
    before = 0
    for end in find_cuts(node_hashes(lasts, 1), NODE_WINDOW).tolist():
        yield lasts[end - 1], int(chunk_ends[end - 1]) - before
        before = int(chunk_ends[end - 1])


class _Fingerprint:
    """Names what the rows of a range are made of, by the ids of the chunks that reach into it."""

    def __init__(self, reader: DatasetReader) -> None:
        trees = dict(reader.inputs.trees)
        self._with_provenance = reader.inputs.has_circumstances
        self._nodes = [tree.nodes() for tree in trees.values()]
        sources = list(reader.view.source_signals)
        if reader.selection is not None:
            self._nodes.insert(0, Tree(reader.view.reader, reader.selection).nodes())
            sources = []  # the selection says which rows there are
        self._rule = [
            _RULE,
            [list(column) for column in reader.columns],
            list(reader.splits),
            [[name, tree.type.encoded] for name, tree in trees.items()],
            sorted([name, oid] for name, oid in reader.inputs.waiting.items()),
            sources,
            *([] if reader.unnest is None else [["unnest", reader.unnest]]),
        ]

    def of(self, start: bytes | None, stop: bytes | None) -> str:
        listed = [[self._entry(entry) for entry in nodes.chunks(start, stop)] for nodes in self._nodes]
        return hash_encoded(Kind.DEFINITION, [*self._rule, listed]).hex()

    def _entry(self, entry: ChunkEntry) -> list[object]:
        return [entry.last, entry.keys, entry.value, entry.prov if self._with_provenance else None]


def joined_content_id(ids: Sequence[str]) -> str:
    """Return the hex id of rows that stand in one file and were read in parts, from the ids of the parts."""
    return ids[0] if len(ids) == 1 else hash_encoded(Kind.DEFINITION, [_WHOLE_RULE, list(ids)]).hex()


def content_id(table: pa.Table) -> str:
    """Return the hex id of rows: of their sources and values, and the columns' names and types."""
    keys = Keys.of(table.column(SOURCE))
    listed: list[object] = [hash_object(Kind.KEY, *key_parts(keys.column, 0, len(keys)))]
    for field in table.schema:
        if field.name != SOURCE:
            type_ = Type.from_arrow(field.type)
            column = normalise(table.column(field.name), type_.physical)
            listed.append([field.name, hash_object(Kind.VALUE, *value_parts(column, type_.id, 0, len(keys)))])
    return hash_encoded(Kind.DEFINITION, listed).hex()
