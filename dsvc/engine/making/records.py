"""Making the signal of one step, record by record: what no trace answers is called for, the rest is taken over.

It begins with the nearest trace, and goes through the sources that this one does not answer in ascending order. What
is made becomes durable as it goes, under a trace that answers for no more than that, so that after a kill no more than
the batches in flight run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dsvc.engine.making.binding import Bound
from dsvc.engine.making.calls import Call
from dsvc.engine.making.output import Output, details_of
from dsvc.engine.making.steps import Made, Step
from dsvc.engine.making.traces import Batch, merge_records
from dsvc.engine.making.undertaking import Making, Undertaking
from dsvc.engine.reading.aligned import AlignedOutput, Alignment, base_of
from dsvc.engine.reading.columns import Columns
from dsvc.objects.chunk import Records
from dsvc.objects.column import Column, Index, offsets_of
from dsvc.objects.keys import Keys
from dsvc.store.writer import ObjectWriter


@dataclass(frozen=True)
class Piece:
    """Consecutive sources of a batch: those at `start` up to `stop`, of which `rows` must run."""

    batch: Batch
    start: int
    stop: int
    rows: Index
    columns: Columns
    """The inputs of `rows`."""
    n_reused: tuple[int, int]
    """Which of the batch's reused records are theirs."""


class RecordMaking(Making):
    """One step of records that runs; see `Making`."""

    def __init__(self, run: Undertaking, bound: Bound, step: Step, writer: ObjectWriter) -> None:
        # Begun with nothing, all that there is answers for the present inputs.
        super().__init__(run, bound, step, writer, is_kept_apart=bound.match.base is not None)
        self._unkept: list[Records] = []
        self._total = self._find_total()
        self._done = 0

    def _make(self) -> None:
        alignment = self._find_alignment()
        if alignment is not None:
            self._make_aligned(alignment)
            return
        for piece, made in self._run.caller.run(self._step, self._calls(), self._outlook):
            self._take(piece, made)
            self._keep()
            self._tell()

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

    def _calls(self) -> Iterator[Call[Piece]]:
        """Cut the sources that the base does not answer into calls, as large as they should be at the time."""
        n_before = n_run_before = 0
        for batch in self._bound.match.batches(retry_failed=self._run.retry_failed):
            run = np.flatnonzero(batch.run)
            n_reused = offsets_of(batch.is_reused.astype(np.int64))
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
                yield self._cut(batch, start, stop, rows, int(n_reused[start]), int(n_reused[stop]))
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

    def _cut(self, batch: Batch, start: int, stop: int, rows: Index, low: int, high: int) -> Call[Piece]:
        columns = batch.columns.take(rows)
        piece = Piece(batch, start, stop, rows, columns, (low, high))
        return Call(
            piece,
            self._step.batch(columns) if len(rows) else None,
            lambda: str(columns.keys.arrow[0].as_py()),
        )

    def _take(self, piece: Piece, made: Made) -> None:
        """Put what came of a call, and the records beside it that traces gave."""
        batch = piece.batch
        if piece.start == 0:
            removed = batch.removed
            self._output.remove(removed)
            self._failures.update(removed, removed.slice(0, 0), [])
        parts = [self._take_made(piece, *made)]
        if batch.reused is not None:
            low, high = piece.n_reused
            is_reused = batch.is_reused[piece.start : piece.stop]
            parts.append((np.flatnonzero(is_reused) + piece.start, batch.reused.slice(low, high)))
            self.reused += high - low
        self._put(merge_records(parts))
        self._done += piece.stop - piece.start

    def _take_made(self, piece: Piece, values: Column, failed: dict[int, str]) -> tuple[Index, Records]:
        """Take note of what failed; return the rows that got a value, with their records."""
        keys, n = piece.columns.keys, len(piece.rows)
        self._step.n_ran += n
        is_failed = np.zeros(n, np.bool_)
        is_failed[[*failed]] = True
        self.failed += len(failed)
        self._fail(piece, {int(piece.rows[row]): failed[row] for row in sorted(failed)})
        good = np.flatnonzero(~is_failed)
        made = (
            self._output.made(keys, values) if len(good) == n else self._output.made(keys.take(good), values.take(good))
        )
        if len(made):
            self._unkept.append(made)
            self._n_unkept += len(made)
        return piece.rows[good], made

    def _fail(self, piece: Piece, fresh: dict[int, str]) -> None:
        """Let the sources of a call have no record that failed, by now or before a limit stopped a run."""
        batch, known = piece.batch, dict[int, str]()
        if batch.failed is not None:
            rows = np.flatnonzero(batch.is_failed).tolist()
            known = {
                row: why
                for row, why in zip(rows, details_of(batch.failed), strict=True)
                if piece.start <= row < piece.stop
            }
        keys, told = batch.columns.keys, known | fresh
        bad = np.array(sorted(told), np.int64)
        self._failures.update(keys.slice(piece.start, piece.stop), keys.take(bad), [told[row] for row in bad.tolist()])
        self._output.remove(keys.take(bad))
        if fresh:
            self._note_failed(keys.take(np.array([*fresh], np.int64)), [*fresh.values()])

    # --- on the way -------------------------------------------------------------------------------------------------

    def _put_unkept(self, output: Output) -> None:
        for records in self._unkept:
            output.put(records)

    def _forget_unkept(self) -> None:
        self._unkept = []

    def _find_total(self) -> int | None:
        """Return how many sources there are to go through at most, where that is known."""
        signal = base_of(self._bound.inputs) if self._base is None else None
        return None if signal is None else signal.count

    def _tell(self) -> None:
        if self._run.progress is not None:
            self._run.progress(self._bound.spec.name, self._done, self._total)
