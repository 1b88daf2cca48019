"""The op store in LMDB keeps the contract, also where its map must grow."""

from pathlib import Path

import pytest

from dsvc.annotation.opstores.lmdb import LmdbOpStore
from dsvc.errors import StorePermissionError
from dsvc.testing.opstores import INDEXES, OpStoreTests

TINY_MAP_BYTES = 1 << 16


def open_lmdb(place):
    """Open the store of a place."""
    return LmdbOpStore(Path(place), INDEXES)


def open_tiny(place):
    """Open it with a map that must grow."""
    return LmdbOpStore(Path(place), INDEXES, map_bytes=TINY_MAP_BYTES)


class TestLmdbOpStore(OpStoreTests):
    opener = staticmethod(open_lmdb)


class TestLmdbOpStoreWithGrowingMap(OpStoreTests):
    opener = staticmethod(open_tiny)

    def test_a_full_map_grows(self, store):
        """More than was reserved at first is kept."""
        for number in range(50):
            assert store.insert("things", str(number), {"name": "x" * 400, "pad": "y" * 4000})

        assert 50 == len(store.scan("things", "name"))


def test_what_is_damaged_begins_anew(tmp_path):
    """All of it is disposable: a file cut short is no reason to stop."""
    store = open_lmdb(tmp_path)
    store.insert("things", "a", {"size": 1})
    store.close()
    data = tmp_path / "data.mdb"
    data.write_bytes(data.read_bytes()[:8192])

    again = open_lmdb(tmp_path)
    assert [] == again.scan("things")
    again.close()


def test_a_key_beyond_what_lmdb_takes_is_refused(tmp_path):
    """With the name of the field, and nothing is kept."""
    store = open_lmdb(tmp_path)
    with pytest.raises(ValueError, match="name of things"):
        store.insert("things", "a", {"name": "x" * 600})
    with pytest.raises(ValueError, match="NUL"):
        store.insert("things", "a", {"name": "x\0"})
    assert store.get("things", "a") is None
    store.close()


def test_a_place_that_is_a_file_is_refused(tmp_path):
    """As every store's error is."""
    (tmp_path / "x").write_text("")
    with pytest.raises(StorePermissionError):
        LmdbOpStore(tmp_path / "x" / "y", INDEXES)
