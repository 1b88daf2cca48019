"""What a step sees of values."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dsvc.engine.fields import NOTHING, field_of, is_null, same_bits
from dsvc.errors import SchemaError
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.column import null_column
from dsvc.recipe.paths import InputPath


def test_a_field_of_a_null_struct_is_null():
    """A field is read through any depth; under a null struct it is null, however the field's own bytes look."""
    values = pa.array([{"f": {"g": 1}}, {"f": None}, None])

    column = field_of(normalise(values), InputPath("x", ("f", "g")))

    assert [1, None, None] == to_arrow(column).to_pylist()
    assert [False, True, True] == is_null(column).tolist()


def test_a_missing_field_names_the_nearest():
    """A field that is not there is an error with a hint, not a null."""
    column = normalise(pa.array([{"subject": "a"}]))

    with pytest.raises(SchemaError) as err:
        field_of(column, InputPath("capture", ("subjekt",)))

    assert "did you mean 'subject'?" == err.value.hint


def test_same_bits_tells_zero_from_minus_zero_and_null_from_nothing():
    """Values are compared by bits; a signal without records is null of any type, and other types are never the same."""
    a = normalise(pa.array([0.0, 1.5, None, float("nan")]))
    b = normalise(pa.array([-0.0, 1.5, None, float("nan")]))

    assert [False, True, True, True] == same_bits(a, b).tolist()
    assert [False, False, True, False] == same_bits(a, null_column(NOTHING, 4)).tolist()
    assert [False] * 4 == same_bits(a, normalise(pa.array([0, 1, None, 3], pa.int64()))).tolist()
