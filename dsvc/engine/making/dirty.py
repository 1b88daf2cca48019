"""Which groups are others than a trace had: told by the records whose inputs differ, before and now.

A group is the same iff it has the same members with the same bits in every input.  So it is another one iff some
source that differs was a member of it then, or is one now: only these are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.engine.making.group_ids import Ids, column_of, ids_of
from dsvc.engine.reading.changes import CAME, FAILED, GONE, iter_changed
from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.fields import same_bits
from dsvc.engine.reading.flagged import Bits, Flagged, Mask
from dsvc.engine.reading.inputs import Inputs
from dsvc.engine.reading.probe import Probe
from dsvc.objects.keys import Keys
from dsvc.objects.snapshot import Signal
from dsvc.recipe.paths import InputPath

LEFT = GONE
"""Bit of a group that lost a member."""
_NO_IDS = pa.array([], pa.large_binary())


@dataclass(frozen=True)
class Groups:
    """Some groups, each once, with bits that say why."""

    ids: Ids
    bits: Bits

    @classmethod
    def collect(cls, parts: Sequence[tuple[Ids, Bits]]) -> Groups:
        """Return the groups of some records, with all bits of a group's records."""
        if not parts:
            return cls(_NO_IDS, np.zeros(0, np.uint64))
        encoded = pa.chunked_array([ids for ids, _ in parts], pa.large_binary()).combine_chunks().dictionary_encode()
        bits = np.zeros(len(encoded.dictionary), np.uint64)
        np.bitwise_or.at(bits, np.asarray(encoded.indices), np.concatenate([bits for _, bits in parts]))
        return cls(encoded.dictionary, bits)

    def __len__(self) -> int:
        return len(self.ids)

    def hold(self, ids: Ids) -> Mask:
        """Return which records are of these groups."""
        if not len(self):
            return np.zeros(len(ids), np.bool_)
        return np.asarray(pc.is_in(ids, value_set=self.ids))

    def bits_of(self, ids: Ids) -> Bits:
        """Return the bits of each record's group; 0 where it is none of these."""
        if not len(self):
            return np.zeros(len(ids), np.uint64)
        at = pc.fill_null(pc.index_in(ids, value_set=self.ids), len(self))
        return np.asarray(np.append(self.bits, np.uint64(0))[np.asarray(at)])


class Changed:
    """Some sources that may differ from what a trace had, looked at before and now.

    Args:
        before: The inputs of the trace.
        now: The inputs as they are.
        flagged: The sources.
    """

    def __init__(self, before: Inputs, now: Inputs, flagged: Flagged) -> None:
        self._before, self._now = before, now
        self.flagged = flagged
        self.probe = Probe(now.reader, flagged.keys)

    @cached_property
    def old(self) -> Columns:
        """What there was."""
        return self._before.take(self.probe)

    @cached_property
    def new(self) -> Columns:
        """What there is."""
        return self._now.take(self.probe)

    def differs(self, ignored: Sequence[InputPath] = ()) -> Mask:
        """Return which sources are no member any more, or a new one, or have other bits in an input.

        Args:
            ignored: Inputs of which nothing is known.
        """
        had, has = self.old.complete, self.new.complete
        same = had & has
        for old, new in zip(self._before.items, self._now.items, strict=True):
            if old.key != new.key and new.path not in ignored and same.any():
                same &= same_bits(column_of(self.old, new.path), column_of(self.new, new.path))
        return (had | has) & ~same

    def groups(self, rows: Mask, group: InputPath | None) -> list[tuple[Ids, Bits]]:
        """Return the groups that some of the sources were in and are in, with why they are others for it."""
        bits = self.flagged.bits
        had, has = rows & self.old.complete, rows & self.new.complete
        old = ids_of(self.old.take(np.flatnonzero(had)), group)
        new = ids_of(self.new.take(np.flatnonzero(has)), group)
        stayed = np.zeros(len(rows), np.bool_)
        both = had & has
        stayed[both] = np.asarray(pc.equal(old.filter(pa.array(both[had])), new.filter(pa.array(both[has]))))
        new_bits = np.where(stayed, bits & ~np.uint64(CAME), np.uint64(CAME)) | (bits & np.uint64(FAILED))
        left = ~stayed[had]
        return [(old.filter(pa.array(left)), np.full(int(left.sum()), LEFT, np.uint64)), (new, new_bits[has])]


def find_dirty(
    before: Inputs,
    now: Inputs,
    group: InputPath | None,
    waiting: Signal | None = None,
    *,
    among: Groups | None = None,
    gone: Callable[[Keys], None] | None = None,
) -> Groups:
    """Return the groups that are others than a trace had, of those before and of those now.

    Args:
        before: The inputs of the trace.
        now: The inputs as they are.
        group: What records are grouped by; None where all are one group.
        waiting: Sources that the trace does not answer for: their groups are told as well.
        among: Where only some groups matter, these; others are not told.
        gone: Told the sources that are no members any more.
    """
    parts: list[tuple[Ids, Bits]] = []
    for flagged in iter_changed(before, now, waiting):
        changed = Changed(before, now, flagged)
        failed = (flagged.bits & np.uint64(FAILED)) != 0
        rows = changed.differs() | (failed & changed.new.complete)
        if gone is not None:
            lost = (changed.old.complete | failed) & ~changed.new.complete
            if lost.any():
                gone(flagged.keys.take(np.flatnonzero(lost)))
        if rows.any():
            for ids, bits in changed.groups(rows, group):
                kept = slice(None) if among is None else among.hold(ids)
                parts.append((ids if among is None else ids.filter(pa.array(kept)), bits[kept]))
    return Groups.collect(parts)
