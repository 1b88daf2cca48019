"""The contract of object stores, as a test class to inherit from; see `dsvc.testing.stores`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from dsvc.errors import ChecksumMismatchError, IntegrityError, ObjectFormatError, ObjectNotFoundError
from dsvc.objects.oid import Buffer, Kind
from dsvc.store.base import RefChange, Store
from dsvc.store.frame import zstd_frame
from dsvc.testing.stores import OP, StoreSuite, make_object


class ObjectStoreTests(StoreSuite):
    """The contract of `ObjectStore`."""

    def test_what_was_put_is_read_back(self, store: Store) -> None:
        """An object's canonical bytes come back as they were, with and without naming its kind."""
        oid, frame, data = make_object("a")
        store.objects.put_frames([(oid, frame)])

        assert data == bytes(store.objects.get(oid))
        assert data == bytes(store.objects.get(oid, Kind.VALUE))

    def test_a_compressed_frame_is_read_back_as_its_canonical_bytes(self, store: Store) -> None:
        """The codec of a frame is invisible to readers."""
        oid, frame, data = make_object("a", size=50_000)
        packed = zstd_frame(frame)
        store.objects.put_frames([(oid, packed)])

        assert len(packed) < len(frame)
        assert data == bytes(store.objects.get(oid))

    @pytest.mark.parametrize("size", [1, 4096, 70_000, 3_000_000])
    def test_size_does_not_matter(self, store: Store, size: int) -> None:
        """Objects from one byte to megabytes are kept."""
        oid, frame, data = make_object("a", size=size)
        store.objects.put_frames([(oid, frame)])

        assert data == bytes(store.objects.get(oid))

    def test_get_many_keeps_the_order_asked(self, store: Store) -> None:
        """Results stand where their ids stood, also for an id asked twice."""
        made = [make_object(f"object {i}") for i in range(50)]
        store.objects.put_frames([(oid, frame) for oid, frame, _ in made])
        asked = [made[i] for i in (7, 3, 49, 3, 0)]

        found = store.objects.get_many([oid for oid, _, _ in asked], Kind.VALUE)

        assert [data for _, _, data in asked] == [bytes(data) for data in found]

    def test_get_many_of_many_megabytes(self, store: Store) -> None:
        """A batch that is worth threads gives what single reads give."""
        made = [make_object(f"object {i}", size=100_000 + i) for i in range(64)]
        store.objects.put_frames(
            [(oid, frame if i % 2 else zstd_frame(frame)) for i, (oid, frame, _) in enumerate(made)]
        )

        found = store.objects.get_many([oid for oid, _, _ in made])

        assert [data for _, _, data in made] == [bytes(data) for data in found]

    def test_get_many_of_nothing(self, store: Store) -> None:
        """No ids, no objects."""
        assert store.objects.get_many([]) == []

    def test_a_missing_object_is_named(self, store: Store) -> None:
        """Reading what is not there names id and kind, alone and among others."""
        there, frame, _ = make_object("there")
        absent, _, _ = make_object("absent")
        store.objects.put_frames([(there, frame)])

        with pytest.raises(ObjectNotFoundError) as alone:
            store.objects.get(absent, Kind.VALUE)
        with pytest.raises(ObjectNotFoundError) as among:
            store.objects.get_many([there, absent, there], Kind.VALUE)

        assert (absent, "value") == (alone.value.oid, alone.value.kind)
        assert absent == among.value.oid

    def test_has_and_missing(self, store: Store) -> None:
        """`has` and `missing` agree on what is there."""
        there, frame, _ = make_object("there")
        absent, _, _ = make_object("absent")
        store.objects.put_frames([(there, frame)])

        assert store.objects.has(there)
        assert not store.objects.has(absent)
        assert {absent} == store.objects.missing([there, absent])
        assert set() == store.objects.missing([there])
        assert set() == store.objects.missing([])

    def test_what_is_there_stays_as_it_is(self, store: Store) -> None:
        """Putting an object again writes nothing: what is stored under the id is not replaced."""
        oid, frame, _ = make_object("a")
        store.objects.put_frames([(oid, frame)])
        self.damage(store, oid, lambda frame: frame[:-1] + b"!")

        store.objects.put_frames([(oid, frame)])

        with pytest.raises(ChecksumMismatchError):
            store.objects.get(oid)

    def test_nothing_put_is_fine(self, store: Store) -> None:
        """Putting no objects is no error."""
        store.objects.put_frames([])

        assert list(store.objects.iter_oids()) == []

    def test_ids_are_listed_in_ascending_order(self, store: Store) -> None:
        """Every id is listed once, ascending, and refs and operations are not among them."""
        made = [make_object(f"object {i}") for i in range(5000)]
        store.objects.put_frames([(oid, frame) for oid, frame, _ in made])
        store.refs.update([RefChange("heads/main", None, b"x")], op=OP)

        assert sorted(oid for oid, _, _ in made) == list(store.objects.iter_oids())

    def test_ids_can_be_listed_while_objects_are_put(self, store: Store) -> None:
        """A walk over the ids holds up nobody, and sees at least what was there before."""
        made = [make_object(f"object {i}") for i in range(200)]
        store.objects.put_frames([(oid, frame) for oid, frame, _ in made[:100]])
        walk = store.objects.iter_oids()
        first = next(walk)

        store.objects.put_frames([(oid, frame) for oid, frame, _ in made[100:]])

        assert {oid for oid, _, _ in made[:100]} <= {first, *walk}

    @pytest.mark.parametrize("packed", [False, True], ids=["raw", "zstd"])
    @pytest.mark.parametrize("at", [0, 1, 2, 5, 8, -1], ids=["codec", "kind", "zero", "length", "first", "last"])
    def test_a_damaged_object_is_named(self, store: Store, at: int, packed: bool) -> None:
        """A flipped bit anywhere in a frame is found on read; the error names the object, and others still read."""
        oid, frame, _ = make_object("a", size=10_000)
        sound, other, data = make_object("b")
        store.objects.put_frames([(oid, zstd_frame(frame) if packed else frame), (sound, other)])
        self.damage(store, oid, partial(_flipped, at=at))

        for read in (lambda: store.objects.get(oid), lambda: store.objects.get_many([sound, oid])):
            with pytest.raises(IntegrityError) as caught:
                read()
            assert oid.hex() in str(caught.value)
        assert data == bytes(store.objects.get(sound))

    @pytest.mark.parametrize("length", [0, 7, 8, 60])
    def test_a_frame_cut_short_is_named(self, store: Store, length: int) -> None:
        """An object of which only a part is left is found on read."""
        oid, frame, _ = make_object("a")
        store.objects.put_frames([(oid, frame)])
        self.damage(store, oid, lambda frame: frame[:length])

        with pytest.raises(IntegrityError, match=oid.hex()):
            store.objects.get(oid)

    def test_a_sound_object_of_another_kind_is_refused(self, store: Store) -> None:
        """Asking for a node and finding a value is an error of its own: nothing is corrupt."""
        oid, frame, _ = make_object("a")
        store.objects.put_frames([(oid, frame)])

        with pytest.raises(ObjectFormatError, match="it is a value") as caught:
            store.objects.get(oid, Kind.NODE)

        assert (oid, "node") == (caught.value.oid, caught.value.kind)

    def test_what_was_read_outlives_what_is_written(self, store: Store) -> None:
        """Bytes handed out are the reader's own, aligned to 8, and never change."""
        made = [make_object(f"object {i}", size=9000) for i in range(40)]
        store.objects.put_frames([(oid, frame) for oid, frame, _ in made])
        found = [store.objects.get(oid) for oid, _, _ in made] + store.objects.get_many([oid for oid, _, _ in made])

        for i in range(20):
            oid, frame, _ = make_object(f"later {i}", size=200_000)
            store.refs.update([RefChange(f"heads/{i}", None, oid)], objects=[(oid, frame)])

        assert 2 * [data for _, _, data in made] == [bytes(data) for data in found]
        assert {0} == {_address(data) % 8 for data in found}

    def test_objects_are_there_after_reopening(self, store: Store, place: Path) -> None:
        """What `put_frames` returned from is durable."""
        oid, frame, data = make_object("a")
        store.objects.put_frames([(oid, frame)])

        again = self.reopened(store, place)

        assert data == bytes(again.objects.get(oid))
        again.close()


def _flipped(frame: bytes, *, at: int) -> bytes:
    damaged = bytearray(frame)
    damaged[at] ^= 0x40
    return bytes(damaged)


def _address(data: Buffer) -> int:
    import numpy as np

    return int(np.frombuffer(data, np.uint8).ctypes.data)
