"""A diff tells exactly the records that differ, with their values before and after."""

import pyarrow as pa

from dsvc.objects.arrays import to_arrow
from dsvc.objects.diff import DiffCounts, count_changes, diff_trees
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.types import Type
from tests.objects.counting import CountingObjects


def make(objects, records, arrow=None, worker="w@1"):
    """Return a signal of these records."""
    values = pa.array(list(records.values()), arrow or pa.int64())
    type_ = Type.from_arrow(values.type)
    edit = Edit.of_arrow(objects, type_, pa.array(sorted(records)), values, Provenance.of_put(worker))
    return edit_tree(objects, None, type_, edit).signal


def rows(changes):
    """Return the changes as tuples."""
    return list(
        zip(
            changes.keys.arrow.to_pylist(),
            [op.decode() for op in changes.ops.tolist()],
            to_arrow(changes.before).to_pylist(),
            to_arrow(changes.after).to_pylist(),
            strict=True,
        )
    )


def test_added_removed_and_changed_come_in_order_with_their_values():
    """A null value is a record: it is told from no record by the op."""
    objects = CountingObjects()
    before = make(objects, {"a": 1, "b": 2, "d": None, "e": 5})
    after = make(objects, {"a": 1, "b": 3, "c": None, "e": None})
    (changes,) = diff_trees(objects, before, after)

    assert [("b", "~", 2, 3), ("c", "+", None, None), ("d", "-", None, None), ("e", "~", 5, None)] == rows(changes)
    assert DiffCounts(added=1, removed=1, changed=2) == count_changes(objects, before, after)


def test_nothing_against_a_signal_is_all_of_it():
    """The first version of a signal adds every record, in bounded batches."""
    objects = CountingObjects()
    after = make(objects, {f"k{i:06d}": i for i in range(150_000)})
    batches = list(diff_trees(objects, None, after))

    assert 150_000 == sum(map(len, batches))
    assert {b"+"} == {op for changes in batches for op in set(changes.ops.tolist())}
    assert all(len(changes) <= 140_000 for changes in batches)
    assert DiffCounts(removed=150_000) == count_changes(objects, after, None)


def test_nothing_against_nothing_is_nothing():
    """Two absent signals have no diff."""
    assert [] == list(diff_trees(CountingObjects(), None, None))


def test_equal_signals_are_not_opened():
    """Equal roots have no diff, and no chunk is read."""
    objects = CountingObjects()
    signal = make(objects, {f"k{i}": i for i in range(10)})
    objects.reset()

    assert [] == list(diff_trees(objects, signal, signal, provenance=True))
    assert 0 == objects.read[Kind.VALUE] + objects.read[Kind.KEY]


def test_other_type_differs_in_every_record():
    """Values of different types are never equal, whatever they print."""
    objects = CountingObjects()
    before, after = make(objects, {"a": 1, "b": 2}), make(objects, {"a": 1, "c": 2}, pa.int32())
    (changes,) = diff_trees(objects, before, after)

    assert [("a", "~", 1, 1), ("b", "-", 2, None), ("c", "+", None, 2)] == rows(changes)


def test_nan_equals_nan_and_zero_differs_from_minus_zero():
    """Bits are compared, after all NaN became one."""
    objects = CountingObjects()
    before = make(objects, {"a": float("nan"), "b": 0.0}, pa.float64())
    after = make(objects, {"a": float("nan"), "b": -0.0}, pa.float64())
    (changes,) = diff_trees(objects, before, after)

    assert ["b"] == changes.keys.arrow.to_pylist()


def test_keys_only_tells_who_came_and_went_and_reads_no_value():
    """Changed values are passed over."""
    objects = CountingObjects()
    before, after = make(objects, {"a": 1, "b": 2}), make(objects, {"a": 9, "c": 3})
    objects.reset()
    (changes,) = diff_trees(objects, before, after, keys_only=True)

    assert [("b", "-", None, None), ("c", "+", None, None)] == rows(changes)
    assert 0 == objects.read[Kind.VALUE]
