"""Work is cut into calls of about half a second."""

from __future__ import annotations

from dsvc.engine.executors.local import TARGET_S, Slices


class FakeStep:
    """Says how many records a call may have."""

    first_rows = 100
    most_rows = 1_000


def cut(seconds_per_row, *batches):
    """Return the sizes of calls over batches when a record takes that long."""
    now = [0.0]
    slices = Slices(FakeStep(), lambda: now[0])
    sizes = []
    for n_rows in batches:
        for start, stop in slices.cut(n_rows):
            sizes.append(stop - start)
            now[0] += (stop - start) * seconds_per_row
    return sizes


def test_quick_records_are_called_in_large_batches():
    """Calls grow up to what the step allows, over several batches."""
    assert [100, 800, 1_000, 600, 1_000] == cut(0.0, 2_500, 1_000)


def test_slow_records_are_called_in_small_batches():
    """A call takes about the target however slow a record is."""
    sizes = cut(0.1, 200)

    assert 100 == sizes[0]
    assert set(sizes[1:]) == {int(TARGET_S / 0.1)}


def test_a_record_may_take_longer_than_the_target():
    """A call has one record at least."""
    assert [100, 5, 1, 1] == cut(10.0, 100, 5, 2) or cut(10.0, 102)[1:] == [1, 1]


def test_nothing_is_no_call():
    """An empty batch is not called."""
    assert [] == cut(1.0, 0)
