"""Which lots are looked at for members that nobody can be asked about, and which members are."""

from decimal import Decimal

import msgspec
import pytest

from dsvc.annotation.answers.evidence import CANCELLED, Evidence, Member
from dsvc.annotation.answers.records import make_ask
from dsvc.annotation.closing import find_old_lots, lots_asked_for, take_out, why_parked
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.lots import Candidate, freeze
from dsvc.annotation.judging.rounds import resolve
from dsvc.annotation.keeping.ledger import Addition, append, read_ledger
from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.annotation.staging.expiry import DAY_US
from dsvc.annotation.turns.requests import Request
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import AuditSpec, LotSpec, Nearness, TaskSpec
from dsvc.store.memory import MemoryStore

AUDIT = AuditSpec(Decimal("0.5"), Decimal("0.1"), Nearness("equal"), lot=LotSpec(None, 10, DAY_US))
TASK = TaskSpec("t", parse_type("rating(5)"), InputPath("q"), "adjust", audit=AUDIT)


def make_lot(first, closed_us):
    """Return a lot of four values."""
    return freeze(TASK, "k", [Candidate(f"s{first + i}", "3", "e", 0, "k") for i in range(4)], closed_us)


@pytest.fixture(name="looks")
def make_looks():
    """A look at the lots of a ledger at a time."""
    store, ops = MemoryStore(), MemoryOpStore()

    def look(now_us, touched=(), *, more=(), nothing_more=False, forget=False, again=()):
        nonlocal ops
        ops = MemoryOpStore() if forget else ops
        append(store, {"t": Addition(lots=more)})
        since = lambda _: None if touched is None else {lot.lot_id for lot in touched}  # noqa: E731
        to_do = {lot.lot_id for lot in again}
        ledger = read_ledger(store)
        found = find_old_lots(ops, ledger, TASK, now_us, {"at": now_us}, since, to_do, nothing_more=nothing_more)
        return sorted((lot.closed_us, len(undecided)) for lot, undecided in found)

    return look


def test_a_lot_is_looked_at_once_it_is_old_and_when_a_member_of_it_differs(looks):
    """Not before its values have had their time, and not again while all is as it was; a wiped op store is no loss."""
    one, other = make_lot(0, 1), make_lot(9, 7)
    early = looks(DAY_US, more=[one])
    old, again = looks(DAY_US + 1), looks(DAY_US + 2)
    differs = looks(DAY_US + 3, [one], more=[other])
    younger = looks(DAY_US + 7)

    assert ([], [(1, 2)], [], [(1, 2)], [(7, 2)]) == (early, old, again, differs, younger)
    assert [] == looks(DAY_US + 8)
    assert [(1, 2), (7, 2)] == looks(DAY_US + 8, None) == looks(DAY_US + 8, forget=True)


def test_a_lot_whose_members_only_a_branch_asks_about_is_looked_at_each_time(looks):
    """What the branch does is not seen by what the draft is at."""
    lot = make_lot(0, 1)

    assert [(1, 2)] == looks(2 * DAY_US, more=[lot], again=[lot]) == looks(2 * DAY_US + 1)
    assert [] == looks(2 * DAY_US + 2)


def test_nothing_more_makes_every_lot_old(looks):
    """As it closes lots that are not full."""
    assert [(5, 2)] == looks(6, more=[make_lot(0, 5)], nothing_more=True)


def test_an_auditor_answers_for_the_lots_of_what_is_shown():
    """Not for that of an older value, nor where nobody is to look."""
    lot, other = make_lot(0, 1), make_lot(9, 1)
    members = [Member(one.lot_id, 0, value, True, 1, "e") for one, value in ((lot, "3"), (other, "5"))]
    item = Item("s", "e", "3", evidence=Evidence(members=tuple(members)))
    void = msgspec.structs.replace(item, evidence=take_out(item.evidence, {lot.lot_id}, "gone"))

    assert {lot.lot_id} == lots_asked_for(TASK, item, resolve(TASK, item))
    assert frozenset() == lots_asked_for(TASK, item, resolve(TASK, item, lambda _: "passed"))
    assert frozenset() == lots_asked_for(TASK, void, resolve(TASK, void))
    assert [(lot.lot_id, "gone")] == [(m.lot, m.void) for m in void.evidence.members]


def test_parked_for_good_is_who_was_parked_a_day_ago_or_cancelled():
    """Somebody may ask again meanwhile; who cancels means it."""
    ask = make_ask(
        source="s", content_id="", task="t", version="1", type="rating(5)", mode="audit", form="label", round=0
    )
    parked = Request(ask, "p", state="PARKED", changed_us=10, reason="gone")
    cancelled = msgspec.structs.replace(parked, reason=CANCELLED)

    assert ["", "gone"] == [why_parked(parked, now, nothing_more=False) for now in (DAY_US, DAY_US + 10)]
    assert "gone" == why_parked(parked, 11, nothing_more=True)
    assert CANCELLED == why_parked(cancelled, 11, nothing_more=False)
    assert ["", ""] == [
        why_parked(one, 2 * DAY_US, nothing_more=True) for one in (None, msgspec.structs.replace(parked, state="OPEN"))
    ]
