"""Values as Label Studio's results, and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.platforms.label_studio_values import (
    ResultError,
    from_results,
    shown_labels,
    to_results,
    verdict,
    verdict_results,
)
from dsvc.errors import AnswerFormatError
from dsvc.plugins.platforms import TaskForm

BOXES = TaskForm("boxes", "1", "boxes")
FACES = TaskForm("faces", "1", "boxes", labels=("face", "hand"))
POINTS = TaskForm("points", "1", "keypoints(3)")

sides = st.integers(1, 20_000)


@st.composite
def on_images(draw):
    """Return the size of an image, and boxes and points of the grid on it."""
    width, height = draw(sides), draw(sides)
    xs, ys = st.integers(0, width * 16), st.integers(0, height * 16)
    points = st.tuples(xs, ys).map(lambda at: {"x": at[0] / 16, "y": at[1] / 16})
    names = st.sampled_from([None, "face", "hand", "a dog"])
    boxes = st.builds(
        lambda at, size, label: {**at, "w": size["x"], "h": size["y"], "label": label}, points, points, names
    )
    items = st.tuples(*[st.none() | points] * 3).filter(any).map(list)
    return (width, height), draw(st.lists(boxes, max_size=5)), draw(st.lists(items, max_size=4))


@given(on_images())
def test_boxes_come_back_exactly(made):
    """From percent, on an image of any size, through JSON; with labels that the form does not have."""
    size, boxes, _ = made
    for form in (BOXES, FACES):
        results = json.loads(json.dumps(to_results(form, boxes, *size)))
        assert boxes == from_results(form, results, size, shown_labels(form, boxes))


@given(on_images())
def test_points_come_back_exactly(made):
    """Several faces, each with points that are not there."""
    size, _, items = made
    results = json.loads(json.dumps(to_results(POINTS, items, *size)))

    assert items == from_results(POINTS, results, size, {})


@pytest.mark.parametrize(
    ("type_", "value"), [("class(live, spoof)", "spoof"), ("rating(5)", 3), ("text", "two\nlines"), ("text", "")]
)
def test_single_values_come_back(type_, value):
    """Beside a verdict, which is none of theirs."""
    form = TaskForm("t", "1", type_)
    results = [*to_results(form, value, None, None), *verdict_results("reject", ["a"], "b")]

    assert value == from_results(form, results, (None, None), {})
    assert ("reject", ("a", "b")) == verdict(results)
    assert from_results(form, [], (None, None), {}) is None


def rectangle(**value):
    """Return one rectangle."""
    result = {"id": "x", "from_name": "value", "to_name": "image", "type": "rectangle"}
    result |= {"original_width": 100, "original_height": 100}
    more = {name: value.pop(name) for name in list(value) if name in result or name == "image_rotation"}
    return result | {"value": {"x": 1, "y": 1, "width": 1, "height": 1} | value} | more


def point(**more):
    """Return one point."""
    return rectangle(**{"type": "keypointlabels", "keypointlabels": ["1"], **more})


@pytest.mark.parametrize(
    ("form", "results", "why"),
    [
        (BOXES, "[]", "expected a list of results"),
        (BOXES, [7], "expected results with values"),
        (BOXES, [{"from_name": "value"}], "expected results with values"),
        (BOXES, [rectangle(from_name="nobody")], "there is no control 'nobody'"),
        (BOXES, [rectangle(type="brush")], "expected a rectangle, found 'brush'"),
        (BOXES, [rectangle(rotation=3)], "rotated"),
        (BOXES, [rectangle(image_rotation=90)], "rotated"),
        (BOXES, [rectangle(x="1")], "expected a number as x"),
        (BOXES, [rectangle(x=float("nan"))], "expected a number of pixels"),
        (BOXES, [rectangle(width=-1)], "wide"),
        (BOXES, [rectangle(original_width=None)], "size of the image"),
        (BOXES, [rectangle(original_height=99)], "an image 99 high, and the one shown is 100 high"),
        (FACES, [rectangle(type="rectanglelabels", rectanglelabels=["dog"])], "expected one of face, hand"),
        (FACES, [rectangle()], "expected one of face, hand"),
        (POINTS, [point(keypointlabels=["4"])], "expected one of 1, 2, 3"),
        (POINTS, [point(), point(id="y")], "two points '1'"),
        (POINTS, [point(), point(from_name="item", number=0)], "expected 1, 2, 3, ... as item"),
        (TaskForm("t", "1", "class(a, b)"), [rectangle(choices=["c"])], "expected one of a, b"),
        (TaskForm("t", "1", "class(a, b)"), [rectangle(choices=["a", "b"])], "expected one value"),
        (TaskForm("t", "1", "class(a, b)"), [rectangle(choices=[7])], "expected texts"),
        (TaskForm("t", "1", "rating(5)"), [rectangle(rating=6)], "from 1 to 5"),
    ],
)
def test_what_the_form_does_not_explain_is_named(form, results, why):
    """Whatever a server takes without a look."""
    with pytest.raises(ResultError, match=why.replace("(", r"\(")):
        from_results(form, results, (100, 100), {})


def test_verdicts_are_two():
    """No third, and not both."""
    for choices in (["perhaps"], ["accept", "reject"]):
        results = [{"from_name": "verdict", "value": {"choices": choices}}]
        with pytest.raises(ResultError, match="accept or reject"):
            verdict(results)
    assert (None, ()) == verdict([])


def test_boxes_are_shown_only_on_an_image_of_known_size():
    """And values only where they are of the type."""
    with pytest.raises(AnswerFormatError, match="size is known"):
        to_results(BOXES, [], None, 480)
    with pytest.raises(AnswerFormatError, match="integer from 1 to 5"):
        to_results(TaskForm("t", "1", "rating(5)"), 9, None, None)
