"""Equal values have equal bytes and equal ids, however Arrow lays them out; other values have others."""

from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsvc.errors import ObjectFormatError
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.canonical import key_parts, read_keys, read_values, value_parts
from dsvc.objects.column import concat, differing_rows, null_column
from dsvc.objects.keys import Keys
from dsvc.objects.types import Type
from tests.properties import reference
from tests.properties.mangle import WORDS, chunked, make_type, make_values, mangled, plain

SEEDS = st.integers(0, 2**32 - 1)


def draw_case(seed):
    """Return a random type, values of which some, none or all are null, and what decided on them."""
    random = Random(seed)
    physical = make_type(random)
    return physical, make_values(physical, random.randrange(30), random, random.choice((0, 0.2, 0.8, 1))), random


def encoded(column, physical):
    """Return the canonical bytes of a whole column."""
    return b"".join(value_parts(column, Type(physical).id, 0, column.length))


def holds_equal_content(seed):
    """Every layout of some values has the bytes that docs/format.md gives them."""
    physical, values, random = draw_case(seed)
    expected = reference.value_object(physical, values)
    array = mangled(physical, values, random)

    assert Type(physical) == Type.from_arrow(array.type)
    assert expected == encoded(normalise(plain(physical, values)), physical)
    assert expected == encoded(normalise(array), physical)
    assert expected == encoded(normalise(chunked(physical, values, random)), physical)


@settings(max_examples=300)
@given(SEEDS)
def test_equal_values_have_the_bytes_of_the_page(seed):
    """Sliced, padded, chunked, dictionary, runs, views, large, with garbage: all give the bytes of the page."""
    holds_equal_content(seed)


@pytest.mark.slow
def test_equal_values_have_the_bytes_of_the_page_at_length():
    """The same for thousands of types and layouts."""
    for seed in range(3000):
        holds_equal_content(seed)


@settings(max_examples=150)
@given(SEEDS)
def test_what_is_written_is_read(seed):
    """A column comes back from its objects with the bits it had, as one object or as several."""
    physical, values, random = draw_case(seed)
    type_, column = Type(physical), normalise(plain(physical, values))
    cuts = sorted(random.randint(0, len(values)) for _ in range(random.randrange(4)))
    bounds = list(zip([0, *cuts], [*cuts, len(values)], strict=True))
    objects = [b"".join(value_parts(column, type_.id, start, stop)) for start, stop in bounds]
    back = read_values(objects, type_, [stop - start for start, stop in bounds])

    assert [reference.value_object(physical, values[start:stop]) for start, stop in bounds] == objects
    assert encoded(column, physical) == encoded(back, physical)
    assert not differing_rows(column, back).any()
    array = to_arrow(back)
    array.validate(full=True)
    assert type_.arrow == array.type
    assert encoded(column, physical) == encoded(normalise(array), physical)


@settings(max_examples=150)
@given(SEEDS)
def test_columns_are_taken_sliced_and_joined_as_lists_are(seed):
    """take, slice, concat, weights and differing_rows agree with plain Python; the results are in normal form."""
    physical, values, random = draw_case(seed)
    column = normalise(mangled(physical, values, random))
    n = len(values)
    rows = [random.randrange(-1, n) for _ in range(random.randrange(40))]
    start = random.randint(0, n)
    stop = random.randint(start, n)
    taken = column.take(np.array(rows, np.int64))
    sliced = column.slice(start, stop)

    picked = [None if row < 0 else values[row] for row in rows]
    assert reference.value_object(physical, picked) == encoded(taken, physical)
    assert reference.value_object(physical, values[start:stop]) == encoded(sliced, physical)
    joined = concat([taken, sliced, null_column(physical, 2)])
    assert reference.value_object(physical, [*picked, *values[start:stop], None, None]) == encoded(joined, physical)
    weights = column.weights()
    found = [weights] * n if isinstance(weights, int) else weights.tolist()
    assert [reference.weight(physical, value) for value in values] == found


@settings(max_examples=150)
@given(SEEDS)
def test_rows_differ_iff_their_bytes_do(seed):
    """Two rows differ exactly when each, stored alone, has other bytes: NaN equals NaN, 0.0 differs from -0.0."""
    physical, values, random = draw_case(seed)
    others = [random.choice((value, *make_values(physical, 2, random))) for value in values]
    found = differing_rows(normalise(plain(physical, values)), normalise(mangled(physical, others, random)))

    expected = [
        reference.value_object(physical, [a]) != reference.value_object(physical, [b])
        for a, b in zip(values, others, strict=True)
    ]
    assert expected == found.tolist()


@settings(max_examples=100)
@given(st.lists(st.text(max_size=12) | st.sampled_from(WORDS) | st.text(max_size=30).map("s3://b/".__add__)))
def test_keys_have_the_bytes_of_the_page(texts):
    """Keys are stored as they are: no normalisation, order by bytes, empty keys and NUL among them."""
    ordered = sorted({text.encode() for text in texts})
    keys = Keys.of(pa.array([key.decode() for key in ordered], pa.string()))
    data = b"".join(key_parts(keys.column, 0, len(keys)))

    assert reference.key_object(ordered) == data
    assert ordered == list(Keys(read_keys([data], [len(ordered)])))


@settings(max_examples=300)
@given(SEEDS)
def test_malformed_bytes_raise_only_format_errors(seed):
    """Bytes that were cut, lengthened or hit are refused, or read as what they then say; nothing else happens."""
    physical, values, random = draw_case(seed)
    type_ = Type(physical)
    data = bytearray(encoded(normalise(plain(physical, values)), physical))
    damage = random.choice(("bits", "cut", "longer", "words"))
    if damage == "bits":
        for _ in range(random.randint(1, 4)):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif damage == "cut":
        del data[random.randrange(len(data)) :]
    elif damage == "longer":
        data += random.randbytes(random.randint(1, 9))
    else:
        at = random.randrange(0, len(data) - 7, 8)
        data[at : at + 8] = random.choice((b"\xff" * 8, b"\0" * 7 + b"\x7f", b"\xff\xff\xff\x7f" + bytes(4)))
    try:
        column = read_values([bytes(data)], type_, [len(values)])
    except ObjectFormatError:
        return

    assert damage in ("bits", "words")
    # What lies under null may be anything here: that a value is in normal form is not checked at every reading.
    assert len(data) == len(encoded(column, physical))
