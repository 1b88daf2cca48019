"""Which sources have other inputs than a trace had, and which inputs: read from the differences of trees alone.

The cost follows what changed: equal value ids are not looked into, and two versions of a signal are walked side by
side past everything they share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dsvc.engine.reading.fields import NOTHING, STATE, field_of, same_bits
from dsvc.engine.reading.flagged import ROWS, Bits, Flagged, merge_flagged
from dsvc.engine.reading.inputs import Input, Inputs, find_signal
from dsvc.engine.reading.probe import Probe
from dsvc.errors import SchemaError
from dsvc.objects.access import Reader
from dsvc.objects.chunk import ProvColumn
from dsvc.objects.column import Column, null_column
from dsvc.objects.diff import ADDED, CHANGED, REMADE, REMOVED, Changes, diff_trees
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal

CAME = 1 << 63
"""Bit of a source that had no record of a required input."""
FAILED = 1 << 62
"""Bit of a source that a trace does not answer for, since its record failed."""
GONE = 1 << 60
"""Bit of a source that the version has no more, for a step that has a record for every source."""
MOST_BITS = 60
"""Inputs have a bit each, by position; the last of these bits is that of all further inputs."""


def bit_of(position: int) -> int:
    """Return the bit of the input at a position."""
    return 1 << min(position, MOST_BITS - 1)


def iter_changed(before: Inputs, after: Inputs, waiting: Signal | None = None, rows: int = ROWS) -> Iterator[Flagged]:
    """Yield the sources whose inputs differ as a step sees them, ascending, in batches.

    Args:
        before: The inputs of a trace.
        after: The same inputs now.
        waiting: Sources to be told as well, with the bit `FAILED`.
        rows: Sources of a batch.

    Yields:
        Sources, with bit i for input i, and `CAME` where a required input was missing before.
    """
    streams: list[Iterator[Flagged]] = []
    for name in after.signals:
        pairs = [
            (i, old, new)
            for i, (old, new) in enumerate(zip(before.items, after.items, strict=True))
            if new.path.signal == name and old.key != new.key
        ]
        if pairs:
            streams.append(_iter_signal(after.reader, pairs, any_will_do=after.any_will_do))
            streams += _iter_waiting(after.reader, pairs)
    if after.sources is not None:
        streams.append(_iter_sources(before, after))
    if waiting is not None:
        streams.append(iter_keys(after.reader, None, waiting, FAILED))
    return merge_flagged(streams, rows) if streams else iter(())


def _iter_sources(before: Inputs, after: Inputs) -> Iterator[Flagged]:
    """Yield the sources that came to the version or went from it, told by the signals that say which there are."""
    old, new = before.sources or {}, after.sources or {}
    streams = []
    for name in {**old, **new}:
        was, now = (held[name][1] if name in held else None for held in (old, new))
        if (was and was.value_id) != (now and now.value_id):
            streams.append(iter_keys(after.reader, was, now, 0))
    for run in merge_flagged(streams) if streams else ():
        probe = Probe(after.reader, run.keys)
        had, has = before.present(probe), after.present(probe)
        bits = np.where(has, np.uint64(CAME), np.uint64(GONE))
        yield Flagged(run.keys, bits).filter(had != has)


def iter_keys(reader: Reader, before: Signal | None, after: Signal | None, bits: int) -> Iterator[Flagged]:
    """Yield the sources that have a record in one of two versions of a signal alone; reads no values."""
    for changes in diff_trees(reader, before, after, keys_only=True):
        yield Flagged.of(changes.keys, bits)


def iter_added(reader: Reader, before: Signal, after: Signal) -> Iterator[Flagged]:
    """Yield the sources of a signal that another one lacks; reads no values."""
    for changes in diff_trees(reader, before, after, keys_only=True):
        yield Flagged.of(changes.keys.take(np.flatnonzero(changes.ops == ADDED)), 0)


def _iter_signal(reader: Reader, pairs: Sequence[tuple[int, Input, Input]], *, any_will_do: bool) -> Iterator[Flagged]:
    """Yield the sources for which any of some inputs, all of one signal, differs.

    Where all inputs of a step are optional, a null record counts as one: it makes the source one of the step's.
    """
    _, first_old, first_new = pairs[0]
    with_provenance = any(new.path.circumstance for _, _, new in pairs)
    for changes in diff_trees(reader, first_old.signal, first_new.signal, provenance=with_provenance):
        bits = np.zeros(len(changes), np.uint64)
        for position, _, new in pairs:
            decides = new.is_required or any_will_do
            bits |= _bits_of(reader, changes, new, bit_of(position), decides_presence=decides)
        run = Flagged(changes.keys, bits)
        yield run.filter(bits != 0)


def _bits_of(reader: Reader, changes: Changes, item: Input, bit: int, *, decides_presence: bool) -> Bits:
    """Return `bit` for each change that this input sees."""
    came, gone = changes.ops == ADDED, changes.ops == REMOVED
    if item.path.circumstance:
        before = _told(reader, changes.prov_before, item.path.circumstance, len(changes))
        after = _told(reader, changes.prov_after, item.path.circumstance, len(changes))
        differs = np.array([a != b for a, b in zip(before, after, strict=True)], np.bool_)
    elif item.path.fields:
        differs = (changes.ops != REMADE) & ~same_bits(_field(changes.before, item), _field(changes.after, item))
    else:
        differs = changes.ops == CHANGED
        # A record that came or went is a change for the step unless its value is null anyway.
        differs |= (came & ~_nulls(changes.after)) | (gone & ~_nulls(changes.before))
    bits = np.zeros(len(changes), np.uint64)
    if decides_presence:
        differs |= came | gone
        bits[came] = CAME
    bits[differs] |= np.uint64(bit)
    return bits


def _field(column: Column, item: Input) -> Column:
    if column.physical == NOTHING:
        return column
    try:
        return field_of(column, item.path)
    except SchemaError:
        # A version of the signal that had no such field never gave this input a value.
        return null_column(NOTHING, column.length)


def _nulls(column: Column) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return ~column.valid if column.valid is not None else np.zeros(column.length, np.bool_)


def _told(reader: Reader, prov: ProvColumn | None, circumstance: str, length: int) -> list[str | None]:
    """Return what a circumstance says of each row, None where there is no record."""
    if prov is None:
        return [None] * length
    name = "standing" if circumstance == STATE else circumstance.removeprefix("_")
    table = [getattr(get_object(reader, oid, Kind.PROVENANCE, Provenance), name) for oid in prov.table]
    return [None if at < 0 else table[at] for at in prov.rows.tolist()]


def _iter_waiting(reader: Reader, pairs: Sequence[tuple[int, Input, Input]]) -> list[Iterator[Flagged]]:
    """Return the sources whose reason to wait differs, for inputs that name it."""
    return [
        _iter_values(reader, find_signal(reader, old.waiting_id), find_signal(reader, new.waiting_id), bit_of(position))
        for position, old, new in pairs
        if old.waiting_id != new.waiting_id
    ]


def _iter_values(reader: Reader, before: Signal | None, after: Signal | None, bits: int) -> Iterator[Flagged]:
    for changes in diff_trees(reader, before, after):
        yield Flagged.of(changes.keys, bits)
