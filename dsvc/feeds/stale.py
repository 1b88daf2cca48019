"""Values that were made from another content of their source than it has now.

A signal whose section names `content_id` says what its value was made from. Where that is not the source's content
id, the record stays and is listed as waiting, with the reason `stale`, until a value of the present content comes. A
null on either side tells nothing.

Source: docs/how-to/ingest.md#stale-values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.feeds.documents import json_text
from dsvc.feeds.held import WAITING_TYPE
from dsvc.objects.access import Writer
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.chunk import ProvColumn, Records
from dsvc.objects.column import Column
from dsvc.objects.diff import CHANGED, diff_trees
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree

REASON = "stale"
_PROVENANCE = Provenance("import", "stale", "0")
"""Of the records of waiting trees; nobody reads it."""


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """The content ids that the values of one reading were made from."""

    keys: Keys
    """Their sources."""
    ids: pa.Array
    """Null where a document does not say."""


def mark_stale(
    writer: Writer,
    signal: Signal | None,
    waiting: Signal | None,
    read: Sequence[MadeFrom],
    content: tuple[Signal | None, Signal | None],
) -> tuple[Signal | None, int]:
    """Return what waits of a signal, and how many of its values were found to be stale now.

    Args:
        writer: Reads and takes objects.
        signal: The signal as it is now.
        waiting: What waits of it; of the sources in `read`, nothing stale.
        read: What the values of this ingest were made from.
        content: The content of sources before and now.
    """
    before, now = content
    if signal is None or now is None:
        return waiting, 0
    found = [_compare(writer, part, now) for part in read]
    seen: set[str] = set()
    if before is not None and before.value_id != now.value_id:
        seen = {key.decode() for part in read for key in part.keys}
    stale = {source: detail for part in found for source, detail in part}
    settled: list[str] = []
    for source, made_from, is_now in _moved(writer, signal, waiting, before, now):
        if source in seen:
            continue
        if made_from == is_now:
            settled.append(source)
        else:
            stale[source] = _detail(made_from, is_now)
    return _edit(writer, waiting, stale, settled), len(stale)


def _compare(writer: Writer, part: MadeFrom, now: Signal) -> list[tuple[str, str]]:
    """Return the sources, with details, whose values were made from other content than it is now."""
    if part.ids.null_count == len(part.ids):
        return []
    rows = Tree(writer, now).take(part.keys)
    present = _ids(rows.values)
    asked = part.keys.arrow
    at = pc.index_in(asked, value_set=rows.sources)
    present = present.take(at)
    differs = pc.fill_null(pc.not_equal(part.ids.cast(pa.string()), present), False)
    picked = pa.array(np.flatnonzero(differs.to_numpy(zero_copy_only=False)))
    columns = (asked.take(picked), part.ids.take(picked), present.take(picked))
    made = zip(*(column.to_pylist() for column in columns), strict=True)
    return [(source, _detail(made_from, is_now)) for source, made_from, is_now in made]


def _moved(
    writer: Writer, signal: Signal, waiting: Signal | None, before: Signal | None, now: Signal
) -> Iterator[tuple[str, str, str]]:
    """Yield the sources with a value whose content changed: what the value was made from, and what it is now."""
    for changes in diff_trees(writer, before, now) if before is not None else ():
        keys = changes.keys
        wanted = (changes.ops == CHANGED) & Tree(writer, signal).has(keys)
        old, new = _ids(to_arrow(changes.before)), _ids(to_arrow(changes.after))
        known = pc.and_(pc.is_valid(old), pc.is_valid(new)).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(wanted & known)
        noted = _noted(writer, waiting, keys.take(rows))
        for row in rows.tolist():
            source = keys[row].decode()
            yield source, noted.get(source, old[row].as_py()), new[row].as_py()


def _noted(writer: Writer, waiting: Signal | None, keys: Keys) -> dict[str, str]:
    """Return what stale values were made from, as it was noted when they became stale."""
    if waiting is None or len(keys) == 0:
        return {}
    rows = Tree(writer, waiting).take(keys)
    entries = zip(rows.sources.to_pylist(), rows.values.to_pylist(), strict=True)
    return {source: json.loads(e["detail"])["content_id"] for source, e in entries if e["reason"] == REASON}


def _ids(content: pa.Array) -> pa.Array:
    return pc.struct_field(content, "id")


def _detail(made_from: str, is_now: str) -> str:
    return json_text({"content_id": made_from, "source": is_now})


def _edit(writer: Writer, waiting: Signal | None, stale: dict[str, str], settled: Sequence[str]) -> Signal | None:
    upserts = removals = None
    if stale:
        ordered = sorted((source.encode(), detail) for source, detail in stale.items())
        entries = [{"detail": detail, "reason": REASON} for _, detail in ordered]
        column: Column = normalise(pa.array(entries, WAITING_TYPE.arrow), WAITING_TYPE.physical)
        provenance = ProvColumn.constant(put_object(writer, Kind.PROVENANCE, _PROVENANCE), len(ordered))
        upserts = Records(Keys.of_bytes([source for source, _ in ordered]), column, provenance)
    if settled:
        removals = Keys.of_bytes(sorted(source.encode() for source in settled))
    if upserts is None and (removals is None or waiting is None):
        return waiting
    return edit_tree(writer, waiting, WAITING_TYPE, Edit(upserts, removals)).signal
