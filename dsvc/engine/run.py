"""Making again what is stale, and nothing else.

Steps run in topological order, then datasets.  The result of a step moves the draft in one transaction, which also
keeps its trace; objects that it names are durable before.  A long step keeps what it has made as it goes, under a
trace of its own, so that after a kill no finished record runs again.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from dsvc.engine.aligned import AlignedOutput, Alignment
from dsvc.engine.binding import Bound, bind_step, find_derived, partial_ref
from dsvc.engine.columns import Columns
from dsvc.engine.counting import count_same
from dsvc.engine.datasets import make_datasets
from dsvc.engine.drafts import drop_derived, put_derived
from dsvc.engine.executors.local import Clock, Slices
from dsvc.engine.fields import same_bits
from dsvc.engine.grouped import GroupMaking
from dsvc.engine.inputs import find_signal
from dsvc.engine.loading import Loader
from dsvc.engine.output import MAX_HELD_ROWS, Failures, Output
from dsvc.engine.probe import Probe
from dsvc.engine.rates import note_rate
from dsvc.engine.report import MADE, REMOVED, TAKEN, UNCHANGED, ProgressCall, RunReport, StepReport
from dsvc.engine.steps import Made, Step
from dsvc.engine.traces import Batch, merge_records
from dsvc.errors import UserError
from dsvc.objects.chunk import Records
from dsvc.objects.column import Index, null_column
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.snapshot import Signal
from dsvc.objects.state import Derived
from dsvc.objects.trace import Trace
from dsvc.objects.types import Type
from dsvc.plugins.manager import Plugins
from dsvc.recipe.spec import Recipe, StepSpec
from dsvc.repo.base import BaseRepository
from dsvc.repo.draft import DraftEdit
from dsvc.repo.names import nearest
from dsvc.repo.refs import DRAFT_REVISION
from dsvc.repo.view import View
from dsvc.store.writer import ObjectWriter

COMMAND = "run"
CHECKPOINT_S = 5.0
"""How long a step runs between two times that it keeps what it has made."""


def run(
    repo: BaseRepository,
    recipe: Recipe,
    plugins: Plugins,
    *,
    only: Collection[str] | None = None,
    retry_failed: bool = False,
    progress: ProgressCall | None = None,
    clock: Clock = time.monotonic,
    checkpoint_s: float = CHECKPOINT_S,
) -> RunReport:
    """Make the derived signals and datasets of the draft what the recipe says. Durable on return.

    A record runs iff no retained trace of its step's transform hash holds its source with the same bits in every
    input. A record whose transform raises is listed, and stops no other.

    Args:
        repo: Whose draft.
        recipe: What to make.
        plugins: Offers transforms.
        only: Names of steps and datasets to make; all by default. Nothing is removed then.
        retry_failed: Run records again that failed with the inputs they have.
        progress: Told how far each step is.
        clock: Seconds, for the report and for when to keep what was made.
        checkpoint_s: How long a step runs between two times that it keeps what it has made.

    Raises:
        UserError: If `only` names something that the recipe does not have.
        DeriveError: If a step cannot run at all. What was made before it is durable.
        RecipeError: If the recipe leaves something open that must be known.
    """
    began = clock()
    _check_names(recipe, only or ())
    loader = Loader(recipe, plugins)
    runner = _Runner(repo, loader, retry_failed, progress, clock, checkpoint_s)
    steps = [] if only is not None else runner.drop_unknown(recipe)
    steps += [runner.make(recipe.steps[name]) for name in recipe.order if only is None or name in only]
    datasets = make_datasets(repo, loader, only=only, progress=progress, clock=clock)
    return RunReport(tuple(steps), tuple(datasets), clock() - began)


def _check_names(recipe: Recipe, names: Collection[str]) -> None:
    known = [*recipe.steps, *recipe.datasets]
    for name in names:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean {close!r}?" if close else f"it has: {', '.join(known) or 'none'}"
            raise UserError(message=f"the recipe has no step or dataset {name!r}", hint=hint)


@dataclass
class _Runner:
    """Runs the steps of one recipe on one draft."""

    repo: BaseRepository
    loader: Loader
    retry_failed: bool
    progress: ProgressCall | None
    clock: Clock
    checkpoint_s: float
    _view: View | None = field(default=None)

    @property
    def view(self) -> View:
        """The draft, as we left it; others may have moved it since, and then what we make is stale at once."""
        if self._view is None:
            self._view = self.repo.view(DRAFT_REVISION)
        return self._view

    def drop_unknown(self, recipe: Recipe) -> list[StepReport]:
        """Remove the signals of steps that the recipe has no more."""
        names = [entry.name for entry in self.view.state.derived if entry.name not in recipe.steps]
        return [self._drop(name) for name in names]

    def _drop(self, name: str) -> StepReport:
        signal = self.view.signal(name)
        self._view = self.repo.edit_draft(lambda view, _: drop_derived(view, name), command=COMMAND)
        return StepReport(name, REMOVED, removed=0 if signal is None else signal.count)

    def make(self, spec: StepSpec) -> StepReport:
        """Make one step."""
        began = self.clock()
        bound = bind_step(self.repo, self.view, self.loader, spec)
        if bound is None:
            if find_derived(self.view, spec.name) is None:
                return StepReport(spec.name, UNCHANGED)
            return self._drop(spec.name)
        equal = bound.match.equal
        if equal is not None and not (self.retry_failed and equal.waiting is not None):
            status = UNCHANGED if bound.is_current else TAKEN
            if status == TAKEN:
                self._move(spec.name, bound, equal.oid, equal.trace)
            n_records = 0 if equal.output is None else equal.output.count
            return StepReport(
                spec.name,
                status,
                records=n_records,
                reused=n_records if status == TAKEN else 0,
                waiting=0 if equal.waiting is None else equal.waiting.count,
                seconds=self.clock() - began,
            )
        step = self.loader.load(spec, bound.type, bound.transform)
        with self.repo.new_writer() as writer:
            making = (_Making if spec.scope == "record" else GroupMaking)(self, bound, step, writer)
            oid, trace = making.finish()
        self._move(spec.name, bound, oid, trace)
        note_rate(self.repo, bound.transform, step.n_ran, making.call_seconds)
        return making.report(trace, self.clock() - began)

    def _move(self, name: str, bound: Bound, oid: Oid, trace: Trace) -> None:
        """Let the draft have a signal as a trace says, and retain the trace."""
        derived = Derived(name, oid, trace.waiting)

        def edit(view: View, _: object) -> DraftEdit:
            changed = put_derived(view, derived, trace.output)
            return DraftEdit(changed.root, changed.state, [(bound.transform, oid)])

        self._view = self.repo.edit_draft(edit, command=COMMAND)


class _Making:
    """One step that runs."""

    def __init__(self, runner: _Runner, bound: Bound, step: Step, writer: ObjectWriter) -> None:
        self._runner, self._bound, self._step, self._writer = runner, bound, step, writer
        base = bound.match.base
        self._is_own = base is not None and base is bound.match.own
        self._base = base
        self._output = Output(writer, None if base is None else base.output, bound.type, step.provenance)
        known = base.waiting if base is not None and self._is_own else None
        self._failures = Failures(writer, known, step.provenance)
        self._before = bound.before if _is_of_type(bound.before, bound.type) else None
        self._partial = Output(writer, None, bound.type, step.provenance)
        self._unkept: list[Records] = []
        self._n_unkept = 0
        self._kept_at = runner.clock()
        self._slices = Slices(step, runner.clock)
        self._done = 0
        self.reused = self.failed = self._same = 0
        self.call_seconds = 0.0

    def finish(self) -> tuple[Oid, Trace]:
        """Make all that must be made, durable but not yet in the draft; return the trace."""
        alignment = self._find_alignment()
        if alignment is not None:
            self._make_aligned(alignment)
        else:
            for batch in self._bound.match.batches(retry_failed=self._runner.retry_failed):
                self._make_batch(batch)
        trace = Trace(
            self._bound.transform, self._bound.inputs.trace_inputs(), self._output.write(), self._failures.write()
        )
        oid = put_object(self._writer, Kind.TRACE, trace)
        self._writer.flush()
        return oid, trace

    def _find_alignment(self) -> Alignment | None:
        """Return how the inputs are aligned, if all is to be made by calls of any size."""
        match = self._bound.match
        if match.base is not None or match.has_partial or not self._step.takes_any_rows:
            return None
        return Alignment.find(self._bound.inputs)

    def _make_aligned(self, alignment: Alignment) -> None:
        """Make everything, chunk by chunk."""
        output = AlignedOutput(self._writer, self._bound.type, self._step.provenance)
        without_record: list[Keys] = []
        for chunks, columns in alignment.batches():
            rows = np.flatnonzero(columns.complete)
            values, failed = self._call(columns if len(rows) == len(columns) else columns.take(rows))
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
            self._tell()
        self._output = Output(self._writer, output.finish(), self._bound.type, self._step.provenance)
        for keys in without_record:
            self._output.remove(keys)

    def _call(self, columns: Columns) -> Made:
        """Call the step, if there is anything to call it for."""
        if len(columns) == 0:
            return null_column(self._bound.type.physical, 0), {}
        began = self._runner.clock()
        made = self._step(columns)
        self.call_seconds += self._runner.clock() - began
        return made

    def _make_batch(self, batch: Batch) -> None:
        removed = batch.removed
        self._output.remove(removed)
        self._failures.update(removed, removed.slice(0, 0), [])
        is_reused = ~batch.run
        n_reused_before = np.concatenate([[0], np.cumsum(is_reused)])
        for start, stop in self._slices.cut(len(batch.columns)):
            rows = np.flatnonzero(batch.run[start:stop]) + start
            parts = [self._make_rows(batch, start, stop, rows)]
            if batch.reused is not None:
                low, high = int(n_reused_before[start]), int(n_reused_before[stop])
                parts.append((np.flatnonzero(is_reused[start:stop]) + start, batch.reused.slice(low, high)))
                self.reused += high - low
            records = merge_records(parts)
            if records is not None:
                if self._base is not None and not self._is_own:
                    self._same += self._count_same(records)
                self._output.put(records)
            self._done += stop - start
            self._tell()
            self._keep()

    def _make_rows(self, batch: Batch, start: int, stop: int, rows: Index) -> tuple[Index, Records]:
        """Run the step for some rows of a batch; return the rows that got a value, with their records."""
        columns = batch.columns.take(rows)
        values, failed = self._call(columns)
        is_failed = np.zeros(len(rows), np.bool_)
        is_failed[[*failed]] = True
        bad = columns.keys.take(np.flatnonzero(is_failed))
        self.failed += len(failed)
        self._failures.update(batch.columns.keys.slice(start, stop), bad, [failed[row] for row in sorted(failed)])
        self._output.remove(bad)
        good = np.flatnonzero(~is_failed)
        made = (
            self._output.made(columns.keys, values)
            if len(good) == len(rows)
            else self._output.made(columns.keys.take(good), values.take(good))
        )
        if len(made):
            self._unkept.append(made)
            self._n_unkept += len(made)
        return rows[good], made

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

    def _keep(self) -> None:
        """Make what a long step has made durable, under a trace that answers for no more than that."""
        runner = self._runner
        elapsed = runner.clock() - self._kept_at
        # Many quick records are kept sooner, for the memory that they take until then.
        is_due = elapsed >= (runner.checkpoint_s / 5 if self._n_unkept >= MAX_HELD_ROWS else runner.checkpoint_s)
        if not self._unkept or not is_due:
            return
        for records in self._unkept:
            self._partial.put(records)
        self._unkept, self._n_unkept = [], 0
        trace = Trace(self._bound.transform, self._bound.inputs.trace_inputs(), self._partial.write())
        oid = put_object(self._writer, Kind.TRACE, trace)
        self._writer.flush()
        kept = DraftEdit(traces=[(partial_ref(self._bound.transform), oid)])
        runner.repo.edit_draft(lambda *_: kept, command=COMMAND)
        self._kept_at = runner.clock()

    def _tell(self) -> None:
        if self._runner.progress is not None:
            total = None
            if self._base is None and len(self._bound.inputs.required) == 1:
                signal = self._bound.inputs.required[0].signal
                total = None if signal is None else signal.count
            self._runner.progress(self._bound.spec.name, self._done, total)

    def report(self, trace: Trace, seconds: float) -> StepReport:
        """Return what came of it."""
        signal = find_signal(self._writer, trace.output)
        waiting = None if trace.waiting is None else find_signal(self._writer, trace.waiting)
        if self._base is not None and not self._is_own and signal is not None:
            self.reused = signal.count - self._step.n_ran + self.failed
        did_nothing = self._is_own and not (self._step.n_ran or self.reused or self._output.removed)
        return StepReport(
            self._bound.spec.name,
            UNCHANGED if did_nothing else MADE,
            records=0 if signal is None else signal.count,
            ran=self._step.n_ran,
            reused=self.reused,
            cut_off=self._cut_off(signal),
            removed=0 if self._base is None else self._output.removed,
            failed=self.failed,
            waiting=0 if waiting is None else waiting.count,
            seconds=seconds,
        )


def _is_of_type(signal: Signal | None, type_: Type) -> bool:
    return signal is not None and Type.decode(signal.type).physical == type_.physical
