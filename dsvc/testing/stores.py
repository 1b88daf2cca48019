"""What the contract suites of stores share: a store to test, objects to put into it.

    class TestMyStore(ObjectStoreTests, RefStoreTests):
        def open_store(self, place: Path) -> Store:
            return MyStore(place)

        def damage(self, store: Store, oid: Oid, edit: Callable[[bytes], bytes]) -> None:
            ...

A store that keeps nothing when closed sets `survives_close = False`; one that several processes can open at once
gives `opener`, something picklable that opens it at a path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from dsvc.objects.oid import Kind, Oid, hash_object
from dsvc.store.base import Frame, Operation, Store
from dsvc.store.frame import raw_frame

Opener = Callable[[Path], Store]

OP = Operation(time_us=1_700_000_000_000_000, author="ada", command="put")


def make_object(text: str, kind: Kind = Kind.VALUE, size: int = 64) -> tuple[Oid, Frame, bytes]:
    """Return (id, uncompressed frame, canonical bytes) of an object with bytes of its own.

    Args:
        text: Begins the bytes; equal texts give equal objects.
        kind: What the object claims to be.
        size: How long its canonical bytes are.
    """
    data = text.encode().ljust(size, b".")
    return hash_object(kind, data), raw_frame(kind, [data]), data


class StoreSuite:
    """What the suites need of a store."""

    survives_close: ClassVar[bool] = True
    """Whether a store opened again at its path has what was put before."""
    opener: ClassVar[Opener | None] = None
    """Opens the store at a path, for stores that several processes can share; must be picklable."""

    def open_store(self, place: Path) -> Store:
        """Return the store at a path, made there if there is none."""
        raise NotImplementedError

    def damage(self, store: Store, oid: Oid, edit: Callable[[bytes], bytes]) -> None:
        """Put what `edit` makes of an object's frame in the frame's place, behind the store's back."""
        raise NotImplementedError

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        """Where the store is."""
        return tmp_path / "store"

    @pytest.fixture
    def store(self, place: Path) -> Iterator[Store]:
        """An empty store."""
        store = self.open_store(place)
        yield store
        store.close()

    def reopened(self, store: Store, place: Path) -> Store:
        """Return the store closed and opened again, or skip where nothing survives that."""
        if not self.survives_close:
            pytest.skip("keeps nothing when closed")
        store.close()
        return self.open_store(place)
