"""The ledger in a store: appending to it, uniting two of them, reading it.

It is one ref, read by every branch. It only grows: whatever moves it takes what is there and adds to it, so that two
that do it at once both get in, in either order, and two clones have the same when each has what the other has.

Source: docs/format.md#ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, TypeVar

import msgspec
import pyarrow as pa

from dsvc.annotation.answers.evidence import (
    EVIDENCE_TYPE,
    NOTHING,
    Answered,
    Evidence,
    Member,
    evidence_of,
    from_rows,
    to_row,
    unite,
)
from dsvc.annotation.answers.payloads import answer_type, check_payload
from dsvc.annotation.answers.pseudonyms import Pseudonyms
from dsvc.annotation.answers.records import Answer
from dsvc.annotation.judging.lots import Lot
from dsvc.annotation.keeping.lot_rows import FIRST_PART, LOTS_TYPE, lot_rows, lots_of
from dsvc.errors import ObjectNotFoundError, RefConflictError
from dsvc.objects.access import Reader, Writer
from dsvc.objects.diff import diff_trees
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import get_object, put_object
from dsvc.objects.keys import Keys
from dsvc.objects.ledger import Ledger, LedgerTask
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type
from dsvc.repo.refs import LEDGER
from dsvc.store.base import Operation, RefChange, Store
from dsvc.store.writer import ObjectWriter

T = TypeVar("T")
_ROWS: Final = 8192
"""Sources that are united at a time."""
_LOTS: Final = 32
"""Lots that are written at a time."""
_EMPTY: Final = Ledger()


class Addition(msgspec.Struct, frozen=True):
    """What is appended for one task."""

    answered: Sequence[Answered] = ()
    lots: Sequence[Lot] = ()
    openings: Mapping[str, int] | None = None
    """Since when lots are filling; None leaves what is known."""
    also: Mapping[str, Evidence] = {}
    """What else is known of sources: who is void, what is stopped."""

    @property
    def is_empty(self) -> bool:
        """Whether it adds nothing."""
        return not self.answered and not self.lots and self.openings is None and not self.also


class LedgerView:
    """One state of the ledger, read-only."""

    def __init__(self, reader: Reader, oid: Oid | None) -> None:
        self.reader = reader
        self.id = oid
        """None while there is no ledger."""
        self.ledger = _EMPTY if oid is None else get_object(reader, oid, Kind.LEDGER, Ledger)
        self._tasks = {task.name: task for task in self.ledger.tasks}

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks that something is known of."""
        return tuple(self._tasks)

    @property
    def has_people(self) -> bool:
        """Whether anybody answered anything."""
        found = (known for task in self.tasks for _, known in self.iter_evidence(task, more=True))
        return any(known.answers or known.asides for known in found)

    def cursor(self, name: str) -> bytes | None:
        """Return how far a platform's answers are in here; None where none were read."""
        return dict(self.ledger.cursors).get(name)

    def guidelines(self, task: str, version: str) -> frozenset[Oid]:
        """Return the hashes of the guidelines under which answers of a version of a task were given."""
        known = self.ledger.guidelines
        return frozenset(Oid(found) for name, of, found in known if (name, of) == (task, version))

    def evidence_id(self, task: str) -> Oid | None:
        """Return the id of the signal that holds a task's evidence."""
        return self._tasks[task].evidence if task in self._tasks else None

    def evidence_signal(self, task: str) -> Signal | None:
        """Return the signal that holds a task's evidence, whose value id tells whether it changed."""
        return self._signal(self.evidence_id(task))

    def evidence(self, task: str, sources: Iterable[str]) -> dict[str, Evidence]:
        """Return what is known of some sources; those of which nothing is are left out."""
        signal = self.evidence_signal(task)
        probe = sorted({source.encode() for source in sources})
        if signal is None or not probe:
            return {}
        rows = Tree(self.reader, signal).take(Keys.of_bytes(probe))
        return dict(from_rows(task, rows.sources, rows.values))

    def iter_evidence(
        self, task: str, rows_at_once: int = _ROWS, *, more: bool = False
    ) -> Iterator[tuple[str, Evidence]]:
        """Yield all that is known of a task, by source; with `more` where it is more than which lots a source is in."""
        signal = self.evidence_signal(task)
        for rows in () if signal is None else Tree(self.reader, signal).rows(rows_per_batch=rows_at_once):
            yield from from_rows(task, rows.sources, rows.values, more=more)

    def lots(self, task: str) -> dict[Oid, Lot]:
        """Return the closed lots of a task."""
        signal = self._signal(self.lots_id(task))
        return {} if signal is None else {lot.lot_id: lot for lot in lots_of(Tree(self.reader, signal))}

    def lots_id(self, task: str) -> Oid | None:
        """Return the id of the signal that holds a task's closed lots."""
        return self._tasks[task].lots if task in self._tasks else None

    def lot(self, task: str, lot_id: Oid) -> Lot | None:
        """Return one closed lot."""
        signal = self._signal(self.lots_id(task))
        return None if signal is None else next(lots_of(Tree(self.reader, signal), lot_id), None)

    def lots_since(self, task: str, before: Oid | None) -> list[tuple[Oid, int]]:
        """Return the lots that an earlier signal of lots had not, each with the time at which it was closed."""
        signal = self._signal(self.lots_id(task))
        try:
            old = self._signal(before)
        except ObjectNotFoundError:
            old = None
        if signal is None:
            return []
        changed = (c.sources.to_pylist() for c in diff_trees(self.reader, old, signal, keys_only=True))
        keys = sorted({key for keys in changed for key in keys if key.endswith(FIRST_PART)}, key=str.encode)
        rows = Tree(self.reader, signal).take(Keys.of_bytes([key.encode() for key in keys]))
        pairs = zip(rows.sources.to_pylist(), rows.values.to_pylist(), strict=True)
        return [(Oid(bytes.fromhex(key.removesuffix(FIRST_PART))), row["closed_us"]) for key, row in pairs]

    def openings(self, task: str) -> dict[str, int]:
        """Return since when lots of a task are filling."""
        return dict(self._tasks[task].openings) if task in self._tasks else {}

    def _signal(self, oid: Oid | None) -> Signal | None:
        return None if oid is None else get_object(self.reader, oid, Kind.SIGNAL, Signal)


def read_ledger(store: Store) -> LedgerView:
    """Return the ledger as it is now."""
    value = store.refs.get(LEDGER)
    return LedgerView(store.objects, None if value is None else Oid(value))


def append(
    store: Store,
    additions: Mapping[str, Addition],
    *,
    cursors: Mapping[str, bytes] | None = None,
    op: Operation | None = None,
    pseudonyms: Pseudonyms | None = None,
) -> LedgerView:
    """Append to the ledger; durable on return, answers and cursors in one step. Another writer's is never lost.

    What is there already changes nothing, and where nothing changes nothing is written.

    Args:
        store: Where the ledger is.
        additions: By task.
        cursors: How far each platform's answers are in, after these.
        op: What the operation log says; None logs nothing.
        pseudonyms: By what the people among them became pseudonyms; None where there are no people.

    Raises:
        AnswerFormatError: If an answer is none of its task's type; nothing is appended then.
        UserError: If people who answered before became pseudonyms by another key; nothing is appended then.
    """
    for addition in additions.values():
        for item in addition.answered:
            if item.answer.payload is not None:
                check_payload(answer_type(item.ask.type), item.answer.payload)
    with ObjectWriter(store) as writer:
        while True:
            before = store.refs.get(LEDGER)
            base = None if before is None else Oid(before)
            made = _append_to(writer, base, additions, cursors or {}, pseudonyms)
            if _move(writer, before, made, op):
                return LedgerView(store.objects, made)


def merge_ledger(store: Store, other: Oid, *, op: Operation | None = None) -> LedgerView:
    """Unite the ledger with another whose objects are in the store, such as a fetched one; durable on return."""
    with ObjectWriter(store) as writer:
        while True:
            before = store.refs.get(LEDGER)
            made = other if before is None else unite_ledgers(writer, Oid(before), other)
            if _move(writer, before, made, op):
                return LedgerView(store.objects, made)


def _move(writer: ObjectWriter, before: bytes | None, made: Oid | None, op: Operation | None) -> bool:
    """Move the ref by compare-and-swap; return false where another writer was faster."""
    if made is None or made == before:
        return True
    try:
        writer.update([RefChange(LEDGER, before, made)], op)
    except RefConflictError:
        return False
    return True


def _append_to(
    writer: Writer,
    base: Oid | None,
    additions: Mapping[str, Addition],
    cursors: Mapping[str, bytes],
    pseudonyms: Pseudonyms | None,
) -> Oid | None:
    old = LedgerView(writer, base)
    key = old.ledger.pseudonyms
    if pseudonyms is not None and pseudonyms.fingerprint != key:
        if key or old.has_people:
            pseudonyms.check(key)
        key = pseudonyms.fingerprint
    tasks = {task.name: task for task in old.ledger.tasks}
    guidelines = set(old.ledger.guidelines)
    for name, addition in additions.items():
        known = old.evidence(name, {item.answer.source for item in addition.answered})
        news = _leave_out_known(known, addition)
        if not news.is_empty:
            tasks[name] = _add(writer, old, tasks.get(name, LedgerTask(name)), news)
        given = (item.answer for item in news.answered)
        guidelines |= {(name, answer.version, answer.guideline) for answer in given if answer.guideline is not None}
    return _put(writer, base, (), tasks, {**dict(old.ledger.cursors), **cursors}, guidelines, key)


def _leave_out_known(known: Mapping[str, Evidence], addition: Addition) -> Addition:
    """Return what is new: an answer that a platform gives again was given under the guideline that there was then."""
    there = {_delivery(answer) for evidence in known.values() for answer in evidence.answers}
    answered = [item for item in addition.answered if _delivery(item.answer) not in there]
    return msgspec.structs.replace(addition, answered=answered)


def _delivery(answer: Answer) -> tuple[Oid, int, str, str]:
    return answer.answer_id, answer.submitted_us, answer.platform, answer.platform_id


def _put(
    writer: Writer,
    base: Oid | None,
    others: tuple[Oid, ...],
    tasks: Mapping[str, LedgerTask],
    cursors: Mapping[str, bytes],
    guidelines: AbstractSet[tuple[str, str, Oid]],
    pseudonyms: bytes,
) -> Oid | None:
    """Write a ledger after `base`; return `base` itself where nothing differs."""
    old = LedgerView(writer, base).ledger
    of_tasks = tuple(tasks[name] for name in sorted(tasks))
    new = Ledger((), of_tasks, tuple(sorted(cursors.items())), tuple(sorted(guidelines)), pseudonyms)
    if new == msgspec.structs.replace(old, parents=()):
        return base
    parents = (*(() if base is None else (base,)), *others)
    return put_object(writer, Kind.LEDGER, msgspec.structs.replace(new, parents=parents))


def _add(writer: Writer, old: LedgerView, task: LedgerTask, addition: Addition) -> LedgerTask:
    evidence, lots = task.evidence, task.lots
    for news in _news_of(addition):
        known = old.evidence(task.name, news)
        both = {source: unite([known.get(source, NOTHING), found]) for source, found in news.items()}
        evidence = _edit_evidence(writer, task.name, evidence, both)
    for some in _blocks(sorted(addition.lots, key=lambda lot: lot.lot_id), _LOTS):
        lots = _edit_rows(writer, task.name, lots, LOTS_TYPE, dict(row for lot in some for row in lot_rows(lot)))
    openings = task.openings if addition.openings is None else tuple(sorted(addition.openings.items()))
    return LedgerTask(task.name, evidence, lots, openings)


def _news_of(addition: Addition) -> Iterator[dict[str, Evidence]]:
    """Yield what is appended of each source, ascending, in parts: the first lots may have every source there is."""
    answered: dict[str, list[Answered]] = {}
    for item in addition.answered:
        answered.setdefault(item.answer.source, []).append(item)
    placed = sorted(((m.source, lot, m) for lot in addition.lots for m in lot.members), key=lambda place: place[0])
    at = 0
    for sources in _blocks(sorted({*answered, *addition.also, *(source for source, _, _ in placed)})):
        members: dict[str, list[Member]] = {}
        while at < len(placed) and placed[at][0] <= sources[-1]:
            source, lot, m = placed[at]
            member = Member(lot.lot_id, lot.round, m.value, m.sampled, lot.closed_us, m.content_id, lot.version)
            members.setdefault(source, []).append(member)
            at += 1
        yield {
            source: unite(
                [evidence_of(answered.get(source, ()), members.get(source, ()))], addition.also.get(source, NOTHING)
            )
            for source in sources
        }


def _edit_evidence(writer: Writer, task: str, base: Oid | None, evidence: Mapping[str, Evidence]) -> Oid | None:
    return _edit_rows(writer, task, base, EVIDENCE_TYPE, {source: to_row(found) for source, found in evidence.items()})


def _edit_rows(writer: Writer, task: str, base: Oid | None, type_: Type, rows: Mapping[str, object]) -> Oid | None:
    if not rows:
        return base
    before = None if base is None else get_object(writer, base, Kind.SIGNAL, Signal)
    order = sorted(rows, key=str.encode)
    values = pa.array([rows[key] for key in order], type_.arrow)
    keys = pa.array(order, pa.string())
    edit = Edit.of_arrow(writer, type_, keys, values, Provenance("human", task, "0"))
    after = edit_tree(writer, before, type_, edit).signal
    return base if after is None else put_object(writer, Kind.SIGNAL, after)


def unite_ledgers(writer: Writer, ours: Oid, theirs: Oid) -> Oid:
    """Return the union of two ledgers. Either way round it knows the same; costs what the other knows and we do not."""
    if ours == theirs or theirs in LedgerView(writer, ours).ledger.parents:
        return ours
    mine, other = LedgerView(writer, ours), LedgerView(writer, theirs)
    tasks = {task.name: task for task in mine.ledger.tasks}
    for task in other.ledger.tasks:
        known = tasks.get(task.name, LedgerTask(task.name))
        tasks[task.name] = _unite_tasks(writer, mine, other, known, task)
    # Before its cursor either side may have put aside answers to asks that the other alone knows. So nobody reads on
    # from one that came from elsewhere (`dsvc.annotation.turns.intake`), and either of the two may be kept.
    cursors = dict(mine.ledger.cursors)
    for name, cursor in other.ledger.cursors:
        cursors[name] = max(cursor, cursors.get(name, cursor))
    guidelines = {*mine.ledger.guidelines, *other.ledger.guidelines}
    # Where they differ, one of the two clones is refused from now on.
    key = max(mine.ledger.pseudonyms, other.ledger.pseudonyms)
    has_tasks = tasks == {task.name: task for task in other.ledger.tasks}
    said = dict(other.ledger.cursors), set(other.ledger.guidelines), other.ledger.pseudonyms
    if has_tasks and (cursors, guidelines, key) == said:
        return theirs  # it has all that we have
    return _put(writer, ours, (theirs,), tasks, cursors, guidelines, key) or ours


def _unite_tasks(
    writer: Writer, mine: LedgerView, other: LedgerView, known: LedgerTask, task: LedgerTask
) -> LedgerTask:
    evidence = known.evidence
    if task.evidence is not None and evidence is None:
        evidence = task.evidence
    elif task.evidence is not None and task.evidence != evidence:
        for part in _blocks(_changed(writer, known.evidence, task.evidence)):
            theirs = other.evidence(task.name, part)
            ours = mine.evidence(task.name, part)
            both = {source: unite([found, ours.get(source, NOTHING)]) for source, found in theirs.items()}
            evidence = _edit_evidence(writer, task.name, evidence, both)
    lots, closed = known.lots or task.lots, dict[str, int]()
    before, after = (known.lots, task.lots) if task.lots is not None else (None, known.lots)
    changed = () if after is None else _changed(writer, before, after)
    for some in _blocks(sorted({Oid(bytes.fromhex(key.partition(".")[0])) for key in changed}), _LOTS):
        pairs = [(mine.lot(task.name, lot_id), other.lot(task.name, lot_id)) for lot_id in some]
        for lot in filter(None, (lot for pair in pairs for lot in pair)):
            closed[lot.key] = max(lot.closed_us, closed.get(lot.key, 0))
        news = (b for a, b in pairs if b is not None and (a is None or b.rank < a.rank))
        lots = _edit_rows(writer, task.name, lots, LOTS_TYPE, dict(row for lot in news for row in lot_rows(lot)))
    openings = dict(sorted((*known.openings, *task.openings), key=lambda one: -one[1]))  # the earliest counts
    # What one side has closed is filling from then on at the earliest, though the other does not know of it.
    since_then = sorted((key, max(since, closed.get(key, since))) for key, since in openings.items())
    return LedgerTask(task.name, evidence, lots, tuple(since_then))


def _changed(reader: Reader, before: Oid | None, after: Oid) -> Iterator[str]:
    """Yield the sources whose evidence, or the parts of lots, that differ; what is equal is passed over by its ids."""
    ours = None if before is None else get_object(reader, before, Kind.SIGNAL, Signal)
    for changes in diff_trees(reader, ours, get_object(reader, after, Kind.SIGNAL, Signal)):
        yield from changes.sources.to_pylist()


def _blocks(items: Iterable[T], size: int = _ROWS) -> Iterator[list[T]]:
    block: list[T] = []
    for item in items:
        block.append(item)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block
