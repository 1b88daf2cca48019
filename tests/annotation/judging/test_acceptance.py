"""Plans keep their promises, and are the smallest that do."""

from decimal import Decimal
from itertools import combinations
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsvc.annotation.judging.acceptance import PASSES, SLIPS, Plan, passing_probability, plan_lot


@pytest.mark.parametrize(("size", "plan"), [(500, Plan(123, 3)), (2000, Plan(130, 3))])
def test_known_plans(size, plan):
    """Shares of 0.01 and 0.05, risks of 5 and 10 %."""
    assert plan == plan_lot(size, sample=Decimal(0), max_error=Decimal("0.01"), reject_error=Decimal("0.05"))


def test_a_share_alone_accepts_what_good_lots_have():
    """A tenth of 2,000, of which 2 % may be wrong: a lot of just that passes 19 times of 20."""
    plan = plan_lot(2000, sample=Decimal("0.1"), max_error=Decimal("0.02"))

    assert 200 == plan.sample
    assert passing_probability(2000, 40, plan) >= PASSES > passing_probability(2000, 40, Plan(200, plan.accept - 1))


@given(st.integers(1, 7), st.data())
def test_the_probability_is_that_of_all_samples(size, data):
    """Counted."""
    wrong, n = data.draw(st.integers(0, size)), data.draw(st.integers(1, size))
    accept = data.draw(st.integers(0, n))
    samples = list(combinations(range(size), n))
    passed = sum(sum(i < wrong for i in sample) <= accept for sample in samples)

    assert passed == passing_probability(size, wrong, Plan(n, accept)) * len(samples)


def smallest(size, sample, max_error, reject_error):
    """Return the plan that keeps the promises, found by trying all."""
    good, bad = int(max_error * size), min(size, ceil(reject_error * size))
    for n in range(max(1, ceil(sample * size)), size + 1):
        accept = next(c for c in range(n + 1) if passing_probability(size, good, Plan(n, c)) >= PASSES)
        if bad <= good or passing_probability(size, bad, Plan(n, accept)) <= SLIPS:
            return Plan(n, accept)
    raise AssertionError("looking at all tells all apart")


shares = st.decimals(0, 1, places=2)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), shares, shares, shares)
def test_a_plan_is_the_smallest(size, sample, max_error, reject_error):
    """The one that trying all finds."""
    found = plan_lot(size, sample=sample, max_error=max_error, reject_error=reject_error)

    assert smallest(size, sample, max_error, reject_error) == found


@pytest.mark.parametrize(
    ("size", "max_error", "reject_error", "plan"),
    [
        (5_000, "0.02", "0.025", Plan(3_018, 68)),
        (10_000, "0.02", "0.025", Plan(4_296, 97)),
        (1_000_000, "0.02", "0.03", Plan(2_079, 52)),
    ],
)
def test_lots_that_are_hard_to_tell_apart_have_a_plan(size, max_error, reject_error, plan):
    """Though thousands must be looked at; one value less would not do."""
    good, bad = (int(Decimal(share) * size) for share in (max_error, reject_error))

    assert plan == plan_lot(size, sample=Decimal(0), max_error=Decimal(max_error), reject_error=Decimal(reject_error))
    assert passing_probability(size, good, plan) >= PASSES
    assert passing_probability(size, bad, plan) <= SLIPS
    assert passing_probability(size, bad, Plan(plan.sample - 1, plan.accept)) > SLIPS


@settings(max_examples=50)
@given(st.integers(1, 60), shares, shares, st.none() | shares)
def test_promises_are_kept(size, sample, max_error, reject_error):
    """For every size and share; looking at everything is the last resort."""
    plan = plan_lot(size, sample=sample, max_error=max_error, reject_error=reject_error)
    good = int(max_error * size)
    bad = 0 if reject_error is None else min(size, ceil(reject_error * size))

    assert max(1, sample * size) <= plan.sample <= size
    assert passing_probability(size, good, plan) >= PASSES
    if bad > good:
        assert passing_probability(size, bad, plan) <= SLIPS
