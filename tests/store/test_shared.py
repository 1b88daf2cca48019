"""One environment per file and process, on a local disk, and safe over forks."""

import os
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from dsvc.errors import StoreError, StorePermissionError
from dsvc.store import shared
from dsvc.store.shared import close_environment, filesystem_type, open_environment

MOUNTS = """\
overlay / overlay rw 0 0
/dev/sda1 /data ext4 rw 0 0
server:/x /data/team nfs4 rw 0 0
tmpfs /with\\040space tmpfs rw 0 0
broken
"""


@pytest.fixture
def env(tmp_path):
    """An environment, closed in the end."""
    env = open_environment(tmp_path / "store", create=True)
    yield env
    close_environment(env)


def test_one_file_has_one_environment(env, tmp_path):
    """However a path is written, the same file gives the same environment."""
    (tmp_path / "link").symlink_to(tmp_path / "store")
    paths = [tmp_path / "store", tmp_path / "link", tmp_path / "store" / ".." / "store"]

    opened = [open_environment(path) for path in paths]

    assert [env] * 3 == opened
    for other in opened:
        close_environment(other)
    env.write(lambda txn: txn.put(b"a", b"1"))


def test_the_last_user_closes_it(tmp_path):
    """It stays open for the others, and opens afresh after the last."""
    one = open_environment(tmp_path / "store", create=True)
    two = open_environment(tmp_path / "store")
    close_environment(one)
    two.write(lambda txn: txn.put(b"a", b"1"))
    close_environment(two)

    with pytest.raises(StoreError, match="it is closed"):
        two.read(lambda txn: txn.stat())
    three = open_environment(tmp_path / "store")
    assert three is not two
    close_environment(three)


def test_another_file_at_the_same_path_is_another_environment(env, tmp_path):
    """A store that was deleted and made again is not the one that was open before."""
    env.write(lambda txn: txn.put(b"a", b"1"))
    (tmp_path / "store").rename(tmp_path / "old")

    new = open_environment(tmp_path / "store", create=True)

    assert new is not env
    assert new.read(lambda txn: txn.get(b"a")) is None
    close_environment(new)


def test_what_is_not_there_is_not_made(tmp_path):
    """Only `create` makes a store; without, nothing is left behind."""
    with pytest.raises(StoreError, match="it does not exist"):
        open_environment(tmp_path / "store")

    assert [] == list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_made_is_said(tmp_path):
    """A file in the way is a permission error with the path."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StorePermissionError, match="file"):
        open_environment(tmp_path / "file" / "store", create=True)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/data/mine", "ext4"), ("/data/team/x", "nfs4"), ("/home", "overlay"), ("/with space/x", "tmpfs")],
)
def test_the_longest_mount_point_tells_the_file_system(tmp_path, path, expected):
    """A path belongs to the innermost mount."""
    (tmp_path / "mounts").write_text(MOUNTS)

    assert expected == filesystem_type(Path(path), tmp_path / "mounts")


def test_an_unknown_file_system_is_let_through(tmp_path):
    """Where there is no table of mounts, nothing is refused."""
    assert "" == filesystem_type(Path("/data"), tmp_path / "absent")


def test_network_file_systems_are_refused(tmp_path, monkeypatch):
    """LMDB's locks and maps do not hold there; the error says what to do."""
    monkeypatch.setattr(shared, "filesystem_type", lambda path, mounts: "nfs4")

    with pytest.raises(StoreError, match="it is on nfs4") as caught:
        open_environment(tmp_path / "store", create=True)

    assert "local disk" in caught.value.hint


def fork(body):
    """Return the exit code of a forked child that runs `body`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on: of forks while threads run
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            body()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_fork_waits_for_readers_and_writers(env):
    """No transaction is open at the moment of a fork, in whatever thread, and all go on after it."""
    env.write(lambda txn: txn.put(b"a", b"0"))
    done = threading.Event()

    def repeat(body):
        while not done.is_set():
            body()

    def read_slowly(txn):
        time.sleep(0.002)
        return bytes(txn.get(b"a"))

    def append(txn):
        txn.put(b"a", bytes(txn.get(b"a")) + b"1")

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(repeat, partial(env.read, read_slowly)), pool.submit(repeat, partial(env.write, append))]
        codes = [fork(lambda: env.write(lambda txn: txn.put(b"child", b"1"))) for _ in range(10)]
        done.set()

    assert [0] * 10 == codes
    assert [None, None] == [future.result() for future in futures]
    assert b"1" == env.read(lambda txn: bytes(txn.get(b"child")))


def test_a_fork_leaves_the_parents_readers_alone(env):
    """A child that closes what it inherited does not wipe a reader that its parent begins meanwhile."""
    env.write(lambda txn: txn.put(b"a", b"1"))

    def body(txn):
        return env._lmdb.readers()

    for _ in range(5):
        assert 0 == fork(lambda: env.read(lambda txn: txn.get(b"a")))
        assert str(os.getpid()) in env.read(body)


def test_a_child_that_ends_at_once_holds_up_nobody(env):
    """The parent goes on as soon as the child is gone."""
    started = time.monotonic()

    assert 0 == fork(lambda: None)

    env.read(lambda txn: txn.get(b"a"))
    assert time.monotonic() - started < 4


def test_a_child_opens_and_closes_as_it_likes(env, tmp_path):
    """The child may open the same store again; closing it there leaves the parent's open."""

    def child():
        again = open_environment(tmp_path / "store")
        again.write(lambda txn: txn.put(b"a", b"child"))
        close_environment(again)
        close_environment(again)

    assert 0 == fork(child)
    assert b"child" == env.read(lambda txn: bytes(txn.get(b"a")))


def test_a_fork_without_stores_costs_nothing():
    """With no environment open there is nothing to hold."""
    shared._before_fork()
    assert shared._open or shared._child_done is None
    shared._after_fork_in_parent()
