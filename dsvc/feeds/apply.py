"""What was taken from documents becomes records: of each source, what the document that counts for it says.

A document that counts and has no value, or one that is held, takes the record away that an earlier document gave:
the result is the same whether documents came in one reading or in several.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from dsvc.feeds.formats import HELD, Taken
from dsvc.feeds.held import WAITING_TYPE, Held, waiting_values
from dsvc.feeds.reading import choose_winners
from dsvc.feeds.stale import MadeFrom
from dsvc.objects.access import Writer
from dsvc.objects.arrays import normalise
from dsvc.objects.chunk import ProvColumn, Records
from dsvc.objects.column import Column, Index, Mask
from dsvc.objects.diff import DiffCounts
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys, merge_order
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.types import Type
from dsvc.repo.putting import compare_signals

_HELD_PROVENANCE = Provenance("import", "held", "0")
"""Of the records of waiting trees; nobody reads it."""


class Sources:
    """The source of each document of one reading, and which document counts for it.

    Args:
        pointers: The source of each document; null where it is not there.
        order: What orders documents.
    """

    def __init__(self, pointers: pa.Array, order: pa.Array) -> None:
        self.pointers, self.order = pointers, order
        self.is_known: Mask = pointers.is_valid().to_numpy(zero_copy_only=False)
        self.is_superseded: Mask = np.zeros(len(pointers), np.bool_)
        """Documents that another stands in for, in some signal."""
        self._of_all: tuple[Index, Keys] | None = None

    def choose(self, rows: Index | None) -> tuple[Index, Keys]:
        """Return the documents that count, in the order of their sources, and these.

        Args:
            rows: The documents that take part, ascending; None for all.
        """
        if rows is None and self._of_all is not None:
            return self._of_all
        part = np.flatnonzero(self.is_known) if rows is None else rows[self.is_known[rows]]
        pointers, order = self.pointers, self.order
        if len(part) < len(pointers):
            pointers, order = pointers.take(pa.array(part)), order.take(pa.array(part))
        winners = choose_winners(pointers, order)
        self.is_superseded[part[winners.superseded]] = True
        chosen = part[winners.rows], Keys.of(pointers.take(pa.array(winners.rows)))
        if rows is None:
            self._of_all = chosen
        return chosen


@dataclass(slots=True)
class Applied:
    """A signal after a reading."""

    signal: Signal | None
    waiting: Signal | None
    counts: DiffCounts
    held: list[tuple[str, Held]] = field(default_factory=list)
    """What this reading holds, by source."""
    made_from: MadeFrom | None = None
    """What the values of this reading were made from, where the signal says so."""


def apply_taken(
    writer: Writer,
    before: Signal | None,
    waiting: Signal | None,
    taken: Taken,
    sources: Sources,
    provenance: Callable[[str], Provenance],
    *,
    is_whole: bool,
    gone: Keys | None = None,
) -> Applied:
    """Return a signal with what a reading took.

    Args:
        writer: Takes the objects.
        before: The signal before.
        waiting: What of it was held before.
        taken: What was taken.
        sources: Whose documents they are.
        provenance: Gives the provenance of records of a version.
        is_whole: Whether all documents were read: then what no document gives is no more.
        gone: Sources that are no more, where not all documents were read.
    """
    rows, keys = sources.choose(taken.rows)
    places = rows if taken.rows is None else np.searchsorted(taken.rows, rows)
    at = taken.at[places]
    has_value = at >= 0
    table = tuple(put_object(writer, Kind.PROVENANCE, provenance(version)) for version in taken.versions)
    records = Records(
        _some(keys, has_value),
        _take(taken.values, at[has_value]),
        ProvColumn(table, taken.version_of[at[has_value]] if len(table) > 1 else None, int(has_value.sum())),
    )
    held = _held_records(writer, keys, places, taken, at == HELD)
    signal = _edit(
        writer, None if is_whole else before, taken.type, records, _without(keys, ~has_value, gone, is_whole)
    )
    # What was held of a source is settled by its document that counts now.
    settled = _without(keys, at != HELD, gone, is_whole)
    waiting = _edit(writer, None if is_whole else waiting, WAITING_TYPE, held, settled)
    if before is None:
        counts = DiffCounts(added=signal.count if signal else 0)
    else:
        counts = compare_signals(writer, before, signal)
    shown = [(keys[row].decode(), taken.held[int(places[row])]) for row in np.flatnonzero(at == HELD).tolist()]
    made_from = None
    if taken.content_ids is not None:
        made_from = MadeFrom(records.keys, taken.content_ids.take(pa.array(places[has_value])))
    return Applied(signal, waiting, counts, shown, made_from)


def _held_records(writer: Writer, keys: Keys, places: Index, taken: Taken, is_held: Mask) -> Records:
    details = [taken.held[place].detail() for place in places[is_held].tolist()]
    column = normalise(waiting_values(details), WAITING_TYPE.physical)
    provenance = ProvColumn.constant(put_object(writer, Kind.PROVENANCE, _HELD_PROVENANCE), column.length)
    return Records(_some(keys, is_held), column, provenance)


def _without(keys: Keys, mask: Mask, gone: Keys | None, is_whole: bool) -> Keys | None:  # noqa: FBT001 - one of its own
    """Return what is taken away: the keys of a mask, and what is gone; nothing where all is made anew."""
    if is_whole:
        return None
    removals = _some(keys, mask)
    return removals if gone is None else merge_order(removals, gone)[0]


def _take(values: Column, rows: Index) -> Column:
    """Return some rows; all in their order, as documents in the order of their sources give them, without a copy."""
    is_all = len(rows) == values.length and bool((rows == np.arange(len(rows))).all())
    return values if is_all else values.take(rows)


def _some(keys: Keys, mask: Mask) -> Keys:
    return keys if mask.all() else keys.take(np.flatnonzero(mask))


def _edit(writer: Writer, signal: Signal | None, type_: Type, upserts: Records, removals: Keys | None) -> Signal | None:
    edit = Edit(upserts if len(upserts) else None, removals if removals is not None and len(removals) else None)
    if edit.upserts is None and edit.removals is None:
        return signal
    return edit_tree(writer, signal, type_, edit).signal
