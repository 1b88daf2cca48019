"""Faults do what they say, and nothing else."""

import pytest

from dsvc.errors import StoreFullError, StoreUnavailableError
from dsvc.store.base import Operation, RefChange
from dsvc.store.memory import MemoryStore
from dsvc.testing.faults import FaultyStore
from dsvc.testing.object_stores import ObjectStoreTests
from dsvc.testing.ref_stores import RefStoreTests
from dsvc.testing.stores import make_object


class TestWithoutFaults(ObjectStoreTests, RefStoreTests):
    """A faulty store without faults is a store."""

    survives_close = False

    def open_store(self, place):
        return FaultyStore(MemoryStore())

    def damage(self, store, oid, edit):
        frames = store._inner.objects.frames
        frames[oid] = edit(frames[oid])


@pytest.fixture
def store():
    """A store to spoil."""
    return FaultyStore(MemoryStore())


def writes(store):
    """Return one write of objects and one of refs, each with what it should leave."""
    oid, frame, _ = make_object("a")
    return [
        (lambda: store.objects.put_frames([(oid, frame)]), lambda: store.objects.has(oid)),
        (
            lambda: store.refs.update([RefChange("a", None, b"1")], op=Operation(1, "a", "b")),
            lambda: store.refs.get("a"),
        ),
    ]


def test_a_refused_write_does_nothing(store):
    """It fails, nothing is there, and the next goes through."""
    for write, is_done in writes(store):
        store.faults.refused = 1
        with pytest.raises(StoreUnavailableError):
            write()
        assert not is_done()
        write()
        assert is_done()


def test_a_lost_response_hides_what_was_done(store):
    """It fails although it is done."""
    for write, is_done in writes(store):
        store.faults.lost_responses = 1
        with pytest.raises(StoreUnavailableError):
            write()
        assert is_done()


def test_room_is_used_up(store):
    """Objects fit until they do not; a write that does not fit leaves nothing."""
    made = [make_object(f"{i}", size=92) for i in range(3)]
    store.faults.room_bytes = 250

    store.objects.put_frames([made[0][:2]])
    with pytest.raises(StoreFullError):
        store.refs.update([RefChange("a", None, b"1")], objects=[made[1][:2], made[2][:2]])
    store.objects.put_frames([made[1][:2]])

    assert [True, True, False] == [store.objects.has(oid) for oid, _, _ in made]
    assert store.refs.get("a") is None
    assert 3 == store.faults.n_writes
