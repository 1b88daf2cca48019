"""How documents beside a feed find its sources: by a key that stands in both.

A feed whose sources others describe keeps, for each key that they use, which source it leads to: a tree of
`<path of the key> US <key text>` -> pointer. Where the key is the pointer itself, its sources are enough.

Source: docs/how-to/ingest.md#about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.feeds.documents import key_text
from dsvc.feeds.paths import DocumentPath
from dsvc.feeds.reading import choose_winners
from dsvc.objects.access import Reader, Writer
from dsvc.objects.arrays import normalise
from dsvc.objects.chunk import ProvColumn, Records
from dsvc.objects.diff import diff_trees
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type

KEY_TYPE = Type(("string",))
KEY_PROVENANCE = Provenance("import", "keys", "0")
"""Of the records of key trees; nobody reads it."""
_SEPARATOR = "\x1f"
_TEXT_TAG = "s"


class KeyReader:
    """Takes the keys of a feed's own documents.

    Args:
        paths: Where the keys are in them.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = [DocumentPath(path) for path in paths]
        self._texts: list[list[pa.Array]] = [[] for _ in paths]

    def add(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Take documents in."""
        for path, texts in zip(self.paths, self._texts, strict=True):
            prefix = path.text + _SEPARATOR
            found = (key_text(value) for value in path.column(documents))
            texts.append(pa.array([None if text is None else prefix + text for text in found], pa.large_string()))

    def write(self, writer: Writer, before: Signal | None, pointers: pa.Array, order: pa.Array) -> Signal | None:
        """Add the keys to those of `before` and return them all.

        Args:
            writer: Takes the objects.
            before: The keys before; None to begin anew.
            pointers: The source of each document.
            order: The order of documents: of several with one key, the last one's source is meant.
        """
        texts = [part for parts in self._texts for part in parts]
        if not texts or len(pointers) == 0:
            return before
        keys = pa.concat_arrays(texts)
        valid = pc.is_valid(keys)
        sources = pa.concat_arrays([pointers] * len(self.paths)).filter(valid)
        keys, orders = keys.filter(valid), pa.concat_arrays([order] * len(self.paths)).filter(valid)
        rows = pa.array(choose_winners(keys, orders).rows)
        column = normalise(sources.take(rows), KEY_TYPE.physical)
        provenance = ProvColumn.constant(put_object(writer, Kind.PROVENANCE, KEY_PROVENANCE), column.length)
        records = Records(Keys.of(keys.take(rows)), column, provenance)
        return edit_tree(writer, before, KEY_TYPE, Edit(records)).signal


@dataclass(frozen=True, slots=True)
class Target:
    """The sources that a feed's documents describe, and the keys that lead to them.

    Attributes:
        key: Where the key is in the documents of the feed that gives the sources; None if it is their pointer.
        sources: That feed's sources.
        keys: That feed's keys.
    """

    key: str | None
    sources: Signal | None
    keys: Signal | None

    def resolve(self, reader: Reader, texts: pa.Array) -> pa.Array:
        """Return the source that each key text leads to, null where it leads to none."""
        distinct = pc.unique(texts)
        distinct = distinct.take(pc.sort_indices(distinct))
        if self.key is None:
            distinct = distinct.filter(pc.starts_with(distinct, _TEXT_TAG))
            pointers = pc.utf8_slice_codeunits(distinct, 1)
            found = pa.array(_has(reader, self.sources, pointers))
            known, pointers = distinct.filter(found), pointers.filter(found)
        else:
            prefix = self.key + _SEPARATOR
            wide = distinct.type
            asked = pc.binary_join_element_wise(pa.scalar(prefix, wide), distinct, pa.scalar("", wide))
            rows = None if self.keys is None or len(asked) == 0 else Tree(reader, self.keys).take(asked)
            known = pa.array([], pa.large_string())
            pointers = known
            if rows is not None:
                known = pc.utf8_slice_codeunits(rows.sources, len(prefix)).cast(pa.large_string())
                pointers = rows.values.cast(pa.large_string())
        return pointers.take(pc.index_in(texts, value_set=known))


def _has(reader: Reader, sources: Signal | None, pointers: pa.Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if sources is None or len(pointers) == 0:
        return np.zeros(len(pointers), np.bool_)
    return Tree(reader, sources).has(Keys.of(pointers))


@dataclass(slots=True)
class TargetChanges:
    """What changed of the sources that documents describe.

    Attributes:
        new: Texts of keys that lead to sources that are new.
        gone: Sources that are no more, ascending.
        is_tangled: Whether a key leads to another source than before, or a source is known by more or fewer keys than
            before: then only reading everything tells which document counts.
    """

    new: list[str] = field(default_factory=list)
    gone: list[bytes] = field(default_factory=list)
    is_tangled: bool = False


def find_changes(reader: Reader, before: Target, after: Target) -> TargetChanges:
    """Return what changed between two states of the same target."""
    changes = TargetChanges()
    for diff in diff_trees(reader, before.sources, after.sources, keys_only=True):
        changes.gone.extend(diff.keys[row] for row in np.flatnonzero(diff.ops == b"-").tolist())
        if after.key is None:
            added = np.flatnonzero(diff.ops == b"+").tolist()
            changes.new.extend(_TEXT_TAG + diff.keys[row].decode() for row in added)
    if after.key is None:
        return changes
    prefix = (after.key + _SEPARATOR).encode()
    for diff in diff_trees(reader, before.keys, after.keys):
        mine = np.array([key.startswith(prefix) for key in diff.keys], np.bool_)
        added, removed = mine & (diff.ops == b"+"), mine & (diff.ops == b"-")
        # A key of a source that was there already, or that stays, or one that moved.
        changes.is_tangled |= bool((mine & (diff.ops == b"~")).any())
        changes.is_tangled |= _any_has(reader, before.sources, diff.after_arrow(), added)
        changes.is_tangled |= _any_has(reader, after.sources, diff.before_arrow(), removed)
        changes.new.extend(diff.keys[row][len(prefix) :].decode() for row in np.flatnonzero(added).tolist())
    return changes


def _any_has(reader: Reader, sources: Signal | None, pointers: pa.Array, rows: Any) -> bool:
    asked = pc.unique(pointers.filter(pa.array(rows)))
    return bool(_has(reader, sources, asked.take(pc.sort_indices(asked))).any())
