"""The members of some groups, in batches of whole groups, with their inputs.

A group's members may stand anywhere among the sources, so they are found by reading one column from end to end, the
one that records are grouped by.  The other inputs are read for members alone.  Where there are more than fit in memory
the column is read once for each batch; one group must fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsvc.engine.making.dirty import Groups
from dsvc.engine.making.group_ids import Ids, ids_of
from dsvc.engine.making.keysets import common_sources, iter_sources
from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.flagged import ROWS, Mask
from dsvc.engine.reading.inputs import Inputs
from dsvc.engine.reading.probe import Probe
from dsvc.engine.reading.scratch import Scratch
from dsvc.objects.column import Index
from dsvc.objects.keys import Keys, concat_keys
from dsvc.recipe.paths import InputPath

MOST_ROWS = 1_048_576
"""Members of a batch, about."""
MOST_BYTES = 128 * 1024 * 1024
"""Weight of their inputs, about."""
_LEAST_ROWS = 4096
_SAMPLE_ROWS = 256
_BUCKETS = 4096


@dataclass(frozen=True)
class GroupBatch:
    """Some whole groups: all of their members, ascending, with their inputs."""

    columns: Columns
    ids: Ids
    """The group of each member."""

    def __len__(self) -> int:
        return len(self.columns)

    @cached_property
    def probe(self) -> Probe:
        """The members, to be looked up in signals."""
        return Probe(self.columns.inputs.reader, self.columns.keys)

    @cached_property
    def _encoded(self) -> pa.DictionaryArray[Any]:
        return self.ids.dictionary_encode()

    @property
    def n_groups(self) -> int:
        """How many groups there are."""
        return len(self._encoded.dictionary)

    @cached_property
    def numbers(self) -> Index:
        """The number of each member's group, from 0."""
        return np.asarray(self._encoded.indices).astype(np.int64)

    @cached_property
    def groups(self) -> list[Index]:
        """The rows of each group's members, ascending."""
        order = np.argsort(self.numbers, kind="stable")
        cuts = np.flatnonzero(np.diff(self.numbers[order])) + 1
        return np.split(order, cuts) if len(order) else []

    def whole(self, rows: Mask) -> Mask:
        """Return which groups have nothing but such rows."""
        missing = np.zeros(self.n_groups, np.bool_)
        missing[self.numbers[~rows]] = True
        return ~missing


class Members:
    """Finds the members of groups.

    Args:
        inputs: What records are made of.
        group: What they are grouped by; None where all are one group.
        scratch: Takes what must be made up to find them.
    """

    def __init__(self, inputs: Inputs, group: InputPath | None, scratch: Scratch | None = None) -> None:
        self._inputs, self._group = inputs, group
        self._scratch = scratch or Scratch(inputs.reader)

    def batches(self, wanted: Groups | None) -> Iterator[GroupBatch]:
        """Yield the members of some groups; of all groups for None. Groups that have none now are passed over."""
        if wanted is not None and not len(wanted):
            return
        if self._group is None:
            found = list(iter_sources(self._scratch, common_sources(self._scratch, self._inputs)))
            if found:
                keys = concat_keys(found)
                yield self._batch(keys, ids_of(Columns(self._inputs, {}, len(keys), lambda: keys), None))
            return
        most = self._most_rows()
        held: list[tuple[Keys, Ids]] = []
        n_rows = 0
        for keys, ids in self.scan(wanted):
            n_rows += len(keys)
            held.append((keys, ids))
            if n_rows > most:
                break
        if n_rows <= most:
            if held:
                yield self._join(held)
            return
        held.clear()
        counts = np.zeros(_BUCKETS, np.int64)
        for _, ids in self.scan(wanted):
            counts += np.bincount(_buckets_of(ids), minlength=_BUCKETS)
        for low, high in _cut(counts, most):
            some = [self._among(keys, ids, low, high) for keys, ids in self.scan(wanted)]
            yield self._join([pair for pair in some if len(pair[0])])

    def scan(self, wanted: Groups | None) -> Iterator[tuple[Keys, Ids]]:
        """Yield the sources that are of some groups if they have the other inputs too, and the group of each."""
        item = next(item for item in self._inputs.items if item.path == self._group)
        for columns in self._inputs.only(item).scan(ROWS):
            ids = ids_of(columns, self._group)
            held = np.ones(len(ids), np.bool_) if wanted is None else wanted.hold(ids)
            if held.all():
                yield columns.keys, ids
            elif held.any():
                yield columns.keys.take(np.flatnonzero(held)), ids.filter(pa.array(held))

    def _among(self, keys: Keys, ids: Ids, low: int, high: int) -> tuple[Keys, Ids]:
        buckets = _buckets_of(ids)
        held = (buckets >= low) & (buckets < high)
        return keys.take(np.flatnonzero(held)), ids.filter(pa.array(held))

    def _join(self, parts: Sequence[tuple[Keys, Ids]]) -> GroupBatch:
        ids = pa.chunked_array([ids for _, ids in parts], pa.large_binary()).combine_chunks()
        return self._batch(concat_keys([keys for keys, _ in parts]), ids)

    def _batch(self, keys: Keys, ids: Ids) -> GroupBatch:
        columns = self._inputs.take(Probe(self._inputs.reader, keys))
        complete = columns.complete
        if complete.all():
            return GroupBatch(columns, ids)
        return GroupBatch(columns.filter(complete), ids.filter(pa.array(complete)))

    def _most_rows(self) -> int:
        """Return how many members fit in memory, by what some weigh."""
        sample = next(self._inputs.scan(_SAMPLE_ROWS), None)
        if sample is None:
            return MOST_ROWS
        total = 0
        for path in {item.path.whole for item in self._inputs.items if not item.path.circumstance}:
            weights = sample.column(path).weights()
            total += weights * len(sample) if isinstance(weights, int) else int(weights.sum())
        return max(_LEAST_ROWS, min(MOST_ROWS, MOST_BYTES * len(sample) // max(total, 1)))


def _buckets_of(ids: Ids) -> npt.NDArray[np.int64]:
    """Return the bucket of each group: alike for its members, whatever the batch."""
    encoded = ids.dictionary_encode()
    buckets = np.array([crc32(group) % _BUCKETS for group in encoded.dictionary.to_pylist()], np.int64)
    return np.asarray(buckets[np.asarray(encoded.indices)])


def _cut(counts: Index, most: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of buckets that have at most so many members, or are one bucket."""
    low, held = 0, 0
    for bucket, count in enumerate(counts.tolist()):
        if held and held + count > most:
            yield low, bucket
            low, held = bucket, 0
        held += count
    if held:
        yield low, len(counts)
