"""Taking objects in: what is there at once, what is durable when, and what a failure leaves."""

import os
import threading

import pytest

from dsvc.errors import ObjectFormatError, ObjectNotFoundError, RefConflictError, StoreFullError, StoreUnavailableError
from dsvc.objects.encoding import encode_object
from dsvc.objects.oid import Kind, Oid, hash_object
from dsvc.store.base import Operation, RefChange
from dsvc.store.frame import RAW, ZSTD
from dsvc.store.lmdb import LmdbStore
from dsvc.store.memory import MemoryStore
from dsvc.store.writer import ObjectWriter
from dsvc.testing.faults import FaultyStore

HINT = Oid(b"h" * 32)
MAIN = "heads/main"


@pytest.fixture
def store():
    """A store in memory, behind faults."""
    return FaultyStore(MemoryStore())


@pytest.fixture
def writer(store):
    """A writer to it."""
    with ObjectWriter(store) as writer:
        yield writer


@pytest.fixture
def small_batches(store):
    """A writer to it that packs and stores behind from a few kilobytes on."""
    with ObjectWriter(store, batch_bytes=4000, txn_bytes=12_000) as writer:
        yield writer


def data(i, size=1000):
    """Return bytes that hardly compress, different for each i."""
    return (b"dsv1\2" + i.to_bytes(4, "big") + os.urandom(size))[:size]


def text(i, size=5000):
    """Return bytes that compress well, different for each i."""
    return f"dsv1\2{i} {'text ' * size}".encode()[:size]


def test_parts_are_joined_and_named(writer):
    """The id is the hash of the joined parts under the kind."""
    oid = writer.put(Kind.VALUE, [b"dsv1", memoryview(b"\2ab"), bytearray(b"c")])

    assert hash_object(Kind.VALUE, b"dsv1\2abc") == oid


def test_parts_are_copied(writer):
    """Memory that is used again after a put does not change what was put."""
    part = bytearray(b"dsv1\2abc")
    oid = writer.put(Kind.VALUE, [part])
    part[:] = bytes(8)

    assert b"dsv1\2abc" == bytes(writer.get(oid))


def test_what_was_taken_is_read_at_once(writer, store):
    """Before anything is stored the writer gives back what it took, among what is stored."""
    stored = writer.put(Kind.VALUE, [b"stored"])
    writer.flush()
    taken = writer.put(Kind.VALUE, [b"taken"])

    assert not store.objects.has(taken)
    assert writer.has(taken)
    assert b"taken" == bytes(writer.get(taken, Kind.VALUE))
    assert [b"taken", b"stored", b"taken"] == [bytes(found) for found in writer.get_many([taken, stored, taken])]
    assert [b"stored"] == [bytes(found) for found in writer.get_many([stored], Kind.VALUE)]


def test_what_was_never_taken_is_missing(writer):
    """Neither taken nor stored: the store's error."""
    absent = hash_object(Kind.VALUE, b"absent")
    taken = writer.put(Kind.VALUE, [b"taken"])

    assert not writer.has(absent)
    with pytest.raises(ObjectNotFoundError):
        writer.get(absent)
    with pytest.raises(ObjectNotFoundError):
        writer.get_many([taken, absent])


def test_the_kind_is_checked_before_it_is_stored(writer):
    """An object that was only taken is as strict about its kind as a stored one."""
    oid = writer.put(Kind.VALUE, [b"taken"])

    with pytest.raises(ObjectFormatError, match="it is a value"):
        writer.get(oid, Kind.NODE)
    with pytest.raises(ObjectFormatError, match="it is a value"):
        writer.get_many([oid], Kind.NODE)


def test_flush_makes_durable(writer, store):
    """After a flush the store has everything, and nothing is pending."""
    oids = [writer.put(Kind.VALUE, [data(i)]) for i in range(10)]
    writer.flush()

    assert set() == store.objects.missing(oids)
    assert [] == writer.pending()
    assert (10, 10) == (writer.n_new, len(list(store.objects.iter_oids())))


def test_update_stores_and_moves_in_one_write(writer, store):
    """The last objects travel with the refs: one transaction for a small piece of work."""
    oid = writer.put(Kind.VALUE, [data(1)])
    writer.update([RefChange(MAIN, None, oid)], Operation(1, "ada", "put"))

    assert 1 == store.faults.n_writes
    assert oid == store.refs.get(MAIN)
    assert store.objects.has(oid)
    assert [] == writer.pending()


def test_an_object_put_twice_is_stored_once(writer, store):
    """Within one writer, before and after it is durable."""
    first = writer.put(Kind.VALUE, [b"same"])
    assert first == writer.put(Kind.VALUE, [b"same"])
    assert 1 == len(writer.pending())
    writer.flush()

    assert first == writer.put(Kind.VALUE, [b"same"])

    assert [] == writer.pending()
    assert 1 == writer.n_new


def test_what_the_store_has_is_not_written_again(writer, store):
    """Another writer's objects are neither packed nor sent."""
    with ObjectWriter(store) as other:
        other.put(Kind.VALUE, [b"same"])
        other.flush()

    oid = writer.put(Kind.VALUE, [b"same"])
    new = writer.put(Kind.VALUE, [b"new"])

    assert [new] == [oid for oid, _ in writer.pending()]
    assert b"same" == bytes(writer.get(oid))
    assert writer.has(oid)


def test_has_asks_the_store(writer, store):
    """What is stored already needs not be put."""
    with ObjectWriter(store) as other:
        oid = other.put(Kind.VALUE, [b"same"])
        other.flush()

    assert writer.has(oid)


def test_nothing_is_packed_on_threads_for_little(writer):
    """A small piece of work starts no thread."""
    before = threading.active_count()
    for i in range(100):
        writer.put(Kind.VALUE, [text(i)])
    writer.flush()

    assert before == threading.active_count()


def test_much_is_packed_and_stored_behind(small_batches, store):
    """A large piece of work goes in several writes, of bounded size, before the last."""
    oids = [small_batches.put(Kind.VALUE, [data(i)], HINT) for i in range(100)]
    small_batches.update([RefChange(MAIN, None, b"x")])

    assert set() == store.objects.missing(oids)
    assert 100 == small_batches.n_new
    assert 100_000 // 13_000 <= store.faults.n_writes <= 100_000 // 12_000 + 2


def test_everything_is_readable_while_it_is_packed_and_stored(small_batches):
    """Wherever an object is on its way, the writer gives it back."""
    made = {}
    for i in range(200):
        content = data(i) if i % 3 else text(i)
        made[small_batches.put(Kind.VALUE, [content], HINT if i % 3 else None)] = content
        if i % 10 == 0:
            assert list(made.values()) == [bytes(found) for found in small_batches.get_many(list(made))]
    small_batches.flush()

    assert list(made.values()) == [bytes(found) for found in small_batches.get_many(list(made))]


def test_objects_put_twice_on_their_way_are_stored_once(small_batches):
    """Also when the first is being packed or stored behind."""
    for _ in range(3):
        for i in range(50):
            small_batches.put(Kind.VALUE, [text(i)])
    small_batches.flush()

    assert 50 == small_batches.n_new


def test_compression_is_decided_by_what_it_saves(writer):
    """Text is packed, noise and plain objects are not; ids do not depend on it."""
    packed = writer.put(Kind.VALUE, [text(1)], None)
    noise = writer.put(Kind.VALUE, [data(1)], HINT)
    plain = writer.put(Kind.NODE, [encode_object(Kind.NODE, ["a" * 5000])])
    codecs = {oid: frame[0] for oid, frame in writer.pending()}

    assert {packed: ZSTD, noise: RAW, plain: RAW} == codecs
    assert hash_object(Kind.VALUE, text(1)) == packed
    assert text(1) == bytes(writer.get(packed))


def test_a_lost_swap_keeps_everything_pending(writer, store):
    """Nothing of a lost update is stored; the same objects go with the next try."""
    oid = writer.put(Kind.VALUE, [data(1)])
    store.refs.update([RefChange(MAIN, None, b"theirs")])

    with pytest.raises(RefConflictError):
        writer.update([RefChange(MAIN, None, oid)])
    assert not store.objects.has(oid)
    writer.update([RefChange(MAIN, b"theirs", oid)])

    assert store.objects.has(oid)


@pytest.mark.parametrize("fault", ["refused", "lost_responses"])
def test_a_failed_update_can_be_tried_again(writer, store, fault):
    """After an error objects are still pending, whether the store had done its work or not."""
    oid = writer.put(Kind.VALUE, [data(1)])
    setattr(store.faults, fault, 1)

    with pytest.raises(StoreUnavailableError):
        writer.update([RefChange("a", None, oid)])
    assert oid in {pending for pending, _ in writer.pending()}
    writer.update([RefChange("b", None, oid)])

    assert oid == store.refs.get("b")
    assert store.objects.has(oid)


@pytest.mark.parametrize("fault", ["refused", "lost_responses"])
def test_a_failure_behind_is_raised_and_loses_nothing(small_batches, store, fault):
    """An error of the storing thread reaches the caller; a flush later stores everything."""
    setattr(store.faults, fault, 1)
    oids, errors = [], 0
    for i in range(100):
        content = data(i)
        oids.append(hash_object(Kind.VALUE, content))
        try:
            small_batches.put(Kind.VALUE, [content], HINT)
        except StoreUnavailableError:
            errors += 1
    try:
        small_batches.flush()
    except StoreUnavailableError:
        errors += 1
        small_batches.flush()

    assert 1 == errors
    assert set() == store.objects.missing(oids)
    assert [] == small_batches.pending()


def test_a_full_disk_behind_leaves_refs_alone(small_batches, store):
    """When there is no room the work fails before any ref moves; with room it can be finished."""
    store.faults.room_bytes = 30_000

    def work():
        for i in range(100):
            small_batches.put(Kind.VALUE, [bytes([i]) + os.urandom(1000)], HINT)
        small_batches.update([RefChange(MAIN, None, b"x")])

    with pytest.raises(StoreFullError):
        work()
    assert store.refs.get(MAIN) is None
    store.faults.room_bytes = None
    small_batches.update([RefChange(MAIN, None, b"x")])

    assert b"x" == store.refs.get(MAIN)


def test_discard_forgets_what_is_not_durable(small_batches, store):
    """After a discard there is nothing pending; what was stored behind may stay, unnamed."""
    for i in range(100):
        small_batches.put(Kind.VALUE, [data(i)], HINT)

    small_batches.discard()
    n_stored = len(list(store.objects.iter_oids()))
    small_batches.flush()

    assert [] == small_batches.pending()
    assert n_stored == len(list(store.objects.iter_oids()))


def test_discard_does_not_mind_a_failing_store(small_batches, store):
    """Whoever gives up because the store failed can still give up."""
    store.faults.room_bytes = 0

    def work():
        for i in range(1000):
            small_batches.put(Kind.VALUE, [data(i)], HINT)

    with pytest.raises(StoreFullError):
        work()
    small_batches.discard()

    assert [] == small_batches.pending()


def test_a_discarded_object_can_be_put_again(writer, store):
    """Discarding does not make the writer believe that it is there."""
    oid = writer.put(Kind.VALUE, [b"dsv1\2"])
    writer.discard()
    assert not writer.has(oid)

    writer.put(Kind.VALUE, [b"dsv1\2"])
    writer.flush()

    assert store.objects.has(oid)


def test_closing_lets_threads_go(store):
    """A closed writer leaves no thread behind; closing twice is fine."""
    before = threading.active_count()
    writer = ObjectWriter(store, batch_bytes=1000, txn_bytes=2000)
    for i in range(50):
        writer.put(Kind.VALUE, [data(i)])
    writer.flush()

    writer.close()
    writer.close()

    assert before == threading.active_count()


def test_a_writer_to_disk_stores_what_it_took(tmp_path):
    """Threads and transactions of the real store: everything is there after reopening."""
    store = LmdbStore(tmp_path / "store", create=True)
    made = {}
    with ObjectWriter(store, batch_bytes=50_000, txn_bytes=200_000) as writer:
        for i in range(1000):
            content = data(i) if i % 2 else text(i)
            made[writer.put(Kind.VALUE, [content], HINT if i % 2 else None)] = content
        writer.update([RefChange(MAIN, None, b"x")], Operation(1, "ada", "put"))
    store.close()

    store = LmdbStore(tmp_path / "store")
    assert list(made.values()) == [bytes(found) for found in store.objects.get_many(list(made))]
    assert b"x" == store.refs.get(MAIN)
    store.close()
