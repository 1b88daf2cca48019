"""What a transform returned, as values of its signal's type."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from dsvc.engine.values import fit
from dsvc.objects.arrays import to_arrow
from dsvc.objects.types import parse_type


@pytest.mark.parametrize(
    ("type_", "values", "expected", "failed"),
    [
        (
            "int8",
            [3, 3.0, np.int64(4), 300, 2.5, True, "1", None],
            [3, 3, 4, None, None, None, None, None],
            [3, 4, 5, 6],
        ),
        ("int64", [1, 2**63, None], [1, None, None], [1]),
        ("float64", [1, 0.1, float("inf"), 2**53 + 1, "x"], [1.0, 0.1, float("inf"), None, None], [3, 4]),
        ("float32", [0.5, 0.1], [0.5, None], [1]),
        ("string", ["", "ü", 1, "\ud800"], ["", "ü", None, None], [2, 3]),
        ("list<int64>", [[1], (2,), np.array([3]), [1.5], 4], [[1], [2], [3], None, None], [3, 4]),
        (
            "struct<f: int64, g: string>",
            [{"f": 1}, {"f": 1, "h": 2}, {"f": "1"}, {}],
            [{"f": 1, "g": None}, None, None, {"f": None, "g": None}],
            [1, 2],
        ),
        ("rating(5)", [1, 5, 0, 6, None], [1, 5, None, None, None], [2, 3]),
        ("class(cat, dog)", ["cat", "cow", None], ["cat", None, None], [1]),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_a_value_fits_without_loss_or_fails_alone(type_, values, expected, failed):
    """Nothing is rounded, cut or parsed, and the values beside one that does not fit are kept."""
    column, failures = fit(values, parse_type(type_))

    assert expected == to_arrow(column).to_pylist()
    assert failed == sorted(failures)


def test_arrow_values_are_cast_without_loss_or_fail_alone():
    """Arrow of another type is taken where the cast is exact, value by value."""
    column, failures = fit(pa.array([1.0, 2.5, None, 300.0, 4.0]), parse_type("int8"))

    assert [1, None, None, None, 4] == to_arrow(column).to_pylist()
    assert [1, 3] == sorted(failures)
    assert failures[1].startswith("expected int8, found 2.5")


def test_encoded_images_are_refused():
    """Bytes that are an encoded image are no value; the binary beside them is."""
    column, failures = fit([b"\x89PNG\r\n\x1a\n" + bytes(4096), b"plain"], parse_type("binary"))

    assert [None, b"plain"] == to_arrow(column).to_pylist()
    assert [0] == list(failures)
    assert "image" in failures[0]
