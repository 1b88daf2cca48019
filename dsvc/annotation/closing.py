"""Members of lots that nobody can be asked about: found and taken out, so that no lot stays open for ever.

A member is void once its source is parked for good, its ask was cancelled, or no draft asks it any more, since the
source or the value is gone. What people withdraw for an hour and bring back is not: being parked or wanted by nobody
must have lasted, or nothing more may be on its way.

Which lots are open is remembered in the op store, with what they were last looked at by. So a look costs what changed,
and without the op store it is found out again.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

import msgspec

from dsvc.annotation.answers.evidence import CANCELLED, Evidence
from dsvc.annotation.answers.payloads import answer_type
from dsvc.annotation.judging.hearing import Heard, Item
from dsvc.annotation.judging.lots import Lot, LotMember, audit_of
from dsvc.annotation.judging.rounds import Resolution
from dsvc.annotation.judging.verdicts import has_void, judge_lot
from dsvc.annotation.keeping.ledger import LedgerView
from dsvc.annotation.opstores.base import Doc, OpStore, update
from dsvc.annotation.staging.expiry import DAY_US
from dsvc.annotation.turns.requests import Request
from dsvc.objects.oid import Oid
from dsvc.recipe.task_spec import TaskSpec


class OpenLot(msgspec.Struct, frozen=True, order=True):
    """A lot that is not judged, as far as is remembered."""

    lot: str
    """In hex."""
    closed_us: int
    is_looked_at: bool = False
    """Whether everybody in it could be asked at the last look."""


class Remembered(msgspec.Struct, frozen=True):
    """What is remembered of the lots of one task."""

    lots: str = ""
    """Id of the signal of lots, in hex, that `open` are of."""
    open: tuple[OpenLot, ...] = ()
    point: Doc | None = None
    """What the task was at, at the last look."""


def find_old_lots(
    ops: OpStore,
    ledger: LedgerView,
    task: TaskSpec,
    now_us: int,
    point: Doc | None,
    touched_since: Callable[[Doc], Container[Oid] | None],
    again: Container[Oid],
    *,
    nothing_more: bool,
) -> Iterator[tuple[Lot, tuple[LotMember, ...]]]:
    """Yield the lots that are not judged though they were closed long ago, with whom nobody has judged.

    One in which everybody could be asked is looked at again once anything of a member of it differs.

    Args:
        ops: Remembers which are open.
        ledger: Where lots are.
        task: The task, which has an audit.
        now_us: The time.
        point: What the task is at; None where that cannot be told.
        touched_since: Tells the lots of whose members anything differs since a point; None where that cannot be told.
        again: Asked once all were yielded: the lots that are to be looked at again whatever happens.
        nothing_more: Whether all are old enough.
    """
    known = _remembered(ops, ledger, task)
    grace_us = 0 if nothing_more else audit_of(task).lot.close_after_us
    old = [one for one in known.open if one.closed_us + grace_us <= now_us]
    touched = touched_since(known.point) if old and known.point is not None else None
    still = {one.lot: one for one in known.open}
    for one in old:
        lot_id = Oid(bytes.fromhex(one.lot))
        if one.is_looked_at and touched is not None and lot_id not in touched:
            continue
        lot = ledger.lot(task.name, lot_id)
        undecided = () if lot is None else _undecided(ledger, task, lot)
        if lot is None or not undecided:
            del still[one.lot]
        else:
            yield lot, undecided
            still[one.lot] = OpenLot(one.lot, one.closed_us, is_looked_at=point is not None and lot_id not in again)
    made = Remembered(known.lots, tuple(sorted(still.values())), known.point if point is None else point)
    if old and made != known:
        _remember(ops, task, made)


def _undecided(ledger: LedgerView, task: TaskSpec, lot: Lot) -> tuple[LotMember, ...]:
    known = ledger.evidence(task.name, [m.source for m in lot.sample])
    if has_void(lot, known):
        known = ledger.evidence(task.name, [m.source for m in lot.members])
    verdict = judge_lot(task, lot, known)
    return verdict.undecided if verdict.state == "pending" else ()


def _remembered(ops: OpStore, ledger: LedgerView, task: TaskSpec) -> Remembered:
    found = ops.get("control", _name(task))
    known = Remembered() if found is None else msgspec.convert(found.doc, Remembered)
    now = ledger.lots_id(task.name)
    if now is None or known.lots == now.hex():
        return known
    before = Oid(bytes.fromhex(known.lots)) if known.lots else None
    new = [OpenLot(oid.hex(), closed_us) for oid, closed_us in ledger.lots_since(task.name, before)]
    there = {one.lot for one in known.open}
    more = (one for one in new if one.lot not in there)
    made = Remembered(now.hex(), tuple(sorted([*known.open, *more])), known.point)
    _remember(ops, task, made)
    return made


def _remember(ops: OpStore, task: TaskSpec, known: Remembered) -> None:
    update(ops, "control", _name(task), lambda _: msgspec.to_builtins(known))


def _name(task: TaskSpec) -> str:
    return f"lots of {task.name}"


def lots_asked_for(task: TaskSpec, item: Item, found: Resolution) -> frozenset[Oid]:
    """Return the lots that an auditor's answer about an item is for."""
    if found.value is None or not any(need.mode == "audit" for need in found.needs):
        return frozenset()
    heard = Heard(task, answer_type(task.type_text), item)
    return frozenset(member.lot for member in heard.members(found.round, found.value) if not member.void)


def why_parked(request: Request | None, now_us: int, *, nothing_more: bool) -> str:
    """Return why an ask is parked for good; empty where it is not."""
    if request is None or request.state != "PARKED":
        return ""
    if request.reason == CANCELLED:
        return CANCELLED
    return request.reason if nothing_more or request.changed_us + DAY_US <= now_us else ""


def take_out(evidence: Evidence, lots: Container[Oid], why: str) -> Evidence:
    """Return what there is to say more: that nobody can be asked about the members of some lots."""
    members = [member for member in evidence.members if not member.void and member.lot in lots]
    return Evidence(members=tuple(msgspec.structs.replace(member, void=why) for member in members))
