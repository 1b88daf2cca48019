"""Decompressed objects are kept up to a bound, the least recently used dropped first."""

from dsvc.objects.oid import Kind, Oid
from dsvc.store.recent import Recent


def oid(i):
    """Return an id."""
    return Oid(i.to_bytes(32, "big"))


def data(kind, size=100):
    """Return canonical bytes of a kind."""
    return b"dsv1" + bytes([kind]) + bytes(size - 5)


def test_what_is_kept_is_found():
    """By its id, for its own kind and for any."""
    recent = Recent()
    recent.keep(oid(1), data(Kind.KEY))

    assert data(Kind.KEY) == recent.find(oid(1), Kind.KEY)
    assert data(Kind.KEY) == recent.find(oid(1), None)
    assert recent.find(oid(1), Kind.VALUE) is None
    assert recent.find(oid(2), None) is None


def test_the_least_recently_used_goes_first():
    """Being found keeps an object; the bound holds after every step."""
    recent = Recent(bound_bytes=350)
    for i in range(3):
        recent.keep(oid(i), data(Kind.KEY))
    recent.find(oid(0), None)

    recent.keep(oid(3), data(Kind.KEY))

    assert [True, False, True, True] == [recent.find(oid(i), None) is not None for i in range(4)]


def test_keeping_twice_counts_once():
    """An object that is kept already takes no more room."""
    recent = Recent(bound_bytes=250)
    for _ in range(10):
        recent.keep(oid(1), data(Kind.KEY))
    recent.keep(oid(2), data(Kind.KEY))

    assert recent.find(oid(1), None) is not None
    assert recent.find(oid(2), None) is not None


def test_what_is_larger_than_the_bound_empties_nothing():
    """One huge object does not push out all others."""
    recent = Recent(bound_bytes=250)
    recent.keep(oid(1), data(Kind.KEY))

    recent.keep(oid(2), data(Kind.KEY, size=1000))

    assert recent.find(oid(1), None) is not None
    assert recent.find(oid(2), None) is None


def test_nobody_waits():
    """While a thread is inside, as may be forever in a forked child, others do without."""
    recent = Recent()
    recent.keep(oid(1), data(Kind.KEY))
    recent._lock.acquire()

    recent.keep(oid(2), data(Kind.KEY))
    recent.clear()
    assert recent.find(oid(1), None) is None

    recent._lock.release()
    assert recent.find(oid(1), None) is not None


def test_clearing_keeps_nothing():
    """After a clear, there is room for all again."""
    recent = Recent(bound_bytes=150)
    recent.keep(oid(1), data(Kind.KEY))

    recent.clear()
    recent.keep(oid(2), data(Kind.KEY))

    assert recent.find(oid(1), None) is None
    assert recent.find(oid(2), None) is not None
