"""One reading of a feed: which document speaks for which source, and what was wrong with the others.

Of each document only its key (the pointer, or what leads to it) and its place in the order of documents are kept;
signals keep their own values. A reading may hold the same document twice, when a cursor is read from again or when
it was looked up besides: it counts once.

Source: docs/how-to/ingest.md#several-documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.feeds.documents import key_text, order_key
from dsvc.feeds.paths import MISSING, DocumentPath
from dsvc.objects.column import Index, Mask
from dsvc.plugins.contracts import DocumentBatch
from dsvc.recipe.spec import FeedSpec
from dsvc.repo.records import MAX_POINTER_BYTES

_NO_ORDER = order_key(None)


@dataclass
class Unusable:
    """Documents that no source can be found for, by why, with one of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, why: str, position: Any) -> None:
        """Count a document; `position` tells which it is."""
        self.counts[why] += 1
        self.examples.setdefault(why, str(position))


@dataclass(frozen=True, slots=True)
class Link:
    """How the documents of a feed name their sources."""

    path: DocumentPath
    keys: Callable[[Sequence[Any]], list[str | None]]
    """Gives what leads to the source from what stands at the path; None for what leads nowhere."""
    complaint: str
    """What is wrong with a document whose key is None."""

    @classmethod
    def of(cls, feed: FeedSpec) -> Link:
        """Return the link of a feed: its pointer, or its side of `about`."""
        if feed.about is None:
            path = DocumentPath(feed.pointer or "")
            return cls(path, usable_pointers, f"{path.text} is no pointer")
        path = DocumentPath(feed.about.field)
        return cls(path, lambda values: [key_text(value) for value in values], f"{path.text} is no key")


@dataclass(frozen=True, slots=True)
class Counts:
    """What a reading adds to the counts of its feed."""

    documents: int
    superseded: int
    orphans: int
    """Negative where more documents found their source than new ones have none."""


class Documents:
    """The documents of one reading, numbered as they come.

    Args:
        path: Where the field that grows is in a document.
        known: Up to which value of it, as an order key, documents were counted before; None for none.
    """

    def __init__(self, path: str | None, known: bytes | None = None) -> None:
        self._path = None if path is None else DocumentPath(path)
        self._known = known
        self._keys: list[pa.Array] = []
        self._order: list[pa.Array] = []
        self._is_new: list[Mask] = []
        self._is_lookup: list[Mask] = []
        self.count = 0
        self.unusable = Unusable()
        self.cursor: bytes | None = None
        """The feed's own word for where to go on."""
        self.last_order = known
        """The greatest value of the field that grows, as an order key."""

    def add(
        self, batch: DocumentBatch, keys: Sequence[str | None], why: str, *, is_lookup: bool = False
    ) -> Sequence[Mapping[str, Any]]:
        """Take documents in and return those that can be used, in order; their numbers go on from `count` before.

        Args:
            batch: The documents.
            keys: What leads to each one's source; None for one that cannot be used.
            why: What is wrong with a document whose key is None.
            is_lookup: Whether they were looked up, and may have been read before.
        """
        documents, positions = batch.documents, batch.positions
        if not is_lookup:
            self.cursor = batch.cursor or self.cursor
        if None in keys:
            for position, key in zip(positions, keys, strict=True):
                if key is None:
                    self.unusable.add(why, position)
            kept = [row for row, key in enumerate(keys) if key is not None]
            documents, positions = [documents[row] for row in kept], [positions[row] for row in kept]
            keys = [keys[row] for row in kept]
        n = len(keys)
        marks = self._marks(documents)
        order = [mark + order_key(position) for mark, position in zip(marks, positions, strict=True)]
        self._keys.append(pa.array(keys, pa.large_string()))
        self._order.append(pa.array(order, pa.large_binary()))
        known = self._known
        self._is_new.append(np.array([known is None or mark > known for mark in marks], np.bool_))
        self._is_lookup.append(np.full(n, is_lookup))
        self.count += n
        return documents

    def _marks(self, documents: Sequence[Mapping[str, Any]]) -> list[bytes]:
        """Return each document's place by the cursor's field."""
        if self._path is None:
            return [_NO_ORDER] * len(documents)
        found = self._path.column(documents)
        marks = [_NO_ORDER if value is MISSING else order_key(value) for value in found]
        last = max(marks, default=_NO_ORDER)
        if last != _NO_ORDER and (self.last_order is None or last > self.last_order):
            self.last_order = last
        return marks

    def keys(self) -> pa.Array:
        """Return the key of each document."""
        return _join(self._keys, pa.large_string())

    def order(self) -> pa.Array:
        """Return bytes that sort as documents do: by the cursor's field, then by position."""
        return _join(self._order, pa.large_binary())

    def counts(self, has_source: Mask, is_superseded: Mask) -> Counts:
        """Return what the documents add to the counts of their feed: those counted before add nothing.

        Args:
            has_source: Which documents have a source that is there.
            is_superseded: Which documents another stands in for.
        """
        is_new, is_lookup = _joined(self._is_new), _joined(self._is_lookup)
        is_first = is_new & ~is_lookup
        found = has_source & is_lookup & ~is_new  # they were counted as waiting when they were read
        return Counts(
            documents=int(is_first.sum()),
            superseded=int((is_first & is_superseded).sum()),
            orphans=int((is_first & ~has_source).sum()) - int(found.sum()),
        )


def _joined(parts: Sequence[Mask]) -> Mask:
    return np.concatenate(parts) if parts else np.empty(0, np.bool_)


def _join(parts: list[pa.Array], type_: pa.DataType) -> pa.Array:
    if len(parts) > 1:
        parts[:] = [pa.concat_arrays(parts)]
    return parts[0] if parts else pa.array([], type_)


def usable_pointers(values: Iterable[Any]) -> list[str | None]:
    """Return the values that are pointers: text of 1 to 1,100 bytes; None for the others."""
    return [value if type(value) is str and _is_pointer(value) else None for value in values]


def _is_pointer(value: str) -> bool:
    if 0 < len(value) <= MAX_POINTER_BYTES // 4 and value.isascii():
        return True
    try:
        return 0 < len(value.encode()) <= MAX_POINTER_BYTES
    except UnicodeEncodeError:
        return False


@dataclass(frozen=True, slots=True)
class Winners:
    """Of documents with the same source, which one counts."""

    rows: Index
    """The document that counts for each source, by source."""
    superseded: Index
    """The documents that do not count, the same document twice left out."""


def choose_winners(pointers: pa.Array, order: pa.Array) -> Winners:
    """Return which document counts for each source: the last in order.

    Args:
        pointers: The source of each document.
        order: What orders documents; equal only for the same document.
    """
    rows = np.arange(len(pointers), dtype=np.int64)
    if len(rows) < 2:
        return Winners(rows, rows[:0])
    by_source = pointers
    if not pc.all(pc.less(pointers[:-1], pointers[1:])).as_py():
        rows = pc.sort_indices(pointers).to_numpy().astype(np.int64)
        by_source = pointers.take(pa.array(rows))
    same_as_next = pc.equal(by_source[:-1], by_source[1:]).to_numpy(zero_copy_only=False)
    if not same_as_next.any():
        return Winners(rows, rows[:0])
    group = np.concatenate([[0], np.cumsum(~same_as_next)])
    rank = _dense_ranks(order)[rows]
    sorting = np.lexsort((rank, group))
    rows, rank = rows[sorting], rank[sorting]
    is_last = np.append(~same_as_next, True)
    repeated = np.append(same_as_next & (rank[:-1] == rank[1:]), False)
    return Winners(rows[is_last], rows[~is_last & ~repeated])


def _dense_ranks(order: pa.Array) -> Index:
    """Return a number for each value that is equal for equal values and greater for greater ones."""
    rows = pc.sort_indices(order).to_numpy()
    ascending = order.take(pa.array(rows))
    steps = pc.not_equal(ascending[:-1], ascending[1:]).to_numpy(zero_copy_only=False)
    ranks = np.empty(len(rows), np.int64)
    ranks[rows] = np.concatenate([[0], np.cumsum(steps)])
    return ranks
