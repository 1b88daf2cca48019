"""The two formats: each becomes the boxes that were found, and nothing else is taken for one."""

import json

import pytest
from dsvc_haar.cascade import Detection, Face
from dsvc_haar.outputs import READ, WRITE, to_score
from hypothesis import example, given
from hypothesis import strategies as st

WEIGHTS = st.floats(-1e6, 1e6)


@st.composite
def detections(draw):
    """Return what a cascade may find: boxes on the pixel grid of an image of at most 480 pixels, scaled back."""
    width, height = draw(st.integers(1, 20_000)), draw(st.integers(1, 20_000))
    small_width, small_height = min(width, draw(st.integers(1, 480))), min(height, draw(st.integers(1, 480)))
    faces = []
    for _ in range(draw(st.integers(0, 3))):
        x, y = draw(st.integers(0, small_width - 1)), draw(st.integers(0, small_height - 1))
        w, h = draw(st.integers(1, small_width - x)), draw(st.integers(1, small_height - y))
        sides = (x * width / small_width, y * height / small_height, w * width / small_width, h * height / small_height)
        faces.append(Face(*sides, weight=draw(WEIGHTS)))
    return Detection(width, height, tuple(faces))


@given(detections(), st.sampled_from(sorted(READ)))
@example(Detection(3, 3, (Face(0.0, 1.0, 3.0, 2.0, -1.5),)), 2)
def test_a_detection_comes_back_from_either_format(found, version):
    """To a millionth of a pixel, through JSON."""
    raw = WRITE[version](found)
    boxes = READ[version](json.loads(json.dumps(raw)))

    assert READ[version](raw) == boxes
    expected = [(face.x, face.y, face.w, face.h) for face in found.faces]
    assert [pytest.approx(sides, abs=2e-6) for sides in expected] == [
        tuple(box[side] for side in "xywh") for box in boxes
    ]
    assert [to_score(face.weight, version) for face in found.faces] == [box["score"] for box in boxes]


@given(WEIGHTS, WEIGHTS, st.sampled_from(sorted(READ)))
def test_a_score_grows_with_the_weight(one, other, version):
    """And is a number between 0 and 1."""
    low, high = sorted((one, other))

    assert 0 <= to_score(low, version) <= to_score(high, version) <= 1


@pytest.mark.parametrize("version,weights", [(1, (0.0, 3.0, 6.0)), (2, (54.0, 55.5, 57.0))])
def test_scores_are_those_of_the_page(version, weights):
    """A quarter, a half and three quarters."""
    assert [0.25, 0.5, 0.75] == [to_score(weight, version) for weight in weights]


@pytest.mark.parametrize(
    "version,raw",
    [
        (1, {"boxes": [[1, 2, 3, 4]], "weights": []}),
        (1, {"boxes": [[1, 2, 3]], "weights": [1.0]}),
        (1, []),
        (2, {"boxes": [], "weights": []}),
        (2, [{"centre": [0.5, 0.5], "size": [1, 1], "score": 0.5}]),
        (2, [{"centre": [0.5], "size": [1, 1], "score": 0.5, "image": [9, 9]}]),
    ],
    ids=["no weight", "three sides", "version 2's", "version 1's", "no image", "half a centre"],
)
def test_what_a_version_does_not_write_is_an_error(version, raw):
    """Also what the other version writes."""
    with pytest.raises((ValueError, TypeError)):
        READ[version](raw)
