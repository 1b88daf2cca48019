"""The sources of a task as people meet them: what they are asked, and which values wait for a lot.

What is in work is found by the draft's waiting tree, so that it costs what is asked and not what there is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dsvc.annotation.judging.asks import Wanted, asks_of
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.lots import Candidate
from dsvc.annotation.judging.rounds import Resolution, VerdictOf
from dsvc.engine.making.binding import Bound, bind_step
from dsvc.engine.making.loading import Loader
from dsvc.engine.making.task_items import MODEL, Items
from dsvc.engine.making.task_step import TaskStep
from dsvc.engine.planning.since import Point, changed_since, point_of
from dsvc.engine.planning.waits import asks_named
from dsvc.engine.reading.facts import EVIDENCE
from dsvc.engine.reading.fields import Mask
from dsvc.engine.reading.inputs import Inputs, find_signal
from dsvc.engine.reading.probe import Probe
from dsvc.errors import AnswerFormatError, ObjectNotFoundError, UserError
from dsvc.objects.access import Reader
from dsvc.objects.chunk import ProvColumn, batched_chunks, load_keys, load_prov
from dsvc.objects.encoding import get_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.tree import ROWS_PER_BATCH, Tree
from dsvc.recipe.nodes import TaskNode
from dsvc.recipe.spec import Recipe
from dsvc.recipe.task_spec import TaskSpec
from dsvc.repo.base import BaseRepository
from dsvc.repo.names import nearest
from dsvc.repo.view import View

UNAUDITED = "unaudited"
_ROWS = 16_384


@dataclass(frozen=True)
class Asked:
    """One source that people are asked about."""

    item: Item
    resolution: Resolution
    wanted: tuple[Wanted, ...]
    """The asks, and of how many more people."""
    verdict_of: VerdictOf
    """What became of the lots that it is in."""


class People:
    """One task of a version, with what the ledger holds.

    Args:
        repo: Whose ledger.
        view: The version; as a rule the draft.
        loader: Loads the recipe.
        name: The task.
        bound: It bound to the version, where that was done before.

    Raises:
        UserError: If the recipe has no such task.
    """

    def __init__(self, repo: BaseRepository, view: View, loader: Loader, name: str, bound: Bound | None = None) -> None:
        self.task = find_task(loader.recipe, name)
        self._view, self._loader = view, loader
        self._bound = bound or bind_step(repo, view, loader, TaskNode.of_task(self.task))

    @property
    def signal_id(self) -> Oid | None:
        """The id of its signal in the version; None where there is none."""
        return self._view.signals.get(self.task.name)

    @property
    def waiting_id(self) -> Oid:
        """The id of its waiting tree in the version; zero where nobody waits."""
        return self._view.waiting.get(self.task.name, ZERO)

    def iter_asked(self, among: Keys | None = None) -> Iterator[Asked]:
        """Yield the sources that the last run found people to be asked about, ascending, with what is asked now.

        A source of which enough has been said since is left out; one that is to be asked about since is found by the
        next run.

        Args:
            among: Look at these sources; all that there are if None.
        """
        for keys in self._iter_waiting(among):
            yield from (asked for asked in self._resolve(keys) if asked is not None and asked.wanted)

    def _iter_waiting(self, among: Keys | None) -> Iterator[Keys]:
        waiting = find_signal(self._view.reader, self.waiting_id)
        tree = None if waiting is None else Tree(self._view.reader, waiting)
        if tree is not None and among is not None:
            yield among.take(np.flatnonzero(tree.has(among)))
        elif tree is not None:
            yield from (Keys.of(rows.sources) for rows in tree.rows(rows_per_batch=_ROWS))

    def asks_before(self, waiting: Oid, sources: Keys) -> set[str] | None:
        """Return the asks about some sources that an earlier waiting tree names, by id; None where it is gone."""
        try:
            return asks_named(self._view.reader, waiting, sources)
        except ObjectNotFoundError:
            return None

    @property
    def point(self) -> Point | None:
        """What a look at it now is at; None where the version's signal is not what its inputs give by now."""
        return point_of(self._bound)

    def changed_since(self, point: Point) -> Keys | None:
        """Return the sources of which anything differs since an earlier look; None where that cannot be told."""
        return None if self._bound is None else changed_since(self._bound, point)

    def iter_candidates(self, among: Keys | None = None) -> Iterator[Candidate]:
        """Yield the values that wait to be taken into a lot, ascending.

        Args:
            among: Look at these sources; all that there are if None.
        """
        for keys in self._iter_unaudited() if among is None else self._unaudited_of(among):
            yield from self._candidates(keys)

    def count_candidates(self) -> Counter[tuple[int, str, str]]:
        """Count the values that wait to be taken into a lot, by what those of one lot have in common.

        By round, origin and what `lot.by` gives. What nobody said anything of is not looked at one by one.
        """
        counts: Counter[tuple[int, str, str]] = Counter()
        if self._bound is None:
            return counts
        inputs = self._bound.inputs
        evidence = next((item.signal for item in inputs.items if item.path == EVIDENCE), None)
        for keys in self._iter_unaudited():
            is_known = Probe(inputs.reader, keys).present(evidence)
            plain = keys.take(np.flatnonzero(~is_known))
            counts.update((0, MODEL, key) for key in self._lot_keys(plain))
            found = self._candidates(keys.take(np.flatnonzero(is_known)))
            counts.update((one.round, one.origin, one.key) for one in found)
        return counts

    def _iter_unaudited(self) -> Iterator[Keys]:
        """Yield the sources whose value is of a lot that is not judged, or of none."""
        signal = self._view.signal(self.task.name)
        if signal is None or self.task.audit is None:
            return
        reader = self._view.reader
        for entries in batched_chunks(Tree(reader, signal).nodes().chunks(), ROWS_PER_BATCH):
            prov = load_prov(reader, entries)
            is_open = _is_unaudited(reader, prov)
            if is_open.any():
                yield load_keys(reader, entries).take(np.flatnonzero(is_open))

    def _unaudited_of(self, keys: Keys) -> Iterator[Keys]:
        """Yield those of some sources that `_iter_unaudited` yields."""
        signal, reader = self._view.signal(self.task.name), self._view.reader
        for start in range(0, 0 if signal is None or self.task.audit is None else len(keys), _ROWS):
            some = keys.slice(start, min(start + _ROWS, len(keys)))
            prov = Probe(reader, some).read(signal, provenance=True).prov if signal is not None else None
            if prov is not None:
                yield some.take(np.flatnonzero(_is_unaudited(reader, prov)))

    def _candidates(self, keys: Keys) -> Iterator[Candidate]:
        if self._bound is None or not len(keys):
            return
        by, inputs = self._lot_keys(keys), self._bound.inputs
        columns = inputs.take(Probe(inputs.reader, keys))
        items = self._items(columns)
        for row in items.in_turn(np.flatnonzero(columns.complete).tolist()):
            found = items.find_candidate(row, by[row])
            if found is not None:
                yield found

    def iter_items(self, task: TaskSpec | None = None) -> Iterator[tuple[Item, Resolution]]:
        """Yield every source that somebody said something of, or is to be asked about, ascending.

        Args:
            task: Another version of the task, which these are resolved by.
        """
        bound = self._bound
        for columns in () if bound is None else bound.inputs.scan(_ROWS):
            items = self._items(columns)
            for row in items.in_turn(items.rows()):
                try:
                    yield items.resolution(row, task)
                except AnswerFormatError:
                    continue  # it is counted as failed

    def look(self, pointer: str) -> Asked | None:
        """Return one source, and what became of it; None where it is none of the task's."""
        return next(self._resolve(Keys.of_bytes([pointer.encode()])), None)

    def iter_looks(self, pointers: Iterable[str]) -> Iterator[tuple[str, Asked | None]]:
        """Yield some sources, ascending, each with what became of it; None for one that is none of the task's."""
        order = sorted(set(pointers), key=str.encode)
        keys = Keys.of_bytes([pointer.encode() for pointer in order])
        found = self._resolve(keys) if self._bound is not None else iter([None] * len(order))
        yield from zip(order, found, strict=True)

    def _resolve(self, keys: Keys) -> Iterator[Asked | None]:
        """Yield what became of each source; None for one that is none of the task's."""
        if self._bound is None or not len(keys):
            return
        inputs = self._bound.inputs
        columns = inputs.take(Probe(inputs.reader, keys))
        items, is_complete = self._items(columns), columns.complete.tolist()
        for row in items.in_turn(range(len(columns))):
            yield self._look(items, row) if is_complete[row] else None

    def _look(self, items: Items, row: int) -> Asked | None:
        try:
            item, resolution = items.resolution(row)
        except AnswerFormatError:
            return None  # it is counted as failed
        return Asked(item, resolution, asks_of(self.task, item, resolution), items.verdict_of(row))

    def _items(self, columns: Any) -> Items:
        if self._bound is None:
            raise TypeError("a task without inputs")
        step = self._loader.load(self._bound.spec, self._bound.type, self._bound.transform)
        if not isinstance(step, TaskStep):
            raise TypeError(f"{self.task.name} is no task")
        return step.items(step.batch(columns))

    def _lot_keys(self, keys: Keys) -> Sequence[str]:
        """Return what the lots of some sources' values are told apart by."""
        by = None if self.task.audit is None else self.task.audit.lot.by
        if by is None or not len(keys):
            return [""] * len(keys)
        inputs = Inputs.bind(self._view, by.inputs, (), self._loader.declared_types)
        columns = inputs.take(Probe(inputs.reader, keys))
        values = {path: columns.values(path) for path in by.inputs}
        told: pa.Array[Any] = self._loader.evaluator.evaluate([by], values, n_rows=len(keys), name=self.task.name)[0]
        return [lot_text(value) for value in told.to_pylist()]


def find_task(recipe: Recipe, name: str) -> TaskSpec:
    """Return a task of a recipe.

    Raises:
        UserError: If it has no such task; the hint gives the nearest.
    """
    if name not in recipe.tasks:
        close = nearest(name, recipe.tasks)
        hint = f"did you mean {close!r}?" if close else f"it has: {', '.join(recipe.tasks) or 'none'}"
        raise UserError(message=f"the recipe has no task {name!r}", hint=hint)
    return recipe.tasks[name]


def _is_unaudited(reader: Reader, prov: ProvColumn) -> Mask:
    """Return which records say that their lot is not judged; a row without a record does not."""
    told = [get_object(reader, oid, Kind.PROVENANCE, Provenance).standing for oid in prov.table]
    return np.array([*(standing == UNAUDITED for standing in told), False], np.bool_)[prov.rows]


def lot_text(value: Any) -> str:
    """Return what lots are told apart by as text."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, default=str, sort_keys=True)
