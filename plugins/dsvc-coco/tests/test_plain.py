"""Values that COCO has no place for, as JSON."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from dsvc_coco.plain import plain


@pytest.mark.parametrize(
    "value,expected",
    [
        (None, None),
        (True, True),
        (5, 5),
        ("ü", "ü"),
        (0.5, 0.5),
        (float("nan"), None),
        (float("-inf"), None),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02T03:04:00+00:00"),
        (time(1, 2), "01:02:00"),
        (timedelta(seconds=1.5), 1.5),
        (Decimal("1.10"), "1.10"),
        (b"\x00\xff", "AP8="),
        ([{"a": float("inf"), "b": [b"x"]}], [{"a": None, "b": ["eA=="]}]),
    ],
    ids=repr,
)
def test_a_value_is_json(value, expected):
    """Whatever it is."""
    assert expected == plain(value)
    json.dumps(plain(value), allow_nan=False)
