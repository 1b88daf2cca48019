"""Source pointers in strictly ascending order: their hashes, where they are cut, and how one is found.

A pointer is any UTF-8 text; order is that of its bytes, with no Unicode normalisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.errors import SchemaError
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.boundary import CHUNK_WINDOW, U64, find_cuts, hash_keys
from dsvc.objects.canonical import KEY_TYPE
from dsvc.objects.column import Column, Index, Mask, concat
from dsvc.objects.oid import Oid

_FEW = 8
_ROWS_PER_PROBE = 128
"""Keys are looked up one by one where they are few, or few for so many rows; else through one vectorised search."""


class Keys(Sequence[bytes]):
    """Strictly ascending keys, as a column of strings without nulls.

    The order is the caller's promise, checked where keys become part of a tree. Hashes and cuts are computed once,
    however many signals are written with one `Keys`.
    """

    def __init__(self, column: Column) -> None:
        self.column = column
        assert column.data is not None and column.offsets is not None
        self._data, self._offsets = column.data, column.offsets
        self.written: dict[tuple[int, int], Oid] = {}
        """Ids of key objects made of rows (start, stop), so that they are hashed once."""

    @classmethod
    def of(cls, sources: pa.Array | pa.ChunkedArray | Keys) -> Keys:
        """Return the keys of an ascending column of sources without nulls, text or its UTF-8 bytes.

        Raises:
            SchemaError: If the sources are no text, or have nulls.
        """
        if isinstance(sources, Keys):
            return sources
        column = normalise(sources)
        if column.physical not in (KEY_TYPE, ("binary",)) or column.valid is not None:
            raise SchemaError(message=f"sources are {sources.type} with {sources.null_count} nulls, expected strings")
        return cls(Column(KEY_TYPE, column.length, None, column.data, column.offsets))

    @classmethod
    def of_bytes(cls, keys: Sequence[bytes]) -> Keys:
        """Return ascending keys from their UTF-8 bytes."""
        return cls.of(pa.array([bytes(key) for key in keys], pa.binary()))

    def __len__(self) -> int:
        return self.column.length

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        at = index if index >= 0 else len(self) + index
        if not 0 <= at < len(self):
            raise IndexError(index)
        return self._data[self._offsets[at] : self._offsets[at + 1]].tobytes()

    @property
    def arrow(self) -> pa.StringArray:
        """The keys as an Arrow array of strings."""
        return to_arrow(self.column)

    @cached_property
    def hashes(self) -> U64:
        """The 64-bit hash of each key."""
        return hash_keys(self._offsets, self._data)

    @cached_property
    def cuts(self) -> npt.NDArray[np.int64]:
        """Where chunks end, if these are all the keys of a tree."""
        return find_cuts(self.hashes, CHUNK_WINDOW)

    @cached_property
    def ascending(self) -> bool:
        """Whether the keys are in strictly ascending order of their bytes, as they must be."""
        return is_ascending(self.column)

    @cached_property
    def _has_nul(self) -> bool:
        return bool(self._data.min(initial=1) == 0)

    @cached_property
    def width(self) -> int:
        """Bytes of the longest key."""
        return int(np.diff(self._offsets).max()) if len(self) else 0

    def slice(self, start: int, stop: int) -> Keys:
        """Return keys start to stop; what was computed for all is kept for them."""
        if (start, stop) == (0, len(self)):
            return self
        part = Keys(self.column.slice(start, stop))
        if "hashes" in self.__dict__:
            part.hashes = self.hashes[start:stop]
        return part

    def take(self, rows: Index) -> Keys:
        """Return the keys at ascending `rows`."""
        return Keys(self.column.take(rows))

    def search(self, probe: Keys) -> tuple[Index, Mask]:
        """Find keys among these.

        Args:
            probe: The keys to find.

        Returns:
            For each probe, the number of keys below it, shape (len(probe),), and whether it is one of the keys.
        """
        n, m = len(self), len(probe)
        if n == 0 or m == 0:
            return np.zeros(m, np.int64), np.zeros(m, np.bool_)
        if m <= max(_FEW, n // _ROWS_PER_PROBE) or self._has_nul or probe._has_nul:
            return self._search_each(probe)
        width = max(self.width, probe.width)
        keys, probes = self._padded(width), probe._padded(width)
        below = np.searchsorted(keys, probes)
        return below, keys[np.minimum(below, n - 1)] == probes

    def _search_each(self, probe: Keys) -> tuple[Index, Mask]:
        below = np.empty(len(probe), np.int64)
        found = np.zeros(len(probe), np.bool_)
        at = 0
        for i, key in enumerate(probe):
            at = bisect_keys(self, key, at)
            below[i] = at
            found[i] = at < len(self) and self[at] == key
        return below, found

    def _padded(self, width: int) -> npt.NDArray[np.bytes_]:
        """Return the keys as fixed-width byte strings, which numpy compares by memory; keys hold no NUL."""
        n, width = len(self), max(width, 1)
        lengths = np.diff(self._offsets)
        least, most = int(lengths.min()), int(lengths.max())
        if least == most == width:
            return np.frombuffer(self._data, dtype=f"S{width}", count=n)
        padded = np.zeros((n, width), np.uint8)
        if least == most:
            padded[:, :most] = self._data.reshape(n, most)
        else:
            padded[np.arange(width) < lengths[:, None]] = self._data
        return padded.reshape(-1).view(f"S{width}")


def bisect_keys(keys: Sequence[bytes], key: bytes, low: int = 0, high: int | None = None) -> int:
    """Return the number of ascending `keys` below `key`, which is known to be `low` at least, `high` at most."""
    high = len(keys) if high is None else high
    # Edits come in order and mostly close together: look ahead in doubling steps before halving.
    step = 1
    while low + step <= high and keys[low + step - 1] < key:
        low += step
        step *= 2
    high = min(high, low + step - 1)
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


def concat_keys(parts: Sequence[Keys]) -> Keys:
    """Return the keys of consecutive ascending parts; at least one."""
    if len(parts) == 1:
        return parts[0]
    joined = Keys(concat([part.column for part in parts]))
    if all("hashes" in part.__dict__ for part in parts):
        joined.hashes = np.concatenate([part.hashes for part in parts])
    return joined


def is_ascending(column: Column) -> bool:
    """Return whether keys are in strictly ascending order of their bytes."""
    if column.length < 2:
        return True
    array = to_arrow(Column(("binary",), column.length, None, column.data, column.offsets))
    return bool(pc.all(pc.less(array[:-1], array[1:])).as_py())


def merge_order(keys: Keys, other: Keys) -> tuple[Keys, Index, Index]:
    """Merge two ascending key columns.

    Returns:
        The ascending union, and for each of its keys the row in `keys` and the row in `other`, -1 where it is in one
        alone; shapes (n,).
    """
    below, found = keys.search(other)
    new = np.flatnonzero(~found)
    n = len(keys) + len(new)
    at_new = below[new] + np.arange(len(new))
    is_new = np.zeros(n, np.bool_)
    is_new[at_new] = True
    row = np.full(n, -1, np.int64)
    row[~is_new] = np.arange(len(keys))
    other_row = np.full(n, -1, np.int64)
    other_row[at_new] = new
    old_positions = np.flatnonzero(~is_new)
    matched = np.flatnonzero(found)
    other_row[old_positions[below[matched]]] = matched
    if len(new) == 0:
        return keys, row, other_row
    pick = np.where(is_new, other_row + len(keys), row)
    union = Keys(concat([keys.column, other.column]).take(pick))
    return union, row, other_row
