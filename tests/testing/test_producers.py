"""The suite for producers: what keeps the contract passes it, and each breach is found."""

import pytest

from dsvc.plugins import Producer
from dsvc.testing.plugins import ProducerTests


class Detector(Producer):
    """Version 1 wrote rows, version 2 boxes."""

    output, accept, adapter_version = "boxes", ">=1,<3", "1"

    def adapt(self, version, raw):
        rows = raw if version == "1" else [[float(box[side]) for side in "xywh"] for box in raw]
        return [dict(zip("xywh", row, strict=True)) for row in rows]


OUTPUTS = (("1", [[1, 2, 3, 4]]), ("1", []), ("2", [{"x": 1, "y": 2, "w": 3, "h": 4, "model": "big"}]))


class TestDetector(ProducerTests):
    producer = Detector
    outputs = OUTPUTS
    torn = (7, "text", {"no": "output"}, [[1, 2, 3]])


class AsItIs(Detector):
    """Takes whatever comes."""

    def adapt(self, version, raw):
        return raw


class Counting(Detector):
    """Remembers."""

    seen = 0

    def adapt(self, version, raw):
        Counting.seen += 1
        return [*super().adapt(version, raw), dict.fromkeys("xywh", Counting.seen)]


class Emptying(Detector):
    """Takes the outputs out of the document."""

    def adapt(self, version, raw):
        adapted = super().adapt(version, raw)
        raw.clear()
        return adapted


class Nameless(Detector):
    """Has adapters without a version."""

    adapter_version = ""


class Narrow(Detector):
    """Accepts one of the versions."""

    accept = "==1"


@pytest.mark.parametrize(
    "producer,claim",
    [
        (AsItIs, "test_every_output_becomes_a_value_of_the_type"),
        (Counting, "test_equal_outputs_give_equal_values"),
        (Emptying, "test_an_output_is_not_changed"),
        (Nameless, "test_the_declaration_is_complete"),
        (Narrow, "test_the_outputs_are_of_accepted_versions"),
    ],
)
def test_a_broken_producer_is_found(producer, claim):
    """Each claim fails for what breaks it."""
    suite = ProducerTests()
    suite.producer, suite.outputs = producer, [(version, [*raw]) for version, raw in OUTPUTS]

    with pytest.raises(AssertionError):
        getattr(suite, claim)()


def test_a_producer_that_takes_anything_is_found():
    """What is no output must not become a value."""
    suite = ProducerTests()
    suite.producer, suite.outputs = AsItIs, OUTPUTS

    with pytest.raises(pytest.fail.Exception):
        suite.test_what_is_no_output_is_an_error()
