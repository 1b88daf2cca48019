"""Making the signal of one step, record by record: what no trace answers is called for, the rest is taken over.

It begins with the nearest trace, and goes through the sources that this one does not answer in ascending order. What
is made becomes durable as it goes, under a trace that answers for no more than that, so that after a kill no more than
the batches in flight run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from dsvc.engine.aligned import AlignedOutput, Alignment, base_of
from dsvc.engine.binding import Bound
from dsvc.engine.calls import Call, Caller, Outlook
from dsvc.engine.columns import Columns
from dsvc.engine.counting import count_same
from dsvc.engine.executors.sizes import Clock, Sizes
from dsvc.engine.fields import same_bits
from dsvc.engine.inputs import find_signal
from dsvc.engine.limit import Limit
from dsvc.engine.output import Failures, Output
from dsvc.engine.partial import PartialTraces
from dsvc.engine.probe import Probe
from dsvc.engine.rates import read_rate
from dsvc.engine.report import MADE, STOPPED, UNCHANGED, ProgressCall, StepReport
from dsvc.engine.steps import Made, Step
from dsvc.engine.traces import Batch, merge_records
from dsvc.objects.chunk import Records
from dsvc.objects.column import Column, Index
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.snapshot import Signal
from dsvc.objects.trace import Trace
from dsvc.objects.types import Type
from dsvc.repo.base import BaseRepository
from dsvc.store.writer import ObjectWriter

MAX_UNKEPT = 131_072
"""Records that are made here at most before they are durable: two batches of the largest size."""


@dataclass
class Undertaking:
    """What making a step needs of the run that it is part of."""

    repo: BaseRepository
    caller: Caller
    clock: Clock
    checkpoint_s: float
    """How long a step runs here between two times that what it has made becomes durable."""
    retry_failed: bool = False
    progress: ProgressCall | None = None
    limit: Limit = field(default_factory=Limit)


@dataclass(frozen=True)
class _Piece:
    """Consecutive sources of a batch: those at `start` up to `stop`, of which `rows` must run."""

    batch: Batch
    start: int
    stop: int
    rows: Index
    columns: Columns
    """The inputs of `rows`."""
    n_reused: tuple[int, int]
    """Which of the batch's reused records are theirs."""


class RecordMaking:
    """One step that runs.

    Args:
        run: The run.
        bound: The step, bound to the draft.
        step: The step, ready to be called.
        writer: Takes the objects.
    """

    def __init__(self, run: Undertaking, bound: Bound, step: Step, writer: ObjectWriter) -> None:
        self._run, self._bound, self._step, self._writer = run, bound, step, writer
        base = bound.match.base
        self._base, self._is_own = base, base is not None and base is bound.match.own
        self._output = Output(writer, None if base is None else base.output, bound.type, step.provenance)
        known = base.waiting if base is not None and self._is_own else None
        self._failures = Failures(writer, known, step.provenance)
        has_type = bound.before is not None and Type.decode(bound.before.type).physical == bound.type.physical
        self._before = bound.before if has_type else None
        # Begun with nothing, all that there is answers for the present inputs.
        self._partial = self._output if base is None else Output(writer, None, bound.type, step.provenance)
        self._kept = PartialTraces(run.repo, bound.transform)
        self._unkept: list[Records] = []
        self._n_unkept = 0
        self._durable: Signal | None = None
        self._kept_at = run.clock()
        self._outlook = Outlook(Sizes(step, read_rate(run.repo, bound.transform)))
        self._total = self._find_total()
        self._done = 0
        self._is_stopped = False
        self.reused = self.failed = self._same = 0

    def finish(self) -> tuple[Oid, Trace] | None:
        """Make all that must be made, durable but not yet in the draft; return the trace.

        None where the limit came first: what was made is kept for the next run, and the signal stays as it was.
        """
        alignment = self._find_alignment()
        if alignment is not None:
            self._make_aligned(alignment)
        else:
            try:
                for piece, made in self._run.caller.run(self._step, self._calls(), self._outlook):
                    self._take(piece, made)
                    self._keep()
                    self._tell()
            except (Exception, KeyboardInterrupt):
                self._keep_apart()
                raise
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

    # --- all at once ------------------------------------------------------------------------------------------------

    def _find_alignment(self) -> Alignment | None:
        """Return how the inputs are aligned, if all is to be made by calls of any size."""
        match = self._bound.match
        is_whole = match.base is None and not match.has_partial and self._run.limit.left is None
        return Alignment.find(self._bound.inputs) if is_whole and self._step.takes_any_rows else None

    def _make_aligned(self, alignment: Alignment) -> None:
        """Make everything, chunk by chunk."""
        output = AlignedOutput(self._writer, self._bound.type, self._step.provenance)
        without_record: list[Keys] = []
        for chunks, columns in alignment.batches():
            rows = np.flatnonzero(columns.complete)
            some = columns if len(rows) == len(columns) else columns.take(rows)
            values, failed = self._step(some) if len(some) else self._step.nothing()
            bad = rows[sorted(failed)]
            if len(rows) < len(columns):
                spread = np.full(len(columns), -1, np.int64)
                spread[rows] = np.arange(len(rows))
                values = values.take(spread)
            output.put(chunks, values)
            if len(bad):
                keys = columns.keys.take(bad)
                self._failures.update(keys, keys, [failed[row] for row in sorted(failed)])
                self.failed += len(bad)
            is_missing = ~columns.complete
            is_missing[bad] = True
            if is_missing.any():
                without_record.append(columns.keys.take(np.flatnonzero(is_missing)))
            self._done += len(columns)
            if self._run.clock() - self._kept_at >= self._run.checkpoint_s:
                self._keep_trace(self._without(output, without_record))
            self._tell()
        self._output = self._without(output, without_record)

    def _without(self, aligned: AlignedOutput, without_record: Sequence[Keys]) -> Output:
        """Return what was made so far, without the sources that have no record after all."""
        output = Output(self._writer, aligned.finish(), self._bound.type, self._step.provenance)
        for keys in without_record:
            output.remove(keys)
        return output

    # --- call by call -----------------------------------------------------------------------------------------------

    def _calls(self) -> Iterator[Call[_Piece]]:
        """Cut the sources that the base does not answer into calls, as large as they should be at the time."""
        n_before = n_run_before = 0
        for batch in self._bound.match.batches(retry_failed=self._run.retry_failed):
            run = np.flatnonzero(batch.run)
            start = at = 0
            while True:
                wanted = min(self._outlook.rows, len(run) - at)
                rows = run[at : at + self._run.limit.take(wanted)]
                if wanted and not len(rows):
                    self._is_stopped = True
                    return
                at += len(rows)
                stop = int(run[at]) if at < len(run) else len(batch.columns)
                self._outlook.left = self._count_left(
                    len(run) - at, n_run_before + len(run), n_before + len(batch.columns)
                )
                yield self._cut(batch, start, stop, rows, start - (at - len(rows)), stop - at)
                start = stop
                if at == len(run):
                    break
            n_before += len(batch.columns)
            n_run_before += len(run)

    def _count_left(self, in_batch: int, n_run: int, n_seen: int) -> int:
        """Return how many records are left to run, about: what is seen so far tells of what is not."""
        unseen = n_run if self._total is None else max(0, self._total - n_seen) * n_run // max(n_seen, 1)
        left = in_batch + unseen
        return left if self._run.limit.left is None else min(left, self._run.limit.left)

    def _cut(self, batch: Batch, start: int, stop: int, rows: Index, low: int, high: int) -> Call[_Piece]:
        columns = batch.columns.take(rows)
        piece = _Piece(batch, start, stop, rows, columns, (low, high))
        return Call(
            piece,
            self._step.batch(columns) if len(rows) else None,
            lambda: str(columns.keys.arrow[0].as_py()),
        )

    def _take(self, piece: _Piece, made: Made) -> None:
        """Put what came of a call, and the records beside it that traces gave."""
        batch = piece.batch
        if piece.start == 0:
            removed = batch.removed
            self._output.remove(removed)
            self._failures.update(removed, removed.slice(0, 0), [])
        parts = [self._take_made(piece, *made)]
        if batch.reused is not None:
            low, high = piece.n_reused
            is_reused = ~batch.run[piece.start : piece.stop]
            parts.append((np.flatnonzero(is_reused) + piece.start, batch.reused.slice(low, high)))
            self.reused += high - low
        records = merge_records(parts)
        if records is not None:
            if self._base is not None and not self._is_own:
                self._same += self._count_same(records)
            self._output.put(records)
        self._done += piece.stop - piece.start

    def _take_made(self, piece: _Piece, values: Column, failed: dict[int, str]) -> tuple[Index, Records]:
        """Take note of what failed; return the rows that got a value, with their records."""
        keys, n = piece.columns.keys, len(piece.rows)
        self._step.n_ran += n
        is_failed = np.zeros(n, np.bool_)
        is_failed[[*failed]] = True
        bad = keys.take(np.flatnonzero(is_failed))
        self.failed += len(failed)
        looked_at = piece.batch.columns.keys.slice(piece.start, piece.stop)
        self._failures.update(looked_at, bad, [failed[row] for row in sorted(failed)])
        self._output.remove(bad)
        good = np.flatnonzero(~is_failed)
        made = (
            self._output.made(keys, values) if len(good) == n else self._output.made(keys.take(good), values.take(good))
        )
        if len(made):
            self._unkept.append(made)
            self._n_unkept += len(made)
        return piece.rows[good], made

    def _count_same(self, records: Records) -> int:
        """Count the records that have the value that the draft has."""
        if self._before is None:
            return 0
        old = Probe(self._writer, records.keys).read(self._before)
        held = slice(None) if old.present is None else old.present
        return int(same_bits(old.column, records.values)[held].sum())

    def _cut_off(self, signal: Signal | None) -> int:
        """Return how many of the records that were made or reused have the value that the draft has.

        Where the work began with the draft's own signal, the edits have counted them; where it began with nothing, all
        records were made.
        """
        if self._base is not None:
            return self._output.same if self._is_own else self._same
        if self._before is None or signal is None:
            return 0
        return count_same(self._writer, self._before, signal)

    # --- on the way -------------------------------------------------------------------------------------------------

    def _keep(self, *, is_due: bool = False) -> None:
        """Make what was made durable, if it is time: what workers made at once, since their batches are in flight."""
        is_due |= self._outlook.workers > 0 or self._run.clock() - self._kept_at >= self._run.checkpoint_s
        is_due |= self._n_unkept >= MAX_UNKEPT and not self._step.is_native
        if not self._unkept or not is_due:
            return
        if self._partial is not self._output:
            for records in self._unkept:
                self._partial.put(records)
        self._unkept, self._n_unkept = [], 0
        self._keep_trace(self._partial)

    def _keep_trace(self, made: Output) -> None:
        inputs = self._bound.inputs.trace_inputs()
        self._durable = made.flush()
        self._kept.keep(self._writer, Trace(self._bound.transform, inputs, made.write()))
        self._kept_at = self._run.clock()

    def _keep_apart(self) -> None:
        """Make what was made durable after something went wrong, by a writer that was not at work at the time."""
        if self._unkept:
            with self._run.repo.new_writer() as writer:
                output = Output(writer, self._durable, self._bound.type, self._step.provenance)
                for records in self._unkept:
                    output.put(records)
                inputs = self._bound.inputs.trace_inputs()
                self._kept.keep(writer, Trace(self._bound.transform, inputs, output.write()))

    def _find_total(self) -> int | None:
        """Return how many sources there are to go through at most, where that is known."""
        signal = base_of(self._bound.inputs) if self._base is None else None
        return None if signal is None else signal.count

    def _tell(self) -> None:
        if self._run.progress is not None:
            self._run.progress(self._bound.spec.name, self._done, self._total)

    def stopped(self, seconds: float) -> StepReport:
        """Return what was made before the limit came."""
        n_records = 0 if self._bound.before is None else self._bound.before.count
        ran, reused = self._step.n_ran, self.reused
        return StepReport(self._bound.spec.name, STOPPED, n_records, ran, reused, failed=self.failed, seconds=seconds)

    def report(self, trace: Trace, seconds: float) -> StepReport:
        """Return what came of it."""
        ran = self._step.n_ran
        signal = find_signal(self._writer, trace.output)
        waiting = None if trace.waiting is None else find_signal(self._writer, trace.waiting)
        if self._base is not None and not self._is_own and signal is not None:
            self.reused = signal.count - ran + self.failed
        did_nothing = self._is_own and not (ran or self.reused or self._output.removed)
        return StepReport(
            self._bound.spec.name,
            UNCHANGED if did_nothing else MADE,
            records=0 if signal is None else signal.count,
            ran=ran,
            reused=self.reused,
            cut_off=self._cut_off(signal),
            removed=0 if self._base is None else self._output.removed,
            failed=self.failed,
            waiting=0 if waiting is None else waiting.count,
            seconds=seconds,
        )
