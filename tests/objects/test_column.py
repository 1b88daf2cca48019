"""What is done to rows of a column, against lists of Python values."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.canonical import value_parts
from dsvc.objects.column import concat, differing_rows, null_column, nulls_fit, offsets_of, ranges, type_nulls
from dsvc.objects.types import Type
from dsvc.testing.strategies import nullable_values_of, storable_types

SOME = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def write(column):
    """Return the canonical bytes of all rows of a column."""
    return b"".join(value_parts(column, Type(column.physical).id, 0, column.length))


def column_of(values, arrow):
    """Return the column of some Python values."""
    return normalise(pa.array(values, arrow))


@st.composite
def tables(draw, max_size=6):
    """Draw a type and values of it, the values often equal."""
    arrow = draw(storable_types(2))
    few = draw(st.lists(nullable_values_of(arrow), min_size=1, max_size=3))
    return arrow, draw(st.lists(st.sampled_from(few) | nullable_values_of(arrow), max_size=max_size))


def weigh(value, arrow):
    """Return the weight of one value as docs/format.md#weight says it."""
    is_ = pa.types
    if is_.is_null(arrow):
        return 0
    if is_.is_boolean(arrow):
        return 1
    if is_.is_struct(arrow):
        return sum(weigh(None if value is None else value[field.name], field.type) for field in arrow)
    if is_.is_fixed_size_list(arrow):
        items = [None] * arrow.list_size if value is None else value
        return sum(weigh(item, arrow.value_type) for item in items)
    if is_.is_list(arrow):
        return 4 + sum(weigh(item, arrow.value_type) for item in value or [])
    if is_.is_string(arrow):
        return 4 + len((value or "").encode())
    if is_.is_binary(arrow) and not is_.is_fixed_size_binary(arrow):
        return 4 + len(value or b"")
    return arrow.bit_width // 8


@SOME
@given(tables(), st.data())
def test_take_gives_the_rows_asked_for(table, data):
    """In any order, twice, and null where -1 is asked for; the result is in normal form."""
    arrow, values = table
    rows = data.draw(st.lists(st.integers(-1, len(values) - 1), max_size=8))
    expected = [None if row < 0 else values[row] for row in rows]

    found = column_of(values, arrow).take(np.array(rows, np.int64))

    assert write(column_of(expected, arrow)) == write(found)
    assert len(rows) == found.length


@SOME
@given(tables(), st.data())
def test_slice_gives_a_run_of_rows(table, data):
    """Any run, the empty one too; a validity is there only where a row of the run is null."""
    arrow, values = table
    start = data.draw(st.integers(0, len(values)))
    stop = data.draw(st.integers(start, len(values)))

    found = column_of(values, arrow).slice(start, stop)

    assert write(column_of(values[start:stop], arrow)) == write(found)
    assert (found.valid is not None) == any(v is None for v in values[start:stop] if not pa.types.is_null(arrow))


@SOME
@given(storable_types(2), st.data())
def test_concat_joins_rows(arrow, data):
    """Columns with and without nulls, and without rows."""
    parts = data.draw(st.lists(st.lists(nullable_values_of(arrow), max_size=3), min_size=1, max_size=4))

    found = concat([column_of(part, arrow) for part in parts])

    assert write(column_of([value for part in parts for value in part], arrow)) == write(found)


@SOME
@given(tables(), st.data())
def test_rows_differ_where_their_bytes_do(table, data):
    """Equal is what has the same canonical bytes alone: NaN is NaN, 0.0 is not -0.0, null is null alone."""
    arrow, values = table
    other = [
        value if data.draw(st.booleans()) else data.draw(st.sampled_from(values) | nullable_values_of(arrow))
        for value in values
    ]
    a, b = column_of(values, arrow), column_of(other, arrow)

    expected = [write(a.slice(i, i + 1)) != write(b.slice(i, i + 1)) for i in range(len(values))]

    assert expected == differing_rows(a, b).tolist()
    assert not differing_rows(a, a).any()


@SOME
@given(tables())
def test_weights_are_those_of_the_format(table):
    """One number where all records weigh the same whatever they hold, else one for each."""
    arrow, values = table
    found = column_of(values, arrow).weights()

    expected = [weigh(value, arrow) for value in values]
    assert expected == ([found] * len(values) if isinstance(found, int) else found.tolist())


@pytest.mark.parametrize(
    "values, arrow, expected",
    [
        ([1, None], pa.int16(), 2),
        ([True, None], pa.bool_(), 1),
        ([None, None], pa.null(), 0),
        ([b"abc", None], pa.binary(3), 3),
        (["größer", None], pa.string(), [12, 4]),
        ([[1, 2], None], pa.list_(pa.int32()), [12, 4]),
        ([["a", ""], []], pa.list_(pa.string()), [13, 4]),
        ([[1, 2], None], pa.list_(pa.int32(), 2), 8),
        ([[], None], pa.list_(pa.int32(), 0), 0),
        ([["a", "b"], None], pa.list_(pa.string(), 2), [10, 8]),
        ([{"x": 1, "s": "ab"}, None], pa.struct([("x", pa.int8()), ("s", pa.string())]), [7, 5]),
        ([{}, None], pa.struct([]), 0),
    ],
    ids=str,
)
def test_weight_of_a_record(values, arrow, expected):
    """Weights worked out by hand."""
    found = column_of(values, arrow).weights()

    assert expected == (found if isinstance(found, int) else found.tolist())


@pytest.mark.parametrize(
    "a, b, arrow, expected",
    [
        ([0.0, float("nan"), None, 1.0], [-0.0, float("nan"), 0.0, 1.0], pa.float32(), [True, False, True, False]),
        (["", None, "a"], [None, None, "b"], pa.string(), [True, False, True]),
        ([[], None, [None], [1, 2]], [None, None, [], [2, 1]], pa.list_(pa.int8()), [True, False, True, True]),
        ([{"x": None}, {"x": 1}], [None, {"x": 1}], pa.struct([("x", pa.int8())]), [True, False]),
        ([[[1], [2, 3]], [[4]]], [[[1, 2], [3]], [[4]]], pa.list_(pa.list_(pa.int8())), [True, False]),
        ([[], None], [None, None], pa.list_(pa.int8(), 0), [True, False]),
        ([True, None], [True, False], pa.bool_(), [False, True]),
    ],
    ids=str,
)
def test_differences_that_matter(a, b, arrow, expected):
    """Cases where equal in Python or Arrow is not equal here, or the other way round."""
    assert expected == differing_rows(column_of(a, arrow), column_of(b, arrow)).tolist()


@SOME
@given(storable_types(2), st.integers(0, 4))
def test_null_columns_are_nulls_in_normal_form(arrow, n):
    """Of any type, of any length."""
    column = null_column(Type.from_arrow(arrow).physical, n)

    assert write(column_of([None] * n, arrow)) == write(column)
    assert [None] * n == to_arrow(column).to_pylist()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=10))
def test_ranges_are_joined_ranges(pairs):
    """Starts and lengths, zero lengths too."""
    starts, lengths = (np.array([pair[i] for pair in pairs], np.int64) for i in (0, 1))

    assert [at for start, n in pairs for at in range(start, start + n)] == ranges(starts, lengths).tolist()
    assert [sum(lengths[:i].tolist()) for i in range(len(pairs) + 1)] == offsets_of(lengths).tolist()


@pytest.mark.parametrize("arrow", [pa.binary(0), pa.list_(pa.int8(), 0), pa.struct([])], ids=str)
def test_values_without_bytes_keep_their_rows(arrow):
    """Types of which a value has no bytes at all: rows and nulls are still there."""
    empty = {"fixed_size_binary[0]": b"", "struct<>": {}}.get(str(arrow), [])
    column = column_of([empty, None, empty], arrow)

    assert [None, empty] == to_arrow(column.take(np.array([1, 2]))).to_pylist()
    assert [empty, None, empty, empty, None, empty] == to_arrow(concat([column, column])).to_pylist()
    assert [False, True, True] == differing_rows(column, column_of([empty, empty, None], arrow)).tolist()


@pytest.mark.parametrize(
    "found, wanted, values",
    [
        (pa.null(), pa.int8(), [None, None]),
        (pa.list_(pa.null()), pa.list_(pa.string()), [[None], None, []]),
        (pa.list_(pa.null(), 2), pa.list_(pa.int8(), 2), [[None, None], None]),
        (
            pa.struct([("a", pa.int8()), ("b", pa.null())]),
            pa.struct([("a", pa.int8()), ("b", pa.list_(pa.bool_()))]),
            [{"a": 1, "b": None}, None, {"a": None, "b": None}],
        ),
    ],
)
def test_parts_that_are_nulls_alone_take_another_type(found, wanted, values):
    """The column is then what it would be had it had that type from the start."""
    column = normalise(pa.array(values, found), Type.from_arrow(found).physical)
    type_ = Type.from_arrow(wanted)

    assert nulls_fit(column.physical, type_.physical)
    typed = type_nulls(column, type_.physical)
    like = normalise(pa.array(values, wanted), type_.physical)
    assert value_parts(like, type_.id, 0, len(values)) == value_parts(typed, type_.id, 0, len(values))


@pytest.mark.parametrize(
    "found, wanted",
    [
        (pa.int8(), pa.int16()),
        (pa.list_(pa.null()), pa.null()),
        (pa.list_(pa.null(), 2), pa.list_(pa.int8(), 3)),
        (pa.struct([("a", pa.null())]), pa.struct([("b", pa.int8())])),
        (pa.list_(pa.int8()), pa.list_(pa.null())),
    ],
)
def test_other_types_do_not_fit(found, wanted):
    """Only nulls have no type of their own."""
    assert not nulls_fit(Type.from_arrow(found).physical, Type.from_arrow(wanted).physical)
