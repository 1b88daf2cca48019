"""Splits: which part of a split a source is in, from its key alone.

    bucket = first 8 bytes, big endian, of blake3("dsvc/v1/split" + seed + canonical bytes of the key)

The canonical bytes of a key are those of the value object of a column with this one row, header included, so that
an int32 7, an int64 7 and a string "7" are three keys.  A null key falls back to the pointer, as a string.  A part
takes the buckets below its cumulative share, in the order of the recipe; shares are exact decimals times 2^64.

The seed is empty unless given and never a dataset's name: a key that is in test here is in test in every dataset.

Source: docs/format.md#splits.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from blake3 import blake3

from dsvc.objects.arrays import normalise
from dsvc.objects.canonical import HEADER, value_parts
from dsvc.objects.column import Column
from dsvc.objects.encoding import MAGIC
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind
from dsvc.objects.types import Type, fixed_width

CONTEXT = b"dsvc/v1/split"

Buckets = npt.NDArray[np.uint64]
Known = dict[bytes, int]
"""Text key -> its bucket."""
_MOST_KNOWN = 1_000_000
"""Keys that are remembered, at most."""
_BUCKETS = 2**64
_LENGTH = struct.Struct("<Q")
_OFFSETS = struct.Struct("<QiiQ")


def thresholds(parts: Sequence[tuple[str, Decimal]]) -> list[int]:
    """Return, per part, the least bucket above it: its cumulative share times 2^64, rounded up, which is exact."""
    total = Fraction(0)
    ends = []
    for _, share in parts:
        total += Fraction(share)
        ends.append(-(-total.numerator * _BUCKETS // total.denominator))
    return ends


def assign(
    parts: Sequence[tuple[str, Decimal]],
    seed: str,
    keys: pa.Array[Any],
    load_sources: Callable[[], pa.StringArray],
    known: Known | None = None,
) -> pa.Int8Array:
    """Return the index of each source's part.

    Args:
        parts: (name, share) in the order of the recipe.
        seed: Moves every key to another bucket.
        keys: The value each source is split by, null where it has none.
        load_sources: Gives the pointers, as many as keys; called only if a key is null.
        known: Remembers text keys from one call with this seed to the next.

    Returns:
        int8, null where the shares sum to less than 1 and the bucket is in none.
    """
    if keys.null_count:
        present = np.asarray(keys.is_valid())
        buckets = np.empty(len(keys), np.uint64)
        buckets[~present] = hash_keys(load_sources().filter(pa.array(~present)), seed)
        buckets[present] = hash_keys(keys.filter(pa.array(present)), seed, known)
    else:
        buckets = hash_keys(keys, seed, known)
    index = np.zeros(len(keys), np.int8)
    n_open = 0
    for end in thresholds(parts):
        if end < _BUCKETS:
            index += buckets >= np.uint64(end)
            n_open += 1
    outside = index >= len(parts) if n_open == len(parts) else None
    return pa.array(index, pa.int8(), mask=outside)


def hash_keys(keys: pa.Array[Any], seed: str = "", known: Known | None = None) -> Buckets:
    """Return the bucket of each key, shape (len(keys),); each distinct key is hashed once.

    Args:
        keys: Values of any type we store, none of them null.
        seed: The split's seed.
        known: Remembers text keys from one call with this seed to the next.
    """
    type_ = Type.from_arrow(keys.type)
    prefix = CONTEXT + seed.encode()
    kind = type_.physical[0]
    if kind in ("string", "binary"):
        distinct = keys.dictionary_encode()
        buckets = _hash_texts(prefix, distinct.dictionary, type_, {} if known is None else known)
        return np.asarray(buckets[np.asarray(distinct.indices)])
    column = normalise(keys, type_.physical)
    width = fixed_width(type_.physical)
    if width is not None and column.data is not None:
        rows = np.ascontiguousarray(column.data).view(np.dtype((np.void, width)))[:, 0]
        _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
        return np.asarray(_digest(_fixed_objects(prefix, column.data[first], type_))[inverse])
    return _digest(_any_objects(prefix, column, type_))


def hash_sources(sources: Keys, seed: str = "") -> Buckets:
    """Return the bucket of each pointer, shape (len(sources),): as `hash_keys`, for texts that are all different."""
    column = sources.column
    if column.data is None or column.offsets is None:
        raise AssertionError("keys are texts")
    start = _start(CONTEXT + seed.encode(), Type(column.physical))
    sizes = np.diff(column.offsets)
    heads = {size: start + _OFFSETS.pack(8, 0, size, size) for size in np.unique(sizes).tolist()}
    tails = {size: bytes(-size % 8) for size in heads}
    data, ends = column.data.tobytes(), column.offsets.tolist()
    hashed = [
        blake3(heads[size] + data[end - size : end] + tails[size]).digest(8)
        for size, end in zip(sizes.tolist(), ends[1:], strict=True)
    ]
    return np.frombuffer(b"".join(hashed), ">u8").astype(np.uint64)


def _digest(objects: Iterator[bytes]) -> Buckets:
    heads = b"".join([blake3(data).digest(8) for data in objects])
    return np.frombuffer(heads, ">u8").astype(np.uint64)


def _start(prefix: bytes, type_: Type) -> bytes:
    """Return what every one-row value object of a type without nulls begins with: header and empty validity."""
    return prefix + HEADER.pack(MAGIC, Kind.VALUE, 1, type_.id) + bytes(8)


def _hash_texts(prefix: bytes, keys: pa.Array[Any], type_: Type, known: Known) -> Buckets:
    """Return the buckets of distinct texts."""
    start = _start(prefix, type_)
    if len(known) > _MOST_KNOWN:
        known.clear()
    buckets = []
    for key in keys.cast(pa.binary()).to_pylist():
        data = key or b""
        bucket = known.get(data)
        if bucket is None:
            size = len(data)
            hashed = blake3(b"".join((start, _OFFSETS.pack(8, 0, size, size), data, bytes(-size % 8))))
            bucket = known[data] = int.from_bytes(hashed.digest(8), "big")
        buckets.append(bucket)
    return np.array(buckets, np.uint64)


def _fixed_objects(prefix: bytes, rows: npt.NDArray[np.uint8], type_: Type) -> Iterator[bytes]:
    width = rows.shape[1]
    start, end = _start(prefix, type_) + _LENGTH.pack(width), bytes(-width % 8)
    data = rows.tobytes()
    for at in range(0, len(data), width):
        yield b"".join((start, data[at : at + width], end))


def _any_objects(prefix: bytes, column: Column, type_: Type) -> Iterator[bytes]:
    for row in range(column.length):
        yield b"".join((prefix, *value_parts(column, type_.id, row, row + 1)))
