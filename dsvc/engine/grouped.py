"""Making the signal of a step of groups, or of all records: the groups that changed and that no trace answers.

It begins with the nearest trace.  The groups that are others than it had are told by the sources whose inputs differ;
each is offered whole to the other traces, newest first; what none answers is called for, one group at a time.  A step
of all records is one of a single group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from dsvc.engine.binding import Bound
from dsvc.engine.calls import Call, Outlook
from dsvc.engine.counting import count_same
from dsvc.engine.executors.sizes import Sizes
from dsvc.engine.fields import same_bits
from dsvc.engine.flagged import Mask
from dsvc.engine.group_steps import GroupStep
from dsvc.engine.group_traces import GroupTraces
from dsvc.engine.inputs import find_signal
from dsvc.engine.making import MAX_UNKEPT, Undertaking
from dsvc.engine.members import GroupBatch, Members
from dsvc.engine.output import Failures, Output
from dsvc.engine.partial import PartialTraces
from dsvc.engine.probe import Probe
from dsvc.engine.rates import read_rate
from dsvc.engine.report import MADE, STOPPED, UNCHANGED, StepReport
from dsvc.engine.steps import Made, Step
from dsvc.engine.traces import merge_records
from dsvc.objects.access import Reader
from dsvc.objects.chunk import Records
from dsvc.objects.column import Index
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.snapshot import Signal
from dsvc.objects.trace import Trace
from dsvc.objects.types import Type
from dsvc.store.writer import ObjectWriter


@dataclass
class _Work:
    """Some groups, and what came of them so far."""

    batch: GroupBatch
    is_answered: Mask
    """Which groups traces answer."""
    parts: list[tuple[Index, Records]]
    """Rows of the batch, with their records."""
    failed: dict[int, str] = field(default_factory=dict)
    """Row of the batch -> why it has no record."""


@dataclass(frozen=True)
class _Piece:
    """What one call is for: the members of some groups."""

    work: _Work
    rows: Index
    n_groups: int
    is_last: bool
    """Whether it is the last of its batch."""


class GroupMaking:
    """One step of groups that runs.

    Args:
        run: The run.
        bound: The step, bound to the draft.
        step: The step, ready to be called.
        writer: Takes the objects.
    """

    def __init__(self, run: Undertaking, bound: Bound, step: Step, writer: ObjectWriter) -> None:
        if not isinstance(step, GroupStep):
            raise TypeError(f"step {bound.spec.name} is none of groups")
        self._run, self._bound, self._step, self._writer = run, bound, step, writer
        base = bound.match.base
        self._base, self._is_own = base, base is not None and base is bound.match.own
        self._traces = GroupTraces(bound.match, bound.spec.group)
        self._output = Output(writer, None if base is None else base.output, bound.type, step.provenance)
        known = base.waiting if base is not None and self._is_own else None
        self._failures = Failures(writer, known, step.provenance)
        has_type = bound.before is not None and Type.decode(bound.before.type).physical == bound.type.physical
        self._before = bound.before if has_type else None
        self._partial = Output(writer, None, bound.type, step.provenance)
        self._kept = PartialTraces(run.repo, bound.transform)
        self._unkept: list[tuple[_Work, Index, Records]] = []
        self._kept_at = run.clock()
        self._outlook = Outlook(Sizes(step, read_rate(run.repo, bound.transform)))
        self._is_stopped = False
        self.reused = self.failed = self.groups = self._same = 0

    def finish(self) -> tuple[Oid, Trace] | None:
        """Make all that must be made, durable but not yet in the draft; return the trace.

        None where the limit came first: what was made is kept for the next run, and the signal stays as it was.
        """
        for piece, made in self._run.caller.run(self._step, self._calls(), self._outlook):
            self._take(piece, made)
            if piece.is_last:
                self._put(piece.work)
            self._keep()
            self._tell()
        if self._is_stopped:
            self._keep(is_due=True)
            return None
        inputs = self._bound.inputs.trace_inputs()
        trace = Trace(self._bound.transform, inputs, self._output.write(), self._failures.write())
        oid = put_object(self._writer, Kind.TRACE, trace)
        self._writer.flush()
        return oid, trace

    def settle(self, trace: Trace) -> None:
        """Let go of what interrupted runs had kept, now that the draft has all of it."""
        self._kept.drop(self._writer, trace)

    # --- what to call for -------------------------------------------------------------------------------------------

    def _calls(self) -> Iterator[Call[_Piece]]:
        """Cut the groups that no trace answers into calls, as large as they should be at the time."""
        gone: list[Keys] = []
        wanted = self._traces.dirty(retry_failed=self._run.retry_failed, gone=gone)
        for keys in gone:
            self._output.remove(keys)
            self._failures.update(keys, keys.slice(0, 0), [])
        for batch in Members(self._bound.inputs, self._bound.spec.group).batches(wanted):
            is_answered, reused = self._traces.answer(batch, wanted)
            rows = np.flatnonzero(is_answered[batch.numbers])
            work = _Work(batch, is_answered, [] if reused is None else [(rows, reused)])
            self.reused += len(rows)
            yield from self._cut(work)
            if self._is_stopped:
                return

    def _cut(self, work: _Work) -> Iterator[Call[_Piece]]:
        groups = [rows for rows, is_done in zip(work.batch.groups, work.is_answered, strict=True) if not is_done]
        left = sum(map(len, groups))
        at = 0
        while True:
            start, n_rows, wanted = at, 0, self._outlook.rows
            while at < len(groups) and n_rows < wanted:
                if not self._run.limit.allows(len(groups[at])):
                    self._is_stopped = True
                    break
                n_rows += self._run.limit.take(len(groups[at]))
                at += 1
            is_last = at == len(groups) or self._is_stopped
            self._outlook.left = left = left - n_rows
            yield self._call_for(work, groups[start:at], is_last=is_last)
            if is_last:
                return

    def _call_for(self, work: _Work, groups: Sequence[Index], *, is_last: bool) -> Call[_Piece]:
        if not groups:
            return Call(_Piece(work, np.zeros(0, np.int64), 0, is_last), None, str)
        rows = np.sort(np.concatenate(groups))
        columns = work.batch.columns.take(rows)
        batch = self._step.group_batch(columns, work.batch.numbers[rows])
        return Call(_Piece(work, rows, len(groups), is_last), batch, lambda: str(columns.keys.arrow[0].as_py()))

    # --- what came of it --------------------------------------------------------------------------------------------

    def _take(self, piece: _Piece, made: Made) -> None:
        """Take note of what a call gave."""
        values, failed = made
        self._step.n_ran += len(piece.rows)
        self.groups += piece.n_groups
        is_good = np.ones(len(piece.rows), np.bool_)
        is_good[[*failed]] = False
        good = np.flatnonzero(is_good)
        rows = piece.rows[good]
        records = self._output.made(piece.work.batch.columns.keys.take(rows), values.take(good))
        piece.work.failed |= {int(piece.rows[row]): text for row, text in failed.items()}
        piece.work.parts.append((rows, records))
        self._unkept.append((piece.work, rows, records))

    def _put(self, work: _Work) -> None:
        """Put the records of a batch, all of whose groups are made."""
        # The members of this batch may come before those of the last.
        self._output.flush()
        self._failures.flush()
        keys = work.batch.columns.keys
        bad = np.array(sorted(work.failed), np.int64)
        self.failed += len(bad)
        self._output.remove(keys.take(bad))
        self._failures.update(keys, keys.take(bad), [work.failed[row] for row in bad.tolist()])
        records = merge_records(work.parts)
        if records is not None:
            if self._base is not None and not self._is_own:
                self._same += self._count_same(records)
            self._output.put(records)

    def _count_same(self, records: Records) -> int:
        """Count the records that have the value that the draft has."""
        if self._before is None:
            return 0
        old = Probe(self._writer, records.keys).read(self._before)
        held = slice(None) if old.present is None else old.present
        return int(same_bits(old.column, records.values)[held].sum())

    def _cut_off(self, signal: Signal | None) -> int:
        """Return how many of the records that were made or reused have the value that the draft has."""
        if self._base is not None:
            return self._output.same if self._is_own else self._same
        return 0 if self._before is None or signal is None else count_same(self._writer, self._before, signal)

    def _keep(self, *, is_due: bool = False) -> None:
        """Make what was made durable, if it is time: what workers made at once, since their batches are in flight."""
        n_unkept = sum(len(records) for *_, records in self._unkept)
        is_due |= self._outlook.workers > 0 or self._run.clock() - self._kept_at >= self._run.checkpoint_s
        if not n_unkept or not (is_due or n_unkept >= MAX_UNKEPT):
            return
        for _, parts in groupby(self._unkept, key=lambda part: id(part[0])):
            records = merge_records([(rows, made) for _, rows, made in parts])
            if records is not None:
                self._partial.put(records)
            self._partial.flush()
        self._unkept = []
        inputs = self._bound.inputs.trace_inputs()
        self._kept.keep(self._writer, Trace(self._bound.transform, inputs, self._partial.write()))
        self._kept_at = self._run.clock()

    def _tell(self) -> None:
        if self._run.progress is not None:
            self._run.progress(self._bound.spec.name, self._step.n_ran, None)

    def stopped(self, seconds: float) -> StepReport:
        """Return what was made before the limit came."""
        n_records = 0 if self._bound.before is None else self._bound.before.count
        ran, reused = self._step.n_ran, self.reused
        return StepReport(self._bound.spec.name, STOPPED, n_records, ran, reused, failed=self.failed, seconds=seconds)

    def report(self, trace: Trace, seconds: float) -> StepReport:
        """Return what came of it."""
        reader: Reader = self._writer
        signal = find_signal(reader, trace.output)
        waiting = None if trace.waiting is None else find_signal(reader, trace.waiting)
        reused = self.reused
        if self._base is not None and not self._is_own and signal is not None:
            reused = signal.count - self._step.n_ran + self.failed
        did_nothing = self._is_own and not (self._step.n_ran or reused or self._output.removed)
        return StepReport(
            self._bound.spec.name,
            UNCHANGED if did_nothing else MADE,
            records=0 if signal is None else signal.count,
            ran=self._step.n_ran,
            reused=reused,
            cut_off=self._cut_off(signal),
            removed=0 if self._base is None else self._output.removed,
            failed=self.failed,
            waiting=0 if waiting is None else waiting.count,
            seconds=seconds,
            groups=self.groups,
        )
