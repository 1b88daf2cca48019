"""A task as a step that can be called: who gave each value, or for which answer a source waits.

Most sources have no evidence at all. What becomes of these depends on nothing but whether they are asked about, so it
is found out once, and a million of them cost what a copy costs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.annotation.asks import Wanted, asks_of
from dsvc.annotation.evidence import from_row
from dsvc.annotation.hearing import Item
from dsvc.annotation.payloads import answer_type, canonical_payload, read_payload
from dsvc.annotation.records import WHOLE
from dsvc.annotation.rounds import Resolution, VerdictOf, resolve
from dsvc.engine.making.output import REASON_AUDIT, REASON_FAILED, REASON_PENDING, Failures
from dsvc.engine.making.steps import SOURCE, Made, Step, tell
from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.facts import EVIDENCE, VERDICTS, Adapt
from dsvc.engine.reading.fields import Mask
from dsvc.errors import AnswerFormatError, DeriveError
from dsvc.objects.access import Writer
from dsvc.objects.arrays import normalise
from dsvc.objects.chunk import ProvColumn
from dsvc.objects.column import Column, null_column
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.types import Type
from dsvc.recipe.evaluate import SqlEvaluator
from dsvc.recipe.nodes import ORIGIN, TaskNode
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import CONTENT_ID
from dsvc.recipe.task_spec import TaskSpec

Standing = str
HUMAN: Final = "human"
_SOME: Final = {"boxes": "[]", "keypoints": "[]", "class": '""', "rating": "1", "text": '""'}
"""A value of each shape, whichever: what becomes of one that nobody says anything of is the same for all."""
NOT_ASKED: Final = ""
"""Stands for a source that the task has nothing to do with: it has no record, and waits for none."""


@dataclass(frozen=True)
class Resolved:
    """What became of some sources."""

    values: Column
    """Null where there is no record."""
    provenance: Sequence[Provenance | None]
    """Of each record; None where there is none."""
    waiting: Mapping[int, tuple[str, str]]
    """Row -> why it has no record, in detail and in a word."""

    @cached_property
    def has_record(self) -> Mask:
        """Which sources have a record."""
        return np.array([item is not None for item in self.provenance], np.bool_)

    def note(self, looked_at: Keys, keys: Keys, failures: Failures) -> None:
        """Let it be known who waits.

        Args:
            looked_at: Sources of which what is known is replaced; `keys` are among them.
            keys: Those of the rows.
            failures: Who waits.
        """
        rows = sorted(self.waiting)
        details, reasons = [self.waiting[row][0] for row in rows], [self.waiting[row][1] for row in rows]
        failures.update(looked_at, keys.take(np.array(rows, np.int64)), details, reasons)

    def write_provenance(self, writer: Writer, known: dict[Provenance, Oid]) -> ProvColumn:
        """Return the provenance of the records, in order.

        Args:
            writer: Takes the objects.
            known: Those that it has taken; gets the new ones.
        """
        table: dict[Provenance, int] = {}
        rows = [table.setdefault(item, len(table)) for item in self.provenance if item is not None]
        for item in table:
            if item not in known:
                known[item] = put_object(writer, Kind.PROVENANCE, item)
        oids = tuple(known[item] for item in table)
        return ProvColumn(oids, None if len(oids) == 1 else np.array(rows, np.int32), len(rows))


class TaskStep(Step):
    """A task: what people said of each source is taken together with what is judged.

    Args:
        spec: The task as a step.
        type_: The type of its values.
        provenance: That of its records which no person gave; `origin` is that of the judged record.
        evaluator: Tells which sources the condition holds for.
        adapt: Reads answers of old versions as today's.
    """

    first_rows = most_rows = 65_536
    is_native = True

    def __init__(
        self, spec: TaskNode, type_: Type, provenance: Provenance, evaluator: SqlEvaluator, adapt: Adapt
    ) -> None:
        super().__init__(spec, type_, provenance)
        self.adapt = adapt
        self.task = spec.spec
        self.resolved = Resolved(null_column(type_.physical, 0), (), {})
        """What the last call came to: to whom each record is owed, and who waits."""
        self._inputs = (*spec.inputs, EVIDENCE, VERDICTS)
        self._evaluator = evaluator
        self._answers = answer_type(self.task.type_text)

    def batch(self, columns: Columns) -> pa.RecordBatch:
        """Return the pointers, then the inputs, evidence and verdicts among them."""
        values = {str(path): columns.values(path) for path in self._inputs}
        return self._batch(columns, {SOURCE: columns.keys.arrow, **values})

    def call(self, batch: pa.RecordBatch) -> Made:
        """Resolve the sources of a batch; `resolved` says more of it until the next call."""
        items = self.items(batch)
        self.resolved = items.resolve()
        waiting = self.resolved.waiting
        missing = np.flatnonzero(~self.resolved.has_record).tolist()
        return self.resolved.values, {row: waiting[row][0] if row in waiting else NOT_ASKED for row in missing}

    def items(self, batch: pa.RecordBatch) -> Items:
        """Return what is known of the sources of a batch.

        Raises:
            DeriveError: If the condition cannot be evaluated whatever the source, or the judged values are of another
                type than the task's.
        """
        task = self.task
        columns = dict(zip((SOURCE, *map(str, self._inputs)), batch.columns, strict=True))
        judged = None if task.of is None else columns[str(task.of)]
        if judged is not None and judged.type != self.type.arrow and not pa.types.is_null(judged.type):
            raise DeriveError(
                step=self.spec.name,
                reason=f"its values are of type {task.type}, and those of {task.of} are not",
                hint=f"let [task.{task.name}] have the type of {task.of}",
            )
        asked, failed = self._ask(columns, batch.num_rows)
        return Items(self, columns, judged, asked, failed, self._crop(columns, batch.num_rows))

    def _crop(self, columns: Mapping[str, pa.Array[Any]], n_rows: int) -> pa.Array[Any] | None:
        """Return the box of the image that is shown of each source; None where all of it is."""
        crop = self.task.shown.crop
        if crop is None:
            return None
        values = {path: columns[str(path)] for path in crop.inputs}
        return self._evaluator.evaluate([crop], values, n_rows=n_rows, name=self.spec.name)[0]

    def _ask(self, columns: Mapping[str, pa.Array[Any]], n_rows: int) -> tuple[Mask, dict[int, str]]:
        """Return which sources the condition holds for, NULL being no, and why it fails on some."""
        condition = self.task.ask
        if condition is None:
            return np.full(n_rows, self.task.asks_all), {}

        def evaluate(start: int, stop: int) -> tuple[Mask, dict[int, str]]:
            values = {path: columns[str(path)].slice(start, stop - start) for path in condition.inputs}
            try:
                held = self._evaluator.where(condition, values, n_rows=stop - start, name=self.spec.name)
                return np.asarray(held), {}
            except DeriveError as err:
                if start == stop:
                    raise  # the expression's own fault
                if stop - start == 1:
                    evaluate(start, start)
                    return np.zeros(1, np.bool_), {start: tell(err)}
                half = (start + stop) // 2
                (first, failed), (second, failed_later) = evaluate(start, half), evaluate(half, stop)
                return np.concatenate([first, second]), failed | failed_later

        return evaluate(0, n_rows)


class Items:
    """The sources of one batch, with all that is known of them.

    Args:
        step: The task.
        columns: Its inputs by path, and the pointers.
        judged: What is judged; None where nothing is.
        asked: Which sources the condition holds for.
        failed: Why it cannot be told of some.
        crop: The box of the image that is shown; None where all of it is.
    """

    def __init__(
        self,
        step: TaskStep,
        columns: Mapping[str, pa.Array[Any]],
        judged: pa.Array[Any] | None,
        asked: Mask,
        failed: Mapping[int, str],
        crop: pa.Array[Any] | None = None,
    ) -> None:
        self._step, self._task, self._columns = step, step.task, columns
        self._type = answer_type(step.task.type_text)
        self._judged, self._asked, self._failed = judged, asked, failed
        self._crop = crop
        self._sources = columns[SOURCE]
        self._has_judged = _valid(judged, len(asked))
        self._is_known = _valid(columns[str(EVIDENCE)], len(asked))

    def rows(self) -> list[int]:
        """Return the rows that there is anything to say of: somebody said something, or is to."""
        return np.flatnonzero(self._is_known | self._asked).tolist()

    def resolution(self, row: int, task: TaskSpec | None = None) -> tuple[Item, Resolution]:
        """Return one source, and what became of it.

        Args:
            row: Which.
            task: Another version of the task.

        Raises:
            AnswerFormatError: If its judged value is none that people could be shown.
        """
        item = self.item(row)
        found = resolve(task or self._task, item, self.verdict_of(row))
        # Where nothing is judged, the condition says which sources are asked about at all.
        is_asked = self._task.of is not None or item.asked or found.has_record
        return item, found if is_asked else Resolution()

    def resolve(self) -> Resolved:
        """Return what became of all of them."""
        n = len(self._asked)
        provenance: list[Provenance | None] = [None] * n
        waiting: dict[int, tuple[str, str]] = {}
        given: dict[int, str | None] = {}
        is_plain = ~self._is_known & ~self._asked & (self._has_judged | (self._task.of is None))
        plain = None if self._task.of is None else self._resolve_plain()
        origins = self._origins()
        for row in np.flatnonzero(is_plain).tolist():
            provenance[row] = None if plain is None else self._by_task(origins[row], plain)
        for row in np.flatnonzero(~is_plain).tolist():
            try:
                self._resolve_row(row, origins[row], provenance, waiting, given)
            except AnswerFormatError as err:
                waiting[row] = err.message, REASON_FAILED
        for row, why in self._failed.items():
            provenance[row], waiting[row] = None, (why, REASON_FAILED)
            given.pop(row, None)
        return Resolved(self._values(provenance, given), provenance, waiting)

    def _resolve_plain(self) -> Standing | None:
        """Return the standing of a value that nobody is asked about and nobody has said anything of."""
        return resolve(self._task, Item("", judged=_SOME[self._type.shape], asked=False)).standing

    def _resolve_row(
        self,
        row: int,
        origin: str,
        provenance: list[Provenance | None],
        waiting: dict[int, tuple[str, str]],
        given: dict[int, str | None],
    ) -> None:
        item, found = self.resolution(row)
        wanted = asks_of(self._task, item, found)
        if wanted:
            waiting[row] = tell_asks(wanted), REASON_AUDIT if found.has_record else REASON_PENDING
        if found.standing is None:
            return
        if found.origin == "judged":
            provenance[row] = self._by_task(origin, found.standing)
            return
        given[row] = found.value
        people = "+".join(found.annotators)
        made = self._step.provenance
        provenance[row] = Provenance(HUMAN, people or made.producer, made.version, made.transform, found.standing)

    def item(self, row: int) -> Item:
        """Return one source.

        Raises:
            AnswerFormatError: If its judged value is none that people could be shown.
        """
        source = self._sources[row].as_py()
        judged = None
        if self._judged is not None and self._has_judged[row]:
            judged = canonical_payload(self._type, self._judged[row].as_py())
        known = self._step.adapt(from_row(self._task.name, source, self._columns[str(EVIDENCE)][row].as_py()))
        content_id = self._columns[str(CONTENT_ID)][row].as_py()
        content = "" if content_id is None else str(content_id)
        return Item(source, content, judged, bool(self._asked[row]), known, self._region(row))

    def _region(self, row: int) -> str:
        box = None if self._crop is None else self._crop[row].as_py()
        if box is None:
            return WHOLE
        payload = canonical_payload(answer_type("boxes"), [{**box, "label": None}])
        return payload[1:-1].removesuffix(",null]") + "]"

    def verdict_of(self, row: int) -> VerdictOf:
        """Return what says what became of the lots that a source is in."""
        verdicts = self._columns[str(VERDICTS)][row].as_py() or ()
        states = {verdict["lot"]: verdict["state"] for verdict in verdicts}
        return lambda lot: states.get(lot, "pending")

    def _origins(self) -> Sequence[str]:
        """Return the origin of each judged record."""
        if self._task.of is None:
            return [HUMAN] * len(self._asked)
        told = self._columns[str(InputPath(self._task.of.signal, circumstance=ORIGIN))].to_pylist()
        return [origin or self._step.provenance.origin for origin in told]

    def _by_task(self, origin: str, standing: Standing) -> Provenance:
        made = self._step.provenance
        key = origin, standing
        known = self._made_by.get(key)
        if known is None:
            known = self._made_by[key] = Provenance(origin, made.producer, made.version, made.transform, standing)
        return known

    @cached_property
    def _made_by(self) -> dict[tuple[str, str], Provenance]:
        return {}

    def _values(self, provenance: Sequence[Provenance | None], given: Mapping[int, str | None]) -> Column:
        """Return the values: those that people gave, else the judged ones as they are, a model's scores included."""
        n, type_ = len(self._asked), self._step.type
        rows = sorted(given)
        payloads = (given[row] for row in rows)
        theirs = [None if payload is None else read_payload(self._type, payload) for payload in payloads]
        spread = np.full(n, -1, np.int64)
        is_kept = np.array([item is not None for item in provenance], np.bool_) & self._has_judged
        spread[is_kept] = np.flatnonzero(is_kept)
        spread[rows] = n + np.arange(len(rows))
        judged = self._judged
        if judged is None or pa.types.is_null(judged.type):
            judged = pa.nulls(n, type_.arrow)
        both = pa.concat_arrays([judged, pa.array(theirs, type_.arrow)])
        return normalise(both, type_.physical).take(spread)


def tell_asks(wanted: Sequence[Wanted]) -> str:
    """Return what a source waits for, as JSON text: the asks, why, in which round, and how many people are wanted."""
    ask = wanted[0].ask
    told = {
        "asks": [one.ask.ask_id.hex() for one in wanted],
        "mode": ask.mode,
        "people": sum(one.people for one in wanted),
        "round": ask.round,
    }
    return json.dumps(told, separators=(",", ":"))


def _valid(column: pa.Array[Any] | None, n: int) -> Mask:
    """Return which rows are not null."""
    return np.zeros(n, np.bool_) if column is None else np.asarray(pc.is_valid(column)).astype(np.bool_)
