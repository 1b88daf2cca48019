"""What the base classes of plugins do themselves."""

from pathlib import Path

import pyarrow as pa
import pytest

import dsvc.plugins
from dsvc.plugins.contracts import DocumentBatch, Exporter, Feed, FeedQuery, Outcome, RecordTransform, Transform


class Documents(Feed):
    """A feed of two batches."""

    def read(self, cursor=None):
        yield DocumentBatch([{"a": {"b": 1}}, {"a": {"b": 2}}, {"a": 3}, {"a": {"b": [1]}}], [0, 1, 2, 3], b"1")
        yield DocumentBatch([{}, {"a": {"b": 2}, "c": 1}], [4, 5], b"2")


def test_a_feed_without_an_index_looks_up_by_reading():
    """Only what matches comes, with its positions, and no cursor."""
    feed = Documents("x", {}, Path(), FeedQuery())
    found = list(feed.lookup("a.b", [2, 9]))

    assert [([{"a": {"b": 2}}], [1], None), ([{"a": {"b": 2}, "c": 1}], [5], None)] == [
        (list(batch.documents), list(batch.positions), batch.cursor) for batch in found
    ]
    assert feed.fingerprint() is None
    feed.close()


class Ratio(RecordTransform):
    """One of a record's values by another."""

    version, output, inputs = "1", "float64", {"a": None, "b": None}

    def record(self, values, image):
        return values["a"] / values["b"]


def test_a_record_that_raises_fails_alone():
    """Its row says why, the others have values."""
    batch = pa.record_batch({"source": ["x", "y", "z"], "a": [1, 2, None], "b": [2, 0, 1]})
    outcome = Ratio({})(batch)

    assert [0.5, None, None] == outcome.values
    assert {1: "ZeroDivisionError: division by zero"} == {row: why for row, why in outcome.failed.items() if row == 1}
    assert {1, 2} == set(outcome.failed)


def test_each_record_gets_its_own_image():
    """By row; one that cannot be read is a failure of that record."""

    class Size(RecordTransform):
        version, output, needs_pixels = "1", "int64", True

        def record(self, values, image):
            return len(image)

    outcome = Size({})(pa.record_batch({"source": ["x", "y"]}), [b"abc"])

    assert [3, None] == outcome.values
    assert {1: "IndexError: list index out of range"} == outcome.failed


@pytest.mark.parametrize("contract", [Feed, Transform, Exporter, RecordTransform])
def test_a_contract_alone_is_no_plugin(contract):
    """What must be written must be written."""
    with pytest.raises(TypeError, match="abstract"):
        contract(*[None] * (4 if contract is Feed else 1))


def test_an_outcome_without_failures():
    """Is the rule."""
    assert {} == Outcome([1]).failed


def test_everything_a_plugin_needs_is_in_one_place():
    """And nothing that is not."""
    assert sorted(dsvc.plugins.__all__) == sorted(set(dsvc.plugins.__all__))
    assert [] == [name for name in dsvc.plugins.__all__ if getattr(dsvc.plugins, name) is None]
    with pytest.raises(AttributeError, match="no attribute 'Manager'"):
        _ = dsvc.plugins.Manager
