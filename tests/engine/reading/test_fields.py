"""What a step sees of values."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dsvc.engine.reading.fields import NOTHING, field_of, is_null, same_bits
from dsvc.errors import SchemaError
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.column import null_column
from dsvc.recipe.paths import InputPath

STRUCTS = normalise(pa.array([{"f": 1, "g": {"h": "x"}}, None, {"f": None, "g": None}]))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("x.f", [1, None, None]),
        ("x.g", [{"h": "x"}, None, None]),
        ("x.g.h", ["x", None, None]),
        ("x", [{"f": 1, "g": {"h": "x"}}, None, {"f": None, "g": None}]),
    ],
)
def test_a_field_is_null_under_null(path, expected):
    """A path steps into structs; what is under a null is null."""
    assert expected == to_arrow(field_of(STRUCTS, InputPath.parse(path))).to_pylist()


def test_a_missing_field_is_named():
    """The error says which field is missing, and which is near."""
    with pytest.raises(SchemaError, match="x has no field 'ff'") as caught:
        field_of(STRUCTS, InputPath.parse("x.ff"))

    assert "'f'" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.0, None, float("nan")], [1.0, None, float("nan")], [True, True, True]),
        ([0.0, 1.0, None], [-0.0, None, 1.0], [False, False, False]),
    ],
)
def test_same_bits(a, b, expected):
    """NaN is NaN, 0.0 is not -0.0, and null is null alone."""
    assert expected == same_bits(normalise(pa.array(a)), normalise(pa.array(b))).tolist()


def test_a_signal_that_nobody_has_is_null_of_any_type():
    """An absent input looks like a null of whatever type the input is when it is there."""
    nothing, some = null_column(NOTHING, 2), normalise(pa.array([None, 1]))

    assert [True, False] == same_bits(nothing, some).tolist()
    assert [True, True] == is_null(nothing).tolist()


def test_other_types_are_other_bits():
    """A signal that got another type has no value that it had before."""
    same = same_bits(normalise(pa.array([1, None], pa.int32())), normalise(pa.array([1, None], pa.int64())))

    assert not same.any()
