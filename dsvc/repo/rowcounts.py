"""How many sources selections select, kept from when it was last counted, so that a status need not count.

A count belongs to the id of a selection, so it holds for good; it is kept beside the repository's data, is part of no
version, goes to no remote, and may be lost: then it is counted again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

import msgspec

from dsvc.errors import RefConflictError
from dsvc.objects.oid import Oid, StoredOid
from dsvc.repo.refs import ROW_COUNTS
from dsvc.repo.view import View
from dsvc.store.base import RefChange, RefStore

MOST_KEPT = 512
"""Selections whose count is kept, the newest."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[tuple[StoredOid, int]])


def known_counts(refs: RefStore) -> dict[Oid, int]:
    """Return the counts that are kept, by the id of the selection."""
    return dict(_decode(refs.get(ROW_COUNTS)))


def keep_counts(refs: RefStore, counts: Mapping[Oid, int]) -> None:
    """Keep some counts; another process that keeps some at the same moment may win."""
    data = refs.get(ROW_COUNTS)
    held = dict(_decode(data))
    if all(held.get(oid) == count for oid, count in counts.items()):
        return
    kept = [(oid, count) for oid, count in held.items() if oid not in counts] + list(counts.items())
    with suppress(RefConflictError):
        refs.update([RefChange(ROW_COUNTS, data, _encoder.encode(kept[-MOST_KEPT:]))])


def count_rows(
    view: View, dataset: str, near: Iterable[tuple[View, int | None]] = (), known: Mapping[Oid, int] = {}
) -> int:
    """Return how many sources a dataset selects: from a count nearby and what changed since, where there is one.

    Args:
        view: The version.
        dataset: One that it has.
        near: Other versions, and how many sources the dataset selects there, where that is known.
        known: Counts by the id of the selection.
    """
    from dsvc.repo.selected import count_selected, selected_change  # reads records

    oid = view.dataset(dataset).selection
    if oid in known:
        return known[oid]
    after = view.selection(view.dataset(dataset))
    for other, noted in near:
        if dataset not in other.datasets:
            continue
        there = other.dataset(dataset)
        rows = known.get(there.selection) if noted is None else noted
        if rows is not None:
            return rows + selected_change(view.reader, other.selection(there), after)
    return count_selected(view.reader, after)


def note_rows(refs: RefStore, before: View, after: View, datasets: Iterable[str]) -> None:
    """Keep how many sources some datasets select, after they were made again."""
    known = known_counts(refs)
    names = [name for name in datasets if name in after.datasets]
    counts = {after.dataset(name).selection: count_rows(after, name, [(before, None)], known) for name in names}
    if counts:
        keep_counts(refs, counts)


def _decode(data: bytes | None) -> list[tuple[Oid, int]]:
    try:
        return [] if data is None else _decoder.decode(data)
    except msgspec.DecodeError:
        return []  # of another version of dsvc: they are counted again
