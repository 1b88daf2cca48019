"""What several people say together."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.answers.merging import merge
from dsvc.annotation.answers.payloads import answer_type, check_payload, write_boxes, write_keypoints

BOXES, POINTS = answer_type("boxes"), answer_type("keypoints(2)")
RATING, CLASS = answer_type("rating(5)"), answer_type("class(a, b, c)")
side = st.integers(0, 30)
box = st.tuples(side, side, st.integers(1, 30), st.integers(1, 30), st.sampled_from([None, "a"]))
point = st.none() | st.tuples(side, side)
payloads = {
    BOXES: st.lists(box, max_size=3).map(write_boxes),
    POINTS: st.lists(st.tuples(point, point), max_size=2).map(write_keypoints),
    RATING: st.sampled_from("12345"),
    CLASS: st.sampled_from(['"a"', '"b"', '"c"']),
}


@pytest.mark.parametrize("type_", payloads, ids=lambda type_: type_.text)
@given(data=st.data())
def test_the_order_of_people_takes_no_part(type_, data):
    """Nor what is said of one person alone; and the result is a payload of the type."""
    votes = data.draw(st.dictionaries(st.sampled_from("abcde"), payloads[type_], min_size=1))
    order = data.draw(st.permutations(list(votes)))
    merged = merge(type_, votes)

    assert merged == merge(type_, {name: votes[name] for name in order})
    assert 0 <= merged.agreement <= 1 + 1e-9
    check_payload(type_, merged.value)


@pytest.mark.parametrize("type_", payloads, ids=lambda type_: type_.text)
@given(data=st.data())
def test_people_who_agree_are_taken_at_their_word(type_, data):
    """As many as there are, when no region of theirs is doubled."""
    payload = data.draw(payloads[type_])
    merged = merge(type_, {"a": payload, "b": payload, "c": payload})

    assert (payload, 1.0, False) == (merged.value, merged.agreement, merged.is_tie)


def test_most_say_so():
    """Of classes, the plurality; two as many are a tie."""
    assert ('"b"', 2 / 3, False) == tuple(
        getattr(merge(CLASS, {"x": '"a"', "y": '"b"', "z": '"b"'}), name) for name in ("value", "agreement", "is_tie")
    )
    assert merge(CLASS, {"x": '"a"', "y": '"b"'}).is_tie


def test_a_rating_is_the_middle_one():
    """Of an even number the lower of the two."""
    assert "3" == merge(RATING, {"a": "1", "b": "3", "c": "5"}).value
    assert "2" == merge(RATING, {"a": "2", "b": "4"}).value


def test_boxes_are_voted_in_and_averaged():
    """Two of three saw the first box; one alone saw another; coordinates are medians."""
    one = write_boxes([(0, 0, 160, 160, None)])
    two = write_boxes([(8, 0, 160, 160, None), (800, 800, 32, 32, None)])
    three = write_boxes([(4, 2, 160, 160, None)])

    assert "[[4,0,160,160,null]]" == merge(BOXES, {"a": one, "b": two, "c": three}).value
    assert merge(BOXES, {"a": one, "b": two}).is_tie
    assert ("[]", False) == ((found := merge(BOXES, {"a": "[]", "b": "[]", "c": one})).value, found.is_tie)


def test_nobody_has_two_boxes_of_one_thing():
    """Two overlapping boxes of one person stay two."""
    both = write_boxes([(0, 0, 100, 100, None), (10, 0, 100, 100, None)])

    assert both == merge(BOXES, {"a": both, "b": both, "c": both}).value


def test_points_are_seen_where_half_see_them():
    """And lie in the middle."""
    votes = {"a": "[[[0,0],[160,0]]]", "b": "[[[2,2],null]]", "c": "[[[4,1],[158,0]]]"}

    assert "[[[2,1],[159,0]]]" == merge(POINTS, votes, Decimal("0.4")).value
