"""Merging of runs of sources with bits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.flagged import Flagged, merge_flagged
from tests.engine.signals import keys_of

sources = st.sets(st.sampled_from([f"s{i:02d}" for i in range(20)]))


def runs_of(held: set[str], bits: int, width: int):
    """The sources in runs of `width`, with empty runs between them."""
    ordered = sorted(held)
    for start in range(0, len(ordered), width):
        yield Flagged.of(keys_of(), bits)
        yield Flagged.of(keys_of(*ordered[start : start + width]), bits)


@given(st.lists(st.tuples(sources, st.integers(1, 4)), min_size=1, max_size=4), st.integers(1, 7))
def test_each_source_comes_once_with_all_its_bits(streams, rows):
    """However streams are cut, their merge has each source once, in order, with the union of the bits."""
    expected = {
        source: sum(1 << i for i, (held, _) in enumerate(streams) if source in held)
        for source in sorted(set().union(*(held for held, _ in streams)))
    }

    runs = list(merge_flagged([runs_of(held, 1 << i, width) for i, (held, width) in enumerate(streams)], rows))

    found = [(key.decode(), bits) for run in runs for key, bits in zip(run.keys, run.bits.tolist(), strict=True)]
    assert list(expected.items()) == found
    if len(streams) > 1:
        assert all(len(run) == rows for run in runs[:-1])


def test_filter_keeps_bits_with_their_sources():
    """Filtering takes keys and bits alike."""
    run = Flagged(keys_of("a", "b", "c"), np.array([1, 2, 4], np.uint64))

    kept = run.filter(np.array([True, False, True]))

    assert ([b"a", b"c"], [1, 4]) == (list(kept.keys), kept.bits.tolist())
