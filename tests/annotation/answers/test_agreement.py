"""How far answers agree."""

import math
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.answers.agreement import (
    are_near,
    compare,
    iou,
    like_pairs,
    likeness,
    oks,
    plain_kappa,
    weighted_kappa,
)
from dsvc.annotation.answers.payloads import answer_type, read_boxes, write_boxes
from dsvc.recipe.task_spec import Nearness

BOXES, POINTS, RATING = answer_type("boxes"), answer_type("keypoints(2)"), answer_type("rating(5)")
CLASS = answer_type("class(a, b)")
IOU = Nearness("iou", Decimal("0.5"))
side = st.integers(0, 40)
box = st.tuples(side, side, side, side, st.sampled_from([None, "a"]))
boxes = st.lists(box, max_size=4).map(write_boxes)


def test_iou_is_exact():
    """Half of each of two squares is a third of both."""
    assert Fraction(1, 3) == iou((0, 0, 16, 16, None), (8, 0, 16, 16, None))
    assert 0 == iou((0, 0, 16, 16, None), (16, 0, 16, 16, None))
    assert 1 == iou((5, 5, 0, 0, None), (5, 5, 0, 0, None))


@given(boxes, boxes)
def test_boxes_agree_as_the_best_assignment_says(first, second):
    """Against every assignment of the shorter to the longer list."""
    ours, theirs = sorted((read_boxes(first), read_boxes(second)), key=len)
    best = max(
        sum(iou(a, b) for a, b in zip(ours, chosen, strict=True) if a[4] == b[4])
        for chosen in permutations(theirs, len(ours))
    )
    expected = 1.0 if not theirs else float(best / len(theirs))

    assert expected == pytest.approx(likeness(BOXES, first, second), abs=1e-9)


@given(boxes, boxes, st.sampled_from(["0.3", "0.5", "0.8", "1"]))
def test_near_means_every_box_has_its_own(first, second, bound):
    """As many boxes, and some way to pair them all at the bound."""
    ours, theirs = read_boxes(first), read_boxes(second)
    expected = len(ours) == len(theirs) and any(
        all(a[4] == b[4] and iou(a, b) >= Fraction(bound) for a, b in zip(ours, chosen, strict=True))
        for chosen in permutations(theirs)
    )
    near = Nearness("iou", Decimal(bound))

    assert (expected or first == second) == are_near(BOXES, first, second, near) == are_near(BOXES, second, first, near)


def test_oks_falls_with_distance():
    """By the formula of the object keypoint similarity."""
    still = ((0, 0), (160, 0))
    moved = ((0, 0), (160, 30))
    size = (160**2 + 30**2) / 2
    expected = (1 + math.exp(-(30**2) / (8 * 0.09**2 * size))) / 2

    assert expected == pytest.approx(oks(still, moved), rel=1e-12)
    assert 1.0 == oks(still, still)
    assert 0.5 == oks(still, ((0, 0), None))
    assert 1.0 == oks((None, None), (None, None))


def test_keypoints_agree_by_item():
    """Two faces in another order are the same two faces; one more is half of it."""
    one, two = "[[[0,0],[160,0]]]", "[[[0,0],[160,0]],[[800,0],[960,0]]]"

    assert 0.5 == likeness(POINTS, one, two)
    assert are_near(POINTS, one, "[[[0,0],[161,0]]]", Nearness("oks", Decimal("0.9")))
    assert not are_near(POINTS, one, two, Nearness("oks", Decimal("0.1")))


def test_many_regions_are_no_square_of_work():
    """A page of a thousand boxes against another: only what overlaps is looked at."""
    rows = [(x * 40, y * 40, 32, 32, None) for x in range(100) for y in range(14)]
    moved = [(x + 1, y, w, h, label) for x, y, w, h, label in rows]

    assert len(rows) == len(like_pairs(BOXES, rows, moved))
    assert float(iou(rows[0], moved[0])) == pytest.approx(likeness(BOXES, write_boxes(rows), write_boxes(moved)))


def test_ratings_agree_by_distance():
    """A step apart is nearly equal, the ends are not at all."""
    assert 1 - 1 / 16 == likeness(RATING, "3", "4")
    assert 0.0 == likeness(RATING, "1", "5")
    assert are_near(RATING, "3", "4", Nearness("within", Decimal(1)))
    assert not are_near(RATING, "3", "4", Nearness("equal"))


def test_nothing_agrees_with_nothing():
    """Two people who found no box agree; one who found one does not."""
    assert 1.0 == likeness(BOXES, "[]", "[]")
    assert 0.0 == likeness(BOXES, "[]", "[[0,0,16,16,null]]")
    assert not are_near(BOXES, "[]", "[[0,0,16,16,null]]", IOU)


def test_kappa_of_a_known_table():
    """Worked by hand: 1 - 3 * 4 / (sum over squared distances of products of margins)."""
    pairs = [(1, 1), (2, 2), (1, 2), (3, 1)]
    firsts, seconds = {1: 2, 2: 1, 3: 1}, {1: 2, 2: 2}
    expected = sum((i - j) ** 2 * a * b for i, a in firsts.items() for j, b in seconds.items())

    assert 1 - 5 * 4 / expected == pytest.approx(weighted_kappa(pairs, 3))
    assert 1.0 == weighted_kappa([(1, 1), (2, 2)], 3)
    assert weighted_kappa([(1, 1)], 3) is None
    assert 0.5 == plain_kappa([("a", "a"), ("a", "a"), ("b", "b"), ("a", "b")])
    assert plain_kappa([("a", "a")]) is None


def test_two_sides_are_compared_by_type():
    """A new model with all human values, say."""
    found = compare(CLASS, [('"a"', '"a"'), ('"a"', '"b"')], Nearness("equal"))

    assert (2, 0.5, 1, 0.0) == (found.sources, found.mean, found.near, found.kappa)
    assert 0.9375 == compare(RATING, [("3", "4")], Nearness("equal")).mean
    assert compare(BOXES, [("[]", "[]")], IOU).kappa is None
