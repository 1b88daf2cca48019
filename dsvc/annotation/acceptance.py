"""Acceptance plans: how many of a lot are looked at, and with how many wrong ones it still passes.

Exact: a sample is drawn without replacement, so the number of wrong values in it is hypergeometric, computed in
integers. Two promises are made of a plan:

- a lot of which the share `max_error` is wrong passes with a probability of 0.95 at least;
- where there is a `reject_error`, a lot of which that share is wrong passes with 0.10 at most.

For shares of 0.01 and 0.05, a lot of 500 has a plan of 123 and 3, one of 2,000 of 130 and 3.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from functools import cache
from math import comb
from typing import Final

import msgspec

PASSES: Final = Fraction(95, 100)
SLIPS: Final = Fraction(10, 100)


class Plan(msgspec.Struct, frozen=True):
    """How a lot is judged."""

    sample: int
    """So many are looked at."""
    accept: int
    """So many of them may be wrong."""


def passing_probability(size: int, wrong: int, plan: Plan) -> Fraction:
    """Return how likely a lot passes of which so many are wrong."""
    top = min(plan.accept, plan.sample, wrong)
    ways = sum(comb(wrong, k) * comb(size - wrong, plan.sample - k) for k in range(top + 1))
    return Fraction(ways, comb(size, plan.sample))


def plan_lot(
    size: int, *, sample: Decimal, max_error: Decimal, reject_error: Decimal | None = None, at_least: int = 1
) -> Plan:
    """Return the plan of a lot: the smallest sample, of the share that is asked for at least, that keeps the promises.

    Args:
        size: Values in the lot, 1 at least.
        sample: The share that is looked at, at least.
        max_error: The share of wrong values that a lot may have.
        reject_error: The share of wrong values with which a lot is to fail; None to promise nothing of bad lots.
        at_least: So many are looked at whatever the share.
    """
    return _plan_lot(size, sample, max_error, reject_error, at_least)


@cache
def _plan_lot(size: int, sample: Decimal, max_error: Decimal, reject_error: Decimal | None, at_least: int) -> Plan:
    least = min(size, max(at_least, int((sample * size).to_integral_value(ROUND_CEILING))))
    good = min(size, int((max_error * size).to_integral_value(ROUND_FLOOR)))
    bad = None if reject_error is None else min(size, int((reject_error * size).to_integral_value(ROUND_CEILING)))
    for n in range(least, size + 1):
        plan = Plan(n, _smallest_accept(size, good, n))
        if bad is None or bad <= good or passing_probability(size, bad, plan) <= SLIPS:
            return plan
    return Plan(size, good)


def _smallest_accept(size: int, wrong: int, n: int) -> int:
    """Return the fewest wrong ones to accept in a sample of n, so that a lot with `wrong` passes as promised."""
    total, reached = comb(size, n), 0
    for accept in range(min(n, wrong) + 1):
        reached += comb(wrong, accept) * comb(size - wrong, n - accept)
        if reached * PASSES.denominator >= total * PASSES.numerator:
            return accept
    return min(n, wrong)
