"""Trees are read whole, by range and by source, and say when they are broken."""

import pyarrow as pa
import pytest

from dsvc.errors import ObjectFormatError
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import encode_object
from dsvc.objects.keys import Keys
from dsvc.objects.node import HigherNode, LowestNode, NodeEntry, encode_node
from dsvc.objects.oid import ZERO, Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree, TreeNodes
from dsvc.objects.types import Type
from tests.objects.counting import CountingObjects

INT = Type.from_arrow(pa.int64())
N = 150_000
WORKER = Provenance.of_put("w@1")


@pytest.fixture(scope="module")
def tree():
    """A tree of many chunks: source i holds i."""
    objects = CountingObjects()
    sources = pa.array([f"{i:07d}" for i in range(N)])
    edit = Edit.of_arrow(objects, INT, sources, pa.array(range(N)), WORKER)
    return Tree(objects, edit_tree(objects, None, INT, edit).signal)


def test_whole_read_gives_every_record_once_in_order(tree):
    """Batches follow each other without gap or overlap."""
    values = pa.chunked_array([rows.values for rows in tree.rows(rows_per_batch=10_000)])

    assert N == tree.count
    assert list(range(N)) == values.to_pylist()


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        pytest.param(None, "0000003", [0, 1, 2], id="to"),
        pytest.param(f"{N - 2:07d}", None, [N - 2, N - 1], id="from"),
        pytest.param("0000005x", "0000008", [6, 7], id="between-keys"),
        pytest.param("0000005", "0000005", [], id="empty"),
        pytest.param("9", None, [], id="behind-all"),
    ],
)
def test_range_is_half_open(tree, start, stop, expected):
    """A range has its start, where there is such a record, and not its stop."""
    assert expected == [value for rows in tree.rows(start, stop) for value in rows.values.to_pylist()]


def test_take_gives_the_records_that_exist(tree):
    """Sources without a record are left out; provenance comes along."""
    rows = tree.take(pa.array(["0000000", "0000000x", f"{N - 1:07d}", "zzz"]))

    assert ["0000000", f"{N - 1:07d}"] == rows.sources.to_pylist()
    assert [0, N - 1] == rows.values.to_pylist()
    assert tree.get("nobody") is None
    assert [True, False] == tree.has(Keys.of(pa.array(["0000001", "0000001x"]))).tolist()


def test_root_is_the_lowest_level_with_one_node_and_neighbours_stand_beside():
    """200,000 records make about 98 chunks: more than one node of level 1, one of level 2."""
    objects = CountingObjects()
    sources = pa.array([f"s3://b/{i:07d}" for i in range(200_000)])
    edit = Edit.of_arrow(objects, INT, sources, pa.array(range(200_000)), WORKER)
    nodes = TreeNodes(objects, edit_tree(objects, None, INT, edit).signal.tree)

    assert 2 == nodes.height
    assert len(nodes.node(()).entries) > 1
    assert nodes.neighbour((0,), -1) is None
    assert (1,) == nodes.neighbour((0,), 1)
    assert (1, 0) == nodes.neighbour((0, len(nodes.node((0,)).entries) - 1), 1)


def test_node_of_a_wrong_level_is_named():
    """A tree whose child is not one level below is refused, not followed."""
    objects = CountingObjects()
    lowest = objects.put(Kind.NODE, [encode_node(LowestNode(1, ()))])
    entry = NodeEntry(b"a", 1, lowest, ZERO)
    root = objects.put(Kind.NODE, [encode_node(HigherNode(3, (entry,)))])
    with pytest.raises(ObjectFormatError, match="level"):
        list(Tree(objects, Signal(INT.encoded, root, ZERO, 1)).rows())


def test_object_of_another_kind_is_no_node():
    """A root that names no node is refused."""
    objects = CountingObjects()
    root = objects.put(Kind.PROVENANCE, [encode_object(Kind.PROVENANCE, WORKER)])
    with pytest.raises((ObjectFormatError, AssertionError)):
        list(Tree(objects, Signal(INT.encoded, root, ZERO, 1)).rows())
