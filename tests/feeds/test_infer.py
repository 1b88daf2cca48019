from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from bson.int64 import Int64
from hypothesis import given
from hypothesis import strategies as st

from dsvc.feeds.documents import Unsupported
from dsvc.feeds.fit import to_array
from dsvc.feeds.infer import Profile, fills
from dsvc.objects.types import parse_type

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def infer(values):
    """Return the least type of values as text."""
    profile = Profile()
    profile.add(values)
    return str(profile.least_type())


@pytest.mark.parametrize(
    "values, expected",
    [
        pytest.param([], "null", id="nothing"),
        pytest.param([None, None], "null", id="nulls"),
        pytest.param([None, 1], "int64", id="null and integer"),
        pytest.param([Int64(1)], "int64", id="64-bit integer of BSON"),
        pytest.param([1, 2.5], "float64", id="integer and double"),
        pytest.param([1.0, 2.0], "float64", id="doubles stay doubles"),
        pytest.param([True, None], "bool", id="truth value"),
        pytest.param(["a"], "string", id="text"),
        pytest.param([b"a"], "binary", id="bytes"),
        pytest.param([Decimal("1.25"), Decimal(100)], "decimal128(5, 2)", id="decimal"),
        pytest.param([Decimal("1.5"), 7], "decimal128(20, 1)", id="decimal and integer"),
        pytest.param([Decimal("0.001")], "decimal128(3, 3)", id="small decimal"),
        pytest.param([Decimal("1E+3")], "decimal128(4, 0)", id="decimal with an exponent"),
        pytest.param([NOON], "timestamp(ms, UTC)", id="time"),
        pytest.param([NOON, NOON.replace(microsecond=1)], "timestamp(us, UTC)", id="finer time"),
        pytest.param([NOON.replace(tzinfo=None)], "timestamp(ms)", id="time without a zone"),
        pytest.param([date(2026, 1, 1)], "date32", id="date"),
        pytest.param([time(1)], "time64(us)", id="time of day"),
        pytest.param([timedelta(1)], "duration(us)", id="duration"),
        pytest.param([[]], "list<null>", id="empty lists"),
        pytest.param([[], [1], [2.5, None]], "list<float64>", id="lists by item"),
        pytest.param([{"b": 1}, {"a": "x", "b": 2.5}, None], "struct<a: string, b: float64>", id="structs by field"),
        pytest.param([{}], "struct<>", id="empty object"),
        pytest.param([[{"a": []}], [{"a": [{"z": 1}]}]], "list<struct<a: list<struct<z: int64>>>>", id="deep"),
        pytest.param([Unsupported("regex", "a"), 1], "int64", id="what no type holds is left out"),
    ],
)
def test_the_least_type_holds_every_value(values, expected):
    """And is the least that does."""
    assert expected == infer(values)


@pytest.mark.parametrize(
    "values, expected",
    [
        pytest.param(["a", 1, 2], "int64", id="numbers over text"),
        pytest.param([1, 2.5, "a", "b"], "float64", id="numbers count together"),
        pytest.param(["a", 1], "int64", id="equally many"),
        pytest.param([[1], {"a": 1}, {"a": 2}], "struct<a: int64>", id="objects over lists"),
        pytest.param([{"a": 1}, {"a": "x"}, {"a": "y"}], "struct<a: string>", id="within a field"),
        pytest.param([{"Age": 1}, {"age": 1}, {"age": 2}], "struct<age: int64>", id="names that differ by case"),
    ],
)
def test_where_no_type_holds_all_the_most_win(values, expected):
    """Whatever their order."""
    assert expected == infer(values)
    assert expected == infer(values[::-1])


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "B"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(VALUES, max_size=8), st.randoms(), st.integers(1, 4))
def test_order_and_batches_do_not_matter(values, random, size):
    """The type is read off sums alone."""
    shuffled = random.sample(values, len(values))
    profile = Profile()
    for start in range(0, len(shuffled), size):
        profile.add(shuffled[start : start + size])

    assert infer(values) == str(profile.least_type())


HOMOGENEOUS = st.recursive(
    st.one_of(
        st.just(st.integers(-(2**53), 2**53)),
        st.just(st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False))),
        st.just(st.text(st.characters(exclude_categories=["Cs"]))),
        st.just(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=1000)),
        st.just(st.datetimes(min_value=datetime(1700, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001
    ),
    lambda inner: st.one_of(
        inner.map(lambda s: st.lists(s, max_size=3)),
        st.tuples(inner, inner).map(lambda pair: st.fixed_dictionaries({}, optional={"a": pair[0], "b": pair[1]})),
    ),
    max_leaves=4,
)


@given(st.data())
def test_what_was_inferred_holds_all_values(data):
    """Where a type that holds all exists, every value fits the inferred one."""
    values = data.draw(st.lists(st.one_of(st.none(), data.draw(HOMOGENEOUS)), max_size=6))
    profile = Profile()
    profile.add(values)

    _, misfits = to_array(values, profile.least_type())

    assert [] == misfits


@pytest.mark.parametrize(
    "text, value, expected",
    [
        pytest.param("null", 5, True, id="nothing known"),
        pytest.param("null", None, False, id="a null again"),
        pytest.param("list<null>", [1], True, id="empty lists"),
        pytest.param("struct<a: int64, b: null>", {"a": 1, "b": "x"}, True, id="a field"),
        pytest.param("struct<a: float64, b: list<null>>", {"a": 1, "b": [[]]}, True, id="an item of a field"),
        pytest.param("struct<a: int64, b: null>", {"b": 5}, True, id="without the other field"),
        pytest.param("struct<a: int64, b: null>", {"a": "x", "b": 5}, False, id="beside what does not fit"),
        pytest.param("struct<a: int64, b: null>", {"a": 1}, False, id="nothing new"),
        pytest.param("struct<a: int64, b: null>", {"c": 1}, False, id="an unknown field"),
        pytest.param("struct<b: null>", [1], False, id="something else"),
        pytest.param("int64", 2.5, False, id="a wider number"),
    ],
)
def test_what_is_unknown_of_a_type_can_be_filled(text, value, expected):
    """Where a value fits but for places of which only nulls were seen."""
    assert expected is fills(parse_type(text).physical, value)
