"""One LMDB environment: its map grows, its errors are ours, and a damaged file is found at opening."""

import subprocess
import sys
import threading
import time

import pytest

from dsvc.errors import (
    IntegrityError,
    StoreError,
    StoreFullError,
    StorePermissionError,
    StoreUnavailableError,
    UnsupportedFormatError,
)
from dsvc.store import environment
from dsvc.store.environment import DATA, LEAST_MAP_BYTES, Environment

lmdb = environment.lmdb


def put(key, value):
    """Return the body of a transaction that puts one value."""
    return lambda txn: txn.put(key, value)


def get(key):
    """Return the body of a transaction that gets one value."""
    return lambda txn: bytes(txn.get(key) or b"")


@pytest.fixture
def opened(tmp_path):
    """Opens environments in tmp_path; all are closed in the end."""
    envs = []

    def open_(**kwargs):
        envs.append(Environment(tmp_path, **kwargs))
        return envs[-1]

    yield open_
    for env in envs:
        env.close()


def test_what_was_written_is_read(opened):
    """A write is there for the next reader."""
    env = opened()
    env.write(put(b"a", b"1"))

    assert b"1" == env.read(get(b"a"))


def test_a_write_that_raises_writes_nothing(opened):
    """An error inside a transaction undoes it."""
    env = opened()

    def body(txn):
        txn.put(b"a", b"1")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        env.write(body)

    assert b"" == env.read(get(b"a"))


def test_the_map_grows_under_a_write(opened):
    """A transaction that does not fit runs again in a larger map, as often as that takes."""
    env = opened(map_bytes=LEAST_MAP_BYTES)

    env.write(put(b"a", bytes(5_000_000)))

    assert 5_000_000 == len(env.read(get(b"a")))


def test_the_map_grows_between_readers(opened):
    """Growing waits for readers and holds up new ones; each sees whole values."""
    env = opened(map_bytes=LEAST_MAP_BYTES)
    env.write(put(b"a", b"x" * 10_000))
    done = threading.Event()
    seen = set()

    def read():
        while not done.is_set():
            seen.add(env.read(get(b"a")))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(8):
        env.write(put(b"%d" % i, bytes(LEAST_MAP_BYTES << i)))
    done.set()
    for thread in threads:
        thread.join()

    assert {b"x" * 10_000} == seen


def test_a_write_is_undone_while_others_read_on(opened):
    """Undoing a write does not wait for a moment without readers, which may never come."""
    env = opened()
    env.write(put(b"a", b"1"))
    done = threading.Event()

    def read():
        while not done.is_set():
            env.read(get(b"a"))

    def refuse(_):
        raise ValueError("no")

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    started = time.monotonic()
    for _ in range(5):
        with pytest.raises(ValueError, match="no"):
            env.write(refuse)
    took_s = time.monotonic() - started
    done.set()
    for thread in threads:
        thread.join()

    assert took_s < 5


def test_a_map_grown_elsewhere_is_adopted(opened, tmp_path):
    """When another process grew the map, reads and writes here go on."""
    env = opened(map_bytes=LEAST_MAP_BYTES)
    env.write(put(b"a", b"1"))
    script = (
        "import sys; from pathlib import Path; from dsvc.store.environment import Environment\n"
        f"env = Environment(Path(sys.argv[1]), map_bytes={LEAST_MAP_BYTES})\n"
        "env.write(lambda txn: txn.put(b'big', bytes(3_000_000)))\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)

    assert 3_000_000 == len(env.read(get(b"big")))
    env.write(put(b"b", b"2"))
    assert b"2" == env.read(get(b"b"))


def test_less_address_space_is_taken_where_there_is_less(tmp_path):
    """A process with a limit on its address space opens the store all the same."""
    script = (
        "import resource, sys; from pathlib import Path; from dsvc.store.environment import Environment\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "env = Environment(Path(sys.argv[1]))\n"
        "env.write(lambda txn: txn.put(b'a', bytes(1000)))\n"
        "print(len(env.read(lambda txn: bytes(txn.get(b'a')))))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, capture_output=True, text=True)

    assert "1000\n" == done.stdout


def test_a_full_disk_is_said_and_undone(tmp_path):
    """A write that finds no room raises StoreFullError; what was there is whole, and smaller writes go on."""
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from dsvc.errors import StoreFullError; from dsvc.store.environment import Environment\n"
        "env = Environment(Path(sys.argv[1]))\n"
        "env.write(lambda txn: txn.put(b'a', b'before'))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))\n"
        "try:\n    env.write(lambda txn: txn.put(b'b', bytes(4 << 20)))\n"
        "except StoreFullError as err:\n    print(err)\n"
        "env.write(lambda txn: txn.put(b'c', b'after'))\n"
        "print(env.read(lambda txn: [bytes(txn.get(key) or b'none') for key in (b'a', b'b', b'c')]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, capture_output=True, text=True)

    assert f"store {tmp_path}: there is no room left on the disk\n[b'before', b'none', b'after']\n" == done.stdout


def test_a_file_cut_short_is_found_at_opening(opened, tmp_path):
    """Reading a page beyond the end of the file would kill the process; opening says so instead."""
    env = opened()
    env.write(put(b"a", bytes(1_000_000)))
    env.close()
    with (tmp_path / DATA).open("r+b") as file:
        file.truncate(500_000)

    with pytest.raises(IntegrityError, match="is cut short") as caught:
        opened()

    assert "restore" in caught.value.hint


@pytest.mark.parametrize("content", [b"not a database at all" * 1000, bytes(8192)], ids=["text", "zeros"])
def test_a_file_that_is_no_database_is_said(opened, tmp_path, content):
    """What is not LMDB's is a damaged store."""
    (tmp_path / DATA).write_bytes(content)

    with pytest.raises((IntegrityError, UnsupportedFormatError), match=str(tmp_path)):
        opened()


def test_using_a_closed_environment_is_an_error(opened):
    """After close there is nothing to read from."""
    env = opened()
    env.close()

    with pytest.raises(StoreError, match="it is closed"):
        env.read(get(b"a"))
    with pytest.raises(StoreError, match="it is closed"):
        env.write(put(b"a", b"1"))


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (lmdb.DiskError("x"), StoreFullError),
        (lmdb.Error("mdb_txn_commit: File too large"), StoreFullError),
        (lmdb.Error("mdb_txn_commit: Disk quota exceeded"), StoreFullError),
        (lmdb.ReadonlyError("x"), StorePermissionError),
        (lmdb.ReadersFullError("x"), StoreUnavailableError),
        (lmdb.VersionMismatchError("x"), UnsupportedFormatError),
        (lmdb.CorruptedError("x"), IntegrityError),
        (lmdb.PageNotFoundError("x"), IntegrityError),
        (lmdb.Error("x"), StoreError),
    ],
    ids=repr,
)
def test_no_error_of_lmdb_leaves_the_room(opened, raised, expected):
    """Each has a name of ours and is the cause."""
    env = opened()

    def body(_):
        raise raised

    for run in (env.read, env.write):
        with pytest.raises(expected, match=str(env.path)) as caught:
            run(body)
        assert expected is type(caught.value)
        assert raised is caught.value.__cause__


def test_a_directory_that_cannot_be_written_is_said(opened, tmp_path):
    """No permission is no damage."""
    target = tmp_path / "writer"
    target.mkdir()

    with pytest.raises(StorePermissionError):
        opened()
