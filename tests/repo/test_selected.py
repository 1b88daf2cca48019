"""Selected sources are counted from the chunks that differ."""

import pyarrow as pa
import pytest

from dsvc.repo.selected import count_selected, selected_change


@pytest.mark.parametrize("n", [10, 9000])
def test_counting_what_is_selected(repo, put, n):
    """Null is not selected; the change between two selections is counted from what differs."""
    one = {f"s3://{i:05d}": i % 2 or None for i in range(n)}
    two = {f"s3://{i:05d}": i % 3 or None for i in range(2, n + n // 5)}
    put("one", one, arrow=pa.int8())
    put("two", two, arrow=pa.int8())
    view = repo.view("@draft")
    before, after = view.get_signal("one"), view.get_signal("two")
    counts = [sum(value is not None for value in values.values()) for values in (one, two)]

    assert counts == [count_selected(view.reader, before), count_selected(view.reader, after)]
    assert counts[1] - counts[0] == selected_change(view.reader, before, after)
    assert counts[0] - counts[1] == selected_change(view.reader, after, before)
    assert 0 == selected_change(view.reader, before, before)


def test_chunks_that_stayed_are_not_read(repo, put):
    """A change in one chunk of several costs that chunk, before and after, and no sources."""
    put("chosen", {f"s3://{i:05d}": 1 for i in range(20_000)}, arrow=pa.int8())
    before = repo.view("@draft").get_signal("chosen")
    put("chosen", {"s3://00001": None}, arrow=pa.int8())
    view = repo.view("@draft")
    asked = []

    class Counting:
        def get(self, oid, kind=None):
            return view.reader.get(oid, kind)

        def get_many(self, oids, kind=None):
            asked.extend(oids)
            return view.reader.get_many(oids, kind)

    assert -1 == selected_change(Counting(), before, view.get_signal("chosen"))
    assert 2 >= len(set(asked))
