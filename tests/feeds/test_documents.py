import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.feeds.documents import Unsupported, json_text, key_text, key_value, kind_of, order_key, version_text

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.datetimes(timezones=st.just(UTC))
)


@given(NUMBERS, NUMBERS)
def test_numbers_of_all_kinds_are_ordered_by_value(left, right):
    """An order key never puts a greater number first; a decimal counts as its nearest double."""
    left, right = (float(n) if isinstance(n, Decimal) and n != int(n) else n for n in (left, right))

    if left < right and not (math.isinf(left) or math.isinf(right)):
        assert order_key(left) < order_key(right)
    elif left == right:
        assert order_key(left) == order_key(right)


@given(st.text(), st.text())
def test_texts_are_ordered_by_code_point(left, right):
    """Also where they hold NUL or one begins the other."""
    assert (left < right) == (order_key(left) < order_key(right))


@given(st.tuples(st.text(), st.integers()), st.tuples(st.text(), st.integers()))
def test_tuples_are_ordered_item_by_item(left, right):
    """No key begins another, so that keys can be joined."""
    assert (left < right) == (order_key(left) < order_key(right))


def test_kinds_are_ordered_as_mongodb_orders_them():
    """Null, numbers, text, objects and lists, bytes, truth values, times."""
    values = [None, -5, 2.5, "", "a", {"x": 1}, b"", False, True, datetime(1970, 1, 1, tzinfo=UTC)]

    assert sorted(map(order_key, values)) == list(map(order_key, values))


def test_times_are_ordered_across_1970():
    """A time before the epoch comes first; one without a zone is UTC."""
    start = datetime(1969, 12, 31, 23, 59, tzinfo=UTC)
    times = [start, start + timedelta(microseconds=1), datetime(1970, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)]  # noqa: DTZ001

    assert sorted(map(order_key, times)) == list(map(order_key, times))


@given(SCALARS)
def test_a_key_comes_back_from_its_text(value):
    """What is looked up is what was met."""
    text = key_text(value)

    if text is not None:
        assert text == key_text(key_value(text))


@pytest.mark.parametrize(
    "value, expected",
    [
        pytest.param("5", "s5", id="text"),
        pytest.param(5, "i5", id="integer"),
        pytest.param(5.0, "i5", id="a double that is an integer"),
        pytest.param(Decimal("5.00"), "i5", id="a decimal that is an integer"),
        pytest.param(0.5, "f0.5", id="double"),
        pytest.param(True, "b1", id="truth value"),
        pytest.param(b"\x01", "x01", id="bytes"),
        pytest.param(None, None, id="null is no key"),
        pytest.param(math.nan, None, id="nan is no key"),
        pytest.param([1], None, id="a list is no key"),
        pytest.param({"a": 1}, None, id="an object is no key"),
    ],
)
def test_a_key_is_tagged_by_kind(value, expected):
    """A number and its text are two keys; equal numbers are one."""
    assert expected == key_text(value)


def test_json_text_keeps_what_json_lacks():
    """Bytes, times, decimals and odd numbers are written as extended JSON writes them."""
    value = {
        "bytes": b"\x00\x01",
        "time": datetime(2026, 1, 2, tzinfo=UTC),
        "price": Decimal("1.10"),
        "odd": [math.nan, math.inf, 1.5],
        "pattern": Unsupported("regex", "a.*"),
        "text": "ü",
    }

    assert (
        '{"bytes":{"$binary":"AAE="},"time":{"$date":"2026-01-02T00:00:00+00:00"},"price":{"$numberDecimal":"1.10"},'
        '"odd":[{"$numberDouble":"nan"},{"$numberDouble":"inf"},1.5],"pattern":{"$regex":"a.*"},"text":"ü"}'
    ) == json_text(value)


def test_json_text_is_always_unicode():
    """A lone surrogate, which no text can store, is escaped."""
    json_text("\ud800").encode()


@pytest.mark.parametrize(
    "value, expected",
    [
        pytest.param("1.4", "1.4", id="text"),
        pytest.param(2, "2", id="integer"),
        pytest.param(1.4, "1.4", id="double"),
        pytest.param(None, None, id="null"),
        pytest.param(True, None, id="truth value"),
        pytest.param({"major": 1}, None, id="object"),
    ],
)
def test_a_version_is_text_or_a_number(value, expected):
    """Numbers are written out; anything else is no version."""
    assert expected == version_text(value)


def test_kinds_have_names():
    """Messages name kinds as docs do, and unsupported values as their source does."""
    assert ["null", "integer", "double", "regex", "struct"] == [
        kind_of(value) for value in (None, 1, 1.0, Unsupported("regex", "a"), {})
    ]
