"""What people answered, as inputs of a task: the evidence of each source, and the verdicts of the lots that it is in.

The evidence is a signal of the ledger. The verdict of a lot follows from the evidence of those of its members that are
looked at, so that one answer may decide over a whole lot: verdicts are a signal of their own, source -> verdicts, made
of what changed. A trace names all of these, and so does whatever commit stands on it: which answers it was made from is
known for ever.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from dsvc.annotation.answers.evidence import Evidence, from_row
from dsvc.annotation.judging.lots import Lot
from dsvc.annotation.judging.verdicts import has_void, judge_lot
from dsvc.annotation.keeping.ledger import LedgerView, read_ledger
from dsvc.annotation.keeping.lot_rows import lots_of
from dsvc.engine.reading.inputs import Input, Inputs, find_signal
from dsvc.engine.reading.scratch import Scratch
from dsvc.objects.diff import ADDED, REMOVED, diff_trees
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import get_object, put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.trace import Trace, TraceInput
from dsvc.objects.tree import Tree
from dsvc.objects.types import parse_type
from dsvc.recipe.nodes import TaskNode
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import TaskSpec
from dsvc.repo.view import View
from dsvc.store.base import Store

EVIDENCE: Final = InputPath("_evidence")
"""Names, among the inputs of a task, what is known of each source."""
VERDICTS: Final = InputPath("_verdicts")
"""Names, among the inputs of a task, what became of the lots that each source is in."""
LOTS: Final = "_lots"
"""Path of a trace input that names the lots that verdicts are of."""
VERDICT_TYPE: Final = parse_type("list<struct<lot: fixed_binary(32), state: string>>")
_PENDING: Final = "pending"
_MEMBERS: Final = 65_536
"""Members of lots that are judged at a time, about."""
_MADE_BY = Provenance("step", "verdicts", "0")

Adapt = Callable[[Evidence], Evidence]
"""Reads evidence as evidence of today's version of a task."""


class Facts(Protocol):
    """What people answered, in some state."""

    def evidence(self, task: str) -> Oid:
        """Return the id of the signal of a task's evidence; zero for none."""
        ...

    def lots(self, task: str) -> Oid:
        """Return the id of the signal of a task's closed lots; zero for none."""
        ...


class LedgerFacts:
    """What the ledger holds when it is first asked for.

    Args:
        store: Where the ledger is.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @cached_property
    def view(self) -> LedgerView:
        """The ledger."""
        return read_ledger(self._store)

    def evidence(self, task: str) -> Oid:
        """Return the id of the signal of a task's evidence; zero for none."""
        return self.view.evidence_id(task) or ZERO

    def lots(self, task: str) -> Oid:
        """Return the id of the signal of a task's closed lots; zero for none."""
        return next((entry.lots for entry in self.view.ledger.tasks if entry.name == task), None) or ZERO


class PinnedFacts:
    """What a version was made from; of a task that it has not made, what the ledger holds.

    Args:
        store: Where the ledger is.
        view: The version.
    """

    def __init__(self, store: Store, view: View) -> None:
        self._ledger = LedgerFacts(store)
        self._view = view

    @cached_property
    def _pins(self) -> Mapping[str, Mapping[str, Oid]]:
        pins = {}
        for entry in self._view.state.derived:
            inputs = get_object(self._view.reader, entry.trace, Kind.TRACE, Trace).inputs
            named = {used.path: used.signal for used in inputs}
            if LOTS in named:
                pins[entry.name] = named
        return pins

    def evidence(self, task: str) -> Oid:
        """Return the id of the signal of a task's evidence; zero for none."""
        return self._pins[task].get(str(EVIDENCE), ZERO) if task in self._pins else self._ledger.evidence(task)

    def lots(self, task: str) -> Oid:
        """Return the id of the signal of a task's closed lots; zero for none."""
        return self._pins[task][LOTS] if task in self._pins else self._ledger.lots(task)


class TaskInputs(Inputs):
    """The inputs of a task; a trace of them also says which lots the verdicts are of."""

    lots: TraceInput = TraceInput(LOTS, ZERO, ZERO)

    def trace_inputs(self) -> tuple[TraceInput, ...]:
        """Return what a trace over these inputs says of them."""
        return (*super().trace_inputs(), self.lots)


def bind_facts(facts: Facts, spec: TaskNode, inputs: Inputs, was: Trace | None, adapt: Adapt) -> tuple[Inputs, Scratch]:
    """Return a task's inputs with what people answered, and the objects of these that are not stored yet.

    Args:
        facts: What people answered.
        spec: The task.
        inputs: What the recipe says that it reads.
        was: The trace of the draft's signal, if it was made by this very task.
        adapt: Reads answers of old versions as today's.
    """
    made_up = Scratch(inputs.reader)
    evidence, lots = facts.evidence(spec.name), facts.lots(spec.name)
    verdicts = _Verdicts(made_up, spec.spec, evidence, lots, adapt).find(was)
    named = ((EVIDENCE, evidence), (VERDICTS, verdicts))
    also = [Input(path, is_required=False, signal_id=oid, signal=find_signal(made_up, oid)) for path, oid in named]
    bound = TaskInputs(made_up, [*inputs.items, *also], inputs.declared, inputs.sources)
    signal = find_signal(made_up, lots)
    bound.lots = TraceInput(LOTS, ZERO if signal is None else signal.value_id, lots)
    return bound, made_up


class _Verdicts:
    """Makes the verdicts of a task's lots, source by source.

    Args:
        scratch: Takes the signal.
        task: The task.
        evidence: Id of its evidence; zero for none.
        lots: Id of its lots; zero for none.
        adapt: Reads answers of old versions as today's.
    """

    def __init__(self, scratch: Scratch, task: TaskSpec, evidence: Oid, lots: Oid, adapt: Adapt) -> None:
        self._scratch, self._task, self._adapt = scratch, task, adapt
        self._evidence_id, self._lots_id = evidence, lots
        self._evidence, self._lots = find_signal(scratch, evidence), find_signal(scratch, lots)

    def find(self, was: Trace | None) -> Oid:
        """Return the id of the signal of all verdicts; zero for none."""
        if self._lots is None:
            return ZERO
        named = {} if was is None else {used.path: used.signal for used in was.inputs}
        if LOTS not in named or named[LOTS] == ZERO:
            return self._make(None, lots_of(Tree(self._scratch, self._lots)), {}, frozenset())
        old_evidence, old_lots = named.get(str(EVIDENCE), ZERO), named[LOTS]
        base = named.get(str(VERDICTS), ZERO)
        if (old_evidence, old_lots) == (self._evidence_id, self._lots_id):
            return base
        added, changed = self._find_new(find_signal(self._scratch, old_lots))
        before = self._find_touched(find_signal(self._scratch, old_evidence), added | changed)
        touched = self._get_lots(added | changed | before.keys())
        return self._make(find_signal(self._scratch, base), touched, before, changed)

    def _find_new(self, lots: Signal | None) -> tuple[set[bytes], set[bytes]]:
        """Return the lots that came, and those of which other things are known than before."""
        found: dict[bytes, bool] = {}
        for changes in diff_trees(self._scratch, lots, self._lots):
            for key, op in zip(changes.sources.to_pylist(), changes.ops.tolist(), strict=True):
                if op != REMOVED:
                    lot = bytes.fromhex(key.partition(".")[0])
                    found[lot] = op == ADDED and found.get(lot, True)
        return {lot for lot, is_added in found.items() if is_added}, {lot for lot in found if not found[lot]}

    def _find_touched(self, before: Signal | None, new: set[bytes]) -> dict[bytes, dict[str, Evidence]]:
        """Return the lots, but for new ones, of which somebody who is looked at has other evidence, with what it was.

        What is read for it is what changed, and most of that is of new lots where there are any.
        """
        found: dict[bytes, dict[str, Evidence]] = {}
        passed = pa.array(sorted(new), pa.binary(32))
        for changes in diff_trees(self._scratch, before, self._evidence):
            after = changes.after_arrow()
            members = after.field("members")
            is_old = pc.invert(pc.is_in(pc.list_flatten(members).field("lot"), value_set=passed))
            rows = pc.unique(pc.list_parent_indices(members).filter(is_old)).sort()
            named = (changes.sources, changes.before_arrow(), after)
            for source, was, now in zip(*(column.take(rows).to_pylist() for column in named), strict=True):
                said = {ask["round"] for ask in now["asks"]}
                for member in now["members"]:  # one that nobody drew may be looked at in place of another, by anyone
                    if member["lot"] not in new and (member["sampled"] or member["void"] or member["round"] in said):
                        known = self._adapt(from_row(self._task.name, source, was))
                        found.setdefault(member["lot"], {})[source] = known
        return found

    def _read(self, sources: Iterable[str]) -> dict[str, Evidence]:
        """Return what is known of some sources."""
        keys = Keys.of_bytes(sorted({source.encode() for source in sources}))
        if self._evidence is None or not len(keys):
            return {}
        rows = Tree(self._scratch, self._evidence).take(keys)
        pairs = zip(rows.sources.to_pylist(), rows.values.to_pylist(), strict=True)
        return {source: self._adapt(from_row(self._task.name, source, row)) for source, row in pairs}

    def _get_lots(self, lot_ids: Iterable[bytes]) -> Iterator[Lot]:
        if self._lots is not None:
            tree = Tree(self._scratch, self._lots)
            yield from (lot for lot_id in sorted(lot_ids) for lot in lots_of(tree, lot_id))

    def _make(
        self,
        base: Signal | None,
        lots: Iterable[Lot],
        before: Mapping[bytes, Mapping[str, Evidence]],
        changed: Container[bytes],
    ) -> Oid:
        """Return the verdicts of `base` with those of some lots judged again.

        Args:
            base: Those that there are.
            lots: The lots.
            before: Of those that `base` knows, what was known of members that more is known of now.
            changed: Those that `base` may know otherwise.
        """
        signal = base
        for group in _groups(lots):
            # The members of a lot lie anywhere: those of many lots are read in one go through the trees.
            known = self._read(member.source for lot in group for member in lot.sample)
            void = [lot for lot in group if has_void(lot, known)]
            known |= self._read(member.source for lot in void for member in lot.members)
            judged: dict[str, dict[bytes, str]] = {}
            for lot in group:
                verdict = judge_lot(self._task, lot, known)
                if lot.lot_id in before:
                    then = judge_lot(self._task, lot, ChainMap(dict(before[lot.lot_id]), known))
                    if (then.state, then.looked_at) == (verdict.state, verdict.looked_at):
                        continue
                states = {member.source: verdict.state_of(member) for member in lot.members}
                if lot.lot_id not in before and lot.lot_id not in changed and {*states.values()} <= {_PENDING}:
                    continue
                for source, state in states.items():
                    judged.setdefault(source, {})[lot.lot_id] = state
            if judged:
                signal = self._edit(signal, judged)
        return ZERO if signal is None else put_object(self._scratch, Kind.SIGNAL, signal)

    def _edit(self, base: Signal | None, judged: Mapping[str, Mapping[bytes, str]]) -> Signal | None:
        """Return verdicts with some of them put, by source and lot."""
        order = sorted(judged, key=str.encode)
        held = self._held(base, order)
        rows: dict[str, list[dict[str, Any]]] = {}
        for source in order:
            both = {**held.get(source, {}), **judged[source]}
            rows[source] = [{"lot": lot, "state": both[lot]} for lot in sorted(both) if both[lot] != _PENDING]
        put = [source for source in order if rows[source]]
        gone = Keys.of_bytes([source.encode() for source in order if not rows[source]])
        values = pa.array([rows[source] for source in put], VERDICT_TYPE.arrow)
        upserts = Edit.of_arrow(self._scratch, VERDICT_TYPE, pa.array(put, pa.string()), values, _MADE_BY).upserts
        edit = Edit(upserts if put else None, gone if len(gone) else None)
        return edit_tree(self._scratch, base, VERDICT_TYPE, edit).signal

    def _held(self, base: Signal | None, sources: list[str]) -> dict[str, dict[bytes, str]]:
        if base is None:
            return {}
        rows = Tree(self._scratch, base).take(Keys.of_bytes([source.encode() for source in sources]))
        pairs = zip(rows.sources.to_pylist(), rows.values.to_pylist(), strict=True)
        return {source: {item["lot"]: item["state"] for item in row} for source, row in pairs}


def _groups(lots: Iterable[Lot]) -> Iterator[list[Lot]]:
    """Yield lots, many at a time, but not so many that their members would be too much to hold."""
    group: list[Lot] = []
    n_members = 0
    for lot in lots:
        group.append(lot)
        n_members += len(lot.members)
        if n_members >= _MEMBERS:
            yield group
            group, n_members = [], 0
    if group:
        yield group
