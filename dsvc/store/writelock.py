"""Who may write: one writer at a time, and those who wait can say for whom.

LMDB has a lock of its own, but waits for it in silence. So a writer first takes this one: a lock on the file
`writer` beside the data, into which its holder writes a note. The kernel lets go of it when the holder dies.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dsvc.store.base import OnWait, WriterNote

PATIENCE_S = 1.0
"""How long a writer waits before it says for whom."""


class WriteLock:
    """An exclusive lock between threads and processes, on a file with a note of who holds it."""

    def __init__(self, path: Path) -> None:
        """Open the lock's file, and make it where there is none.

        Args:
            path: The file.
        """
        self._path = path
        self._threads = threading.Lock()
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    @contextmanager
    def held(self, command: str, on_wait: OnWait | None, *, waits: bool = True) -> Iterator[None]:
        """Hold the lock inside the block.

        Args:
            command: What to tell those who wait meanwhile.
            on_wait: Told the holder's note once, perhaps by another thread, should this take more than a second.
            waits: Whether to wait at all.

        Raises:
            BlockingIOError: If somebody else holds it, and this does not wait.
        """
        if not self._threads.acquire(timeout=PATIENCE_S if waits else 0):
            if not waits:
                raise BlockingIOError
            self._tell(on_wait)
            self._threads.acquire()
        try:
            self._lock_file(on_wait, waits=waits)
            try:
                note = msgspec.json.encode({"pid": os.getpid(), "command": command})
                os.pwrite(self._fd, note, 0)
                os.ftruncate(self._fd, len(note))
                yield
            finally:
                fcntl.flock(self._fd, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def _lock_file(self, on_wait: OnWait | None, *, waits: bool) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not waits:
                raise
            timer = threading.Timer(PATIENCE_S, self._tell, (on_wait,))
            timer.start()
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX)
            finally:
                timer.cancel()
                timer.join()

    def _tell(self, on_wait: OnWait | None) -> None:
        note = self.note()
        if on_wait is not None and note is not None:
            on_wait(note)

    def note(self) -> WriterNote | None:
        """Return the note of the last holder, or None where it cannot be read."""
        try:
            fields = msgspec.json.decode(os.pread(self._fd, 4096, 0), type=dict[str, int | str])
            return WriterNote(int(fields["pid"]), str(fields["command"]), os.fstat(self._fd).st_mtime_ns // 1000)
        except (msgspec.MsgspecError, KeyError, ValueError):
            return None  # caught between its two writes

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
