"""The values that platforms are tried with are values of their types."""

import pytest

from dsvc.annotation.answers.payloads import answer_type, canonical_payload, read_payload
from dsvc.testing.platform_values import HEIGHT, VALUES, WIDTH, a_form


@pytest.mark.parametrize("name", VALUES)
def test_each_is_on_the_grid_and_on_the_image(name):
    """So that what comes back can be compared with what was given."""
    form, value = VALUES[name]
    payload = canonical_payload(answer_type(form.type), value)

    assert payload == canonical_payload(answer_type(form.type), read_payload(answer_type(form.type), payload))
    for item in value if form.type == "boxes" else ():
        assert 0 <= item["x"] <= item["x"] + item["w"] <= WIDTH
        assert 0 <= item["y"] <= item["y"] + item["h"] <= HEIGHT


def test_no_two_forms_are_one():
    """Tests that share a desk do not share tasks."""
    assert a_form().project != a_form().project
