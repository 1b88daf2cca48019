"""Making the signal of one step: what steps of records and of groups have in common.

The work begins with the nearest trace. What is made becomes durable as it goes, under a trace that answers for no more
than that, so that after a kill no more than the batches in flight run again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from dsvc.engine.making.binding import Bound
from dsvc.engine.making.calls import Caller, Outlook
from dsvc.engine.making.executors.sizes import Clock, Sizes
from dsvc.engine.making.limit import Limit
from dsvc.engine.making.output import Failures, Output
from dsvc.engine.making.partial import PartialTraces
from dsvc.engine.making.rates import read_rate
from dsvc.engine.making.report import MADE, STOPPED, UNCHANGED, ProgressCall, StepReport
from dsvc.engine.making.steps import Step
from dsvc.engine.reading.counting import count_same
from dsvc.engine.reading.fields import same_bits
from dsvc.engine.reading.inputs import find_signal
from dsvc.engine.reading.probe import Probe
from dsvc.objects.chunk import Records
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


class Making(ABC):
    """One step that runs.

    Args:
        run: The run.
        bound: The step, bound to the draft.
        step: The step, ready to be called.
        writer: Takes the objects.
        is_kept_apart: Whether what is made is kept beside the signal under way; else that signal is what is kept.
    """

    def __init__(
        self, run: Undertaking, bound: Bound, step: Step, writer: ObjectWriter, *, is_kept_apart: bool = True
    ) -> None:
        self._run, self._bound, self._step, self._writer = run, bound, step, writer
        base = bound.match.base
        self._base, self._is_own = base, base is not None and base is bound.match.own
        self._output = Output(writer, None if base is None else base.output, bound.type, step.provenance)
        known = base.waiting if base is not None and (self._is_own or bound.match.keeps_waiting) else None
        self._failures = Failures(writer, known, step.provenance)
        has_type = bound.before is not None and Type.decode(bound.before.type).physical == bound.type.physical
        self._before = bound.before if has_type else None
        inputs = bound.inputs.trace_inputs()
        # It goes on with what the last run of the same inputs kept: a step may take more runs than traces are kept.
        begun = (trace for trace in bound.match.partial if trace.trace.inputs == inputs) if is_kept_apart else iter(())
        last = next(begun, None)
        self._durable = None if last is None else last.output
        self._partial = Output(writer, self._durable, bound.type, step.provenance) if is_kept_apart else self._output
        """What is made and kept on the way."""
        self._kept = PartialTraces(run.repo, bound.transform, None if last is None else last.oid)
        self._known_failed = None if last is None else last.trace.waiting
        self._passed = Failures(writer, None if last is None else last.waiting, step.provenance)
        """What failed, for the run after one that a limit stops: it goes on behind these, not with them again."""
        self._n_unkept = 0
        self._kept_at = run.clock()
        self._outlook = Outlook(Sizes(step, read_rate(run.repo, bound.transform)))
        self._is_stopped = False
        self.reused = self.failed = self.groups = self._same = 0

    def finish(self) -> tuple[Oid, Trace] | None:
        """Make all that must be made, durable but not yet in the draft; return the trace.

        None where the limit came first: what was made is kept for the next run, and the signal stays as it was.
        """
        try:
            self._make()
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

    @abstractmethod
    def _make(self) -> None:
        """Make what no trace answers, and take over the rest."""

    # --- on the way -------------------------------------------------------------------------------------------------

    @abstractmethod
    def _put_unkept(self, output: Output) -> None:
        """Put the records that were made and are not durable yet."""

    @abstractmethod
    def _forget_unkept(self) -> None:
        """Take note that they are durable by now."""

    def _keep(self, *, is_due: bool = False) -> None:
        """Make what was made durable, if it is time: what workers made at once, since their batches are in flight."""
        is_due |= self._outlook.workers > 0 or self._run.clock() - self._kept_at >= self._run.checkpoint_s
        is_due |= self._n_unkept >= MAX_UNKEPT and not self._step.is_native
        if not is_due or not (self._n_unkept or (self._is_stopped and self.failed)):
            return
        if self._partial is not self._output:
            self._put_unkept(self._partial)
        self._forget_unkept()
        self._n_unkept = 0
        self._keep_trace(self._partial)

    def _keep_trace(self, made: Output) -> None:
        self._durable = made.flush()
        # After a kill what failed is tried again: what led to the kill may have been why. A limit is no such thing.
        failed = self._passed.write() if self._is_stopped else self._known_failed
        self._kept.keep(self._writer, self._trace_of(made, failed))
        self._kept_at = self._run.clock()

    def _keep_apart(self) -> None:
        """Make what was made durable after something went wrong, by a writer that was not at work at the time."""
        if self._n_unkept:
            with self._run.repo.new_writer() as writer:
                output = Output(writer, self._durable, self._bound.type, self._step.provenance)
                self._put_unkept(output)
                self._kept.keep(writer, self._trace_of(output, self._known_failed))

    def _note_failed(self, keys: Keys, why: list[str]) -> None:
        """Take note of sources that failed."""
        if self._run.limit.left is not None:
            self._passed.update(keys, keys, why)
            self._passed.flush()  # members of the next groups may come before these

    def _trace_of(self, made: Output, failed: Oid | None) -> Trace:
        return Trace(self._bound.transform, self._bound.inputs.trace_inputs(), made.write(), failed)

    # --- what came of it --------------------------------------------------------------------------------------------

    def _put(self, records: Records | None) -> None:
        """Put records that were made or that traces gave."""
        if records is None:
            return
        if self._base is not None and not self._is_own and self._before is not None:
            old = Probe(self._writer, records.keys).read(self._before)
            held = slice(None) if old.present is None else old.present
            self._same += int(same_bits(old.column, records.values)[held].sum())
        self._output.put(records)

    def _cut_off(self, signal: Signal | None) -> int:
        """Return how many of the records that were made or reused have the value that the draft has.

        Where the work began with the draft's own signal, the edits have counted them; where it began with nothing, all
        records were made.
        """
        if self._base is not None:
            return self._output.same if self._is_own else self._same
        return 0 if self._before is None or signal is None else count_same(self._writer, self._before, signal)

    @property
    def _n_without(self) -> int:
        """How many of the records that were called for there are not."""
        return self.failed

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
            self.reused = signal.count - ran + self._n_without
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
            groups=self.groups,
        )
