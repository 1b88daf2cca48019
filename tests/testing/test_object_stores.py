"""The contract of object stores finds each of these broken stores."""

import pytest

from dsvc.errors import DsvcError
from dsvc.store.memory import MemoryObjectStore, MemoryStore
from dsvc.testing.object_stores import ObjectStoreTests


class Trusting(MemoryObjectStore):
    """Returns what is stored without looking at it."""

    def get(self, oid, kind=None):
        return self.frames[oid][8:]


class Nameless(MemoryObjectStore):
    """Raises a KeyError for what is missing."""

    def get(self, oid, kind=None):
        return self.verifier.open(self.frames[oid], oid, kind)


class Sorting(MemoryObjectStore):
    """Returns many objects in the order of their ids."""

    def get_many(self, oids, kind=None):
        return super().get_many(sorted(oids), kind)


class Deduplicating(MemoryObjectStore):
    """Returns an object that is asked twice once."""

    def get_many(self, oids, kind=None):
        return super().get_many(list(dict.fromkeys(oids)), kind)


class Overwriting(MemoryObjectStore):
    """Replaces what is there."""

    def put_frames(self, items):
        self.frames.update(items)


class Optimistic(MemoryObjectStore):
    """Says that it has everything."""

    def has(self, oid):
        return True


class Forgetful(MemoryObjectStore):
    """Finds nothing missing."""

    def missing(self, oids):
        return set()


class Unordered(MemoryObjectStore):
    """Lists ids as they came."""

    def iter_oids(self):
        return iter(self.frames)


class Frozen(MemoryObjectStore):
    """Cannot be written while it is walked."""

    def iter_oids(self):
        yield from self.frames


class KindBlind(MemoryObjectStore):
    """Returns any object whatever kind is asked."""

    def get(self, oid, kind=None):
        return super().get(oid)


class Lending(MemoryObjectStore):
    """Hands out its own memory, and reuses it."""

    def __init__(self):
        super().__init__()
        self.memory = bytearray(1 << 20)

    def get(self, oid, kind=None):
        data = super().get(oid, kind)
        self.memory[: len(data)] = data
        return memoryview(self.memory)[: len(data)]


class Misaligned(MemoryObjectStore):
    """Hands out bytes that begin anywhere."""

    def get(self, oid, kind=None):
        return memoryview(b"." + super().get(oid, kind))[1:]


class Truncating(MemoryObjectStore):
    """Keeps the first megabyte."""

    def put_frames(self, items):
        super().put_frames([(oid, frame[: 1 << 20]) for oid, frame in items])


class Losing(MemoryObjectStore):
    """Keeps all but the last object of a put."""

    def put_frames(self, items):
        super().put_frames(items[:-1])


class RawOnly(MemoryObjectStore):
    """Returns a compressed frame's payload as it lies there."""

    def get(self, oid, kind=None):
        frame = self.frames[oid]
        return super().get(oid, kind) if frame[0] == 0 else frame[8:]


class Suite(ObjectStoreTests):
    """Runs the contract on a store that survives nothing but is asked to."""

    def open_store(self, place):
        return MemoryStore()

    def damage(self, store, oid, edit):
        store.objects.frames[oid] = edit(store.objects.frames[oid])


BROKEN = [
    (Trusting, "test_a_damaged_object_is_named", {"at": -1, "packed": False}),
    (Trusting, "test_a_frame_cut_short_is_named", {"length": 60}),
    (Nameless, "test_a_missing_object_is_named", {}),
    (Sorting, "test_get_many_keeps_the_order_asked", {}),
    (Sorting, "test_get_many_of_many_megabytes", {}),
    (Deduplicating, "test_get_many_keeps_the_order_asked", {}),
    (Overwriting, "test_what_is_there_stays_as_it_is", {}),
    (Optimistic, "test_has_and_missing", {}),
    (Forgetful, "test_has_and_missing", {}),
    (Unordered, "test_ids_are_listed_in_ascending_order", {}),
    (Frozen, "test_ids_can_be_listed_while_objects_are_put", {}),
    (KindBlind, "test_a_sound_object_of_another_kind_is_refused", {}),
    (Lending, "test_what_was_read_outlives_what_is_written", {}),
    (Misaligned, "test_what_was_read_outlives_what_is_written", {}),
    (Truncating, "test_size_does_not_matter", {"size": 3_000_000}),
    (Losing, "test_what_was_put_is_read_back", {}),
    (Losing, "test_objects_are_there_after_reopening", {}),
    (RawOnly, "test_a_compressed_frame_is_read_back_as_its_canonical_bytes", {}),
]


@pytest.mark.parametrize(("broken", "test", "arguments"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_store_fails_the_contract(broken, test, arguments, tmp_path):
    """Each check can fail: this store breaks exactly what it is about."""
    store = MemoryStore()
    store.objects = broken()
    store.refs._objects = store.objects
    if test == "test_objects_are_there_after_reopening":
        arguments = {"place": tmp_path}

    with pytest.raises((AssertionError, pytest.fail.Exception, DsvcError, LookupError, RuntimeError)):
        getattr(Suite(), test)(store=store, **arguments)


def test_the_contract_is_fair():
    """The sound store passes what the broken ones fail."""
    for test, arguments in {test: arguments for _, test, arguments in BROKEN}.items():
        if "reopening" not in test:
            getattr(Suite(), test)(store=MemoryStore(), **arguments)
