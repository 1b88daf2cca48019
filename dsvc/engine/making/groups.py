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

from dsvc.engine.making.binding import Bound
from dsvc.engine.making.calls import Call
from dsvc.engine.making.group_steps import GroupStep
from dsvc.engine.making.group_traces import GroupTraces
from dsvc.engine.making.members import GroupBatch, Members
from dsvc.engine.making.output import Output
from dsvc.engine.making.steps import Made, Step
from dsvc.engine.making.traces import merge_records
from dsvc.engine.making.undertaking import Making, Undertaking
from dsvc.engine.reading.flagged import Mask
from dsvc.objects.chunk import Records
from dsvc.objects.column import Index
from dsvc.objects.keys import Keys
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


class GroupMaking(Making):
    """One step of groups, or of all records, that runs; see `Making`."""

    def __init__(self, run: Undertaking, bound: Bound, step: Step, writer: ObjectWriter) -> None:
        if not isinstance(step, GroupStep):
            raise TypeError(f"step {bound.spec.name} is none of groups")
        super().__init__(run, bound, step, writer)
        self._group_step = step
        self._traces = GroupTraces(bound.match, bound.spec.group)
        self._unkept: list[tuple[_Work, Index, Records]] = []

    def _make(self) -> None:
        for piece, made in self._run.caller.run(self._step, self._calls(), self._outlook):
            self._take(piece, made)
            if piece.is_last:
                self._put_batch(piece.work)
            self._keep()
            self._tell()

    # --- what to call for -------------------------------------------------------------------------------------------

    def _calls(self) -> Iterator[Call[_Piece]]:
        """Cut the groups that no trace answers into calls, as large as they should be at the time."""
        gone: list[Keys] = []
        wanted = self._traces.dirty(retry_failed=self._run.retry_failed, gone=gone)
        for keys in gone:
            self._output.remove(keys)
            self._failures.update(keys, keys.slice(0, 0), [])
        for batch in Members(self._bound.inputs, self._bound.spec.group).batches(wanted):
            found = self._traces.answer(batch, wanted, retry_failed=self._run.retry_failed)
            parts = [] if found.reused is None else [(found.rows, found.reused)]
            work = _Work(batch, found.is_answered, parts, dict(found.failed))
            self.reused += len(found.rows)
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
        batch = self._group_step.group_batch(columns, work.batch.numbers[rows])
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
        lost = {int(piece.rows[row]): failed[row] for row in sorted(failed)}
        self.failed += len(lost)
        piece.work.failed |= lost
        if lost:
            self._note_failed(piece.work.batch.columns.keys.take(np.array([*lost], np.int64)), [*lost.values()])
        piece.work.parts.append((rows, records))
        if len(records):
            self._unkept.append((piece.work, rows, records))
            self._n_unkept += len(records)

    def _put_batch(self, work: _Work) -> None:
        """Put the records of a batch, all of whose groups are made."""
        # The members of this batch may come before those of the last.
        self._output.flush()
        self._failures.flush()
        keys = work.batch.columns.keys
        bad = np.array(sorted(work.failed), np.int64)
        self._output.remove(keys.take(bad))
        self._failures.update(keys, keys.take(bad), [work.failed[row] for row in bad.tolist()])
        self._put(merge_records(work.parts))

    # --- on the way -------------------------------------------------------------------------------------------------

    def _put_unkept(self, output: Output) -> None:
        for _, parts in groupby(self._unkept, key=lambda part: id(part[0])):
            records = merge_records([(rows, made) for _, rows, made in parts])
            if records is not None:
                output.put(records)
            output.flush()

    def _forget_unkept(self) -> None:
        self._unkept = []

    def _tell(self) -> None:
        if self._run.progress is not None:
            self._run.progress(self._bound.spec.name, self._step.n_ran, None)
