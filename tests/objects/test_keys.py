"""Keys are found, merged and checked as a sorted list of byte strings would be."""

from bisect import bisect_left

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.errors import SchemaError
from dsvc.objects.boundary import CHUNK_WINDOW, find_cuts, hash_key
from dsvc.objects.keys import Keys, bisect_keys, concat_keys, is_ascending, merge_order

LONG = "s3://b/" + "y" * 1093
texts = st.one_of(
    st.sampled_from(
        ["", "\0", "a", "a\0", "a\0\0", "a\0b", "b", "é", "e\u0301", "\uffff", "\U0001f600", LONG, LONG[:-1]]
    ),
    st.text(max_size=4),
    st.text("ab", max_size=9),
)
key_sets = st.lists(texts.map(str.encode), unique=True, max_size=30).map(sorted)
# Without NUL and with many probes the vectorised search runs; the other draws go key by key.
plain_sets = st.lists(st.text("abcé\U0001f600", max_size=6).map(str.encode), unique=True, max_size=60).map(sorted)


@given(key_sets | plain_sets, key_sets | plain_sets)
def test_search_is_that_of_a_sorted_list(keys, probe):
    """For each probe, how many keys are below it and whether it is one of them."""
    below, found = Keys.of_bytes(keys).search(Keys.of_bytes(probe))

    assert [bisect_left(keys, key) for key in probe] == below.tolist()
    assert [key in keys for key in probe] == found.tolist()


@pytest.mark.parametrize("n_probes", [1, 8, 9, 500])
def test_search_of_few_and_of_many_agree(n_probes):
    """Whichever way of looking up is taken, the answer is one; keys of one length and of several."""
    for pattern in ("s3://b/%05d", "s3://b/%d", "%d"):
        keys = sorted((pattern % i).encode() for i in range(0, 3000, 3))
        probe = sorted((pattern % i).encode() for i in range(0, 3000, 3000 // n_probes))

        below, found = Keys.of_bytes(keys).search(Keys.of_bytes(probe))

        assert [bisect_left(keys, key) for key in probe] == below.tolist()
        assert [key in set(keys) for key in probe] == found.tolist()


@pytest.mark.parametrize("n_probes", [2, 20])
def test_search_tells_keys_that_end_in_nul_apart(n_probes):
    """Padding with NUL would make them equal."""
    keys = [b"a" + bytes(i) for i in range(0, 40, 2)]
    probe = [b"a" + bytes(i) for i in range(n_probes)]

    below, found = Keys.of_bytes(keys).search(Keys.of_bytes(probe))

    assert [bisect_left(keys, key) for key in probe] == below.tolist()
    assert [i % 2 == 0 for i in range(n_probes)] == found.tolist()


def test_search_with_keys_of_1100_bytes():
    """The longest keys, beside short ones, many at once."""
    keys = sorted([b"x" * 1092 + b"%08d" % i for i in range(20)] + [b"x" * i for i in range(20)])
    probe = sorted([b"x" * 1092 + b"%08d" % i for i in range(0, 40, 2)] + [b"x" * 1099, b"", b"y"])

    below, found = Keys.of_bytes(keys).search(Keys.of_bytes(probe))

    assert [bisect_left(keys, key) for key in probe] == below.tolist()
    assert [key in keys for key in probe] == found.tolist()


def test_search_of_the_empty_key_alone():
    """The empty text is a key, also where all keys and probes are that."""
    keys = Keys.of_bytes([b""])

    assert ([0], [True]) == tuple(part.tolist() for part in keys.search(keys))


@given(key_sets | plain_sets, key_sets | plain_sets)
def test_merge_order_is_the_union(keys, other):
    """The ascending union, and where each of its keys comes from."""
    union, row, other_row = merge_order(Keys.of_bytes(keys), Keys.of_bytes(other))

    expected = sorted({*keys, *other})
    assert expected == list(union)
    assert [keys.index(key) if key in keys else -1 for key in expected] == row.tolist()
    assert [other.index(key) if key in other else -1 for key in expected] == other_row.tolist()


@given(st.lists(texts.map(str.encode), max_size=4))
def test_ascending_is_strict_and_by_bytes(keys):
    """A key twice, or one that is smaller in bytes than the one before, is no ascending order."""
    column = Keys.of_bytes(keys).column

    assert (keys == sorted(set(keys))) == is_ascending(column)
    assert is_ascending(Keys.of_bytes(sorted(set(keys))).column)


def test_order_is_that_of_utf8_bytes():
    """Not that of UTF-16, where signs beyond the basic plane come before U+FFFF."""
    assert Keys.of(pa.array(["\uffff", "\U0001f600"])).ascending
    assert not Keys.of(pa.array(["\U0001f600", "\uffff"])).ascending


def test_there_is_no_unicode_normalisation():
    """Composed and decomposed are two keys, each found as itself."""
    keys = Keys.of(pa.array(["e\u0301", "\u00e9"]))

    assert keys.ascending
    assert ["e\u0301".encode(), "\u00e9".encode()] == list(keys)
    assert [True, True] == keys.search(keys)[1].tolist()
    assert hash_key("e\u0301".encode()) != hash_key("\u00e9".encode())


@given(key_sets, texts.map(str.encode), st.data())
def test_bisect_from_any_known_bounds(keys, key, data):
    """Whatever lower and upper bound is known, the number of keys below is one."""
    expected = bisect_left(keys, key)
    low = data.draw(st.integers(0, expected))
    high = data.draw(st.integers(expected, len(keys)))

    assert expected == bisect_keys(keys, key)
    assert expected == bisect_keys(keys, key, low, high)
    assert expected == bisect_keys(Keys.of_bytes(keys), key, low)


@given(key_sets, st.data())
def test_slices_and_joins_keep_keys_and_hashes(keys, data):
    """Parts of keys are keys, with or without hashes known before, and joined they are what they were."""
    whole = Keys.of_bytes(keys)
    middle = data.draw(st.integers(0, len(keys)))
    if data.draw(st.booleans()):
        assert len(keys) == len(whole.hashes)
    parts = [whole.slice(0, middle), whole.slice(middle, len(keys))]
    joined = concat_keys(parts)

    assert [keys[:middle], keys[middle:], keys] == [list(part) for part in (*parts, joined)]
    assert [hash_key(key) for key in keys[middle:]] == parts[1].hashes.tolist()
    assert [hash_key(key) for key in keys] == joined.hashes.tolist()


@given(key_sets)
def test_keys_are_a_sequence(keys):
    """Length, indexes of either sign, slices, width, and the texts."""
    found = Keys.of_bytes(keys)

    assert len(keys) == len(found)
    assert keys == [found[i - len(keys)] for i in range(len(keys))]
    assert keys[1:-1:2] == found[1:-1:2]
    assert [key.decode() for key in keys] == found.arrow.to_pylist()
    assert max(map(len, keys), default=0) == found.width
    for outside in (len(keys), -len(keys) - 1):
        with pytest.raises(IndexError):
            found[outside]


@given(key_sets, st.data())
def test_take_keeps_the_keys_at_rows(keys, data):
    """Any ascending rows."""
    rows = sorted(data.draw(st.sets(st.integers(0, len(keys) - 1)))) if keys else []

    assert [keys[row] for row in rows] == list(Keys.of_bytes(keys).take(np.array(rows, np.int64)))


def test_cuts_are_those_of_the_hashes():
    """Keys are cut by the window of chunks."""
    keys = Keys.of_bytes([b"%06d" % i for i in range(9000)])

    assert find_cuts(keys.hashes, CHUNK_WINDOW).tolist() == keys.cuts.tolist()
    assert len(keys.cuts) > 1


def test_sources_of_any_layout_of_text_are_keys():
    """Large, view, dictionary and chunked text, and bytes; keys stay themselves."""
    plain = pa.array(["a", "b"])
    keys = Keys.of(plain)
    forms = [
        plain.cast(pa.large_string()),
        plain.cast(pa.string_view()),
        plain.dictionary_encode(),
        plain.cast("binary"),
    ]

    for form in (*forms, pa.chunked_array([plain[:1], plain[1:]])):
        assert [b"a", b"b"] == list(Keys.of(form))
    assert keys is Keys.of(keys)


@pytest.mark.parametrize("sources", [pa.array([1, 2]), pa.array(["a", None]), pa.nulls(1)], ids=str)
def test_what_is_no_text_is_no_source(sources):
    """Numbers and nulls point at nothing."""
    with pytest.raises(SchemaError, match="expected strings"):
        Keys.of(sources)
