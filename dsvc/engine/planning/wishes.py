"""What a branch comes to want of people, and wants no more, since the pass before.

A pass that wants a hundred thousand answers need not say so each time: the op store remembers what it was told last,
and the waiting tree of that time which asks these were. What changed since is told, and every hour all of it, so that
whatever happened to the op store is made up for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from dsvc.annotation.judging.asks import Wanted
from dsvc.annotation.opstores.base import Doc, OpStore, iter_scan, starting_with, update
from dsvc.annotation.staging.expiry import HOUR_US
from dsvc.engine.planning.people import People
from dsvc.engine.planning.since import Point
from dsvc.objects.oid import Oid

EVERY_US: Final = HOUR_US
"""How often everything is told."""
_NAME: Final = "wishes of "


class _Told(msgspec.Struct, frozen=True):
    """What was told of one task."""

    point: Point
    waiting: str
    """Id of the waiting tree, in hex."""
    n_asks: int


class _Known(msgspec.Struct, frozen=True):
    """What is remembered of one subscriber."""

    setting: str
    all_us: int
    """When everything was told."""
    tasks: dict[str, _Told]


class Wishes(msgspec.Struct, frozen=True):
    """What is to be told."""

    wanted: Mapping[str, Sequence[Wanted]]
    """By task, every ask of the sources that are told of."""
    before: frozenset[str] | None = None
    """The asks of these sources that were wanted before, by id in hex; None where all sources are told of."""
    n_asks: Mapping[str, int] = {}
    """By task, how many asks are wanted in all; without what is cancelled."""


class Wishing:
    """What a subscriber wants, from pass to pass.

    Args:
        tasks: The tasks of the draft.
        ops: Remembers.
        subscriber: Who wants it.
        setting: What else a wish says: where it is another, everything is told.
        now_us: The time.
        is_gone: Tells whether another subscriber is no more; what it wanted is found when everything is told.
    """

    def __init__(
        self,
        tasks: Sequence[People],
        ops: OpStore,
        subscriber: str,
        setting: str,
        now_us: int,
        is_gone: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._tasks, self._ops = tasks, ops
        self._name, self._setting, self._now = _NAME + subscriber, setting, now_us
        names = [record.id for record in iter_scan(ops, "control", "id", *starting_with(_NAME))]
        self._gone = [name for name in names if name != self._name and is_gone(name.removeprefix(_NAME))]
        self._known = None if self._gone else self._recall()

    def find(self) -> Wishes:
        """Return what is to be told."""
        if self._known is not None:
            found = self._find_changed(self._known)
            if found is not None:
                return found
            self._known = None
        # Whoever wants something is known by name before it does, and by no more than that until all of it is told.
        self._put({})
        wanted = {one.task.name: [w for asked in one.iter_asked() for w in asked.wanted] for one in self._tasks}
        return Wishes(wanted, None, {name: _count(found) for name, found in wanted.items()})

    def remember(self, told: Wishes) -> None:
        """Remember what was told, once it was."""
        tasks: dict[str, _Told] = {}
        for one in self._tasks:
            if one.point is not None:
                tasks[one.task.name] = _Told(one.point, one.waiting_id.hex(), told.n_asks[one.task.name])
        all_us = self._now if self._known is None else self._known.all_us
        known = _Known(self._setting, all_us, tasks) if len(tasks) == len(self._tasks) else None
        self._put({} if known is None else msgspec.to_builtins(known))
        for name in self._gone:
            update(self._ops, "control", name, lambda _: None)

    def _put(self, doc: Doc) -> None:
        update(self._ops, "control", self._name, lambda found: found if found == doc else doc)

    def _recall(self) -> _Known | None:
        record = self._ops.get("control", self._name)
        known = None if record is None or not record.doc else msgspec.convert(record.doc, _Known)
        names = {one.task.name for one in self._tasks}
        if known is None or known.setting != self._setting or known.tasks.keys() != names:
            return None
        return known if 0 <= self._now - known.all_us < EVERY_US else None

    def _find_changed(self, known: _Known) -> Wishes | None:
        wanted: dict[str, Sequence[Wanted]] = {}
        before, counts = set[str](), dict[str, int]()
        for one in self._tasks:
            told = known.tasks[one.task.name]
            keys = None if one.point is None else one.changed_since(told.point)
            was = None if keys is None else one.asks_before(Oid(bytes.fromhex(told.waiting)), keys)
            if keys is None or was is None:
                return None
            found = [w for asked in one.iter_asked(keys) for w in asked.wanted]
            wanted[one.task.name] = found
            before |= was
            counts[one.task.name] = told.n_asks - len(was) + _count(found)
        return Wishes(wanted, frozenset(before), counts)


def _count(wanted: Sequence[Wanted]) -> int:
    return sum(not one.is_stopped for one in wanted)
