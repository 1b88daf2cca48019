"""Which group a record is of."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.making.group_ids import alone_ids, ids_of, row_bytes
from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.inputs import Input, Inputs
from dsvc.objects.arrays import normalise
from dsvc.objects.column import differing_rows
from dsvc.objects.join import JoinedColumn
from dsvc.recipe.paths import InputPath
from dsvc.testing.strategies import nullable_values_of, storable_types
from tests.engine.signals import keys_of, new_writer, signal_of


def bytes_of(values: pa.Array) -> list[bytes | None]:
    """Return the bytes of each row."""
    return row_bytes(normalise(values)).to_pylist()


@given(st.data())
def test_rows_have_equal_bytes_exactly_where_their_bits_are_equal(data):
    """Of any type that can be stored; a null has none."""
    arrow = data.draw(storable_types(2))
    values = pa.array(data.draw(st.lists(nullable_values_of(arrow), max_size=6)), arrow)
    column = normalise(values)
    n = column.length
    left, right = np.repeat(np.arange(n), n), np.tile(np.arange(n), n)
    same = ~differing_rows(column.take(left), column.take(right))
    found = row_bytes(column).to_pylist()

    assert same.tolist() == [found[i] == found[j] for i, j in zip(left.tolist(), right.tolist(), strict=True)]
    assert values.is_null().to_pylist() == [row is None for row in found]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (["a", "bc"], ["ab", "c"]),
        ([[1], [2]], [[1, 2], []]),
        ([{"x": "a", "y": "b"}], [{"x": "ab", "y": ""}]),
        ([{"x": 0}], [{"x": None}]),
        ([0.0], [-0.0]),
    ],
)
def test_values_that_look_alike_when_joined_are_told_apart(a, b):
    """Rows say where their parts end."""
    assert bytes_of(pa.array(a)) != bytes_of(pa.array(b, pa.array(a).type))


def columns_of(values: pa.Array) -> Columns:
    """Return inputs of three sources, one of them `x`."""
    writer = new_writer()
    path = InputPath("x")
    inputs = Inputs(writer, [Input(path, is_required=True, signal=signal_of(writer, {"a": 1}))])
    keys = keys_of("a", "b", "c")
    return Columns(inputs, {"x": JoinedColumn(normalise(values), None)}, 3, lambda: keys)


def test_records_without_a_value_are_alone():
    """Two unknown subjects are two; they are of no group of others, whatever their names."""
    ids = ids_of(columns_of(pa.array(["a", None, None])), InputPath("x")).to_pylist()

    assert 3 == len(set(ids))
    assert ids[1:] == alone_ids(keys_of("b", "c")).to_pylist()
    assert ids[0] not in alone_ids(keys_of("a", "b", "c")).to_pylist()


def test_without_a_field_all_are_one_group():
    """Also those without a value."""
    assert 1 == len(set(ids_of(columns_of(pa.array(["a", None, "b"])), None).to_pylist()))


def test_a_field_that_older_values_lack_is_null():
    """Nobody was in any group by it."""
    ids = ids_of(columns_of(pa.array([{"f": 1}] * 3)), InputPath("x", ("g",))).to_pylist()

    assert 3 == len(set(ids))
