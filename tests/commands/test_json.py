"""Results as JSON lines."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from dsvc.commands._json import json_line, to_json


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"\x01\xff", "01ff", id="bytes-as-hex"),
        pytest.param(memoryview(b"\x01"), "01", id="buffer-as-hex"),
        pytest.param(float("nan"), "NaN", id="nan"),
        pytest.param(float("inf"), "Infinity", id="infinity"),
        pytest.param(float("-inf"), "-Infinity", id="minus-infinity"),
        pytest.param(-0.0, -0.0, id="float"),
        pytest.param(True, True, id="bool-stays-bool"),
        pytest.param(2**63, 2**63, id="wide-integer"),
        pytest.param(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00", id="time"),
        pytest.param(date(2026, 1, 2), "2026-01-02", id="date"),
        pytest.param(timedelta(seconds=1.5), "1.5", id="duration"),
        pytest.param(Decimal("0.10"), "0.10", id="decimal"),
        pytest.param({"b": (1, None)}, {"b": [1, None]}, id="nested"),
    ],
)
def test_value_becomes_json(value, expected):
    """Every value that a signal can have is told without loss, by the table of the module."""
    assert expected == to_json(value)


def test_object_is_one_line():
    """A line break in a text does not break the line."""
    line = json_line({"type": "x", "text": "a\nb"})

    assert "\n" not in line
    assert {"type": "x", "text": "a\nb"} == json.loads(line)


def test_non_finite_number_is_valid_json():
    """Programs in any language can read the line."""
    assert '{"v":["NaN",1.5]}' == json_line({"v": [float("nan"), 1.5]})
