"""All stores keep the contract of stores; LMDB's also where its map must grow time and again."""

from functools import partial

from dsvc.store.lmdb import LmdbStore
from dsvc.store.memory import MemoryStore
from dsvc.store.overlay import OverlayStore
from dsvc.testing.object_stores import ObjectStoreTests
from dsvc.testing.ref_stores import RefStoreTests

TINY_MAP_BYTES = 1 << 16


class TestMemoryStore(ObjectStoreTests, RefStoreTests):
    survives_close = False

    def open_store(self, place):
        return MemoryStore()

    def damage(self, store, oid, edit):
        store.objects.frames[oid] = edit(store.objects.frames[oid])


class TestLmdbStore(ObjectStoreTests, RefStoreTests):
    opener = staticmethod(partial(LmdbStore, create=True))

    def open_store(self, place):
        return self.opener(place)

    def damage(self, store, oid, edit):
        key = b"o" + oid
        store._env.write(lambda txn: txn.put(key, edit(bytes(txn.get(key)))))


class TestLmdbStoreWithGrowingMap(TestLmdbStore):
    opener = staticmethod(partial(LmdbStore, create=True, map_bytes=TINY_MAP_BYTES))


class TestOverlayStore(ObjectStoreTests, RefStoreTests):
    survives_close = False

    def open_store(self, place):
        return OverlayStore(MemoryStore(), place)

    def damage(self, store, oid, edit):
        frames = store.objects._memory.frames
        frames[oid] = edit(frames[oid])
