"""Building cuts records into chunks and chunks into nodes, however the records come."""

import numpy as np
import pyarrow as pa

from dsvc.objects.arrays import normalise
from dsvc.objects.build import build_up, cut_chunks
from dsvc.objects.chunk import ProvColumn, Records
from dsvc.objects.keys import Keys
from dsvc.objects.node import get_node
from dsvc.objects.oid import ZERO
from dsvc.objects.types import Type
from tests.objects.counting import CountingObjects

INT = Type.from_arrow(pa.int32())


def records(n):
    """Return n records in order."""
    keys = Keys.of(pa.array([f"s3://b/{i:08d}" for i in range(n)]))
    return Records(keys, normalise(pa.array(np.arange(n, dtype=np.int32))), ProvColumn.constant(ZERO, n))


def test_blocks_of_any_size_give_the_chunks_of_one_block():
    """How records are handed over leaves no mark: cuts need only the rows around them."""
    objects = CountingObjects()
    whole = records(20_000)
    expected = cut_chunks(objects, INT, [whole])
    for size in (1, 999, 1024, 7000):
        bounds = range(0, 20_000, size) if size > 1 else range(3000)
        blocks = [whole.slice(at, min(at + size, 20_000)) for at in bounds]
        if size == 1:
            blocks.append(whole.slice(3000, 20_000))
        assert expected == cut_chunks(objects, INT, blocks)


def test_chunks_have_at_least_1024_records_but_the_last():
    """Ends are w + 1 rows apart; only the last chunk may be shorter, by one."""
    counts = [entry.count for entry in cut_chunks(CountingObjects(), INT, [records(50_000)])]

    assert 50_000 == sum(counts)
    assert all(count >= 1024 for count in counts[:-1])
    assert counts[-1] >= 1023


def test_no_records_are_no_chunks():
    """Nothing is cut into nothing."""
    assert [] == cut_chunks(CountingObjects(), INT, [])


def test_root_is_the_lowest_level_with_one_node():
    """A single chunk has a root of level 1."""
    objects = CountingObjects()
    root = build_up(objects, 1, cut_chunks(objects, INT, [records(10)]))

    assert (1, 1) == (get_node(objects, root).level, len(get_node(objects, root).entries))
