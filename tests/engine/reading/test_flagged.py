"""Ascending sources with bits, and their merging."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.reading.flagged import Flagged, merge_flagged
from tests.engine.signals import keys_of

sets_of_sources = st.dictionaries(st.text("abc\u00e9\0", min_size=1, max_size=3), st.integers(1, 7), max_size=12)


def runs_of(marked: dict[str, int], size: int) -> list[Flagged]:
    """Cut sources with bits into runs."""
    sources = sorted(marked, key=str.encode)
    return [
        Flagged(keys_of(*part), np.array([marked[source] for source in part], np.uint64))
        for start in range(0, len(sources), size)
        if (part := sources[start : start + size])
    ]


def read(runs: list[Flagged]) -> list[tuple[str, int]]:
    """Return (source, bits) of all runs."""
    return [(key.decode(), int(bits)) for run in runs for key, bits in zip(run.keys, run.bits, strict=True)]


@given(st.lists(sets_of_sources, min_size=1, max_size=4), st.integers(1, 4), st.integers(1, 5))
def test_merging_is_a_union(streams, size, rows):
    """Each source comes once, in order, with the bits of every stream that has it, in runs of the size asked."""
    expected: dict[str, int] = {}
    for marked in streams:
        for source, bits in marked.items():
            expected[source] = expected.get(source, 0) | bits

    merged = list(merge_flagged([iter(runs_of(marked, size)) for marked in streams], rows))

    assert sorted(expected.items(), key=lambda item: item[0].encode()) == read(merged)
    assert all(len(run) == rows for run in merged[:-1])


def test_empty_runs_are_passed_over():
    """A stream may give runs without rows."""
    empty = Flagged.of(keys_of(), 1)

    assert [("a", 3)] == read(
        list(merge_flagged([iter([empty, Flagged.of(keys_of("a"), 2)]), iter([Flagged.of(keys_of("a"), 1)])]))
    )
    assert [] == list(merge_flagged([iter([empty])]))


@pytest.mark.parametrize("mask", [[True, False, True], [True, True, True], [False, False, False]])
def test_filter_keeps_what_is_marked(mask):
    """Rows and their bits stay together."""
    run = Flagged(keys_of("a", "b", "c"), np.array([1, 2, 3], np.uint64))
    expected = [pair for pair, keep in zip([("a", 1), ("b", 2), ("c", 3)], mask, strict=True) if keep]

    assert expected == read([run.filter(np.array(mask))])
