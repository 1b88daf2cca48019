"""Traces: what was made before under the same transform hash, and which of it still holds.

A trace says: these inputs gave this output.  It answers a source iff it holds the source in its output and had the
same bits in every input that the step names.  So, to make a signal:

1. a trace with equal inputs gives its whole output, without a look at a record;
2. else the nearest trace is taken as the base, and the sources whose inputs differ from its own are found by diffs;
3. each of these is offered to the other traces, newest first;
4. what none answers must run, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dsvc.engine.reading.changes import iter_changed
from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.fields import is_null, same_bits
from dsvc.engine.reading.flagged import ROWS, Bits, Mask
from dsvc.engine.reading.inputs import Input, Inputs, find_signal
from dsvc.engine.reading.probe import Probe
from dsvc.objects.access import Reader
from dsvc.objects.chunk import Records, concat_prov
from dsvc.objects.column import Index, concat
from dsvc.objects.keys import Keys, concat_keys
from dsvc.objects.oid import Oid
from dsvc.objects.snapshot import Signal
from dsvc.objects.trace import Trace


class Answers:
    """A retained trace that can be asked.

    Args:
        reader: Gives the objects.
        oid: The trace's id.
        trace: The trace.
        like: The step's inputs as they are now.
    """

    def __init__(self, reader: Reader, oid: Oid, trace: Trace, like: Inputs) -> None:
        self._reader = reader
        self._now = like
        self.oid = oid
        self.trace = trace

    @cached_property
    def inputs(self) -> Inputs:
        """The inputs that the trace had."""
        return Inputs.of_trace(self._reader, self._now, self.trace.inputs)

    @cached_property
    def output(self) -> Signal | None:
        """What it made; None when nothing came out."""
        return find_signal(self._reader, self.trace.output)

    @cached_property
    def waiting(self) -> Signal | None:
        """The sources that it does not answer for."""
        return None if self.trace.waiting is None else find_signal(self._reader, self.trace.waiting)

    @cached_property
    def has_equal_inputs(self) -> bool:
        """Whether every source has the inputs that it had then."""
        return self.trace.inputs == self._now.trace_inputs() or self.inputs.key == self._now.key

    @cached_property
    def n_equal(self) -> int:
        """How many inputs are equal for every source: a measure of nearness that costs nothing."""
        return sum(old.key == new.key for old, new in zip(self.inputs.items, self._now.items, strict=True))

    def ask(self, probe: Probe, columns: Columns, wanted: Mask) -> tuple[Index, Records] | None:
        """Return the rows of the wanted sources that the trace answers, and its records for them; None for none.

        Args:
            probe: The sources.
            columns: Their inputs now.
            wanted: Which of them to answer.
        """
        return self._records_of(self.output, probe, columns, wanted)

    def ask_failed(self, probe: Probe, columns: Columns, wanted: Mask) -> tuple[Index, Records] | None:
        """Return the rows of the wanted sources that failed with these very inputs, and why; None for none."""
        return self._records_of(self.waiting, probe, columns, wanted)

    def _records_of(
        self, signal: Signal | None, probe: Probe, columns: Columns, wanted: Mask
    ) -> tuple[Index, Records] | None:
        """Return the rows of the wanted sources that have the inputs that they had, with their records of a signal."""
        if signal is None:
            return None
        for old, new in zip(self.inputs.items, columns.inputs.items, strict=True):
            if old.key != new.key and wanted.any():
                wanted = wanted & self._same(probe, columns, old, new, wanted)
        return probe.records(signal, wanted) if wanted.any() else None

    def _same(self, probe: Probe, columns: Columns, old: Input, new: Input, wanted: Mask) -> Mask:
        """Return which of the wanted sources had the same bits in one input."""
        now = columns.column(new.path)
        if new.path.circumstance:
            return same_bits(now, self.inputs.only(old).take(probe).column(new.path))
        if old.signal is None:
            return is_null(now)
        return probe.same(now, old.signal, new.path, wanted)


@dataclass(frozen=True)
class Batch:
    """Some sources that the base does not answer, and what the other traces answer of them."""

    keys: Keys
    """All of them."""
    columns: Columns
    """Those that have all inputs now, with these."""
    bits: Bits
    """Why each of `columns` is here, as `dsvc.engine.reading.changes` says; 0 where there is no base."""
    run: Mask
    """Which of `columns` must run, shape (len(columns),)."""
    reused: Records | None
    """Records of the others, as traces hold them."""
    is_failed: Mask
    """Which of `columns` failed before a limit stopped a run, with these very inputs: they are not to run again."""
    failed: Records | None
    """Why these failed."""

    @property
    def is_reused(self) -> Mask:
        """Which of `columns` the records `reused` are of."""
        return ~(self.run | self.is_failed)

    @property
    def removed(self) -> Keys:
        """The sources that have no record any more."""
        if len(self.columns) == len(self.keys):
            return self.keys.slice(0, 0)
        _, held = self.columns.keys.search(self.keys)
        return self.keys.take(np.flatnonzero(~held))


class Match:
    """How the present inputs of a step stand to its traces.

    Args:
        reader: Gives the objects.
        now: The inputs as they are.
        own: The trace that the draft's signal was made by, if it is of this transform hash.
        find_retained: Returns the traces of this transform hash, newest first; called only if `own` is not current.
        find_partial: Returns traces that answer, but do not for all their sources, and so are never a base: what
            interrupted runs had made.
        keeps_waiting: Whether that a source waits is what the inputs give, as of a task, and no accident that another
            run might be spared.
    """

    def __init__(
        self,
        reader: Reader,
        now: Inputs,
        own: tuple[Oid, Trace] | None,
        find_retained: Callable[[], Sequence[tuple[Oid, Trace]]],
        find_partial: Callable[[], Sequence[tuple[Oid, Trace]]] = tuple,
        *,
        keeps_waiting: bool = False,
    ) -> None:
        self._reader = reader
        self.keeps_waiting = keeps_waiting
        self._find_retained, self._find_partial = find_retained, find_partial
        self.now = now
        self.own = None if own is None else Answers(reader, *own, now)

    @property
    def is_current(self) -> bool:
        """Whether the draft's own trace has equal inputs: nothing is to be done but for what failed."""
        return self.own is not None and self.own.has_equal_inputs

    @cached_property
    def retained(self) -> list[Answers]:
        """The traces but the draft's own, newest first."""
        own = None if self.own is None else self.own.oid
        return [Answers(self._reader, oid, trace, self.now) for oid, trace in self._find_retained() if oid != own]

    @cached_property
    def equal(self) -> Answers | None:
        """The trace whose inputs are equal, if one answers for all of them."""
        if self.own is not None and self.own.has_equal_inputs:
            return self.own
        whole = (trace for trace in self.retained if self.keeps_waiting or trace.waiting is None)
        return next((trace for trace in whole if trace.has_equal_inputs), None)

    @cached_property
    def base(self) -> Answers | None:
        """The nearest trace, which the work starts from."""
        return self.equal or self.own or max(self.retained, key=lambda trace: trace.n_equal, default=None)

    @cached_property
    def partial(self) -> list[Answers]:
        """What interrupted runs had made; those that a limit stopped say what failed, too."""
        return [Answers(self._reader, oid, trace, self.now) for oid, trace in self._find_partial()]

    def failed_of(self, trace: Answers) -> Signal | None:
        """Return what a trace says failed and need not run; another branch's failure says nothing of ours."""
        return trace.waiting if trace in self.partial else None

    @property
    def has_partial(self) -> bool:
        """Whether an interrupted run has left anything."""
        return bool(self.partial)

    @cached_property
    def others(self) -> list[Answers]:
        """What may answer where the base does not: what interrupted runs had made, and the other traces."""
        return [*self.partial, *(trace for trace in self.retained if trace is not self.base)]

    def with_inputs(self, now: Inputs) -> Match:
        """Return how other inputs, of the same names or some of them, stand to the same traces."""
        own = None if self.own is None else (self.own.oid, self.own.trace)
        find = self._find_retained, self._find_partial
        return Match(self._reader, now, own, *find, keeps_waiting=self.keeps_waiting)

    def batches(self, *, retry_failed: bool = False, rows: int = ROWS) -> Iterator[Batch]:
        """Yield the sources that the base does not answer, ascending, in batches.

        Args:
            retry_failed: Whether sources whose record failed with these very inputs are among them.
            rows: Sources of a batch, about.
        """
        if self.base is None:
            for columns in self.now.scan(rows):
                bits = np.zeros(len(columns), np.uint64)
                every = np.ones(len(columns), np.bool_)
                yield self.offer(Probe(self._reader, columns.keys), columns, every, bits, retry_failed=retry_failed)
            return
        # What failed in the draft with these inputs failed; another branch's failure says nothing of ours.
        is_asked = (retry_failed or self.base is not self.own) and not self.keeps_waiting
        waiting = self.base.waiting if is_asked else None
        # Where all inputs are optional, a record of null may come or go without a change of what the step sees.
        base_too = self.now.any_will_do
        for flagged in iter_changed(self.base.inputs, self.now, waiting, rows):
            probe = Probe(self._reader, flagged.keys)
            columns = self.now.take(probe)
            yield self.offer(
                probe, columns, columns.complete, flagged.bits, base_too=base_too, retry_failed=retry_failed
            )

    def offer(
        self,
        probe: Probe,
        columns: Columns,
        wanted: Mask,
        bits: Bits,
        *,
        base_too: bool = False,
        retry_failed: bool = False,
    ) -> Batch:
        """Ask the traces, newest first, for the records of some sources.

        Args:
            probe: The sources.
            columns: Their inputs.
            wanted: Which of them to ask for; the others have no record.
            bits: Why each of the sources is here.
            base_too: Whether to ask the base as well.
            retry_failed: Whether what failed before a limit stopped a run, with these very inputs, is to run again.
        """
        run = wanted.copy()
        answers: list[tuple[Index, Records]] = []
        for trace in [self.base, *self.others] if base_too and self.base is not None else self.others:
            answered = trace.ask(probe, columns, run) if run.any() else None
            if answered is not None:
                run[answered[0]] = False
                answers.append(answered)
        is_failed = np.zeros(len(run), np.bool_)
        failures: list[tuple[Index, Records]] = []
        for trace in () if retry_failed else self.partial:
            told = trace.ask_failed(probe, columns, run) if run.any() else None
            if told is not None:
                run[told[0]], is_failed[told[0]] = False, True
                failures.append(told)
        kept, reused, failed = columns.filter(wanted), merge_records(answers), merge_records(failures)
        return Batch(probe.keys, kept, bits[wanted], run[wanted], reused, is_failed[wanted], failed)


def merge_records(parts: Sequence[tuple[Index, Records]]) -> Records | None:
    """Return records in order of the rows that they are for; None where there are none."""
    parts = [(rows, records) for rows, records in parts if len(rows)]
    if len(parts) <= 1:
        return parts[0][1] if parts else None
    order = np.argsort(np.concatenate([rows for rows, _ in parts]), kind="stable")
    keys = concat_keys([records.keys for _, records in parts])
    return Records(
        keys.take(order),
        concat([records.values for _, records in parts]).take(order),
        concat_prov([records.prov for _, records in parts]).take(order),
    )
