"""Which values wait to be taken into a lot, from pass to pass.

All that wait were never looked at, or are those of the last look and what changed since. How few wait is no matter of
how many values there are, since a lot that is full is closed: the op store remembers them. Without it, all values are
looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from dsvc.annotation.judging.lots import Candidate, Lot
from dsvc.annotation.opstores.base import Doc, OpStore, update
from dsvc.engine.planning.people import People
from dsvc.engine.planning.since import Point
from dsvc.objects.keys import Keys, merge_order

MOST: Final = 20_000
"""As many values are remembered; where more wait, since their lots are many, all are looked at."""


class _Known(msgspec.Struct, frozen=True):
    """What is remembered of one task."""

    point: Point
    waiting: tuple[str, ...]
    """Sources, ascending."""


def name_of(task: str) -> str:
    """Return under which name it is remembered who waits."""
    return f"filling of {task}"


def find_remembered(people: People, doc: Doc | None, *, is_foreseen: bool = False) -> Iterator[Candidate] | None:
    """Return the values that wait, ascending; None where they cannot be told from what is remembered.

    Args:
        people: The task.
        doc: What is remembered of it.
        is_foreseen: Whether the version is what a run would leave, and so what the inputs give by now.
    """
    is_made = is_foreseen or people.point is not None
    known = msgspec.convert(doc, _Known) if doc is not None and is_made else None
    changed = None if known is None else people.changed_since(known.point)
    if known is None or changed is None:
        return None
    waiting = Keys.of_bytes([source.encode() for source in known.waiting])
    return people.iter_candidates(merge_order(waiting, changed)[0])


class Filling:
    """The values of one task that wait for a lot.

    Args:
        people: The task.
        ops: Remembers.
    """

    def __init__(self, people: People, ops: OpStore) -> None:
        self._people, self._ops = people, ops
        self._point = people.point
        self._name = name_of(people.task.name)

    def candidates(self) -> list[Candidate]:
        """Return the values that wait, ascending."""
        record = self._ops.get("control", self._name)
        found = find_remembered(self._people, None if record is None else record.doc)
        return list(self._people.iter_candidates() if found is None else found)

    def remember(self, candidates: Iterable[Candidate], closed: Iterable[Lot]) -> None:
        """Remember who waits on.

        Args:
            candidates: Those that waited.
            closed: The lots that some of them are in now.
        """
        taken = {member.source for lot in closed for member in lot.members}
        waiting = tuple(one.source for one in candidates if one.source not in taken)
        known = None if self._point is None or len(waiting) > MOST else _Known(self._point, waiting)
        doc = None if known is None else msgspec.to_builtins(known)
        update(self._ops, "control", self._name, lambda found: found if found == doc else doc)
