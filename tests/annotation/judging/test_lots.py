"""Lots are closed once, frozen, and sampled without chance."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.judging.lots import Candidate, audit_of, close_lots, plan_of
from dsvc.objects.types import parse_type
from dsvc.recipe.task_spec import AuditSpec, LotSpec, Nearness, TaskSpec

AUDIT = AuditSpec(Decimal("0.2"), Decimal("0.1"), Nearness("equal"), lot=LotSpec(None, 10, 100))
TASK = TaskSpec("t", parse_type("rating(5)"), audit=AUDIT)


def candidates(n, key="", origin="model", start=0):
    """Return values that wait."""
    return [Candidate(f"s{i:03}", "3", "e", 0, key, origin) for i in range(start, start + n)]


def test_a_lot_closes_when_it_is_full():
    """The rest goes on waiting, from now."""
    closing = close_lots(TASK, candidates(23), {}, 50)

    assert [10, 10] == [len(lot.members) for lot in closing.lots]
    assert [50] == [since for _, since in closing.openings]
    assert [2, 2] == [len(lot.sample) for lot in closing.lots]


def test_a_lot_closes_when_it_has_waited():
    """From its first value on."""
    first = close_lots(TASK, candidates(3), {}, 50)
    early = close_lots(TASK, candidates(4), dict(first.openings), 149)
    late = close_lots(TASK, candidates(4), dict(early.openings), 150)

    assert ((), first.openings) == (early.lots, early.openings)
    assert ([4], ()) == ([len(lot.members) for lot in late.lots], late.openings)


def test_two_branches_close_their_lots_in_turn():
    """Each has values of another model: one that is not asked for in a pass has waited all the same."""
    found = [candidates(3, "1.4"), candidates(3, "2.0")]
    openings, closed = {}, []
    for now_us in range(0, 210, 10):
        closing = close_lots(TASK, found[now_us // 10 % 2], openings, now_us)
        openings = dict(closing.openings)
        closed += [(lot.closed_us, lot.key.rpartition("\x1f")[2]) for lot in closing.lots]

    assert [(100, "1.4"), (110, "2.0")] == closed[:2]


def test_a_lot_that_fills_nowhere_is_forgotten():
    """Its branch was deleted, or its values have changed."""
    openings = dict(close_lots(TASK, candidates(1, "old"), {}, 50).openings)

    assert openings == dict(close_lots(TASK, [], openings, 250).openings)
    assert () == close_lots(TASK, [], openings, 251).openings


def test_what_will_not_grow_is_closed():
    """Where nothing else is on its way."""
    closing = close_lots(TASK, candidates(1), {}, 0, nothing_more=True)

    assert [(1, 1)] == [(len(lot.members), len(lot.sample)) for lot in closing.lots]


def test_a_lot_is_of_one_kind():
    """Other keys, rounds and origins are judged apart."""
    found = [*candidates(2, "a"), *candidates(2, "b", start=2), *candidates(2, "a", "human", start=4)]
    found.append(Candidate("s9", "3", "e", 1, "a"))
    closing = close_lots(TASK, found, {}, 0, nothing_more=True)

    assert [1, 2, 2, 2] == sorted(len(lot.members) for lot in closing.lots)


@given(st.integers(1, 35), st.randoms())
def test_the_order_of_candidates_takes_no_part(n, random):
    """Equal candidates make equal lots, with equal samples."""
    found = candidates(n)
    random.shuffle(found)

    assert close_lots(TASK, candidates(n), {}, 7) == close_lots(TASK, found, {}, 7)


def test_a_lot_is_a_mixture():
    """Not the first ten by name, of one day or camera."""
    first = close_lots(TASK, candidates(100), {}, 0).lots[0]

    assert [f"s{i:03}" for i in range(10)] != [member.source for member in first.members]


def test_the_plan_is_the_audits():
    """And a task without audit has none."""
    assert 20 == plan_of(AUDIT, 100).sample
    with pytest.raises(ValueError, match="no audit"):
        audit_of(TaskSpec("t", parse_type("rating(5)")))
