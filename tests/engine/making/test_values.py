"""What a transform returned, as values of a type, exactly."""

from __future__ import annotations

import base64

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.making.values import fit
from dsvc.objects.arrays import to_arrow
from dsvc.objects.types import parse_type

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def fitted(values, type_):
    """Return the fitted values, and which rows failed."""
    column, failures = fit(values, parse_type(type_))
    return to_arrow(column).to_pylist(), failures


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        ([1, None, -3], "int64", [1, None, -3]),
        ([3.0, 2], "int8", [3, 2]),
        ([1, 2.5], "float64", [1.0, 2.5]),
        ([np.float32(0.5), np.int64(3)], "float64", [0.5, 3.0]),
        ([np.array([1.0, 2.0]), (3,)], "list<float64>", [[1.0, 2.0], [3.0]]),
        (
            [{"x": 1}, {"x": 2, "y": "a"}, None],
            "struct<x: int64, y: string>",
            [{"x": 1, "y": None}, {"x": 2, "y": "a"}, None],
        ),
        (["a", None], "class(a, b)", ["a", None]),
        ([], "text", []),
        (pa.array([1, 2], pa.int32()), "int64", [1, 2]),
        (pa.chunked_array([[1.0], [2.0]]), "float32", [1.0, 2.0]),
        (pa.array(["x"]).dictionary_encode(), "string", ["x"]),
    ],
)
def test_what_fits(values, type_, expected):
    """Numbers are any kind of number that is exact, sequences are lists, mappings are structs."""
    assert (expected, {}) == fitted(values, type_)


@pytest.mark.parametrize(
    ("values", "type_", "kept", "why"),
    [
        ([1, 2.5], "int64", [1, None], "expected int64, found 2.5"),
        ([1, True], "int64", [1, None], "found True"),
        (["a", b"b"], "string", ["a", None], "found b'b'"),
        ([1, 2**60 + 1], "float64", [1.0, None], "expected float64"),
        ([300, 5], "int8", [None, 5], "found 300"),
        ([{"x": 1, "z": 2}, None], "struct<x: int64>", [None, None], "found {'x': 1, 'z': 2}"),
        ([6, 5], "rating(5)", [None, 5], "expected 1 to 5, found 6"),
        (["c", "a"], "class(a, b)", [None, "a"], "expected one of a, b, found 'c'"),
        (pa.array([0.1, 0.5]), "float32", [None, 0.5], "expected float32, found 0.1"),
        (pa.array([300, 5]), "int8", [None, 5], "found 300"),
        (pa.array(["7", "x"]), "int64", [7, None], "found 'x'"),
        (["x" * 300_000, "y"], "text", [None, "y"], "300,004 bytes"),
        ([PNG, b"ok"], "binary", [None, b"ok"], "looks like an encoded PNG image"),
        (["ok", base64.b64encode(PNG).decode()], "text", ["ok", None], "looks like an encoded PNG image"),
    ],
)
def test_what_does_not_fit_fails_alone(values, type_, kept, why):
    """Nothing is rounded, cut or parsed with loss; the others keep their values."""
    found, failures = fitted(values, type_)

    row = next(row for row, text in failures.items() if text is not None)
    assert kept == found
    assert [row] == list(failures)
    assert why in failures[row]


@given(st.lists(st.none() | st.floats(allow_nan=False, width=32) | st.integers(-5, 5)))
def test_a_number_is_kept_or_fails(values):
    """No value is another one afterwards."""
    found, failures = fitted(values, "int16")

    assert all(row in failures or a == b for row, (a, b) in enumerate(zip(values, found, strict=True)))
    assert all(isinstance(values[row], float) for row in failures)


def test_nan_fits_a_float():
    """A NaN inside of a list is itself."""
    found, failures = fitted([[float("nan")]], "list<float64>")

    assert {} == failures
    assert np.isnan(found[0][0])
