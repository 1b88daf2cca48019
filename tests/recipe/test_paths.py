"""Inputs: dotted names, circumstances, and taking fields out of values."""

import pyarrow as pa
import pytest

from dsvc.errors import SchemaError
from dsvc.recipe.paths import InputPath


@pytest.mark.parametrize(
    "text,path",
    [
        ("x", InputPath("x")),
        ("x.f.g", InputPath("x", ("f", "g"))),
        ("x._origin", InputPath("x", circumstance="_origin")),
        ("x._id", InputPath("x", ("_id",))),
        ("x.f._origin", InputPath("x", ("f", "_origin"))),
        ('x."b.c"', InputPath("x", ("b.c",))),
        ('x."say ""hi"""', InputPath("x", ('say "hi"',))),
    ],
    ids=str,
)
def test_paths_are_written_as_they_are_read(text, path):
    """A path has one text; only the four circumstances, right after the signal, are no fields."""
    assert path == InputPath.parse(text)
    assert text == str(path)


@pytest.mark.parametrize("text", ["", ".", "x.", ".x", "x..y", 'x."y', 'x."y"z'])
def test_a_broken_path_is_refused(text):
    """What is no dotted path is an error of the caller's to place."""
    with pytest.raises(ValueError, match="is no path"):
        InputPath.parse(text)


def test_a_field_of_a_null_struct_is_null():
    """Taking a field looks through the nulls of what holds it."""
    values = pa.array([{"a": {"b": 1}}, None, {"a": None}, {"a": {"b": None}}, {"a": {"b": 2}}])

    assert [1, None, None, None, 2] == InputPath.parse("x.a.b").extract(values).to_pylist()


def test_a_field_of_a_slice_is_that_of_its_rows():
    """A sliced array is read from its own first row on."""
    values = pa.array([{"a": row} for row in range(10)])[4:6]

    assert [4, 5] == InputPath.parse("x.a").extract(values).to_pylist()


def test_a_field_of_nothing_is_nothing():
    """Where no source has a value, its type is null, and so is that of every field."""
    assert pa.nulls(2) == InputPath.parse("x.a.b").extract(pa.nulls(2))


def test_the_whole_value_is_taken_as_it_is():
    """Without fields nothing is copied or changed."""
    values = pa.array([1, None, 3])

    assert InputPath("x").extract(values) is values


@pytest.mark.parametrize(
    "path,message,hint",
    [
        ("x.contry", "x has no field 'contry'; it has country, subject", "did you mean 'country'?"),
        ("x.country.code", "x.country has no field 'code'; its value is no struct", None),
    ],
)
def test_a_missing_field_is_named_with_the_nearest(path, message, hint):
    """The error says what there is instead."""
    values = pa.array([{"country": "DE", "subject": "a"}])

    with pytest.raises(SchemaError) as caught:
        InputPath.parse(path).extract(values)

    assert message == str(caught.value)
    assert hint is None or hint == caught.value.hint
