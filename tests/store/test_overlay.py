"""What is particular to a store laid over another; its contract is in tests/contract."""

import subprocess
import sys

import pytest

from dsvc.store.memory import MemoryStore
from dsvc.store.overlay import OverlayStore
from dsvc.testing.stores import make_object

BELOW, ABOVE, LATER = (make_object(text) for text in ("below", "above", "later"))


@pytest.fixture
def base():
    """A store with one object."""
    store = MemoryStore()
    store.objects.put_frames([BELOW[:2]])
    return store


@pytest.fixture(params=[1 << 20, 0], ids=["memory", "disk"])
def store(request, base, tmp_path):
    """A store over it, which holds much in memory, or nothing."""
    with OverlayStore(base, tmp_path, held_bytes=request.param) as store:
        yield store


def test_both_are_read_and_the_one_below_stays_as_it_is(store, base):
    """What is above is found beside what is below, in the order asked."""
    store.objects.put_frames([ABOVE[:2], BELOW[:2]])
    store.objects.put_frames([LATER[:2]])
    wanted = [LATER, BELOW, ABOVE]

    assert [data for _, _, data in wanted] == [bytes(x) for x in store.objects.get_many([oid for oid, _, _ in wanted])]
    assert set() == store.objects.missing([oid for oid, _, _ in wanted])
    assert [BELOW[0]] == list(base.objects.iter_oids())
    assert sorted(oid for oid, _, _ in wanted) == list(store.objects.iter_oids())


def test_nothing_is_left(store, tmp_path):
    """Closing throws away what was written, from disk too."""
    store.objects.put_frames([ABOVE[:2]])
    was_on_disk = bool(list(tmp_path.iterdir()))

    store.close()

    assert was_on_disk == bool(store.objects._held_bytes == 0)
    assert [] == list(tmp_path.iterdir())
    assert not store.objects.has(ABOVE[0])


def test_what_is_below_takes_no_room(base, tmp_path):
    """An object that is below is not written again, so memory does not overflow with it."""
    with OverlayStore(base, tmp_path, held_bytes=0) as store:
        store.objects.put_frames([BELOW[:2]])

        assert not store.objects.is_on_disk


def test_refs_are_its_own(base, tmp_path):
    """None is there to begin with."""
    base.refs.update([("heads/main", None, b"x")])

    with OverlayStore(base, tmp_path) as store:
        assert store.refs.get("heads/main") is None


KILLED = """
import os, signal, sys
from pathlib import Path
from dsvc.store.memory import MemoryStore
from dsvc.store.overlay import OverlayStore
from dsvc.testing.stores import make_object

store = OverlayStore(MemoryStore(), Path(sys.argv[1]), held_bytes=0)
store.objects.put_frames([make_object("x")[:2]])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_goes_with_the_next(base, tmp_path):
    """As soon as another is opened there."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    left = list(tmp_path.iterdir())

    OverlayStore(base, tmp_path).close()

    assert 1 == len(left)
    assert [] == list(tmp_path.iterdir())
