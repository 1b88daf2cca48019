"""Keys of questions, and coordinates of what is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.answers.payloads import answer_type, canonical_payload, read_payload
from dsvc.annotation.platforms.exchange import on_grid
from dsvc.annotation.turns.showing import MINUTE_US, Showing, read_key, to_image, to_shown

SHOWINGS = st.builds(
    Showing,
    ask_id=st.binary(min_size=32, max_size=32),
    attempt=st.integers(1, 999),
    expires_us=st.one_of(st.none(), st.integers(1, 10**8).map(lambda minutes: minutes * MINUTE_US)),
    left=st.integers(0, 20_000),
    top=st.integers(0, 20_000),
    factor=st.integers(1, 64),
)
GRID = st.integers(0, 16 * 500)


@given(SHOWINGS)
def test_a_key_says_it_all(showing):
    """It comes back as it was, within what a platform takes as a key."""
    assert showing == read_key(showing.key)
    assert len(showing.key) <= 100
    assert set(showing.key) <= set("0123456789abcdefghijklmnopqrstuvwxyz#-")


@pytest.mark.parametrize(
    "key", ["", "x", "0" * 64, "0" * 64 + "#1", "0" * 64 + "#1-0-0-0-0-0", "g" * 64 + "#1-0-0-0-1"]
)
def test_what_is_no_key_is_none_of_ours(key):
    """A task that somebody made by hand."""
    assert read_key(key) is None


@given(SHOWINGS, st.lists(st.tuples(GRID, GRID, GRID, GRID), max_size=4))
def test_a_box_drawn_on_what_is_shown_is_a_box_of_the_image(showing, boxes):
    """On the grid, exactly; and a value shown and sent back untouched is the same value."""
    type_ = answer_type("boxes")
    drawn = [{"x": x / 16, "y": y / 16, "w": w / 16 + 1, "h": h / 16 + 1, "label": None} for x, y, w, h in boxes]
    payload = canonical_payload(type_, to_image(type_, drawn, showing))
    for found, box in zip(to_image(type_, drawn, showing), drawn, strict=True):
        assert found["x"] == box["x"] * showing.factor + showing.left
        assert found["w"] == box["w"] * showing.factor
    shown = to_shown(type_, read_payload(type_, payload), showing)
    assert payload == canonical_payload(type_, to_image(type_, shown, showing))


def test_points_move_and_other_values_stay():
    """A point that is not visible stays none; a rating is a rating."""
    showing = Showing(bytes(32), 1, None, 100, 50, 2)
    points = [[{"x": 3.0, "y": 4.0}, None]]

    assert [[{"x": 106.0, "y": 58.0}, None]] == to_image(answer_type("keypoints(2)"), points, showing)
    assert 4 == to_image(answer_type("rating(5)"), 4, showing)
    assert to_shown(answer_type("boxes"), None, showing) is None


@given(SHOWINGS, st.lists(st.tuples(GRID, GRID, GRID, GRID), min_size=1, max_size=4, unique=True), st.data())
def test_a_region_that_was_left_as_it_was_shown_is_what_was_judged(showing, boxes, data):
    """To the last sixteenth of a pixel, however coarse what is shown is; one that was changed is where it was put."""
    type_ = answer_type("boxes")
    judged = [{"x": x / 16, "y": y / 16, "w": w / 16, "h": h / 16, "label": None} for x, y, w, h in boxes]
    shown = on_grid(type_, to_shown(type_, judged, showing))
    n_left = data.draw(st.integers(0, len(shown)))
    said = [*shown[:n_left], *({**box, "x": box["x"] + 1} for box in shown[n_left:])]
    found = to_image(type_, said, showing, judged)

    if n_left == len(shown):
        assert len({canonical_payload(type_, [box]) for box in shown}) < len(shown) or judged == found
    for box, there in zip(said[n_left:], found[n_left:], strict=True):
        if canonical_payload(type_, [box]) not in {canonical_payload(type_, [other]) for other in shown}:
            assert box["x"] * showing.factor + showing.left == there["x"]
