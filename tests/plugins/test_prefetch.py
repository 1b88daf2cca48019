"""Reading ahead: in the order of who asks, within bounds of count and of bytes, and never waiting for ever."""

import gc
import os
import random
import threading
import time
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.plugins.prefetch import Bounds, Prefetch


class Reader:
    """Rows of known sizes, and what of them is in memory: begun, and not yet given out.

    Args:
        sizes: Bytes of each row.
        gate: Readers wait for it, if given.
    """

    def __init__(self, sizes, gate=None):
        self.sizes = sizes
        self._gate = gate
        self._lock = threading.Lock()
        self.read = []
        self.at_once = 0
        self.most_at_once = 0

    def __call__(self, row, admit, given_up):
        if not admit(self.sizes[row]):
            return None
        with self._lock:
            self.read.append(row)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        if self._gate is not None:
            self._gate.wait(10)
        with self._lock:
            self.at_once -= 1
        return row.to_bytes(4, "big") + bytes(self.sizes[row] - 4)


def row_of(image):
    """Return which row was read."""
    return int.from_bytes(image[:4], "big")


def wait_until(is_so):
    """Wait for threads to get there."""
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.001)


def test_rows_come_in_the_order_asked():
    """Each is its own, however many are read at once."""
    prefetch = Prefetch(100, Reader([8] * 100))

    assert list(range(100)) == [row_of(prefetch.take(row)) for row in range(100)]


def test_each_row_is_read_once():
    """Going upwards reads nothing twice and nothing too much."""
    reader = Reader([8] * 50)
    prefetch = Prefetch(50, reader)
    for row in range(50):
        prefetch.take(row)

    assert list(range(50)) == sorted(reader.read)


def test_rows_are_read_ahead_up_to_a_count():
    """Who looks at one row finds the next ones there; no more than the bound are begun."""
    reader = Reader([8] * 100)
    prefetch = Prefetch(100, reader, Bounds(images=5))
    prefetch.take(0)
    wait_until(lambda: len(reader.read) == 6)
    time.sleep(0.02)

    assert [0, 1, 2, 3, 4, 5] == sorted(reader.read)
    assert 5 == prefetch.most_images


def test_rows_are_read_ahead_up_to_a_size():
    """Of rows of 100 bytes, two are begun beside the one that was taken where 250 bytes may wait."""
    reader = Reader([100] * 20)
    prefetch = Prefetch(20, reader, Bounds(images=10, size_bytes=250))
    for row in range(10):
        prefetch.take(row)
    wait_until(lambda: len(reader.read) == 12)
    time.sleep(0.02)

    assert 12 == len(reader.read)
    assert prefetch.most_bytes <= 250 + 100  # the room, and the one that is waited for


def test_a_row_larger_than_all_room_is_read_when_asked():
    """Nothing waits for room that there will never be; the others stay within the bound."""
    sizes = [50, 50, 5000, 50, 50]
    prefetch = Prefetch(5, Reader(sizes), Bounds(images=4, size_bytes=200))

    assert sizes == [len(prefetch.take(row)) for row in range(5)]
    assert prefetch.most_bytes <= 5000 + 200


def test_many_are_read_at_once():
    """Reading ahead is reading at the same time."""
    gate = threading.Event()
    reader = Reader([8] * 40, gate)
    prefetch = Prefetch(40, reader, Bounds(images=12))
    taker = threading.Thread(target=prefetch.take, args=(0,))
    taker.start()
    wait_until(lambda: reader.at_once == 12)
    gate.set()
    taker.join()

    assert 12 <= reader.most_at_once <= 13


@given(
    sizes=st.lists(st.integers(4, 120), min_size=1, max_size=30),
    images=st.integers(1, 6),
    room=st.integers(1, 300),
    data=st.data(),
)
def test_whatever_is_asked_in_whatever_order_is_given_within_bounds(sizes, images, room, data):
    """Any rows, again and again, forwards, backwards and here and there."""
    rows = data.draw(st.lists(st.integers(0, len(sizes) - 1), max_size=40))
    prefetch = Prefetch(len(sizes), Reader(sizes), Bounds(images, room))

    assert [(row, sizes[row]) for row in rows] == [
        (row_of(image), len(image)) for image in (prefetch.take(row) for row in rows)
    ]
    assert prefetch.most_images <= images + 1
    assert prefetch.most_bytes <= room + max([*sizes, room // images])


def test_rows_picked_out_here_and_there_are_not_read_ahead():
    """A transform that looks at a few rows does not pay for the others."""
    reader = Reader([8] * 1000)
    prefetch = Prefetch(1000, reader)
    rows = [70, 20, 900, 400, 10, 650]
    for row in rows:
        prefetch.take(row)
    time.sleep(0.02)

    assert rows == reader.read


def test_going_backwards_reads_each_row_once():
    """What was given out is not read ahead again."""
    reader = Reader([8] * 40)
    prefetch = Prefetch(40, reader)
    found = [row_of(prefetch.take(row)) for row in reversed(range(40))]

    assert list(reversed(range(40))) == found
    assert 40 == len(reader.read)


def test_a_row_asked_for_again_is_read_again():
    """Nothing that was given out is kept."""
    reader = Reader([8, 8])
    prefetch = Prefetch(2, reader)
    prefetch.take(0)
    prefetch.take(1)
    prefetch.take(0)

    assert 2 == reader.read.count(0)


def test_an_error_is_that_of_its_row():
    """It is raised where the row is asked for, and nowhere else."""

    def read(row, admit, given_up):
        if row == 3:
            raise LookupError("row 3")
        return bytes([row])

    prefetch = Prefetch(6, read)
    found = [prefetch.take(row) for row in (0, 1, 2)]
    with pytest.raises(LookupError, match="row 3"):
        prefetch.take(3)

    assert [0, 1, 2, 4, 5] == [image[0] for image in (*found, prefetch.take(4), prefetch.take(5))]


def test_threads_may_ask_at_once():
    """Sixteen of them, each row exactly once to whom asked for it."""
    rows = list(range(300))
    random.Random(1).shuffle(rows)
    prefetch = Prefetch(300, Reader([8] * 300), Bounds(images=8))
    wrong = []

    def take(mine):
        wrong.extend(row for row in mine if row_of(prefetch.take(row)) != row)

    threads = [threading.Thread(target=take, args=(rows[start::16],)) for start in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [] == wrong
    assert prefetch.most_images <= 8 + 16


def test_closing_lets_go_of_everything():
    """What was read ahead is dropped, nothing more is begun, and who waits is told."""
    gate = threading.Event()
    reader = Reader([8] * 40, gate)
    prefetch = Prefetch(40, reader, Bounds(images=4))
    told = []

    def take():
        try:
            prefetch.take(0)
        except RuntimeError as err:
            told.append(str(err))

    taker = threading.Thread(target=take)
    taker.start()
    wait_until(lambda: reader.at_once == 4)
    prefetch.close()
    prefetch.close()
    gate.set()
    taker.join(10)
    time.sleep(0.02)

    assert ["the batch was closed"] == told
    assert 4 == len(reader.read)


def test_nothing_keeps_a_batch_that_is_done():
    """Once its rows are read, no thread holds on to it."""
    prefetch = Prefetch(10, Reader([8] * 10))
    for row in range(10):
        prefetch.take(row)
    gone = weakref.ref(prefetch)
    del prefetch

    def is_gone():
        gc.collect()
        return gone() is None

    wait_until(is_gone)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    """The parent's do not live on in it."""
    Prefetch(3, Reader([8] * 3)).take(0)
    child = os.fork()
    if child == 0:
        os._exit(row_of(Prefetch(9, Reader([8] * 9)).take(7)))

    assert 7 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
