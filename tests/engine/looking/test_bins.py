"""Histograms made in one pass."""

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.looking.bins import SHOWN_BINS, Bins


def make(*parts, whole=False):
    """Return the histogram of values that come in parts."""
    bins = Bins(whole=whole)
    for part in parts:
        bins.add(np.array(part, np.float64))
    return bins.histogram("value")


HUNDREDTHS = st.integers(-30_000, 30_000).map(lambda n: n / 100)


@given(st.lists(st.lists(HUNDREDTHS, max_size=20), max_size=5))
def test_every_value_is_in_its_bin(parts):
    """From the beginning of a bin, included, to that of the next, in exact arithmetic."""
    values = [value for part in parts for value in part]
    found = make(*parts)
    if not values:
        assert found is None
        return
    width = Fraction(repr(found.width))
    start = round(Fraction(repr(found.start)) / width)
    expected = Counter(math.floor(Fraction(repr(value)) / width) - start for value in values)

    assert [expected[at] for at in range(len(found.counts))] == list(found.counts)
    assert math.isclose(found.mean, sum(values) / len(values), abs_tol=1e-9)
    assert (min(values), max(values)) == (found.minimum, found.maximum)
    assert 1 <= len(found.counts) <= SHOWN_BINS


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=30), st.randoms())
def test_order_and_batches_do_not_matter(values, random):
    """Bins and counts are the same; so is what they sum to."""
    mixed = random.sample(values, len(values))
    at = random.randrange(len(values) + 1)
    one, other = make(values), make(mixed[:at], mixed[at:])

    assert (one.start, one.width, one.counts) == (other.start, other.width, other.counts)
    assert len(values) == sum(one.counts)


@pytest.mark.parametrize(
    ("values", "start", "width", "counts"),
    [
        pytest.param([0.0, 0.1, 0.25, 0.3, 1.0], 0.0, 0.1, (1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1), id="scores"),
        pytest.param([5], 5, 5e-9, (1,), id="one"),
        pytest.param([0, 0], 0, 1e-12, (2,), id="zero"),
        pytest.param([-1, 100_000], -10_000, 10_000, (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), id="below-zero"),
        pytest.param([1e300, 2e300], 1e300, 1e299, (1, *[0] * 9, 1), id="huge"),
    ],
)
def test_widths_are_round(values, start, width, counts):
    """1, 2 or 5 times a power of ten, and as many bins as can be shown."""
    found = make(values)

    assert counts == found.counts
    assert start == pytest.approx(found.start)
    assert math.log10(found.width / width) < 1


def test_whole_numbers_have_no_bins_between():
    """Ratings from 1 to 5 are five bins."""
    found = make([1, 2, 2, 5], whole=True)

    assert (1, 1, (1, 2, 0, 0, 1)) == (found.start, found.width, found.counts)
