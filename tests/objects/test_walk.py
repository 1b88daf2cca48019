"""Runs of chunks of two trees are aligned, and bounded where only one tree has any left."""

import pyarrow as pa

from dsvc.objects.diff import diff_trees
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.types import Type
from tests.objects.counting import CountingObjects

INT = Type.from_arrow(pa.int64())
WORKER = Provenance.of_put("w@1")


def make(objects, numbers):
    """Return a signal in which every source has its number."""
    edit = Edit.of_arrow(objects, INT, pa.array([f"{n:08d}" for n in numbers]), pa.array(list(numbers)), WORKER)
    return edit_tree(objects, None, INT, edit).signal


def test_trees_that_share_no_key_are_told_apart():
    """Chunks of which none ends where one of the other side does are still compared exactly."""
    objects = CountingObjects()
    even, odd = make(objects, range(0, 40_000, 2)), make(objects, range(1, 40_001, 2))
    ops = [op for changes in diff_trees(objects, even, odd) for op in changes.ops.tolist()]

    assert [b"-", b"+"] * 20_000 == ops


def test_shift_in_the_middle_leaves_both_ends_unread():
    """Where keys come in one place, chunks before and after it are skipped by their ids."""
    objects = CountingObjects()
    before = make(objects, range(0, 400_000, 2))
    after = make(objects, sorted({*range(0, 400_000, 2), *range(200_001, 202_000, 2)}))
    objects.reset()
    n_added = sum(len(changes) for changes in diff_trees(objects, before, after))

    assert 1000 - 1 <= n_added <= 1000
    assert objects.read[Kind.KEY] <= 8


def test_tree_that_ends_first_is_followed_by_what_the_other_has():
    """What lies behind the end of one tree is new, or gone."""
    objects = CountingObjects()
    short, long = make(objects, range(5000)), make(objects, range(60_000))

    assert 55_000 == sum(len(changes) for changes in diff_trees(objects, short, long))
    assert 55_000 == sum(len(changes) for changes in diff_trees(objects, long, short))
