"""Where a sequence of keys is cut: at local minima of a hash of the keys.

A row ends a chunk when its hash is the leftmost minimum of the w rows before and after it.  The cuts depend on the
set of keys alone, never on the order of edits, and an edit can move cuts only within w + 1 rows of itself.

The hash is our own and part of the format, so that no library's release can move a boundary.  Each function here
has a scalar reference in the tests.

Source: docs/format.md#cut-rule; windowed local extrema: Bjorner, Blass and Gurevich, "Content-dependent chunking for
differential compression, the local maximum approach", 2010.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]

CHUNK_WINDOW = 1023
"""Rows on each side of a chunk's end: chunks have 1,024 rows at least and about 2,047."""
NODE_WINDOW = 31
"""Entries on each side of a node's end: nodes have 32 entries at least and about 63."""
PIECE_WINDOWS = (511, 255, 127, 63, 31, 15, 7, 3, 1)
PIECE_BYTES = 24 * 1024
"""Weight that a piece of a value object aims at, at most."""

_MASK = (1 << 64) - 1
_LANE_MULTIPLIER = 0x9E3779B97F4A7C15
_HASH_BLOCK_ROWS = 8192


def splitmix(x: int) -> int:
    """Return the splitmix64 finaliser of a 64-bit integer.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    x = (x + 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def _splitmix_array(x: U64) -> U64:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def hash_key(key: bytes) -> int:
    """Return the 64-bit hash of one key.

    Each 8-byte little-endian lane, the last padded with zeros, is mixed in by xor, multiply and shift; the byte
    length comes last, then splitmix64.
    """
    x = 0
    for at in range(0, len(key), 8):
        x = ((x ^ int.from_bytes(key[at : at + 8], "little")) * _LANE_MULTIPLIER) & _MASK
        x ^= x >> 32
    return splitmix(x ^ len(key))


def hash_keys(offsets: npt.NDArray[np.integer], data: npt.NDArray[np.uint8]) -> U64:
    """Return `hash_key` of many keys in strictly ascending order.

    Sorted neighbours share prefixes: the lanes that all keys of a block share are mixed once, which is wrong for
    keys that are not sorted.

    Args:
        offsets: Shape (n + 1,); key i is data[offsets[i]:offsets[i + 1]].
        data: The keys' bytes.

    Returns:
        Shape (n,), uint64.
    """
    n = len(offsets) - 1
    hashes = np.empty(n, np.uint64)
    for start in range(0, n, _HASH_BLOCK_ROWS):
        block = np.asarray(offsets[start : min(start + _HASH_BLOCK_ROWS, n) + 1], np.int64)
        hashes[start : start + len(block) - 1] = _hash_block(block - block[0], data[block[0] : block[-1]])
    return hashes


def _hash_block(offsets: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]) -> U64:
    starts, lengths = offsets[:-1], np.diff(offsets)
    # Eight spare bytes let every lane be read as a whole word; the last lane of a key is masked below.
    padded = np.zeros(len(data) + 8, np.uint8)
    padded[: len(data)] = data
    words = np.ndarray(len(data) + 1, dtype="<u8", buffer=padded, strides=(1,))
    shared = _shared_lanes(starts, lengths, data)
    x = np.full(len(starts), _mix_prefix(data[: 8 * shared]), np.uint64)
    shortest, longest = int(lengths.min()), int(lengths.max())
    for at in range(8 * shared, longest, 8):
        if at + 8 <= shortest:
            x = _mix_lane(x, words[starts + at])
            continue
        rows = np.flatnonzero(lengths > at)
        left = np.minimum(lengths[rows] - at, 8).astype(np.uint64)
        mask = np.uint64(_MASK) >> (np.uint64(64) - np.uint64(8) * left)
        x[rows] = _mix_lane(x[rows], words[starts[rows] + at] & mask)
    return _splitmix_array(x ^ lengths.astype(np.uint64))


def _mix_lane(x: U64, lane: U64) -> U64:
    x = (x ^ lane) * np.uint64(_LANE_MULTIPLIER)
    return x ^ (x >> np.uint64(32))


def _mix_prefix(prefix: npt.NDArray[np.uint8]) -> int:
    x = 0
    for lane in np.frombuffer(prefix.tobytes(), "<u8").tolist():
        x = ((x ^ lane) * _LANE_MULTIPLIER) & _MASK
        x ^= x >> 32
    return x


def _shared_lanes(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]) -> int:
    """Count the whole lanes that every key of an ascending block begins with: those its first and last share."""
    limit = int(lengths.min()) // 8 if len(lengths) > 1 else 0
    first = data[starts[0] : starts[0] + 8 * limit].reshape(limit, 8)
    last = data[starts[-1] : starts[-1] + 8 * limit].reshape(limit, 8)
    differs = np.flatnonzero((first != last).any(axis=1))
    return int(differs[0]) if len(differs) else limit


def find_cuts(hashes: U64, window: int) -> npt.NDArray[np.int64]:
    """Return where each chunk ends.

    Of n rows, row i ends a chunk iff w <= i <= n-1-w, h(i) < h(j) for i-w <= j < i, and h(i) <= h(j) for
    i < j <= i+w; the last row ends the last chunk.

    Args:
        hashes: Shape (n,), the rows' hashes in key order.
        window: w.

    Returns:
        Ascending exclusive ends, the last being n; empty for no rows.

    Source: docs/format.md#cut-rule.
    """
    n, w = len(hashes), window
    if n == 0:
        return np.empty(0, np.int64)
    if n < 2 * w + 1:
        return np.array([n], np.int64)
    least = _sliding_minimum(hashes, w)
    middle = hashes[w : n - w]
    cuts = np.flatnonzero((middle < least[: n - 2 * w]) & (middle <= least[w + 1 :])) + w + 1
    return np.append(cuts, n)


def _sliding_minimum(hashes: U64, width: int) -> U64:
    """Return min(hashes[s : s + width]) for each s, from the minima of windows half as wide."""
    least, span = hashes, 1
    while span < width:
        step = min(span, width - span)
        least = np.minimum(least[: len(least) - step], least[step:])
        span += step
    return least


def node_hashes(last_keys: list[bytes], level: int) -> U64:
    """Return the hashes that cut the entries with `last_keys` into nodes of `level` (1 or more)."""
    salt = splitmix(level)
    if not last_keys:
        return np.empty(0, np.uint64)
    data = np.frombuffer(b"".join(last_keys), np.uint8)
    offsets = np.zeros(len(last_keys) + 1, np.int64)
    np.cumsum([len(key) for key in last_keys], out=offsets[1:])
    return _splitmix_array(hash_keys(offsets, data) ^ np.uint64(salt))


def piece_window(weight: int, records: int) -> int:
    """Return the window that cuts a chunk's values into pieces of at most about 24 KiB.

    Args:
        weight: Bytes of the chunk's values, by type.
        records: Records of the chunk, at least 1.

    Source: docs/format.md#pieces.
    """
    mean = -(-weight // records)
    return next((w for w in PIECE_WINDOWS if (2 * w + 1) * mean <= PIECE_BYTES), 1)
