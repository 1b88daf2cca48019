"""Values as Python has them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dsvc.engine.reading.plain_values import plain_values


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1, None]), [1, None]),
        (pa.array([{"a": [1.5]}]), [{"a": [1.5]}]),
        (pa.array([1], pa.timestamp("ns", "UTC")), ["1970-01-01 00:00:00.000000001Z"]),
        (pa.array([1], pa.time64("ns")), ["00:00:00.000000001"]),
        (pa.array([7], pa.duration("ns")), [7]),
    ],
)
def test_values_are_plain(array, expected):
    """Nothing is lost where Python has no such type."""
    assert expected == plain_values(array)
