import base64
import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.feeds.column import ColumnBuilder, has_image, iter_images
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.types import parse_type

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")


def build(batches, type_text=None):
    """Return the type, the values and the misfits by row of some batches."""
    builder = ColumnBuilder(parse_type(type_text) if type_text else None)
    for batch in batches:
        builder.add(batch)
    type_, column, misfits = builder.finish()
    return str(type_), to_arrow(column).to_pylist(), {odd.row: odd for odd in misfits}


def test_batches_of_several_types_become_one_column():
    """Earlier batches are held as the type that later ones need."""
    type_, values, misfits = build([[1, None], [2.5], [], [3]])

    assert ("float64", [1.0, None, 2.5, 3.0], {}) == (type_, values, misfits)


def test_a_struct_grows_fields_over_batches():
    """A field that earlier values lack is null in them."""
    type_, values, _ = build([[{"b": 1}], [{"a": "x"}]])

    assert "struct<a: string, b: int64>" == type_
    assert [{"a": None, "b": 1}, {"a": "x", "b": None}] == values


def test_what_most_values_are_decides_in_the_end():
    """Values that looked like the rule at first are misfits with their value and row, and the other way round."""
    type_, values, misfits = build([["a", 1], [2, 3]])

    assert ("int64", [None, 1, 2, 3]) == (type_, values)
    assert {0: ("a", "expected int64, found string a")} == {row: (odd.value, odd.why) for row, odd in misfits.items()}


def test_a_given_type_is_kept():
    """Misfits are told by row over all batches."""
    type_, values, misfits = build([[1, 2], [9, "x"]], "rating(5)")

    assert ("rating(5)", [1, 2, None, None]) == (type_, values)
    assert {2: 9, 3: "x"} == {row: odd.value for row, odd in misfits.items()}


VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.lists(st.integers(-5, 5), max_size=2),
    st.dictionaries(st.sampled_from("abA"), st.one_of(st.integers(-5, 5), st.text("xy")), max_size=2),
)


@given(st.lists(VALUES, max_size=10), st.integers(1, 4))
def test_batches_do_not_matter(values, size):
    """Type, values and misfit rows are those of one batch."""
    whole = build([values])
    parts = build([values[start : start + size] for start in range(0, len(values), size)])

    assert whole[:2] == parts[:2]
    assert set(whole[2]) == set(parts[2])


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(JPEG, id="bytes"),
        pytest.param(base64.b64encode(JPEG * 4).decode(), id="base64"),
        pytest.param("data:image/png;base64,iVBORw0KGgo", id="data URI"),
    ],
)
def test_encoded_images_are_refused_and_not_kept(value):
    """Alone, in a list or in a struct; the value itself is nowhere in the answer."""
    for wrapped in (value, [value], {"thumbnail": value}):
        _, _, misfits = build([[wrapped]])

        assert "never leaves its bucket" in misfits[0].why
        assert (None, False) == (misfits[0].value, misfits[0].is_kept)
        assert has_image([wrapped])


def test_each_image_of_a_column_is_found():
    """Not only the first."""
    column = normalise(pa.array([b"x" * 20, JPEG, None, b"y", JPEG]))

    assert [1, 4] == [row for row, _ in iter_images(column)]


def test_ordinary_text_is_no_image():
    """Nor are numbers and nulls."""
    assert not has_image({"label": "face", "n": [1, 2.5, None, math.inf], "odd": "\ud800"})


def test_a_value_that_weighs_too_much_is_refused():
    """A record holds 256 KiB at most."""
    _, _, misfits = build([["small", "x" * (256 * 1024 + 1)]])

    assert [1] == list(misfits)
    assert "weighs at most 262,144 bytes" in misfits[1].why
