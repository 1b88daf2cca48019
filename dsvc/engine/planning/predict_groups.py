"""What a run would find at a step of groups, or of all records: which groups must run, may have to, or are answered.

A group of which a known input changed runs for certain.  One with a member whose record another step makes again may
come out as it was.  Where nobody knows which group a record will be of, any of them may have to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dsvc.engine.making.binding import Bound
from dsvc.engine.making.dirty import Changed, Groups
from dsvc.engine.making.group_ids import Ids, ids_of
from dsvc.engine.making.group_traces import Answered, GroupTraces
from dsvc.engine.making.keysets import common_sources, iter_sources
from dsvc.engine.making.members import GroupBatch, Members
from dsvc.engine.making.output import Output
from dsvc.engine.making.traces import Answers, merge_records
from dsvc.engine.planning.forecast import Part, StepForecast
from dsvc.engine.planning.foreseen import Foreseen
from dsvc.engine.planning.reasons import OPEN, Reasons
from dsvc.engine.reading.changes import FAILED, bit_of, iter_changed
from dsvc.engine.reading.flagged import Bits, Flagged, Mask, merge_flagged
from dsvc.engine.reading.inputs import Inputs
from dsvc.engine.reading.probe import Probe
from dsvc.objects.column import null_column
from dsvc.objects.keys import Keys
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree


@dataclass(frozen=True)
class _Differing:
    """The groups that are others than a trace had."""

    certain: Groups
    """Whatever the unknown records turn out to be."""
    possible: Groups
    """These, and those that have an unknown member."""
    gone: list[Keys]
    """Sources that are no members any more."""


@dataclass(frozen=True)
class _Found:
    """What is to be said of some groups."""

    batch: GroupBatch
    part: Part
    rows: Mask
    """Which members must run or may have to."""
    answered: Answered
    """What traces answer of the others."""


class GroupPredictor:
    """Forecasts one step of groups whose traces may answer some of them.

    Args:
        foreseen: The draft as it would be.
        bound: The step, bound to it.
        reasons: Says why.
    """

    def __init__(self, foreseen: Foreseen, bound: Bound, reasons: Reasons) -> None:
        self._foreseen, self._bound, self._reasons = foreseen, bound, reasons
        self._group = bound.spec.group
        self._unknown = {name: foreseen.unknown[name] for name in bound.inputs.signals if name in foreseen.unknown}
        self._differing: dict[bytes, _Differing] = {}

    @property
    def is_boundless(self) -> bool:
        """Whether any group may have to run: nothing is known of an input, or of which group some records are of."""
        is_group_open = self._group is not None and self._group.signal in self._unknown
        return is_group_open or any(known is None for known in self._unknown.values())

    # --- where groups can be told -----------------------------------------------------------------------------------

    def forecast_parts(
        self, forecast: StepForecast, provenance: Provenance
    ) -> tuple[Signal | None, list[Keys], list[Keys]]:
        """Count the groups that the base does not answer for certain.

        Args:
            forecast: Takes the counts.
            provenance: That of the step's records.

        Returns:
            The signal with nothing but keys for what must run or may have to; these sources; and those that go.
        """
        base = self._bound.match.base
        before = None if base is None else base.output
        scratch, type_ = self._foreseen.scratch, self._bound.type
        output = Output(scratch, before, type_, provenance)
        gone = [] if base is None else self._differ_from(base).gone
        for keys in gone:
            output.remove(keys)
        known: list[Keys] = []
        for found in self._iter_found():
            if known:
                output.flush()  # members of the next groups may come before those of the last
            forecast.count(found.part)
            known.append(found.part.keys)
            empty = output.made(found.part.keys, null_column(type_.physical, len(found.part.keys)))
            parts = [(np.flatnonzero(found.rows), empty)]
            answered = found.answered
            forecast.waiting += len(answered.failed)
            output.remove(found.batch.columns.keys.take(np.array(sorted(answered.failed), np.int64)))
            if answered.reused is not None:
                forecast.reuse += len(answered.reused)
                parts.append((answered.rows, answered.reused))
            records = merge_records(parts)
            if records is not None:
                output.put(records)
        forecast.iter_parts = lambda: (found.part for found in self._iter_found())
        if len(known) > 1:
            known = [run.keys for run in merge_flagged([iter([Flagged.of(keys, OPEN)]) for keys in known])]
        return self._foreseen.find_everything(self._bound, forecast) or output.flush(), known, gone

    def _iter_found(self) -> Iterator[_Found]:
        """Yield what is to be said of the groups that the base does not answer for certain."""
        match = self._bound.match
        own = None if match.base is None else self._differ_from(match.base)
        wanted = None if own is None else own.possible
        traces = GroupTraces(match, self._group, lambda trace: self._differ_from(trace).possible)
        for batch in Members(self._bound.inputs, self._group, self._foreseen.scratch).batches(wanted):
            answered = traces.answer(batch, wanted)
            rows = ~answered.is_answered[batch.numbers]
            certain = rows.copy() if own is None else rows & own.certain.hold(batch.ids)
            for trace in match.others if certain.any() else ():
                whole = _is_whole(batch, trace.output, match.failed_of(trace))
                certain &= self._differ_from(trace).certain.hold(batch.ids) | ~whole
            run = np.flatnonzero(rows)
            bits = np.zeros(len(batch), np.uint64) if wanted is None else wanted.bits_of(batch.ids)
            codes = self._reasons.group_codes(bits[run], is_whole=self._group is None)
            yield _Found(batch, Part(batch.columns.keys.take(run), codes, certain[run]), rows, answered)

    def _differ_from(self, trace: Answers) -> _Differing:
        """Return the groups that are others than a trace had."""
        if trace.oid not in self._differing:
            self._differing[trace.oid] = self._find_differing(trace)
        return self._differing[trace.oid]

    def _find_differing(self, trace: Answers) -> _Differing:
        match, now = self._bound.match, self._bound.inputs
        # As in a run: what failed in the draft with these inputs failed.
        waiting = trace.waiting if trace is match.base and trace is not match.own else None
        streams = [iter_changed(trace.inputs, now, waiting)]
        streams += [iter([Flagged.of(keys, OPEN) for keys in known or ()]) for known in self._unknown.values()]
        ignored = [item.path for item in now.items if item.path.signal in self._unknown]
        unknown_bits = np.uint64(sum({bit_of(i) for i, item in enumerate(now.items) if item.path in ignored}))
        certain: list[tuple[Ids, Bits]] = []
        possible: list[tuple[Ids, Bits]] = []
        gone: list[Keys] = []
        for flagged in merge_flagged(streams):
            is_open = (flagged.bits & np.uint64(OPEN)) != 0
            # Of a record that is made again nobody knows whether it changed.
            told = np.where(is_open, flagged.bits & ~unknown_bits, flagged.bits)
            changed = Changed(trace.inputs, now, Flagged(flagged.keys, told))
            had, has = changed.old.complete, changed.new.complete
            failed = (flagged.bits & np.uint64(FAILED)) != 0
            rows = np.where(is_open, changed.differs(ignored), changed.differs()) | (failed & has)
            certain += changed.groups(rows, self._group)
            possible += changed.groups(rows | (is_open & (had | has)), self._group)
            gone.append(flagged.keys.take(np.flatnonzero((had | failed) & ~has)))
        return _Differing(Groups.collect(certain), Groups.collect(possible), gone)

    # --- where they cannot ------------------------------------------------------------------------------------------

    def forecast_range(self, forecast: StepForecast, certain: Iterator[Flagged]) -> Signal | None:
        """Count everything as what may have to run, and what runs for certain.

        Args:
            forecast: Takes the counts.
            certain: Sources that no trace answers, whatever the unknown records turn out to be.

        Returns:
            A signal with the sources of all records.
        """
        sources = common_sources(self._foreseen.scratch, self._bound.inputs, self._foreseen.stand_ins)
        forecast.upper = 0 if sources is None else sources.count
        found = list(certain)
        for run in self._with_mates(found, sources):
            forecast.lower += len(run)
            for code, n in zip(*np.unique(self._codes(run), return_counts=True), strict=True):
                forecast.give_reason(forecast.labels[int(code)], int(n))

        def iter_parts() -> Iterator[Part]:
            everything = (Flagged.of(keys, OPEN) for keys in iter_sources(self._foreseen.scratch, sources))
            for run in merge_flagged([everything, self._with_mates(found, sources)]):
                yield Part(run.keys, self._codes(run), run.bits != np.uint64(OPEN))

        forecast.iter_parts = iter_parts
        return sources

    def _codes(self, run: Flagged) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        is_certain = run.bits != np.uint64(OPEN)
        return self._reasons.group_codes(
            np.where(is_certain, run.bits & ~np.uint64(OPEN), run.bits), is_whole=self._group is None
        )

    def _with_mates(self, certain: list[Flagged], sources: Signal | None) -> Iterator[Flagged]:
        """Yield sources that must run, and all others of their groups where these are known."""
        certain = [run for run in certain if len(run)]
        if sources is None or not certain:
            return
        if self._group is None:
            bits = np.bitwise_or.reduce(np.concatenate([run.bits for run in certain]))
            for keys in iter_sources(self._foreseen.scratch, sources):
                yield Flagged.of(keys, int(bits))
            return
        if self._group.signal in self._unknown:
            yield from certain
            return
        item = next(item for item in self._bound.inputs.items if item.path == self._group)
        only: Inputs = self._bound.inputs.only(item)
        parts = [(ids_of(only.take(Probe(only.reader, run.keys)), self._group), run.bits) for run in certain]
        groups = Groups.collect(parts)
        for keys, ids in Members(self._bound.inputs, self._group, self._foreseen.scratch).scan(groups):
            held = Tree(self._foreseen.scratch, sources).has(keys)
            yield Flagged(keys, groups.bits_of(ids)).filter(held)


def _is_whole(batch: GroupBatch, *outcomes: Signal | None) -> Mask:
    """Return which members are of a group all of whose members have a record in one of some signals."""
    has_outcome = np.logical_or.reduce([batch.probe.present(signal) for signal in outcomes])
    whole: Mask = batch.whole(has_outcome)[batch.numbers]
    return whole
