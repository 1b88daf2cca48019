"""What is particular to the store in memory; its contract is in tests/contract."""

from dsvc.store.memory import MemoryStore
from dsvc.testing.stores import make_object


def test_two_stores_share_nothing():
    """Each store is a world of its own."""
    oid, frame, _ = make_object("a")
    one, other = MemoryStore(), MemoryStore()
    one.objects.put_frames([(oid, frame)])

    assert not other.objects.has(oid)
