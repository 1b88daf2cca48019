"""The signal `content`: which sources there are, and what their content was when it was last looked at.

Each feed without `about` gives one record a source: a struct of `id` and, where some feed names them, `modified` and
`size`. What is no such thing in a document is null, and counted: it must not keep a source out. Several feeds may
give sources; where two give the same one, the last feed of the recipe says what its content is.

Source: docs/how-to/ingest.md#content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from dsvc.feeds.documents import version_text
from dsvc.feeds.fit import to_array
from dsvc.feeds.formats import NO_VERSION, Taken
from dsvc.feeds.paths import MISSING, DocumentPath
from dsvc.objects.access import Writer
from dsvc.objects.arrays import normalise
from dsvc.objects.chunk import ProvColumn, Records, concat_records
from dsvc.objects.column import Column, concat, null_column
from dsvc.objects.diff import diff_trees
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.keys import Keys
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import Physical, Type
from dsvc.recipe.spec import FeedSpec

_FIELDS: Mapping[str, Physical] = {
    "id": ("string",),
    "modified": ("timestamp", "us", "UTC"),
    "size": ("int64",),
}


def content_fields(feeds: Iterable[FeedSpec]) -> tuple[str, ...]:
    """Return the fields of `content`: `id`, and what some feed says where to find, sorted; `about` names none."""
    named = {"id"}
    for feed in feeds:
        named |= {name for name, path in (("modified", feed.modified), ("size", feed.size)) if path is not None}
    return tuple(sorted(named))


def content_type(fields: Sequence[str]) -> Type:
    """Return the type of `content`."""
    return Type(("struct", tuple((name, _FIELDS[name]) for name in fields)))


class ContentReader:
    """Takes what one feed says of content.

    Args:
        feed: The feed.
        fields: The fields of `content`; null where this feed does not name one.
    """

    def __init__(self, feed: FeedSpec, fields: Sequence[str]) -> None:
        named = {"id": feed.content_id, "modified": feed.modified, "size": feed.size}
        self._paths = {name: DocumentPath(path) for name in fields if (path := named[name]) is not None}
        self._fields = fields
        self.complaints: dict[str, list[int]] = {}
        """Rows of values that are no such thing, by what is said of them; rows count from the first document on."""
        self._columns: list[Column] = []
        self._count = 0

    @property
    def paths(self) -> list[DocumentPath]:
        """Every path that is read."""
        return list(self._paths.values())

    @property
    def mapping(self) -> tuple[tuple[str, str], ...]:
        """(field, path) of what this feed names."""
        return tuple((name, path.text) for name, path in self._paths.items())

    def add(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Take documents in."""
        n = len(documents)
        children = [self._read(name, documents) for name in self._fields]
        self._columns.append(Column(content_type(self._fields).physical, n, children=children))
        self._count += n

    def _read(self, name: str, documents: Sequence[Mapping[str, Any]]) -> Column:
        path = self._paths.get(name)
        if path is None:
            return null_column(_FIELDS[name], len(documents))
        values = [None if value is MISSING else _AS[name](value) for value in path.column(documents)]
        array, misfits = to_array(values, Type(_FIELDS[name]))
        for row, why in misfits:
            said = f"{path.text} is null in `content`: {why.partition(', found')[0]}"
            self.complaints.setdefault(said, []).append(self._count + row)
        return normalise(array, _FIELDS[name])

    def finish(self) -> Taken:
        """Return one value for each document; call it once."""
        type_ = content_type(self._fields)
        values = concat(self._columns) if self._columns else null_column(type_.physical, 0)
        rows = np.arange(self._count, dtype=np.int64)
        return Taken(type_, values, None, rows, (NO_VERSION,), np.zeros(self._count, np.int32), {})


def _as_time(value: Any) -> Any:
    """Return a time as a time where it is written as text, as JSON lines must."""
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return value


def _as_whole(value: Any) -> Any:
    return int(value) if isinstance(value, float | Decimal) and value == value // 1 else value


_AS: Mapping[str, Callable[[Any], Any]] = {
    "id": lambda value: value if version_text(value) is None else version_text(value),
    "modified": _as_time,
    "size": _as_whole,
}


def merge_content(
    writer: Writer, feeds: Sequence[tuple[Signal | None, Signal | None]], before: Signal | None, *, is_whole: bool
) -> Signal | None:
    """Return the content of all sources.

    Args:
        writer: Reads what feeds say, and takes the result.
        feeds: What each feed said before and says now, in the order of the recipe.
        before: The content before.
        is_whole: Make it from nothing; else only what changed in some feed is looked at.
    """
    now = [signal for _, signal in feeds]
    if len(now) == 1:
        return now[0]
    if is_whole or before is None:
        merged: Signal | None = None
        for signal in now:
            for records in _iter_records(writer, signal):
                merged = edit_tree(writer, merged, Type.decode(_type_of(now)), Edit(records)).signal
        return merged
    merged = before
    for old, new in feeds:
        for changes in diff_trees(writer, old, new, provenance=True):
            merged = edit_tree(writer, merged, Type.decode(before.type), _latest(writer, now, changes.keys)).signal
    return merged


def _type_of(signals: Sequence[Signal | None]) -> bytes:
    return next(signal.type for signal in signals if signal is not None)


def _iter_records(writer: Writer, signal: Signal | None) -> Iterator[Records]:
    if signal is not None:
        for changes in diff_trees(writer, None, signal, provenance=True):
            yield Records(changes.keys, changes.after, changes.prov_after or ProvColumn((), None, 0))


def _latest(writer: Writer, signals: Sequence[Signal | None], keys: Keys) -> Edit:
    """Return the edit that makes `keys` what the last feed that has each says of it."""
    found: list[Records] = []
    missing = keys
    for signal in reversed(signals):
        records = Tree(writer, signal).records(missing) if signal is not None and len(missing) else None
        if records is not None:
            found.append(records)
            _, present = records.keys.search(missing)
            missing = missing.take(np.flatnonzero(~present))
    upserts = _in_order(found) if found else None
    return Edit(upserts, missing if len(missing) else None)


def _in_order(parts: list[Records]) -> Records:
    """Return disjoint records in the order of their sources."""
    joined = concat_records(parts)
    rows = np.array(sorted(range(len(joined)), key=joined.keys.__getitem__), np.int64)
    return joined.take(rows)
