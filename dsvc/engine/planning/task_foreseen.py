"""What becomes of a task in a run, found out before: it is resolved in memory, since that asks nobody and costs little.

So a plan knows the records of a task, whoever gives them, and who waits for which ask.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dsvc.engine.making.binding import Bound
from dsvc.engine.making.output import Failures, Output
from dsvc.engine.making.task_step import TaskStep
from dsvc.engine.making.traces import merge_records
from dsvc.engine.planning.forecast import Part
from dsvc.engine.planning.reasons import Codes, Reasons
from dsvc.engine.reading.scratch import Scratch
from dsvc.objects.chunk import Records
from dsvc.objects.encoding import get_object
from dsvc.objects.keys import Keys, concat_keys
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal


@dataclass(frozen=True)
class ForeseenTask:
    """A task as a run would leave it."""

    signal: Signal | None
    waiting: Signal | None
    part: Part
    """The sources that are resolved again."""
    reused: int
    """Records that traces give."""


def foresee_task(bound: Bound, step: TaskStep, scratch: Scratch, reasons: Reasons) -> ForeseenTask:
    """Resolve a task in memory, beginning with the nearest trace."""
    base = bound.match.base
    output = Output(scratch, None if base is None else base.output, bound.type, step.provenance)
    failures = Failures(scratch, None if base is None else base.waiting, step.provenance)
    reused, n_made, known = 0, 0, dict[Provenance, Oid]()
    touched, codes = list[Keys](), list[Codes]()
    for batch in bound.match.batches():
        removed = batch.removed
        output.remove(removed)
        failures.update(removed, removed.slice(0, 0), [])
        parts = []
        if batch.reused is not None:
            parts.append((np.flatnonzero(batch.is_reused), batch.reused))
            reused += len(batch.reused)
        rows = np.flatnonzero(batch.run)
        if len(rows):
            some = batch.columns.take(rows)
            step(some)
            resolved = step.resolved
            resolved.note(batch.columns.keys, some.keys, failures)
            output.remove(some.keys.take(np.flatnonzero(~resolved.has_record)))
            good = np.flatnonzero(resolved.has_record)
            n_made += len(good)
            made = resolved.write_provenance(scratch, known)
            parts.append((rows[good], Records(some.keys.take(good), resolved.values.take(good), made)))
            touched.append(some.keys)
            codes.append(reasons.codes(some.keys, batch.bits[rows]))
        records = merge_records(parts)
        if records is not None:
            output.put(records)
    signal = output.flush()
    if base is not None and base is not bound.match.own:
        reused = 0 if signal is None else signal.count - n_made
    oid = failures.write()
    waiting = None if oid is None else get_object(scratch, oid, Kind.SIGNAL, Signal)
    keys = concat_keys(touched) if touched else Keys.of_bytes([])
    part = Part(keys, np.concatenate(codes) if codes else np.empty(0, np.int64), np.ones(len(keys), np.bool_))
    return ForeseenTask(signal, waiting, part, reused)
