import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.feeds.documents import Unsupported
from dsvc.feeds.fit import to_array
from dsvc.objects.types import parse_type

BOX = {"x": 1.5, "y": 2, "w": 3, "h": 4.0, "score": 0.5, "label": "face"}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def fit(type_text, values):
    """Return the values that fit, and why others do not by row."""
    array, misfits = to_array(values, parse_type(type_text))
    array.validate(full=True)
    return array.to_pylist(), dict(misfits)


@pytest.mark.parametrize(
    "type_text, value, expected",
    [
        pytest.param("float64", 3, 3.0, id="integer as double"),
        pytest.param("float64", 2**54, 2.0**54, id="large integer that a double is"),
        pytest.param("int8", 3.0, 3, id="double that is an integer"),
        pytest.param("int64", 2.0**62, 2**62, id="large double that is an integer"),
        pytest.param("uint64", 2**64 - 1, 2**64 - 1, id="unsigned"),
        pytest.param("float32", 0.5, 0.5, id="narrow double"),
        pytest.param("decimal128(10, 2)", Decimal("1.1"), Decimal("1.10"), id="decimal with fewer places"),
        pytest.param("decimal128(10, 2)", 3, Decimal("3.00"), id="integer as decimal"),
        pytest.param("decimal128(10, 2)", 2.5, Decimal("2.50"), id="double as decimal"),
        pytest.param("timestamp(ms, UTC)", NOON, NOON, id="time"),
        pytest.param("timestamp(ns, UTC)", NOON, NOON, id="time in nanoseconds"),
        pytest.param("timestamp(us)", NOON.replace(tzinfo=None), NOON.replace(tzinfo=None), id="time without a zone"),
        pytest.param("date32", date(2026, 1, 1), date(2026, 1, 1), id="date"),
        pytest.param("time32(ms)", time(1, 2, 3), time(1, 2, 3), id="time of day"),
        pytest.param("duration(s)", timedelta(hours=1), timedelta(hours=1), id="duration"),
        pytest.param("binary", b"ab", b"ab", id="bytes"),
        pytest.param("fixed_binary(2)", b"ab", b"ab", id="fixed bytes"),
        pytest.param("null", None, None, id="null"),
        pytest.param("rating(5)", 5, 5, id="rating"),
        pytest.param("class(good, bad)", "bad", "bad", id="class"),
        pytest.param("struct<a: struct<b: list<int64>>>", {"a": {"b": [1]}}, {"a": {"b": [1]}}, id="nested"),
        pytest.param("struct<a: int64, b: int64>", {"a": 1}, {"a": 1, "b": None}, id="missing field"),
        pytest.param("struct<a: int64>", {"a": 1, "b": None}, {"a": 1}, id="a further field that is null"),
        pytest.param("struct<>", {}, {}, id="empty object"),
        pytest.param("list<null>", [], [], id="empty list"),
        pytest.param("keypoints(1)", [[{"x": 1.0}]], [[{"x": 1.0, "y": None, "score": None}]], id="keypoints"),
        pytest.param("boxes", [BOX, {}], [BOX, dict.fromkeys(BOX)], id="boxes"),
    ],
)
def test_a_value_that_the_type_holds_fits(type_text, value, expected):
    """Among ordinary values and nulls, and on its own."""
    assert ([expected], {}) == fit(type_text, [value])
    assert ([None, expected, None], {}) == fit(type_text, [None, value, None])


@pytest.mark.parametrize(
    "type_text, value, why",
    [
        pytest.param("float64", 2**53 + 1, "expected float64, found integer 9007199254740993", id="inexact integer"),
        pytest.param("float64", True, "expected float64, found bool True", id="truth value"),
        pytest.param("float32", 0.1, "expected float32, found double 0.1", id="inexact double"),
        pytest.param("int8", 300, "expected int8, found integer 300", id="out of range"),
        pytest.param("int64", 2.5, "expected int64, found double 2.5", id="fraction"),
        pytest.param("int64", math.nan, "expected int64, found double nan", id="nan"),
        pytest.param("int64", 2**64, f"expected int64, found integer {2**64}", id="beyond 64 bits"),
        pytest.param("string", 5, "expected string, found integer 5", id="number as text"),
        pytest.param("string", b"a", "expected string, found binary", id="bytes as text"),
        pytest.param("string", "\ud800", "expected string, found string \\ud800", id="no Unicode"),
        pytest.param("binary", "a", "expected binary, found string a", id="text as bytes"),
        pytest.param("bool", 1, "expected bool, found integer 1", id="number as truth value"),
        pytest.param(
            "decimal128(10, 2)", Decimal("1.234"), "expected decimal128(10, 2), found decimal 1.234", id="places"
        ),
        pytest.param(
            "decimal128(10, 2)", Decimal("NaN"), "expected decimal128(10, 2), found decimal NaN", id="no number"
        ),
        pytest.param("timestamp(ms)", NOON, f"expected timestamp(ms), found timestamp {NOON}", id="zone where none is"),
        pytest.param(
            "timestamp(s, UTC)",
            NOON.replace(microsecond=1),
            f"expected timestamp(s, UTC), found timestamp {NOON.replace(microsecond=1)}",
            id="finer time",
        ),
        pytest.param("date32", NOON, f"expected date32, found timestamp {NOON}", id="time as date"),
        pytest.param("fixed_binary(2)", b"a", "expected fixed_binary(2), found binary", id="too short"),
        pytest.param("rating(5)", 6, "expected 1 to 5, found 6", id="rating above"),
        pytest.param("rating(5)", 0, "expected 1 to 5, found 0", id="rating below"),
        pytest.param("class(good, bad)", "ugly", "expected one of good, bad, found 'ugly'", id="unknown class"),
        pytest.param(
            "boxes", [{**BOX, "z": 1}], "[]: expected fields x, y, w, h, score, label, found z too", id="field"
        ),
        pytest.param("boxes", [{"x": "1"}], "[].x: expected float64, found string 1", id="wrong field"),
        pytest.param(
            "boxes",
            BOX,
            "expected list<struct<x: float64, y: float64, w: float64, h: float64, score: float64, "
            "label: string>>, found struct",
            id="one box is no list",
        ),
        pytest.param("keypoints(2)", [[{"x": 1.0}]], "[]: expected 2 items, found 1", id="number of keypoints"),
        pytest.param("text", Unsupported("regex", "a"), "expected string, found regex", id="unsupported"),
    ],
)
def test_a_value_that_would_lose_something_does_not_fit(type_text, value, why):
    """It is told with the reason, and leaves no trace in the column."""
    assert ([None], {0: why}) == fit(type_text, [value])
    assert ([None, None, None], {1: why}) == fit(type_text, [None, value, None])


def test_odd_values_are_found_among_many():
    """Rows around a misfit keep their values."""
    values = [float(row) for row in range(1000)]
    values[17], values[900] = "a", None

    array, misfits = fit("float64", values)

    assert {17: "expected float64, found string a"} == misfits
    assert [None if row in (17, 900) else float(row) for row in range(1000)] == array


@given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary())))
def test_nothing_is_changed_or_dropped(values):
    """Whatever the values, a row holds its value, or is null and listed."""
    for type_text in ("bool", "int64", "float64", "float32", "string", "binary", "int8"):
        array, misfits = fit(type_text, values)
        for row, value in enumerate(values):
            if row in misfits:
                assert array[row] is None
            elif isinstance(value, float) and math.isnan(value):
                assert math.isnan(array[row])
            else:
                assert value == array[row]
                assert isinstance(value, bool) == isinstance(array[row], bool)
