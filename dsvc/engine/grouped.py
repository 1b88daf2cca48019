"""Making the signal of a step of groups, or of all records: the groups that changed and that no trace answers.

It begins with the nearest trace.  The groups that are others than it had are told by the sources whose inputs differ;
each is offered whole to the other traces, newest first; what none answers is called for, one group at a time.  A step
of all records is one of a single group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Protocol

import numpy as np

from dsvc.engine.binding import Bound, partial_ref
from dsvc.engine.counting import count_same
from dsvc.engine.dirty import Groups, find_dirty
from dsvc.engine.fields import same_bits
from dsvc.engine.flagged import Mask
from dsvc.engine.group_steps import GroupStep
from dsvc.engine.inputs import find_signal
from dsvc.engine.members import GroupBatch, Members
from dsvc.engine.output import MAX_HELD_ROWS, Failures, Output
from dsvc.engine.probe import Probe
from dsvc.engine.report import MADE, UNCHANGED, ProgressCall, StepReport
from dsvc.engine.steps import Step
from dsvc.engine.traces import Answers, Match, merge_records
from dsvc.objects.access import Reader
from dsvc.objects.chunk import Records
from dsvc.objects.column import Index
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.snapshot import Signal
from dsvc.objects.trace import Trace
from dsvc.objects.types import Type
from dsvc.recipe.paths import InputPath
from dsvc.repo.base import BaseRepository
from dsvc.repo.draft import DraftEdit
from dsvc.store.writer import ObjectWriter

TARGET_S = 0.5
"""How long the groups that are made between two looks at the clock should take."""
COMMAND = "run"


class Runner(Protocol):
    """What making a step needs of the run that it is part of."""

    repo: BaseRepository
    retry_failed: bool
    progress: ProgressCall | None
    clock: Callable[[], float]
    checkpoint_s: float


class GroupTraces:
    """How the groups of a step stand to its traces.

    Args:
        match: The step's inputs and traces.
        group: What its records are grouped by; None where all are one group.
    """

    def __init__(self, match: Match, group: InputPath | None) -> None:
        self._match, self._group = match, group
        self._dirty: dict[Oid, Groups] = {}

    def dirty(self, *, retry_failed: bool, gone: list[Keys]) -> Groups | None:
        """Return the groups that the base does not answer; None for all, where there is no base.

        Args:
            retry_failed: Whether groups with members that failed with these very inputs are among them.
            gone: Takes the sources that have no record any more.
        """
        base = self._match.base
        if base is None:
            return None
        # As with records: what failed in the draft with these inputs failed, another branch's failure says nothing.
        waiting = base.waiting if retry_failed or base is not self._match.own else None
        return find_dirty(base.inputs, self._match.now, self._group, waiting, gone=gone.append)

    def answer(self, batch: GroupBatch, wanted: Groups | None) -> tuple[Mask, Records | None]:
        """Ask the traces but the base, newest first, for the records of whole groups.

        Args:
            batch: Some groups.
            wanted: All groups that will be asked for, of this batch and others; None for all there are.

        Returns:
            Which groups of the batch are answered, and the records of their members.
        """
        is_answered = np.zeros(len(batch.groups), np.bool_)
        parts: list[tuple[Index, Records]] = []
        for trace in self._match.others:
            if is_answered.all():
                break
            rows = ~is_answered[batch.numbers] & ~self._dirty_to(trace, wanted).hold(batch.ids)
            held = None if trace.output is None or not rows.any() else batch.probe.records(trace.output, rows)
            if held is None:
                continue
            has_record = np.zeros(len(batch), np.bool_)
            has_record[held[0]] = True
            is_whole = batch.whole(has_record)
            kept = np.flatnonzero(is_whole[batch.numbers[held[0]]])
            is_answered |= is_whole
            parts.append((held[0][kept], held[1].take(kept)))
        return is_answered, merge_records(parts)

    def _dirty_to(self, trace: Answers, wanted: Groups | None) -> Groups:
        """Return the groups that are others than a trace had."""
        if trace.oid not in self._dirty:
            self._dirty[trace.oid] = find_dirty(trace.inputs, self._match.now, self._group, among=wanted)
        return self._dirty[trace.oid]


class GroupMaking:
    """One step of groups that runs.

    Args:
        runner: The run.
        bound: The step, bound to the draft.
        step: The step, ready to be called.
        writer: Takes the objects.
    """

    def __init__(self, runner: Runner, bound: Bound, step: Step, writer: ObjectWriter) -> None:
        if not isinstance(step, GroupStep):
            raise TypeError(f"step {bound.spec.name} is none of groups")
        self._runner, self._bound, self._step, self._writer = runner, bound, step, writer
        base = bound.match.base
        self._base, self._is_own = base, base is not None and base is bound.match.own
        self._traces = GroupTraces(bound.match, bound.spec.group)
        self._output = Output(writer, None if base is None else base.output, bound.type, step.provenance)
        known = base.waiting if base is not None and self._is_own else None
        self._failures = Failures(writer, known, step.provenance)
        has_type = bound.before is not None and Type.decode(bound.before.type).physical == bound.type.physical
        self._before = bound.before if has_type else None
        self._partial = Output(writer, None, bound.type, step.provenance)
        self._unkept: list[tuple[int, Index, Records]] = []
        self._n_batches = 0
        self._kept_at = runner.clock()
        self._rows = 1
        self._same = 0
        self.reused = self.failed = self.groups = 0
        self.call_seconds = 0.0

    def finish(self) -> tuple[Oid, Trace]:
        """Make all that must be made, durable but not yet in the draft; return the trace."""
        gone: list[Keys] = []
        wanted = self._traces.dirty(retry_failed=self._runner.retry_failed, gone=gone)
        for keys in gone:
            self._output.remove(keys)
            self._failures.update(keys, keys.slice(0, 0), [])
        for batch in Members(self._bound.inputs, self._bound.spec.group).batches(wanted):
            self._flush()
            self._make_batch(batch, wanted)
        inputs = self._bound.inputs.trace_inputs()
        trace = Trace(self._bound.transform, inputs, self._output.write(), self._failures.write())
        oid = put_object(self._writer, Kind.TRACE, trace)
        self._writer.flush()
        return oid, trace

    def _flush(self) -> None:
        """Write what is held: the members of the next batch may come before those of the last."""
        self._output.flush()
        self._failures.flush()

    def _make_batch(self, batch: GroupBatch, wanted: Groups | None) -> None:
        """Make or take the records of some groups."""
        self._n_batches += 1
        is_answered, reused = self._traces.answer(batch, wanted)
        parts: list[tuple[Index, Records]] = []
        if reused is not None:
            self.reused += len(reused)
            parts.append((np.flatnonzero(is_answered[batch.numbers]), reused))
            self._unkept.append((self._n_batches, *parts[0]))
        failed: dict[int, str] = {}
        for rows in self._cut([rows for rows, is_done in zip(batch.groups, is_answered, strict=True) if not is_done]):
            made, why = self._call(batch, rows)
            failed |= why
            parts.append(made)
            self._unkept.append((self._n_batches, *made))
            self._tell()
            self._keep()
        bad = np.array(sorted(failed), np.int64)
        self.failed += len(bad)
        self._output.remove(batch.columns.keys.take(bad))
        self._failures.update(batch.columns.keys, batch.columns.keys.take(bad), [failed[row] for row in bad.tolist()])
        records = merge_records(parts)
        if records is not None and len(records):
            if self._base is not None and not self._is_own:
                self._same += self._count_same(records)
            self._output.put(records)

    def _cut(self, groups: Sequence[Index]) -> Iterator[Index]:
        """Yield the members of so many groups at a time that making them takes about `TARGET_S`."""
        at = 0
        while at < len(groups):
            stop, n_rows = at, 0
            while stop < len(groups) and n_rows < self._rows:
                n_rows += len(groups[stop])
                stop += 1
            began = self._runner.clock()
            yield np.sort(np.concatenate(groups[at:stop]))
            seconds = self._runner.clock() - began
            self.call_seconds += seconds
            self.groups += stop - at
            factor = TARGET_S / max(seconds, TARGET_S / 8)
            self._rows = max(1, min(int(n_rows * min(factor, 8.0)), self._step.most_rows))
            at = stop

    def _call(self, batch: GroupBatch, rows: Index) -> tuple[tuple[Index, Records], dict[int, str]]:
        """Call the step for the groups whose members stand at some rows.

        Returns:
            The rows that got a value, with their records; and why the others did not.
        """
        columns = batch.columns.take(rows)
        values, failed = self._step.make_groups(columns, batch.numbers[rows])
        is_good = np.ones(len(rows), np.bool_)
        is_good[[*failed]] = False
        good = np.flatnonzero(is_good)
        records = self._output.made(columns.keys.take(good), values.take(good))
        return (rows[good], records), {int(rows[row]): text for row, text in failed.items()}

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

    def _keep(self) -> None:
        """Make what a long step has made durable, under a trace that answers for no more than that."""
        runner = self._runner
        n_unkept = sum(len(records) for *_, records in self._unkept)
        limit = runner.checkpoint_s / 5 if n_unkept >= MAX_HELD_ROWS else runner.checkpoint_s
        if not n_unkept or runner.clock() - self._kept_at < limit:
            return
        for _, parts in groupby(self._unkept, key=itemgetter(0)):
            records = merge_records([(rows, made) for _, rows, made in parts])
            if records is not None:
                self._partial.put(records)
            self._partial.flush()
        self._unkept = []
        inputs = self._bound.inputs.trace_inputs()
        oid = put_object(self._writer, Kind.TRACE, Trace(self._bound.transform, inputs, self._partial.write()))
        self._writer.flush()
        kept = DraftEdit(traces=[(partial_ref(self._bound.transform), oid)])
        runner.repo.edit_draft(lambda *_: kept, command=COMMAND)
        self._kept_at = runner.clock()

    def _tell(self) -> None:
        if self._runner.progress is not None:
            self._runner.progress(self._bound.spec.name, self._step.n_ran, None)

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
