"""Who does the turns now."""

from dsvc.annotation.opstores.lease import LEASE_US, drop_lease, take_lease
from dsvc.annotation.opstores.memory import MemoryOpStore


def test_one_at_a_time():
    """Until it is given back, or over; one's own is taken again."""
    ops = MemoryOpStore()
    assert take_lease(ops, "team", "a", 1)
    assert take_lease(ops, "team", "a", 2)
    assert not take_lease(ops, "team", "b", 3)
    assert take_lease(ops, "other", "b", 3)

    drop_lease(ops, "team", "b")
    assert not take_lease(ops, "team", "b", 4)
    drop_lease(ops, "team", "a")
    assert take_lease(ops, "team", "b", 5)
    assert take_lease(ops, "team", "a", 6 + LEASE_US)


def test_one_that_was_taken_while_the_clock_was_ahead_is_over():
    """Or nobody would have a turn until the wrong time comes."""
    ops, year_us = MemoryOpStore(), 365 * 86_400 * 10**6
    assert take_lease(ops, "team", "a", year_us)
    assert take_lease(ops, "team", "b", 1)
    assert not take_lease(ops, "team", "a", 2)
