"""What is particular to the store on LMDB; its contract is in tests/contract."""

import gc
import os
from pathlib import Path

import pytest

from dsvc.errors import ObjectNotFoundError, StoreError, UnsupportedFormatError
from dsvc.objects.oid import Kind
from dsvc.store import lmdb as lmdb_store
from dsvc.store import shared
from dsvc.store.base import Operation, RefChange
from dsvc.store.frame import zstd_frame
from dsvc.store.lmdb import LmdbStore
from dsvc.testing.stores import make_object


@pytest.fixture
def store(tmp_path):
    """A new store."""
    store = LmdbStore(tmp_path / "store", create=True)
    yield store
    store.close()


def n_transactions(store):
    """Return how many write transactions there have been."""
    return store._env._lmdb.info()["last_txnid"]


def test_keys_are_what_the_format_says(store):
    """Settings, objects, operations and refs have these keys: stores of old must stay readable."""
    oid, frame, _ = make_object("a")
    store.refs.update([RefChange("heads/main", None, b"x")], objects=[(oid, frame)], op=Operation(1, "a", "b"))

    keys = store._env.read(lambda txn: [bytes(key) for key in txn.cursor().iternext(keys=True, values=False)])

    assert [b"mformat", b"o" + oid, b"p" + (1).to_bytes(8, "big"), b"rheads/main"] == keys


def test_opening_does_not_make(tmp_path):
    """Without `create` a store must be there."""
    with pytest.raises(StoreError, match="it does not exist"):
        LmdbStore(tmp_path / "store")


def test_opening_does_not_write(store, tmp_path):
    """A store that is there is opened without a write transaction, so that readers never wait for writers."""
    before = n_transactions(store)

    LmdbStore(tmp_path / "store", create=True).close()

    assert before == n_transactions(store)


@pytest.mark.parametrize("found", [b"2", b""], ids=["newer", "unfinished"])
def test_another_format_is_refused(store, tmp_path, found):
    """A store of another version, or one that was never completely made, is not touched."""
    store._env.write(lambda txn: txn.put(b"mformat", found) if found else txn.delete(b"mformat"))

    with pytest.raises(UnsupportedFormatError, match="this dsvc reads 1"):
        LmdbStore(tmp_path / "store")


def test_a_store_that_was_half_made_is_made(store, tmp_path):
    """Making it again completes what a crash left."""
    store._env.write(lambda txn: txn.delete(b"mformat"))

    LmdbStore(tmp_path / "store", create=True).close()


def test_large_puts_are_cut_into_transactions(store, monkeypatch):
    """No transaction writes much more than its share, and nothing is left out."""
    monkeypatch.setattr(lmdb_store, "TXN_BYTES", 10_000)
    made = [make_object(f"object {i}", size=3000) for i in range(10)]
    before = n_transactions(store)

    store.objects.put_frames([(oid, frame) for oid, frame, _ in made])

    assert 4 == n_transactions(store) - before
    assert set() == store.objects.missing([oid for oid, _, _ in made])


def test_one_object_larger_than_a_transaction_is_put(store, monkeypatch):
    """The share of a transaction is no limit for one object."""
    monkeypatch.setattr(lmdb_store, "TXN_BYTES", 1000)
    made = [make_object(f"object {i}", size=3000) for i in range(3)]

    store.objects.put_frames([(oid, frame) for oid, frame, _ in made])

    assert 3 == len(list(store.objects.iter_oids()))


def test_long_walks_are_cut_into_transactions(store, monkeypatch):
    """A walk over ids or operations reads page after page, without loss at the seams."""
    monkeypatch.setattr(lmdb_store, "_PAGE_ITEMS", 7)
    for n in (6, 7, 8, 21, 22):
        made = [make_object(f"{n} {i}") for i in range(n)]
        store.objects.put_frames([(oid, frame) for oid, frame, _ in made])
        for i in range(n):
            store.refs.update([], op=Operation(i, "a", "b"))
        n_ops = len(list(store.refs.iter_ops()))

        assert {oid for oid, _, _ in made} <= set(store.objects.iter_oids())
        assert list(range(1, n_ops + 1)) == [number for number, _ in store.refs.iter_ops(newest_first=False)]
        assert list(range(n_ops, 0, -1)) == [number for number, _ in store.refs.iter_ops()]


def test_an_update_is_one_transaction(store):
    """Refs, objects and the operation are one commit of LMDB."""
    made = [make_object(f"object {i}") for i in range(5)]
    before = n_transactions(store)

    store.refs.update(
        [RefChange("a", None, b"1"), RefChange("b", None, b"2")],
        objects=[(oid, frame) for oid, frame, _ in made],
        op=Operation(1, "a", "b"),
    )

    assert 1 == n_transactions(store) - before


def test_reading_writes_nothing(store):
    """No read is a write transaction."""
    before = n_transactions(store)
    store.objects.missing([make_object("a")[0]])
    store.refs.get("x")
    list(store.refs.iter_refs())
    list(store.refs.iter_ops())
    list(store.objects.iter_oids())

    assert before == n_transactions(store)


def test_compressed_objects_are_decompressed_once(store, monkeypatch):
    """What was decompressed lately is at hand; raw objects are copied from the map each time."""
    packed, frame, data = make_object("dsv1\2", size=50_000)
    raw, raw_frame, _ = make_object("raw")
    store.objects.put_frames([(packed, zstd_frame(frame)), (raw, raw_frame)])
    first = store.objects.get_many([packed, raw], Kind.VALUE)

    monkeypatch.setattr(store.objects.verifier, "open", None)

    assert data == bytes(store.objects.get(packed, Kind.VALUE))
    assert [data] == [bytes(found) for found in store.objects.get_many([packed])]
    with pytest.raises(TypeError):
        store.objects.get(raw)
    assert 2 == len(first)


def test_objects_at_hand_and_others_come_in_order(store):
    """A read that finds some of its objects decompressed already keeps the order asked."""
    made = [make_object(f"dsv1\2 {i}", size=50_000) for i in range(6)]
    store.objects.put_frames([(oid, zstd_frame(frame) if i % 2 else frame) for i, (oid, frame, _) in enumerate(made)])
    oids = [oid for oid, _, _ in made]
    store.objects.get_many([oids[3], oids[1]], Kind.VALUE)

    assert [data for _, _, data in made] == [bytes(data) for data in store.objects.get_many(oids, Kind.VALUE)]
    with pytest.raises(ObjectNotFoundError):
        store.objects.get_many([oids[3], make_object("absent")[0]], Kind.VALUE)


def test_a_forgotten_store_is_closed(tmp_path):
    """A store that nobody holds any more gives its files back."""
    store = LmdbStore(tmp_path / "store", create=True)
    env = store._env

    del store
    gc.collect()

    assert env not in shared._open.values()


def test_every_user_of_a_file_shares_it(store, tmp_path):
    """Two stores on one file see each other's writes, and each can be closed alone."""
    other = LmdbStore(tmp_path / "store")
    other.refs.update([RefChange("a", None, b"1")])

    other.close()

    assert b"1" == store.refs.get("a")


def test_the_operating_system_is_told_to_keep_names(tmp_path, monkeypatch):
    """A new store's directory is synced too: a file whose name is lost is lost."""
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").resolve()) or fsync(fd))

    LmdbStore(tmp_path / "store", create=True).close()

    assert {tmp_path / "store", tmp_path} <= set(synced)


def test_who_waits_is_told_the_command(store, tmp_path):
    """The note of a writer has the command its store was opened with."""
    writer = LmdbStore(tmp_path / "store", command="dsvc ingest")
    writer.refs.update([RefChange("a", None, b"1")])

    assert (os.getpid(), "dsvc ingest") == store._env._lock.note()[:2]
    writer.close()
