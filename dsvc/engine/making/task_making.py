"""Making the signal of a task: as a step's, but that each record is somebody's, and who has none waits for people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dsvc.engine.making.binding import Bound
from dsvc.engine.making.limit import Limit
from dsvc.engine.making.output import REASON_FAILED
from dsvc.engine.making.records import Piece, RecordMaking
from dsvc.engine.making.task_items import Resolved
from dsvc.engine.making.task_step import TaskStep
from dsvc.engine.making.undertaking import Undertaking
from dsvc.objects.chunk import Records
from dsvc.objects.column import Column, Index
from dsvc.objects.oid import Oid
from dsvc.objects.provenance import Provenance
from dsvc.store.writer import ObjectWriter


class TaskMaking(RecordMaking):
    """One task that is resolved.

    Args:
        run: The run. Its limit is for what executes, and holds no task up.
        bound: The task, bound to the draft.
        step: How it is resolved.
        writer: Takes the objects.
    """

    def __init__(self, run: Undertaking, bound: Bound, step: TaskStep, writer: ObjectWriter) -> None:
        if bound.made_up is not None:
            bound.made_up.copy_to(writer)
        super().__init__(replace(run, limit=Limit()), bound, step, writer)
        self._task = step
        self._provenance: dict[Provenance, Oid] = {}
        self._n_open = 0

    def _take_made(self, piece: Piece, values: Column, failed: dict[int, str]) -> tuple[Index, Records]:
        """Take note of who waits; return the rows that got a value, with their records."""
        keys, n = piece.columns.keys, len(piece.rows)
        resolved = self._task.resolved if n else Resolved(values, (), {})
        self._step.n_ran += n
        self.failed += sum(reason == REASON_FAILED for _, reason in resolved.waiting.values())
        resolved.note(piece.batch.columns.keys.slice(piece.start, piece.stop), keys, self._failures)
        good = np.flatnonzero(resolved.has_record)
        self._n_open += n - len(good)
        self._output.remove(keys.take(np.flatnonzero(~resolved.has_record)))
        prov = resolved.write_provenance(self._writer, self._provenance)
        made = Records(keys.take(good), resolved.values.take(good), prov)
        if len(made):
            self._unkept.append(made)
            self._n_unkept += len(made)
        return piece.rows[good], made

    @property
    def _n_without(self) -> int:
        """Whoever waits for people has none either."""
        return self._n_open

    def _keep_apart(self) -> None:
        """Keep nothing: whose records they are, and what people answered, may be with the writer that was at work."""
