"""One environment per file and process, whoever opens it, and what a fork does to it.

LMDB's locks belong to the process: a file opened twice in one process loses them when either is closed. So all
stores of this process on one file share one environment, found by the file's device and inode.

A forked child must not use an environment it inherited, nor can it open the file again before that is closed; and
closing it there wipes the parent's slots from the table of readers. So a fork waits until this process has no
transaction, the child closes at once, and until then the parent begins none.
"""

from __future__ import annotations

import os
import select
import threading
from pathlib import Path

from dsvc.errors import StoreError, StorePermissionError
from dsvc.store.environment import DATA, MAP_BYTES, Environment

_REMOTE = frozenset({"nfs", "nfs4", "lustre", "cifs", "smb3", "ceph", "afs", "fuse.sshfs"})
_CHILD_TIMEOUT_MS = 5000

_FileId = tuple[int, int]
_open: dict[_FileId, Environment] = {}
_lock = threading.RLock()
_child_done: tuple[int, int] | None = None


def open_environment(path: Path, *, map_bytes: int = MAP_BYTES, create: bool = False) -> Environment:
    """Return the environment of a directory, opened now or before; each caller gives it back by `close_environment`.

    Args:
        path: The directory.
        map_bytes: Address space to reserve, should it be opened now.
        create: Whether to make what is not there.

    Raises:
        StoreError: If there is none, or it cannot be opened.
    """
    with _lock:
        if create:
            _make_directory(path)
        elif not (path / DATA).exists():
            raise StoreError(store=str(path), reason="it does not exist")
        env = _open.get(_file_id(path)) if (path / DATA).exists() else None
        if env is None:
            kind = filesystem_type(path, Path("/proc/self/mounts"))
            if kind in _REMOTE:
                reason = f"it is on {kind}, which keeps no locks and maps that LMDB could trust"
                raise StoreError(store=str(path), reason=reason, hint="keep the repository on a local disk")
            env = Environment(path, map_bytes=map_bytes)
            if create:
                _sync_directories(path)
            _open[_file_id(path)] = env
        env.n_users += 1
        return env


def close_environment(env: Environment) -> None:
    """Give an environment back; the last who does closes it."""
    with _lock:
        env.n_users -= 1
        if env.n_users == 0:
            for file_id in [key for key, value in _open.items() if value is env]:
                del _open[file_id]
            env.close()


def filesystem_type(path: Path, mounts: Path) -> str:
    """Return the type of the file system that a path is on, or an empty string where it cannot be told.

    Args:
        path: Where to look.
        mounts: A table of mounts as in /proc/self/mounts.
    """
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    found, longest, resolved = "", -1, path.resolve()
    for line in lines:
        fields = line.split(" ")
        if len(fields) > 2:
            point = fields[1].replace("\\040", " ")
            if len(point) >= longest and resolved.is_relative_to(point):
                found, longest = fields[2], len(point)
    return found


def _file_id(path: Path) -> _FileId:
    stat = (path / DATA).stat()
    return stat.st_dev, stat.st_ino


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise StorePermissionError(store=str(path), reason=str(err)) from err


def _sync_directories(path: Path) -> None:
    """Make the new files' names durable, which LMDB leaves to others."""
    for directory in (path, path.parent):
        fd = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _before_fork() -> None:
    global _child_done  # noqa: PLW0603 - the three hooks of a fork have nothing else to share
    _lock.acquire()
    _child_done = os.pipe() if _open else None
    for env in _open.values():
        env.hold()


def _after_fork_in_parent() -> None:
    global _child_done  # noqa: PLW0603 - as above
    if _child_done is not None:
        read_end, write_end = _child_done
        os.close(write_end)
        poll = select.poll()
        poll.register(read_end, select.POLLIN)
        poll.poll(_CHILD_TIMEOUT_MS)  # the end of the pipe: the child has let go, or is gone
        os.close(read_end)
        _child_done = None
    for env in _open.values():
        env.release()
    _lock.release()


def _after_fork_in_child() -> None:
    global _child_done, _lock  # noqa: PLW0603 - as above
    _lock = threading.RLock()
    for env in _open.values():
        env.abandon()
    if _child_done is not None:
        for end in _child_done:
            os.close(end)
        _child_done = None


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
