"""Many frames opened at once."""

import pytest

from dsvc.errors import ChecksumMismatchError
from dsvc.objects.oid import Kind
from dsvc.store import decode
from dsvc.store.decode import Decoders
from dsvc.store.verify import Verifier
from dsvc.testing.stores import make_object


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch):
    """Threads are used on a machine with one processor too."""
    monkeypatch.setattr(decode, "_N_THREADS", 2)


@pytest.fixture
def decoders():
    """Decoders that are closed in the end."""
    decoders = Decoders(Verifier("x"))
    yield decoders
    decoders.close()


def make(n, size):
    """Return ids, frames and canonical bytes of n objects."""
    return tuple(zip(*(make_object(f"object {i}", size=size) for i in range(n)), strict=True))


@pytest.mark.parametrize(("n", "size", "threaded"), [(3, 100, False), (1000, 100, False), (64, 100_000, True)])
def test_threads_change_nothing_but_the_time(decoders, n, size, threaded):
    """Results come in order; threads are started for megabytes only."""
    oids, frames, data = make(n, size)

    assert list(data) == [bytes(found) for found in decoders.open_all(frames, oids, Kind.VALUE)]
    assert threaded == (decoders._pool is not None)


@pytest.mark.parametrize("wrong", [0, 31, 62, 63])
def test_an_error_in_any_thread_is_raised(decoders, wrong):
    """The caller sees the error of the corrupt object, whoever opened it."""
    oids, frames, _ = make(64, 100_000)
    frames = [frames[0 if i == wrong else i] if wrong else frames[max(i, 1)] for i in range(64)]

    with pytest.raises(ChecksumMismatchError) as caught:
        decoders.open_all(frames, oids, Kind.VALUE)

    assert oids[wrong] == caught.value.oid


def test_closing_lets_threads_go(decoders):
    """A closed pool starts again when it is needed, and closing twice is fine."""
    oids, frames, data = make(64, 100_000)
    decoders.open_all(frames, oids, Kind.VALUE)

    decoders.close()
    decoders.close()

    assert list(data) == [bytes(found) for found in decoders.open_all(frames, oids, Kind.VALUE)]
