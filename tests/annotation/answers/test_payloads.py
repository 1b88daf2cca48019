"""One value has one canonical text, whoever sent it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.answers.payloads import answer_type, canonical_payload, check_payload, doubt_of, read_payload
from dsvc.errors import AnswerFormatError

BOXES, POINTS = answer_type("boxes"), answer_type("keypoints(2)")
CLASS, RATING, TEXT = answer_type("class(live, spoof)"), answer_type("rating(5)"), answer_type("text")
numbers = st.floats(-10_000, 10_000)
sizes = st.floats(0, 10_000)
boxes = st.lists(
    st.fixed_dictionaries(
        {"x": numbers, "y": numbers, "w": sizes, "h": sizes, "label": st.none() | st.text(max_size=3)}
    ),
    max_size=4,
)
points = st.none() | st.fixed_dictionaries({"x": numbers, "y": numbers})
keypoints = st.lists(st.lists(points, min_size=2, max_size=2), max_size=3)


@given(boxes, st.randoms())
def test_boxes_in_any_order_are_one_payload(value, random):
    """Regions have no order, and a canonical text read back is itself."""
    text = canonical_payload(BOXES, value)
    random.shuffle(value)

    assert text == canonical_payload(BOXES, value)
    assert text == canonical_payload(BOXES, read_payload(BOXES, text))
    check_payload(BOXES, text)


@given(keypoints)
def test_keypoints_read_back_as_they_are(value):
    """A point that is not visible stays null."""
    text = canonical_payload(POINTS, value)

    assert text == canonical_payload(POINTS, read_payload(POINTS, text))


def test_percent_of_two_browsers_is_one_box():
    """What differs in the last digits of a float is one place on the grid."""
    first = [{"x": 33.333333333333336, "y": 10.0, "w": 12.5, "h": 7.3}]
    second = [{"x": 33.33333333333333, "y": 10.0000000001, "w": 12.499999999, "h": 7.3}]

    assert "[[533,160,200,117,null]]" == canonical_payload(BOXES, first)
    assert canonical_payload(BOXES, first) == canonical_payload(BOXES, second)


def test_scores_take_no_part():
    """A model that is surer of the same box asks nothing new."""
    box = {"x": 1, "y": 2, "w": 3, "h": 4, "label": "face"}

    assert canonical_payload(BOXES, [{**box, "score": 0.4}]) == canonical_payload(BOXES, [{**box, "score": 0.9}])


@pytest.mark.parametrize(
    ("type_", "value", "text"),
    [(CLASS, "spoof", '"spoof"'), (RATING, 3, "3"), (RATING, 3.0, "3"), (TEXT, "größer", '"größer"')],
)
def test_plain_values_are_json(type_, value, text):
    """Of classes, ratings and texts."""
    assert text == canonical_payload(type_, value)
    check_payload(type_, text)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (BOXES, None),
        (BOXES, "x"),
        (BOXES, [1]),
        (BOXES, [{"x": 1, "y": 1, "w": -1, "h": 1}]),
        (BOXES, [{"x": float("nan"), "y": 1, "w": 1, "h": 1}]),
        (BOXES, [{"x": 1, "y": 1, "w": 1}]),
        (BOXES, [{"x": 1, "y": 1, "w": 1, "h": 1, "label": 3}]),
        (BOXES, [{"x": 1e30, "y": 1, "w": 1, "h": 1}]),
        (POINTS, [[None]]),
        (POINTS, [[{"x": 1}, None]]),
        (CLASS, "fake"),
        (CLASS, 1),
        (RATING, 0),
        (RATING, 6),
        (RATING, True),
        (RATING, 2.5),
        (TEXT, 1),
    ],
)
def test_what_is_no_value_is_refused(type_, value):
    """A platform checks nothing; what does not fit its task must not get into the ledger as an answer."""
    with pytest.raises(AnswerFormatError, match="no answer of type"):
        canonical_payload(type_, value)


@pytest.mark.parametrize(
    "payload", ["", "[[1,2,3]]", "[[1.5,2,3,4,null]]", "[ ]", "{}", "[[2,0,1,1,null],[1,0,1,1,null]]"]
)
def test_another_writing_is_refused(payload):
    """Ids are hashes of the one text."""
    with pytest.raises(AnswerFormatError):
        check_payload(BOXES, payload)


@pytest.mark.parametrize("text", ["score", "list<int8>", "boxes2", "", "rating", "keypoints(x)"])
def test_people_are_not_asked_for_other_types(text):
    """Only for those that a labelling form can show."""
    with pytest.raises(AnswerFormatError):
        answer_type(text)


def test_a_model_is_as_unsure_as_of_its_least_sure_box():
    """Where it says; of what does not say, nothing is known."""
    boxes, rating = answer_type("boxes"), answer_type("rating(5)")
    box = {"x": 1, "y": 2, "w": 3, "h": 4}
    told = [doubt_of(boxes, [{**box, "score": s} for s in scores]) for scores in ([0.9, 0.4], [1.0], [None], [7.0], [])]

    assert [pytest.approx(0.6), 0.0, 0.5, 0.5, 0.5, 0.5, 0.5] == [*told, doubt_of(boxes, None), doubt_of(rating, 3)]


def test_a_text_is_one_text_however_it_was_typed():
    """An accent may be a character of its own; a class is as the recipe spells it."""
    one, two = "caf\u00e9", "cafe\u0301"
    box = {"x": 0, "y": 0, "w": 1, "h": 1}

    assert f'"{one}"' == canonical_payload(TEXT, one) == canonical_payload(TEXT, two)
    assert 1 == len({canonical_payload(BOXES, [{**box, "label": label}]) for label in (one, two)})
    for name in (one, two):
        assert {f'"{name}"'} == {canonical_payload(answer_type(f"class({name}, b)"), value) for value in (one, two)}


@pytest.mark.parametrize("shape", ["boxes", "keypoints(2)", "class(a, b)", "rating(5)", "text"])
@pytest.mark.parametrize("what", ["digits", "minus", "half", "list", "mapping"])
def test_what_cannot_even_be_written_is_refused(shape, what):
    """A number of more digits than are printed, half a character: as anything else that does not fit."""
    huge = 10**5_000
    value = {"digits": huge, "minus": -(10**400), "half": "\ud800", "list": [huge], "mapping": {"x": huge}}[what]
    box = {"x": value, "y": 0.0, "w": 1.0, "h": 1.0}
    for found in (value, [value], [box], [{**box, "x": 0.0, "label": value}], [[value, None]], [[box, None]]):
        with pytest.raises(AnswerFormatError):
            canonical_payload(answer_type(shape), found)
