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
    passes = _Count(size, good, least)
    while not passes.is_at_least(PASSES):
        passes.accept_more()
    if bad is None or bad <= good:
        return Plan(least, passes.accept)
    slips = _Count(size, bad, least)
    while not _fails(slips, passes.accept):  # it does at the latest where all are looked at
        passes.draw_more()
        slips.draw_more()
        while not passes.is_at_least(PASSES):
            passes.accept_more()
    return Plan(passes.n, passes.accept)


def _fails(slips: _Count, accept: int) -> bool:
    """Tell whether a bad lot fails as promised where so many wrong ones are accepted."""
    while slips.accept < accept:
        slips.accept_more()
    return slips.accept > accept or slips.is_at_most(SLIPS)  # none passes where more are wrong in any sample


class _Count:
    """In how many of all samples of n at most `accept` are wrong, from one n and `accept` to the next.

    A step costs some products of whole numbers, where counting anew would cost as many as may be wrong. The fewest to
    accept never get fewer as n grows, so neither ever goes back.
    """

    def __init__(self, size: int, wrong: int, n: int) -> None:
        self._size, self._wrong, self.n = size, wrong, n
        self._samples = comb(size, n)
        self.accept = max(0, n - (size - wrong))  # fewer cannot be wrong
        self._just = self._ways = comb(wrong, self.accept) * comb(size - wrong, n - self.accept)

    def is_at_least(self, share: Fraction) -> bool:
        """Tell whether as large a share of all samples has no more wrong ones."""
        return self._ways * share.denominator >= self._samples * share.numerator

    def is_at_most(self, share: Fraction) -> bool:
        """Tell whether no larger share of all samples has no more wrong ones."""
        return self._ways * share.denominator <= self._samples * share.numerator

    def accept_more(self) -> None:
        """Accept one more wrong value."""
        over, under = (self._wrong - self.accept) * (self.n - self.accept), self.accept + 1
        self._just = self._just * over // (under * (self._size - self._wrong - self.n + under))
        self._ways += self._just
        self.accept += 1

    def draw_more(self) -> None:
        """Look at one more: it is one too many where as many as may be are wrong, and it is wrong too."""
        left, right = self._size - self.n, self._size - self._wrong
        self._samples = self._samples * left // (self.n + 1)
        if not right:
            self._ways = self._just = self._samples
            self.n, self.accept = self.n + 1, self.accept + 1
            return
        if self.accept == self.n - right:
            self.accept_more()  # fewer cannot be wrong any more
        self._ways = (self._ways * left - self._just * (self._wrong - self.accept)) // (self.n + 1)
        self._just = self._just * (right - self.n + self.accept) // (self.n + 1 - self.accept)
        self.n += 1
