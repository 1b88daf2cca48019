"""Signals are read together, by source."""

import numpy as np
import pyarrow as pa

from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.join import join_trees, take_joined
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type
from tests.objects.counting import CountingObjects


def make(objects, sources, values):
    """Return the tree of a signal."""
    type_ = Type.from_arrow(values.type)
    edit = Edit.of_arrow(objects, type_, pa.array(sources), values, Provenance.of_put("w@1"))
    return Tree(objects, edit_tree(objects, None, type_, edit).signal)


def test_signals_with_the_same_sources_share_keys_and_read_them_once():
    """Five signals of the same sources keep one set of key objects, and a joined read decodes them once."""
    objects = CountingObjects()
    sources = [f"s3://b/{i:07d}" for i in range(30_000)]
    trees = [make(objects, sources, pa.array(np.arange(30_000, dtype=np.int32) * k)) for k in range(1, 6)]
    n_keys = objects.written[Kind.KEY]
    objects.reset()
    rows = list(join_trees(trees))

    assert n_keys <= 30_000 // 1024
    assert n_keys == objects.read[Kind.KEY]
    assert 30_000 == sum(map(len, rows))
    assert all(column.present is None for joined in rows for column in joined.columns)


def test_a_source_of_any_signal_is_a_row_and_what_is_absent_is_told():
    """A null value is present, no record is not."""
    objects = CountingObjects()
    first = make(objects, ["a", "b"], pa.array([1, None]))
    second = make(objects, ["b", "c"], pa.array(["x", "y"]))
    found = [
        (source, first.values[i].as_py(), here, second.values[i].as_py(), prov)
        for joined in join_trees([first, second], provenance=True)
        for first, second in [joined.columns]
        for i, (source, here, prov) in enumerate(
            zip(joined.sources.to_pylist(), present(first, joined), second.prov.rows.tolist(), strict=True)
        )
    ]

    assert [("a", 1, True, None, -1), ("b", None, True, "x", 0), ("c", None, False, "y", 0)] == found


def present(column, joined):
    """Return which rows of a joined column have a record."""
    return [True] * len(joined) if column.present is None else column.present.tolist()


def test_a_range_has_its_start_and_not_its_stop():
    """Bounds are those of a half-open range of sources."""
    objects = CountingObjects()
    tree = make(objects, ["a", "b", "c", "d"], pa.array([1, 2, 3, 4]))
    (joined,) = join_trees([tree], start="b", stop="d")

    assert ["b", "c"] == joined.sources.to_pylist()


def test_no_trees_have_no_rows():
    """A join of nothing is empty."""
    assert [] == list(join_trees([]))


def test_sources_that_are_asked_for_come_whether_there_are_records_or_not():
    """All given sources are rows, in order; the read costs the chunks that hold them."""
    objects = CountingObjects()
    sources = [f"s3://b/{i:07d}" for i in range(30_000)]
    tree = make(objects, sources, pa.array(range(30_000)))
    objects.reset()
    joined = take_joined([tree], pa.array(["s3://b/0000007", "s3://b/0000007x", "zzz"]))

    assert [7, None, None] == joined.columns[0].values.to_pylist()
    assert [True, False, False] == joined.columns[0].present.tolist()
    assert objects.read[Kind.VALUE] <= 2
