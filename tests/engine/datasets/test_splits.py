"""Which part of a split a source is in."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.datasets.splits import assign, hash_keys, hash_sources, thresholds
from dsvc.objects.arrays import normalise
from dsvc.objects.canonical import value_parts
from dsvc.objects.keys import Keys
from dsvc.objects.types import Type

PARTS = (("train", Decimal("0.8")), ("val", Decimal("0.1")), ("test", Decimal("0.1")))


def defined_bucket(key: pa.Array, seed: str) -> int:
    """The definition, word for word."""
    type_ = Type.from_arrow(key.type)
    canonical = b"".join(value_parts(normalise(key), type_.id, 0, 1))
    return int.from_bytes(blake3(b"dsvc/v1/split" + seed.encode() + canonical).digest()[:8], "big")


def never():
    """Stands for sources that nobody asks for."""
    raise AssertionError


@pytest.mark.parametrize(
    "keys",
    [
        pa.array(["", "a", "abcdefgh", "ü", "a"]),
        pa.array(["a", "b"]).dictionary_encode(),
        pa.array(["xa", "b"]).slice(1),
        pa.array(["a"], pa.large_string()),
        pa.array([b"", b"\xff\x00"]),
        pa.array([1, -2, 1], pa.int16()),
        pa.array([0.0, -0.0, float("nan"), 1.5]),
        pa.array([True, False, True]),
        pa.array([Decimal("1.50"), Decimal("2.00")]),
        pa.array([[1, 2], [], [1, 2]]),
        pa.array([{"a": 1, "b": None}, {"a": 2, "b": "x"}]),
    ],
    ids=["text", "dictionary", "slice", "large", "binary", "int16", "float64", "bool", "decimal", "list", "struct"],
)
@pytest.mark.parametrize("seed", ["", "other"])
def test_buckets_are_those_of_the_definition(keys, seed):
    """A key's bucket is the head of a hash of its one-row column, for every type and layout."""
    expected = [defined_bucket(keys.slice(i, 1), seed) for i in range(len(keys))]

    assert expected == hash_keys(keys, seed).tolist()


def test_buckets_are_pinned():
    """These must not change: a subject that was in test would be trained on."""
    assert PINNED_STRINGS == [f"{bucket:016x}" for bucket in hash_keys(pa.array(["", "subject-1", "s3://b/k.png"]))]
    assert PINNED_INTEGERS == [f"{bucket:016x}" for bucket in hash_keys(pa.array([0, 7], pa.int64()), "seed")]


PINNED_STRINGS = ["b67e43e0c8149c50", "c78ee21fc97b0dc4", "12d1caa7fa26eb82"]
PINNED_INTEGERS = ["21d322c627ac25a3", "67c1428beb294b51"]


def test_known_keys_are_not_hashed_again(monkeypatch):
    """What one call hashed, the next knows."""
    known = {}
    first = hash_keys(pa.array(["a", "b"]), "s", known)
    monkeypatch.setattr("dsvc.engine.datasets.splits.blake3", None)

    assert [first[1], first[0], first[1]] == hash_keys(pa.array(["b", "a", "b"]), "s", known).tolist()


def test_thresholds_are_exact():
    """Shares are exact decimals: three tenths are no binary fraction, and the last end is 2^64 itself."""
    ends = thresholds([("a", Decimal("0.1")), ("b", Decimal("0.2")), ("c", Decimal("0.7"))])

    assert [-(-(2**64) // 10), -(-3 * 2**64 // 10), 2**64] == ends


def test_a_bucket_belongs_to_the_first_part_whose_end_is_above_it(monkeypatch):
    """A bucket that equals an end is in the next part."""
    half = 2**63
    buckets = np.array([0, half - 1, half, 2**64 - 1], np.uint64)
    monkeypatch.setattr("dsvc.engine.datasets.splits.hash_keys", lambda *_: buckets)

    found = assign((("a", Decimal("0.5")), ("b", Decimal("0.5"))), "", pa.array(list("wxyz")), never)

    assert [0, 0, 1, 1] == found.to_pylist()


def test_shares_below_one_leave_sources_out():
    """A bucket beyond the last end is in no part."""
    sources = pa.array([f"s3://b/{i:05d}" for i in range(10_000)])

    found = assign((("a", Decimal("0.25")), ("b", Decimal("0.25"))), "", sources, never)

    assert 5_000 == pytest.approx(found.null_count, rel=0.05)
    assert {0, 1, None} == set(found.to_pylist())


def test_a_null_key_falls_back_to_the_pointer():
    """Sources without a key are split as if the key were their pointer."""
    sources = pa.array(["s3://b/1", "s3://b/2", "s3://b/3", "s3://b/4"])
    keys = pa.array([7, None, 7, None])

    found = assign(PARTS, "", keys, lambda: sources)

    by_pointer = assign(PARTS, "", sources, never)
    by_key = assign(PARTS, "", pa.array([7, 7, 7, 7]), never)
    assert [by_key[0], by_pointer[1], by_key[2], by_pointer[3]] == list(found)


def test_equal_keys_share_a_part_and_shares_are_met():
    """All sources of a subject are in one part, and subjects spread as asked."""
    subjects = np.arange(30_000) % 10_000

    found = np.asarray(assign(PARTS, "", pa.array(subjects), never))

    assert all((found[:10_000] == found[start : start + 10_000]).all() for start in (10_000, 20_000))
    assert [24_000, 3_000, 3_000] == pytest.approx(np.bincount(found).tolist(), rel=0.07)


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=6), st.lists(st.text(max_size=5), max_size=30))
def test_adding_a_share_at_the_end_moves_only_from_the_last_part(weights, keys):
    """Cutting the last part in two moves no key between the parts before it."""
    total = 1024
    shares = [Decimal(w) / total / 6 for w in weights]
    parts = [(str(i), share) for i, share in enumerate(shares)]
    array = pa.array(keys, pa.string())

    before = assign(parts, "", array, never).to_pylist()
    after = assign([*parts[:-1], ("x", shares[-1] / 2), ("y", shares[-1] / 2)], "", array, never).to_pylist()

    last = len(parts) - 1
    assert [b if b != last else None for b in before] == [a if a is None or a < last else None for a in after]
    assert all(x <= y for x, y in pairwise(thresholds(parts)))


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40), unique=True),
    st.text(max_size=3),
)
def test_pointers_have_the_buckets_of_texts(pointers, seed):
    """Of any length, and as a part of others."""
    keys = pa.array(sorted(pointers, key=str.encode), pa.string())

    assert hash_keys(keys, seed).tolist() == hash_sources(Keys.of(keys), seed).tolist()
    half = len(keys) // 2
    assert (
        hash_keys(keys.slice(half), seed).tolist() == hash_sources(Keys.of(keys).slice(half, len(keys)), seed).tolist()
    )
