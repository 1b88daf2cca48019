"""The sources of a task as its step meets them: what is known of each, what became of it, and who gave its value.

Most sources have no evidence at all. What becomes of these depends on nothing but whether they are asked about, so it
is found out once, and a million of them cost what a copy costs. The same goes for those of which nobody has said
anything and that are in a lot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.annotation.answers.adapting import adapter_of
from dsvc.annotation.answers.evidence import from_row
from dsvc.annotation.answers.payloads import answer_type, canonical_payload, doubt_of, read_payload
from dsvc.annotation.answers.records import WHOLE
from dsvc.annotation.judging.asks import Wanted, asks_of
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.lots import Candidate
from dsvc.annotation.judging.rounds import Resolution, VerdictOf, resolve
from dsvc.engine.making.output import REASON_AUDIT, REASON_FAILED, REASON_PENDING, Failures
from dsvc.engine.making.steps import SOURCE
from dsvc.engine.reading.facts import EVIDENCE, VERDICTS
from dsvc.engine.reading.fields import Mask
from dsvc.errors import AnswerFormatError
from dsvc.objects.access import Writer
from dsvc.objects.arrays import normalise
from dsvc.objects.chunk import ProvColumn
from dsvc.objects.column import Column
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.recipe.nodes import ORIGIN
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import CONTENT_ID
from dsvc.recipe.task_spec import TaskSpec

if TYPE_CHECKING:
    from dsvc.engine.making.task_step import TaskStep

Standing = str
HUMAN: Final = "human"
MODEL: Final = "model"
"""Origin of a value that waits for a lot and that no person gave."""
_SOME: Final = {"boxes": "[]", "keypoints": "[]", "class": '""', "rating": "1", "text": '""'}
"""A value of each shape, whichever: what becomes of one that nobody says anything of is the same for all."""
_ROWS: Final = 4096
"""Sources whose values are read at once: one at a time, reading them takes ten times as long."""
_OWN: Final = frozenset({"lot", "closed_us", "value", "content_id"})
"""What a member of a lot says that is its own; what it stands at does not depend on it, but for what is compared."""


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


class _Told(NamedTuple):
    """What is known of one source, as plain values."""

    source: str
    judged: Any
    known: Any
    content_id: Any
    verdicts: Any
    box: Any


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
        self._told: dict[int, _Told] = {}
        self._alike: dict[object, Standing] = {}
        self._found: dict[object, Resolution] = {}
        self._payloads: dict[int, str] = {}

    def rows(self) -> list[int]:
        """Return the rows that there is anything to say of: somebody said something, or is to."""
        return np.flatnonzero(self._is_known | self._asked).tolist()

    def in_turn(self, rows: Sequence[int]) -> Iterator[int]:
        """Yield some rows, which are read many at once, to be looked at one by one."""
        for start in range(0, len(rows), _ROWS):
            self._read(rows[start : start + _ROWS])
            yield from rows[start : start + _ROWS]

    def _read(self, rows: Sequence[int]) -> None:
        taken = pa.array(rows, pa.int64())
        named = (self._columns[str(path)] for path in (EVIDENCE, CONTENT_ID, VERDICTS))
        known, content_ids, verdicts = (column.take(taken).to_pylist() for column in named)
        nothing = [None] * len(rows)
        judged = nothing if self._judged is None else self._judged.take(taken).to_pylist()
        boxes = nothing if self._crop is None else self._crop.take(taken).to_pylist()
        sources = self._sources.take(taken).to_pylist()
        told = map(_Told, sources, judged, known, content_ids, verdicts, boxes)
        self._told, self._payloads = dict(zip(rows, told, strict=True)), {}

    def _tell(self, row: int) -> _Told:
        if row not in self._told:
            self._read([row])
        return self._told[row]

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

    def find_candidate(self, row: int, key: str) -> Candidate | None:
        """Return the value of a source that waits to be taken into a lot; None where it does not.

        Args:
            row: Which.
            key: What its lot has in common.
        """
        try:
            alike, judged = self._find_alike(row), self._canonical(row)
            found = None if alike is None else self._found.get(alike)
            if found is None:
                _, found = self.resolution(row)
                self._found[alike] = found
        except AnswerFormatError:
            return None  # it is counted as failed
        if not found.awaits_lot:
            return None
        is_human = found.origin == "human"
        value, origin = (found.value, HUMAN) if is_human else (judged, MODEL)
        told = self._tell(row)
        return Candidate(told.source, value or "", _text(told.content_id), found.round, key, origin, found.lot)

    def resolve(self) -> Resolved:
        """Return what became of all of them."""
        n = len(self._asked)
        provenance: list[Provenance | None] = [None] * n
        waiting: dict[int, tuple[str, str]] = {}
        given: dict[int, str | None] = {}
        failed: dict[int, str] = {}
        is_plain = ~self._is_known & ~self._asked & (self._has_judged | (self._task.of is None))
        plain = None if self._task.of is None else self._resolve_plain()
        origins = self._origins()
        for row in np.flatnonzero(is_plain).tolist():
            provenance[row] = None if plain is None else self._by_task(origins[row], plain)
        for row in self.in_turn(np.flatnonzero(~is_plain).tolist()):
            try:
                self._resolve_row(row, origins[row], provenance, waiting, given)
            except AnswerFormatError as err:
                failed[row] = err.message
        failed |= self._failed
        for row in self.in_turn(sorted(failed)):
            provenance[row], waiting[row] = None, (failed[row], REASON_FAILED)
            given.pop(row, None)
            self._keep_given(row, provenance, given)
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
        alike = self._find_alike(row)
        if (standing := self._alike.get(alike)) is not None:
            provenance[row] = self._by_task(origin, standing)
            return
        item, found = self.resolution(row)
        wanted = asks_of(self._task, item, found)
        if alike is not None and found.origin == "judged" and found.standing is not None and not wanted:
            self._alike[alike] = found.standing
        if wanted:
            waiting[row] = tell_asks(wanted), REASON_AUDIT if found.has_record else REASON_PENDING
        if found.standing is None:
            return
        if found.origin == "judged":
            provenance[row] = self._by_task(origin, found.standing)
            return
        given[row], provenance[row] = found.value, self._by_people(found, found.standing)

    def _keep_given(self, row: int, provenance: list[Provenance | None], given: dict[int, str | None]) -> None:
        """Keep what people gave of a source of which it cannot be told what is judged, or whether it is asked about."""
        if not self._is_known[row]:
            return
        told = self._tell(row)
        known = self._step.adapt(from_row(self._task.name, told.source, told.known))
        item = Item(told.source, _text(told.content_id), None, asked=False, evidence=known)
        found = resolve(self._task, item, self.verdict_of(row))
        if found.standing is not None and found.origin == "human":
            given[row], provenance[row] = found.value, self._by_people(found, found.standing)

    def _find_alike(self, row: int) -> object:
        """Return what is equal for all sources of which the same becomes, or None.

        Of a value in a lot about which nobody said anything, it depends on nothing but how the lot stands; and where
        all is audited, most sources are such.
        """
        told = self._tell(row)
        known, content_id = told.known or {"members": ()}, _text(told.content_id)
        if any(known[name] for name in known if name != "members"):
            return None
        members, judged = known["members"], self._canonical(row)
        if any(member["void"] or adapter_of(self._task, member["version"]) for member in members):
            return None  # what it was in a lot with is read as something else, or it was taken out of that very lot
        if judged is None or any(member["value"] != judged for member in members):
            return None
        states = {verdict["lot"]: verdict["state"] for verdict in told.verdicts or ()}
        return (
            bool(self._asked[row]),
            *((states.get(member["lot"]), member["content_id"] == content_id) for member in members),
            *(value for member in members for name, value in member.items() if name not in _OWN),
        )

    def _canonical(self, row: int) -> str | None:
        """Return what is judged of a source.

        Raises:
            AnswerFormatError: If people could not be shown it.
        """
        if self._judged is None or not self._has_judged[row]:
            return None
        judged = self._tell(row).judged
        if row not in self._payloads:
            self._payloads[row] = canonical_payload(self._type, judged)
        return self._payloads[row]

    def item(self, row: int) -> Item:
        """Return one source.

        Raises:
            AnswerFormatError: If its judged value is none that people could be shown.
        """
        told = self._tell(row)
        known = self._step.adapt(from_row(self._task.name, told.source, told.known))
        judged, is_asked = self._canonical(row), bool(self._asked[row])
        doubt = doubt_of(self._type, told.judged)
        return Item(told.source, _text(told.content_id), judged, is_asked, known, self._region(row), doubt)

    def _region(self, row: int) -> str:
        box = self._tell(row).box
        if box is None:
            return WHOLE
        payload = canonical_payload(answer_type("boxes"), [{**box, "label": None}])
        return payload[1:-1].removesuffix(",null]") + "]"

    def verdict_of(self, row: int) -> VerdictOf:
        """Return what says what became of the lots that a source is in."""
        states = {verdict["lot"]: verdict["state"] for verdict in self._tell(row).verdicts or ()}
        return lambda lot: states.get(lot, "pending")

    def _origins(self) -> Sequence[str]:
        """Return the origin of each judged record."""
        if self._task.of is None:
            return [HUMAN] * len(self._asked)
        told = self._columns[str(InputPath(self._task.of.signal, circumstance=ORIGIN))].to_pylist()
        return [origin or self._step.provenance.origin for origin in told]

    def _by_people(self, found: Resolution, standing: Standing) -> Provenance:
        made = self._step.provenance
        people = "+".join(found.annotators) or made.producer
        return Provenance(HUMAN, people, made.version, made.transform, standing)

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
    """Return what a source waits for, as JSON text: the asks, why, in which round, and how many people are wanted.

    Nobody is asked what was cancelled, and the source waits all the same.
    """
    ask = wanted[0].ask
    told = {
        "asks": [one.ask.ask_id.hex() for one in wanted if not one.is_stopped],
        "mode": ask.mode,
        "people": sum(one.people for one in wanted if not one.is_stopped),
        "round": ask.round,
    }
    return json.dumps(told, separators=(",", ":"))


def _text(content_id: object) -> str:
    return "" if content_id is None else str(content_id)


def _valid(column: pa.Array[Any] | None, n: int) -> Mask:
    """Return which rows are not null."""
    return np.zeros(n, np.bool_) if column is None else np.asarray(pc.is_valid(column)).astype(np.bool_)
