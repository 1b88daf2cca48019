"""Calls are sized by how long those before took."""

from __future__ import annotations

from dsvc.engine.making.executors.sizes import HERE_S, MAX_BYTES, SHORTEST_S, WORKER_S, Sizes


class FakeStep:
    """Says how many records a call may have."""

    first_rows = 1
    most_rows = 1_000


def sizes_of_calls(seconds_per_row, n_rows, rate=None):
    """Return the sizes of calls in this process when a record takes that long."""
    sizes, found = Sizes(FakeStep(), rate), []
    while n_rows > 0:
        rows = min(sizes.here(), n_rows)
        found.append(rows)
        sizes.note(rows, rows * seconds_per_row, rows * 8)
        n_rows -= rows
    return found


def test_quick_records_are_called_in_large_batches():
    """Calls grow from one record up to what the step allows."""
    assert [1, 8, 64, 512, 1_000, 915] == sizes_of_calls(0.0, 2_500)


def test_slow_records_are_called_in_small_batches():
    """A call takes about the target however slow a record is, from the second on."""
    found = sizes_of_calls(0.1, 20)

    assert [1, int(HERE_S / 0.1)] == found[:2]
    assert int(HERE_S / 0.1) == max(found)


def test_a_record_may_take_longer_than_the_target():
    """A call has one record at least."""
    assert [1, 1, 1] == sizes_of_calls(10.0, 3)


def test_a_rate_that_is_known_saves_the_trial():
    """The first call takes a moment, not a record."""
    assert int(SHORTEST_S / 0.001) == sizes_of_calls(0.001, 500, rate=0.001)[0]


def test_a_batch_for_a_worker_takes_about_as_long_as_it_should():
    """From the rate, as many records as that takes."""
    sizes = Sizes(FakeStep(), 0.01)

    assert int(WORKER_S / 0.01) == sizes.for_worker(1_000_000, 2)


def test_the_last_batches_are_shared_fairly():
    """What is left is for all workers, down to batches that are not worth their way."""
    sizes = Sizes(FakeStep(), 0.01)

    assert 40 == sizes.for_worker(160, 2)
    assert int(SHORTEST_S / 0.01) == sizes.for_worker(3, 2)


def test_large_records_make_small_batches():
    """Memory is bounded by the bytes that were seen."""
    sizes = Sizes(FakeStep(), 0.0001)
    sizes.note(10, 0.1, MAX_BYTES)

    assert sizes.here() <= 10
    assert sizes.for_worker(1_000_000, 2) <= 10


def test_a_short_call_tells_no_rate():
    """What a call costs beside its records is most of it."""
    sizes = Sizes(FakeStep())
    sizes.note(1, 0.0001, 8)

    assert not sizes.is_sure
    sizes.note(100, 0.5, 800)
    assert sizes.is_sure
    assert 0.005 == sizes.rate
