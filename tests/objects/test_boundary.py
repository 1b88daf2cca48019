"""The cut rule, against references written from docs/format.md#cut-rule one integer at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.objects.boundary import (
    CHUNK_WINDOW,
    NODE_WINDOW,
    PIECE_BYTES,
    PIECE_WINDOWS,
    find_cuts,
    hash_key,
    hash_keys,
    node_hashes,
    piece_window,
    splitmix,
)
from dsvc.objects.keys import Keys

MOD = 2**64
WINDOWS = [1, 3, 31, 1023]


def scalar_splitmix(x):
    """Return splitmix(x) as the page on the format says it."""
    x = (x + 0x9E3779B97F4A7C15) % MOD
    x = (x ^ (x // 2**30)) * 0xBF58476D1CE4E5B9 % MOD
    x = (x ^ (x // 2**27)) * 0x94D049BB133111EB % MOD
    return x ^ (x // 2**31)


def scalar_hash(key):
    """Return the hash of a key: lanes of eight bytes, the last padded with zeros, the length last."""
    padded = key + bytes(-len(key) % 8)
    x = 0
    for at in range(0, len(padded), 8):
        lane = sum(byte * 256**i for i, byte in enumerate(padded[at : at + 8]))
        x = (x ^ lane) * 0x9E3779B97F4A7C15 % MOD
        x ^= x // 2**32
    return scalar_splitmix(x ^ len(key))


def scalar_cuts(hashes, w):
    """Return exclusive ends of chunks, each row asked for itself."""
    n = len(hashes)
    ends = [
        i + 1
        for i in range(n)
        if w <= i <= n - 1 - w
        and all(hashes[i] < hashes[j] for j in range(i - w, i))
        and all(hashes[i] <= hashes[j] for j in range(i + 1, i + w + 1))
    ]
    return [*ends, n] if n else []


def cut(hashes, w):
    """Return the cuts as a list of integers."""
    return find_cuts(np.array(hashes, np.uint64), w).tolist()


def hash_all(keys):
    """Return the vectorised hashes of ascending keys."""
    offsets = np.cumsum([0, *map(len, keys)])
    return hash_keys(offsets, np.frombuffer(b"".join(keys), np.uint8)).tolist()


# Keys that share prefixes of about a lane or two, so that common lanes and short last lanes meet.
prefixed = st.tuples(
    st.sampled_from([b"", b"s3://b/", b"s3://buck", b"s3://bucket/2026/", b"\0" * 9]), st.binary(max_size=20)
).map(b"".join)
ascending_keys = st.lists(prefixed, unique=True, max_size=40).map(sorted)


@given(st.integers(0, MOD - 1))
def test_splitmix_is_that_of_the_format(x):
    """One mixing of 64 bits, whatever the number."""
    assert scalar_splitmix(x) == splitmix(x)


@given(st.binary(max_size=40))
def test_hash_of_one_key_is_that_of_the_format(key):
    """Every length, whole lanes or not."""
    assert scalar_hash(key) == hash_key(key)


@given(ascending_keys)
def test_hashes_of_many_keys_are_those_of_each(keys):
    """Mixing the lanes that sorted keys share once changes no hash."""
    assert [scalar_hash(key) for key in keys] == hash_all(keys)


def test_hash_depends_on_no_neighbour_across_blocks():
    """More keys than one block holds hash as each alone; the common prefix of a block is its own."""
    keys = sorted({b"s3://bucket/%d/%d" % (i % 7, i) for i in range(20_000)})

    assert [hash_key(key) for key in keys] == hash_all(keys)


def test_trap_22b_shared_lanes_are_those_of_a_sorted_block():
    """Keys of which only the middle differs hash wrongly when unsorted: so order is checked before a tree is made."""
    keys = [b"aaaaaaaa-1", b"bbbbbbbb-2", b"aaaaaaaa-3"]

    assert [hash_key(key) for key in sorted(keys)] == hash_all(sorted(keys))
    assert [hash_key(key) for key in keys] != hash_all(keys)
    assert not Keys.of_bytes(keys).ascending


def test_keys_that_differ_in_trailing_zeros_hash_apart():
    """The padding of the last lane is told from a NUL by the length."""
    keys = [b"a" + bytes(n) for n in range(18)]

    assert len(keys) == len(set(hash_all(keys)))


@pytest.mark.parametrize("w", WINDOWS)
@pytest.mark.parametrize("shape", ["falling", "rising", "equal", "valley", "random", "ties"])
def test_cuts_at_the_edges_of_the_rule(w, shape):
    """From no rows to two more than a window has: one chunk until 2w rows, and the reference decides beyond."""
    for n in (0, 1, w, w + 1, 2 * w, 2 * w + 1, 2 * w + 2):
        rng = np.random.default_rng(n)
        hashes = {
            "falling": list(range(n, 0, -1)),
            "rising": list(range(n)),
            "equal": [7] * n,
            "valley": [abs(i - w) for i in range(n)],
            "random": rng.integers(0, MOD - 1, n, np.uint64, endpoint=True).tolist(),
            "ties": rng.integers(0, 3, n).tolist(),
        }[shape]

        assert scalar_cuts(hashes, w) == cut(hashes, w)
        if 0 < n <= 2 * w:
            assert [n] == cut(hashes, w)


@pytest.mark.parametrize("w", WINDOWS)
def test_the_smallest_cut_gives_w_plus_one_and_w(w):
    """2w + 1 rows are the fewest that are cut, and only the last chunk may have w rows."""
    assert [w + 1, 2 * w + 1] == cut([abs(i - w) for i in range(2 * w + 1)], w)


@pytest.mark.parametrize("w", WINDOWS)
@pytest.mark.parametrize("value", [0, 1, MOD - 1])
def test_equal_hashes_are_never_cut(w, value):
    """No row is below those before it: also at the largest hash, with which blocks are padded."""
    assert [10 * w] == cut([value] * (10 * w), w)


@pytest.mark.parametrize("w", [1, 3])
def test_the_leftmost_of_a_tie_ends_the_chunk(w):
    """Of two equal minima within a window the first cuts, the second does not."""
    high, low = 9, 1
    hashes = [high] * w + [low, low] + [high] * (2 * w)

    assert [w + 1, len(hashes)] == cut(hashes, w)


@given(st.sampled_from([1, 2, 3, 5]), st.lists(st.integers(0, 12), max_size=80))
def test_cuts_are_those_of_the_reference_with_many_ties(w, hashes):
    """Small hashes tie often, and every tie is decided as the rule says."""
    assert scalar_cuts(hashes, w) == cut(hashes, w)


@given(st.sampled_from([1, 3, 31]), st.lists(st.sampled_from([0, 1, 2**63, MOD - 2, MOD - 1]), max_size=120))
def test_cuts_are_those_of_the_reference_at_the_ends_of_64_bits(w, hashes):
    """Hashes are compared as unsigned, and the largest is a hash as any other."""
    assert scalar_cuts(hashes, w) == cut(hashes, w)


@pytest.mark.parametrize("w", [31, CHUNK_WINDOW])
def test_cuts_are_those_of_the_reference_on_long_runs(w):
    """Some windows' worth of random hashes."""
    hashes = np.random.default_rng(w).integers(0, MOD - 1, 6 * w + 5, np.uint64, endpoint=True).tolist()

    assert scalar_cuts(hashes, w) == cut(hashes, w)


@given(st.sampled_from([1, 3, 7]), st.lists(st.integers(0, 30), min_size=1, max_size=120), st.data())
def test_an_edit_moves_cuts_only_near_itself(w, hashes, data):
    """A row that comes moves no end that is more than w + 1 rows away from it."""
    at = data.draw(st.integers(0, len(hashes)))
    before = set(cut(hashes, w)[:-1])
    edited = [*hashes[:at], data.draw(st.integers(0, 30)), *hashes[at:]]
    after = {end if end <= at else end - 1 for end in cut(edited, w)[:-1]}

    # Ends near either edge of the sequence move with the edge: a chunk needs w rows on both sides.
    inner = {end for end in before ^ after if w + 1 < end < len(hashes) - w}
    assert all(abs(end - at) <= w + 1 for end in inner)


@given(st.sampled_from([1, 3]), st.lists(st.integers(0, 30), max_size=120))
def test_ends_are_at_least_w_plus_one_rows_apart(w, hashes):
    """Every chunk but the last has w + 1 rows at the least; the last of several has w."""
    ends = cut(hashes, w)
    sizes = np.diff([0, *ends]).tolist()

    assert all(size > w for size in sizes[:-1])
    assert len(sizes) < 2 or sizes[-1] >= w


@given(ascending_keys, st.integers(1, 16))
def test_hashes_of_entries_are_salted_by_level(keys, level):
    """A level's hash is splitmix(h(last key) xor splitmix(level))."""
    expected = [scalar_splitmix(scalar_hash(key) ^ scalar_splitmix(level)) for key in keys]

    assert expected == node_hashes(keys, level).tolist()


def test_windows_are_those_of_the_format():
    """Windows are part of what ids mean."""
    assert (1023, 31, 24 * 1024) == (CHUNK_WINDOW, NODE_WINDOW, PIECE_BYTES)
    assert (511, 255, 127, 63, 31, 15, 7, 3, 1) == PIECE_WINDOWS


@pytest.mark.parametrize("index", range(len(PIECE_WINDOWS)))
@pytest.mark.parametrize("records", [1, 3, 2047])
def test_piece_window_at_the_edges_of_its_rungs(index, records):
    """The heaviest mean that a rung takes, and the next byte, which goes to the rung below; the last takes all."""
    w = PIECE_WINDOWS[index]
    below = PIECE_WINDOWS[min(index + 1, len(PIECE_WINDOWS) - 1)]
    mean = PIECE_BYTES // (2 * w + 1)

    assert w == piece_window(mean * records, records)
    assert below == piece_window(mean * records + 1, records)


@given(st.integers(0, 2**32), st.integers(1, 5000))
def test_piece_window_is_the_largest_that_fits(weight, records):
    """The rule of docs/format.md#pieces, in whole numbers."""
    mean = (weight + records - 1) // records
    fitting = [w for w in PIECE_WINDOWS if (2 * w + 1) * mean <= 24 * 1024]

    assert max(fitting, default=1) == piece_window(weight, records)
