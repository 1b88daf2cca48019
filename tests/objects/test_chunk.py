"""Provenance of chunks: written as one id or as maximal runs, and read back row by row."""

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.errors import ObjectFormatError
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.chunk import (
    ProvColumn,
    ProvRuns,
    batched_chunks,
    concat_prov,
    concat_records,
    iter_batches,
    load_keys,
    load_prov,
    write_chunks,
)
from dsvc.objects.encoding import decode_object, encode_object
from dsvc.objects.keys import Keys
from dsvc.objects.node import ChunkEntry
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.types import Type
from tests.golden.cases import MemoryObjects

A, B, C = (Oid(bytes([n]) * 32) for n in (1, 2, 3))
INT = Type.from_arrow(pa.int64())
rows_of_prov = st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=12)


def prov_of(oids, table=(C, A, B)):
    """Return the provenance of rows, over a table that is in no order."""
    return ProvColumn(table, np.array([table.index(oid) for oid in oids], np.int32), len(oids))


def write(objects, oids, ends):
    """Write records of numbers with some provenance."""
    keys = Keys.of_bytes([b"%03d" % i for i in range(len(oids))])
    values = normalise(pa.array(range(len(oids)), pa.int64()))
    return write_chunks(objects, keys, values, INT, prov_of(oids), ends)


@given(rows_of_prov, st.data())
def test_chunks_come_back_as_they_were(oids, data):
    """Keys, values and provenance of consecutive chunks, however they are cut."""
    objects = MemoryObjects()
    ends = sorted({*data.draw(st.lists(st.integers(1, len(oids)), max_size=3)), len(oids)})
    entries = write(objects, oids, ends)

    batches = [batch.records(INT) for batch in iter_batches(objects, entries, data.draw(st.integers(1, 12)))]
    records = concat_records(batches)

    assert np.diff(ends, prepend=0).tolist() == [entry.count for entry in entries]
    assert [b"%03d" % (end - 1) for end in ends] == [entry.last for entry in entries]
    assert [b"%03d" % i for i in range(len(oids))] == list(records.keys) == list(load_keys(objects, entries))
    assert list(range(len(oids))) == to_arrow(records.values).to_pylist()
    assert oids == records.prov.oids() == load_prov(objects, entries).oids()


@given(rows_of_prov)
def test_runs_are_maximal_and_the_table_ascends(oids):
    """One provenance is its id alone; several are runs over the sorted distinct ids."""
    objects = MemoryObjects()
    (entry,) = write(objects, oids, [len(oids)])
    if len(set(oids)) == 1:
        assert oids[0] == entry.prov
        return

    runs = decode_object(objects.get(entry.prov[0]), Kind.PROV, ProvRuns)

    assert tuple(sorted(set(oids))) == runs.table
    assert all(a != b for a, b in zip(runs.indexes, runs.indexes[1:], strict=False))
    found = [runs.table[i] for i, n in zip(runs.indexes, runs.lengths, strict=True) for _ in range(n)]
    assert oids == found


@given(st.lists(rows_of_prov, min_size=1, max_size=3), st.data())
def test_provenance_of_rows_is_that_of_a_list(parts, data):
    """Joined, sliced and taken, with tables in any order."""
    joined = [oid for part in parts for oid in part]
    found = concat_prov([prov_of(part, data.draw(st.permutations([A, B, C]).map(tuple))) for part in parts])
    start = data.draw(st.integers(0, len(joined)))
    rows = data.draw(st.lists(st.integers(0, len(joined) - 1), max_size=5))

    assert joined == found.oids()
    assert joined[start:] == found.slice(start, len(joined)).oids()
    assert [joined[row] for row in rows] == found.take(np.array(rows, np.int64)).oids()
    assert [A] * 3 == ProvColumn.constant(A, 3).oids()


@pytest.mark.parametrize(
    "runs",
    [
        ([A, B], [1], [0, 1]),
        ([A, B], [1, 1], [0, 2]),
        ([A, B], [1, 2], [0, 1]),
        ([A], [-1, 3], [0, 0]),
        ([A[:9]], [2], [0]),
    ],
    ids=["a length less", "beyond the table", "too many rows", "negative", "short id"],
)
def test_runs_that_do_not_fit_their_chunk_are_refused(runs):
    """The error of formats, which names the object."""
    objects = MemoryObjects()
    oid = objects.put(Kind.PROV, [b"dsv1\x05" + msgspec.msgpack.encode(runs)])

    with pytest.raises(ObjectFormatError) as caught:
        load_prov(objects, [ChunkEntry(b"k", 2, ZERO, ZERO, (oid,))])
    assert oid == caught.value.oid


@given(st.binary(min_size=1, max_size=60))
def test_random_bytes_are_no_runs_or_canonical(payload):
    """Whatever stands behind the header."""
    data = b"dsv1\x05\x93" + payload
    try:
        runs = decode_object(data, Kind.PROV, ProvRuns)
    except ObjectFormatError:
        return
    assert data == encode_object(Kind.PROV, runs)


def test_batches_end_with_the_chunk_that_fills_them():
    """A batch has the rows asked for at the least, but for the last."""
    chunks = [ChunkEntry(b"%d" % i, count, ZERO, ZERO, A) for i, count in enumerate([3, 3, 10, 1, 1])]

    assert [[3, 3], [10], [1, 1]] == [[chunk.count for chunk in batch] for batch in batched_chunks(chunks, 5)]
    assert [] == list(batched_chunks([], 5))
