"""Why records must be made again, in the words of a plan.

An input that changed is told apart further where its record comes from another producer version than the one it was
made from: who upgraded a model wants to see what that reached.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt

from dsvc.engine.making.binding import Bound
from dsvc.engine.making.dirty import LEFT
from dsvc.engine.reading.changes import CAME, FAILED, bit_of
from dsvc.engine.reading.flagged import Bits, Mask
from dsvc.engine.reading.inputs import Input
from dsvc.engine.reading.probe import Probe, grouped
from dsvc.objects.access import Reader
from dsvc.objects.chunk import load_prov
from dsvc.objects.column import Index
from dsvc.objects.encoding import get_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.recipe.spec import CONTENT_ID

OPEN = 1 << 61
"""Bit of a source for which an input is not known before another step has run."""

NEW_SOURCE, FAILED_BEFORE, NEW_STEP, CONTENT = "new source", "failed before", "new step", "changed content id"
REMOVED, REMOVED_STEP = "removed source or input", "removed step"
TRANSFORM = "changed transform: "
GROUP, EVERYTHING = "the group changed: ", "the records changed: "
"""What the reasons of groups and of a step of all records begin with."""
NEW_MEMBER, LEFT_MEMBER = "new member", "a member left"
MADE_AGAIN = " is made again"

_NOT_BY_VERSION = ("_state", "_origin")
"""Circumstances that do not change with a producer's version."""

Codes = npt.NDArray[np.int64]


class Reasons:
    """Gives the reasons of one step's records as codes, each the index of a label.

    Args:
        bound: The step.
        opened: Its inputs that are not known before another step has run.
        change: What of the step changed.
    """

    def __init__(self, bound: Bound, opened: Collection[str], change: str | None) -> None:
        self._items = bound.inputs.items
        self._opened = [name for name in bound.inputs.signals if name in opened]
        self._match = bound.match
        inputs = [CONTENT if item.path == CONTENT_ID else f"changed {item.path}" for item in self._items]
        whole = NEW_STEP if bound.was is None else f"{TRANSFORM}{change or 'nothing is kept of it'}"
        self.labels = [NEW_SOURCE, FAILED_BEFORE, *inputs, f"{', '.join(self._opened)}{MADE_AGAIN}", whole]
        """By code; those of producer versions are added as they are met."""
        self.whole = len(self.labels) - 1
        """The code for a step all of whose records must be made."""

    def codes(self, keys: Keys, bits: Bits) -> Codes:
        """Return why each source must run or may have to, from the bits of `dsvc.engine.reading.changes`."""
        is_open = (bits & np.uint64(OPEN)) != 0
        codes = np.where(is_open, self.whole - 1, self.whole)
        for position in reversed(range(len(self._items))):
            told = (bits & np.uint64(bit_of(position))) != 0
            if self._items[position].path.signal in self._opened:
                told &= ~is_open  # of a record that is made again nobody knows whether it changed
            codes[told] = position + 2
        codes[(bits & np.uint64(FAILED)) != 0] = 1
        codes[(bits & np.uint64(CAME)) != 0] = 0
        for position in range(len(self._items)):
            rows = np.flatnonzero(codes == position + 2)
            if len(rows):
                codes[rows] = self._by_version(position, keys.take(rows))
        return codes

    def group_codes(self, bits: Bits, *, is_whole: bool) -> Codes:
        """Return why the group of each source must run or may have to, from the bits of all of its members.

        Args:
            bits: As `dsvc.engine.making.dirty` says.
            is_whole: Whether the one group is that of all records.
        """
        begin = EVERYTHING if is_whole else GROUP
        codes = np.where((bits & np.uint64(OPEN)) != 0, self.whole - 1, self.whole)
        told = [(bit_of(position), begin + str(self._items[position].path)) for position in range(len(self._items))]
        told = [*reversed(told), (FAILED, FAILED_BEFORE), (LEFT, begin + LEFT_MEMBER), (CAME, begin + NEW_MEMBER)]
        for bit, label in told:
            rows = (bits & np.uint64(bit)) != 0
            if rows.any():
                codes[rows] = self._code_of(label)
        return codes

    def _by_version(self, position: int, keys: Keys) -> Codes:
        """Return the code for each source of which one input changed: of its producer's versions, if they differ."""
        codes = np.full(len(keys), position + 2)
        now, base = self._items[position], self._match.base
        was = None if base is None else base.inputs.items[position]
        if was is None or was.signal is None or now.signal is None or now.path == CONTENT_ID:
            return codes
        if now.path.circumstance in _NOT_BY_VERSION:
            return codes
        for rows, before, after in _iter_versions(self._match.now.reader, keys, was, now):
            codes[rows] = self._code_of(f"{self.labels[position + 2]} ({tell_versions(before, after)})")
        return codes

    def _code_of(self, label: str) -> int:
        if label not in self.labels:
            self.labels.append(label)
        return self.labels.index(label)


def tell_versions(before: Provenance, after: Provenance) -> str:
    """Return what is another one: ``version 1 -> 2``, or ``w 1 -> v 1``."""
    if after.producer == before.producer:
        return f"version {before.version} -> {after.version}"
    return f"{before.producer} {before.version} -> {after.producer} {after.version}"


def kind_of(label: str) -> str:
    """Return what sort of reason a label tells, as programs know it."""
    known = {
        NEW_SOURCE: "new-source",
        FAILED_BEFORE: "failed",
        NEW_STEP: "new-step",
        CONTENT: "content-id",
        REMOVED: "removed-source",
        REMOVED_STEP: "removed-step",
    }
    if label in known:
        return known[label]
    if label.startswith((GROUP, EVERYTHING)):
        return "group"
    if label.startswith(TRANSFORM):
        return "transform"
    if label.startswith("changed "):
        return "producer-version" if label.endswith(")") else "input"
    return "upstream" if label.endswith(MADE_AGAIN) else "other"


def _iter_versions(
    reader: Reader, keys: Keys, was: Input, now: Input
) -> Iterator[tuple[Index, Provenance, Provenance]]:
    """Yield (rows, before, after) of the sources whose record comes from another producer or version than before."""
    if was.signal is None or now.signal is None or was.signal_id == now.signal_id:
        return
    probe = Probe(reader, keys)
    (old, old_table), (new, new_table) = _provenance(probe, was.signal), _provenance(probe, now.signal)
    both: Mask = (old >= 0) & (new >= 0)
    pairs = old * len(new_table) + new
    for pair in np.unique(pairs[both]).tolist():
        before, after = old_table[pair // len(new_table)], new_table[pair % len(new_table)]
        if (before.producer, before.version) != (after.producer, after.version):
            yield np.flatnonzero(both & (pairs == pair)), before, after


def _provenance(probe: Probe, signal: Signal) -> tuple[Index, list[Provenance]]:
    """Return who made the record of each source, as rows of a table; -1 where there is no record. Reads no values."""
    rows = np.full(len(probe), -1, np.int64)
    table: dict[Oid, int] = {}
    for places in grouped(probe.places(signal)):
        found, at = probe.find(places)
        prov = load_prov(probe.reader, [place.entry for place in places])
        codes = np.array([table.setdefault(oid, len(table)) for oid in prov.table], np.int64)
        rows[found] = codes[prov.rows[at]]
    return rows, [get_object(probe.reader, oid, Kind.PROVENANCE, Provenance) for oid in table]
