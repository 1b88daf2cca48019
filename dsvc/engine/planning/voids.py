"""Values that their lot is judged without, since nobody can be asked about them: found, as evidence to be appended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

import msgspec

from dsvc.annotation.answers.evidence import CANCELLED, WITHDRAWN, Evidence
from dsvc.annotation.closing import find_old_lots, lots_asked_for, take_out, why_parked
from dsvc.annotation.keeping.ledger import LedgerView
from dsvc.annotation.opstores.base import Doc, OpStore
from dsvc.annotation.turns.requests import Request
from dsvc.engine.planning.people import Asked, People
from dsvc.engine.planning.since import Point
from dsvc.objects.oid import Oid

_MOST: Final = 50_000
"""Where more sources differ, all lots are looked at."""


def find_void(
    people: People,
    others: Callable[[], Iterable[People]],
    ledger: LedgerView,
    ops: OpStore,
    parked: Iterable[Request],
    now_us: int,
    *,
    nothing_more: bool = False,
) -> dict[str, Evidence]:
    """Return source -> what is to be appended, of one task.

    Args:
        people: The task, as the draft has it.
        others: Yields the task as branches have it: what one of them asks is not withdrawn.
        ledger: What is known.
        ops: Remembers which lots are open, and what they were looked at by.
        parked: The task's asks that were given up or cancelled.
        now_us: The time.
        nothing_more: Whether nothing is on its way that would be worth waiting for.
    """
    task = people.task
    if task.audit is None:
        return {}
    given_up = _of_parked(
        people, {r.ask.source: r for r in parked if r.ask.mode == "audit"}, now_us, nothing_more=nothing_more
    )
    # As the ledger has them: what people are asked by may be read as values of today's type.
    known = ledger.evidence(task.name, given_up)
    out = {source: take_out(evidence, *given_up[source]) for source, evidence in known.items()}
    again: set[Oid] = set()
    point = None if people.point is None else msgspec.to_builtins(people.point)
    since = partial(_touched_since, people, ledger)
    lots = find_old_lots(ops, ledger, task, now_us, point, since, again, nothing_more=nothing_more)
    for lot, undecided in lots:
        left = {member.source: WITHDRAWN for member in undecided if member.source not in out}
        _leave_out_asked(people, lot.lot_id, left)
        if left:
            again.add(lot.lot_id)  # what a branch does is not seen here
        for other in others() if left else ():
            _leave_out_asked(other, lot.lot_id, left)
        for source, evidence in ledger.evidence(task.name, left).items():
            out[source] = take_out(evidence, {lot.lot_id}, left[source])
    return {source: found for source, found in out.items() if found.members}


def _touched_since(people: People, ledger: LedgerView, point: Doc) -> frozenset[Oid] | None:
    """Return the lots of whose members anything differs since a point; None where that cannot be told."""
    changed = people.changed_since(msgspec.convert(point, Point))
    if changed is None or len(changed) > _MOST:
        return None
    known = ledger.evidence(people.task.name, changed.arrow.to_pylist())
    return frozenset(member.lot for evidence in known.values() for member in evidence.members)


def _of_parked(
    people: People, parked: Mapping[str, Request], now_us: int, *, nothing_more: bool
) -> dict[str, tuple[frozenset[Oid], str]]:
    """Return source -> the lots that are to be judged without it, and why."""
    out: dict[str, tuple[frozenset[Oid], str]] = {}
    for source, asked in people.iter_looks(parked):
        request = parked[source]
        why = why_parked(request, now_us, nothing_more=nothing_more)
        if why and asked is not None and request.ask.ask_id in {one.ask.ask_id for one in asked.wanted}:
            out[source] = _lots(people, asked), why
    return out


def _leave_out_asked(people: People, lot: Oid, left: dict[str, str]) -> None:
    """Leave out the sources that people are asked to look at for a lot; of one that was cancelled, say that."""
    for source, asked in people.iter_looks(left):
        if asked is not None and lot in _lots(people, asked):
            if all(one.is_stopped for one in asked.wanted):
                left[source] = CANCELLED
            else:
                del left[source]


def _lots(people: People, asked: Asked) -> frozenset[Oid]:
    return lots_asked_for(people.task, asked.item, asked.resolution)
