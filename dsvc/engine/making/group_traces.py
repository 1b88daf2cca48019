"""Which groups of a step the traces answer.

A trace answers a group iff it had the same members with the same bits in every input, and has a record for each of
them.  So a group that failed then, in whole or in part, is not answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from dsvc.engine.making.dirty import Groups, find_dirty
from dsvc.engine.making.members import GroupBatch
from dsvc.engine.making.output import details_of
from dsvc.engine.making.traces import Answers, Match, merge_records
from dsvc.engine.reading.flagged import Mask
from dsvc.objects.chunk import Records
from dsvc.objects.column import Index
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Oid
from dsvc.recipe.paths import InputPath


@dataclass(frozen=True)
class Answered:
    """What traces answer of some groups."""

    is_answered: Mask
    """Which groups need not run."""
    rows: Index
    """Which of their members have a record, ascending."""
    reused: Records | None
    """These records."""
    failed: Mapping[int, str]
    """Which of their members have none, since they failed before a limit stopped a run, and why."""


class GroupTraces:
    """How the groups of a step stand to its traces.

    Args:
        match: The step's inputs and traces.
        group: What its records are grouped by; None where all are one group.
        differ_from: Returns the groups that are others than a trace had, where a caller knows better than the inputs.
    """

    def __init__(
        self, match: Match, group: InputPath | None, differ_from: Callable[[Answers], Groups] | None = None
    ) -> None:
        self._match, self._group = match, group
        self._differ_from = differ_from
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

    def answer(self, batch: GroupBatch, wanted: Groups | None, *, retry_failed: bool = False) -> Answered:
        """Ask the traces but the base, newest first, for the records of whole groups.

        Args:
            batch: Some groups.
            wanted: All groups that will be asked for, of this batch and others; None for all there are.
            retry_failed: Whether groups with members that failed with these very inputs are to run again.
        """
        is_answered = np.zeros(batch.n_groups, np.bool_)
        parts: list[tuple[Index, Records]] = []
        failed: dict[int, str] = {}
        for trace in self._match.others:
            if is_answered.all():
                break
            rows = ~is_answered[batch.numbers] & ~self._dirty_to(trace, wanted).hold(batch.ids)
            if not rows.any():
                continue
            lost = None if retry_failed else self._match.failed_of(trace)
            held, told = (None if of is None else batch.probe.records(of, rows) for of in (trace.output, lost))
            has_outcome = np.zeros(len(batch), np.bool_)
            for found in (held, told):
                has_outcome[[] if found is None else found[0]] = True
            is_whole = batch.whole(has_outcome)
            is_answered |= is_whole
            if held is not None:
                kept = np.flatnonzero(is_whole[batch.numbers[held[0]]])
                parts.append((held[0][kept], held[1].take(kept)))
            if told is not None:
                whole = is_whole[batch.numbers[told[0]]].tolist()
                details = zip(told[0].tolist(), details_of(told[1]), whole, strict=True)
                failed |= {row: why for row, why, is_of_whole in details if is_of_whole}
        reused = np.sort(np.concatenate([np.zeros(0, np.int64), *(part[0] for part in parts)]))
        return Answered(is_answered, reused, merge_records(parts), failed)

    def _dirty_to(self, trace: Answers, wanted: Groups | None) -> Groups:
        """Return the groups that are others than a trace had."""
        if self._differ_from is not None:
            return self._differ_from(trace)
        if trace.oid not in self._dirty:
            self._dirty[trace.oid] = find_dirty(trace.inputs, self._match.now, self._group, among=wanted)
        return self._dirty[trace.oid]
