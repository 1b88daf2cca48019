"""Editing costs what it touches, and refuses what would make wrong objects."""

import numpy as np
import pyarrow as pa
import pytest

from dsvc.objects.arrays import normalise
from dsvc.objects.chunk import ProvColumn, Records
from dsvc.objects.diff import count_changes, diff_trees
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.keys import Keys
from dsvc.objects.oid import ZERO, Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type
from tests.objects.counting import CountingObjects

N = 200_000
FLOAT = Type.from_arrow(pa.float32())
LEVELS = 2  # 200,000 sources make about 98 chunks: nodes of level 1, and one root above
WORKER = Provenance.of_put("worker@1")


def source(number):
    """Return the source of a number, ascending with it."""
    return f"s3://bucket/2026/{number:09d}.png"


@pytest.fixture(scope="module")
def base():
    """A signal of 200,000 records, and the objects it is made of."""
    objects = CountingObjects()
    values = pa.array(np.arange(N, dtype=np.float32))
    edit = Edit.of_arrow(objects, FLOAT, pa.array([source(2 * i) for i in range(N)]), values, WORKER)
    return objects, edit_tree(objects, None, FLOAT, edit).signal


@pytest.fixture
def built(base):
    """The same, with objects of the test's own."""
    objects = CountingObjects()
    objects.objects.update(base[0].objects)
    return objects, base[1]


def put(objects, signal, numbers, value=-1.0):
    """Put one value for some numbers, counting from zero."""
    edit = Edit.of_arrow(
        objects, FLOAT, pa.array([source(n) for n in numbers]), pa.array([value] * len(numbers), pa.float32()), WORKER
    )
    objects.reset()
    return edit_tree(objects, signal, FLOAT, edit)


def test_changing_one_record_reads_and_writes_one_chunk_and_its_nodes(built):
    """One value object and one node a level are new; no key is written."""
    objects, signal = built
    result = put(objects, signal, [N])

    assert (0, 1, 0) == (result.added, result.changed, result.removed)
    assert {Kind.VALUE: 1, Kind.NODE: LEVELS} == dict(objects.written)
    assert objects.written_bytes <= 64 * 1024
    assert objects.read[Kind.KEY] <= 2
    assert objects.read[Kind.VALUE] == 1


def test_inserting_one_record_touches_three_chunks_at_most(built):
    """The touched chunk and one on each side are cut again; what comes out as it was is not new."""
    objects, signal = built
    result = put(objects, signal, [N + 1])

    assert 1 == result.added
    assert objects.written[Kind.KEY] <= 2
    assert objects.written[Kind.VALUE] <= 2
    assert objects.written[Kind.NODE] <= 2 * LEVELS
    assert objects.read[Kind.VALUE] <= 3


def test_appending_writes_the_last_chunk_and_the_new_ones(built):
    """One per cent at the end costs its own chunks, and the last one that was there."""
    objects, signal = built
    count = N // 100
    result = put(objects, signal, range(2 * N, 2 * N + count))

    assert count == result.added
    assert objects.written[Kind.VALUE] <= count // 1024 + 2
    assert objects.read[Kind.VALUE] <= 2


def test_putting_what_is_there_writes_nothing(built):
    """Equal values of the same provenance give the signal back."""
    objects, signal = built
    result = put(objects, signal, [10], value=5.0)

    assert (0, 0, 1) == (result.added, result.changed, result.same)
    assert signal == result.signal
    assert not objects.written


def test_another_version_with_equal_values_changes_no_value_id(built):
    """Provenance makes another tree of the same value id: what depends on the values has nothing to do."""
    objects, signal = built
    sources = pa.array([source(2 * i) for i in range(1000)])
    edit = Edit.of_arrow(
        objects, FLOAT, sources, pa.array(np.arange(1000, dtype=np.float32)), Provenance.of_put("worker@2")
    )
    result = edit_tree(objects, signal, FLOAT, edit)

    assert (0, 1000) == (result.changed, result.same)
    assert signal.value_id == result.signal.value_id
    assert signal.tree != result.signal.tree
    assert 1000 == count_changes(objects, signal, result.signal, provenance=True).remade
    objects.reset()
    assert [] == list(diff_trees(objects, signal, result.signal))
    assert 2 == objects.read[Kind.NODE]


def test_diff_of_one_record_reads_two_chunks(built):
    """Equal subtrees are skipped unread."""
    objects, signal = built
    result = put(objects, signal, [N])
    objects.reset()
    (changes,) = diff_trees(objects, signal, result.signal)

    assert [(source(N), b"~")] == [(changes.keys.arrow[0].as_py(), changes.ops[0])]
    assert {Kind.NODE: 2 * LEVELS, Kind.VALUE: 2, Kind.KEY: 1} == dict(objects.read)


def test_reading_one_record_reads_one_chunk(built):
    """A look-up by source costs a node a level, keys, values and provenance of one chunk."""
    objects, signal = built
    objects.reset()
    found = Tree(objects, signal).get(source(2 * 777))

    assert (777.0, WORKER) == (found[0].as_py(), found[1])
    assert {Kind.NODE: LEVELS, Kind.KEY: 1, Kind.VALUE: 1, Kind.PROVENANCE: 1} == dict(objects.read)


def test_reading_a_range_reads_the_chunks_of_the_range(built):
    """Five thousand neighbours lie in a handful of chunks."""
    objects, signal = built
    objects.reset()
    rows = list(Tree(objects, signal).rows(source(100_000), source(110_000)))

    assert 5000 == sum(len(part.sources) for part in rows)
    assert objects.read[Kind.VALUE] <= 5000 // 1024 + 2


def test_removing_everything_leaves_no_signal(built):
    """A signal without records is absent."""
    objects, signal = built
    gone = Keys.of(pa.array([source(2 * i) for i in range(N)]))
    result = edit_tree(objects, signal, FLOAT, Edit(None, gone))

    assert (None, N) == (result.signal, result.removed)


def test_empty_edit_of_nothing_is_nothing():
    """No records and no edit make no signal and no object."""
    objects = CountingObjects()

    assert edit_tree(objects, None, FLOAT, Edit()).signal is None
    assert not objects.objects


@pytest.mark.parametrize(
    ("sources", "values"),
    [
        pytest.param(["b", "a"], [1.0, 2.0], id="descending"),
        pytest.param(["a", "a"], [1.0, 2.0], id="twice"),
        pytest.param(["a", "b"], [1.0], id="too-few-values"),
    ],
)
def test_edit_that_breaks_its_promise_is_refused(sources, values):
    """Objects made of unsorted or torn records would be wrong for ever; nothing is written."""
    objects = CountingObjects()
    records = Records(
        Keys.of(pa.array(sources)),
        normalise(pa.array(values, pa.float32())),
        ProvColumn.constant(ZERO, len(values)),
    )
    with pytest.raises(ValueError, match=r"."):
        edit_tree(objects, None, FLOAT, Edit(records))
    assert not objects.objects
