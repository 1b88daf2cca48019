"""Reading the rows of a batch ahead of who asks for them: several at a time, and never more than there is room for.

What is read ahead and not yet taken is bounded by count and by bytes, both at once. Sizes are learned as reading
goes: a row is begun when there is room for one of the usual size, and one that turns out too large is put back until
there is. The row that somebody waits for is read whatever its size, so that nothing can wait for ever: in memory are
at most the bounds, and one image for each who waits. A row that was taken is forgotten.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from dsvc.plugins.pixel_files import Admit

N_THREADS = 16
"""Images that a process reads at once: S3 gives some 100 MB/s to a dozen connections, and no more to one."""

ReadRow = Callable[[int, Admit, threading.Event], bytes | None]
"""Reads a row once `admit` says that there is room, else returns None; gives up early once the event is set."""


@dataclass(frozen=True)
class Bounds:
    """What may be read ahead and wait in memory.

    Attributes:
        images: So many images.
        size_bytes: Together so many bytes.
    """

    images: int = 32
    size_bytes: int = 64 << 20


class _Workers:
    """Threads that a process shares, started as they are needed. They end with the process and hold up nothing."""

    def __init__(self, n_threads: int) -> None:
        self._n_threads = n_threads
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._n_started = 0

    def submit(self, job: Callable[[], None]) -> None:
        """Have a job done; it must not raise."""
        self._jobs.put(job)
        if self._idle.acquire(blocking=False):
            return
        with self._lock:
            if self._n_started == self._n_threads:
                return
            self._n_started += 1
        threading.Thread(target=self._work, name="dsvc-pixels", daemon=True).start()

    def _work(self) -> None:
        while True:
            self._jobs.get()()
            self._idle.release()


_shared = [_Workers(N_THREADS)]


def _after_fork() -> None:
    """Threads do not survive a fork."""
    _shared[0] = _Workers(N_THREADS)


os.register_at_fork(after_in_child=_after_fork)


@dataclass(eq=False)
class _Task:
    """One row under way, or read and not yet taken."""

    row: int
    reserved: int
    """Bytes counted for it: the usual size until its own is known."""
    n_waiting: int = 0
    is_running: bool = False
    is_over: bool = False
    is_put_back: bool = False
    image: bytes | None = None
    error: BaseException | None = None


class Prefetch:
    """The rows of one batch, read ahead in their order.

    Rows may be asked for in any order and by several threads; reading ahead follows who goes upwards, and stops where
    rows are picked out here and there.

    Args:
        n_rows: Rows there are.
        read: Reads one.
        bounds: What may wait in memory.
    """

    def __init__(self, n_rows: int, read: ReadRow, bounds: Bounds | None = None) -> None:
        self._n_rows = n_rows
        self._read = read
        self.bounds = bounds or Bounds()
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._tasks: dict[int, _Task] = {}
        self._taken: set[int] = set()
        self._sizes: dict[int, int] = {}
        self._usual = self.bounds.size_bytes // self.bounds.images
        self._has_learned = False
        self._last = -1
        self._ahead = self.bounds.images
        self._held = 0
        self.most_images = 0
        """The most images that were under way or waiting at once."""
        self.most_bytes = 0
        """The most bytes that they were counted for."""

    def take(self, row: int) -> bytes:
        """Return what a row's reading gave, and forget it.

        Raises:
            Exception: Whatever reading the row raised.
        """
        with self._changed:
            self._steer(row)
            while True:
                task = self._tasks.get(row) or self._start(row)
                task.n_waiting += 1
                self._fill()
                self._changed.wait_for(lambda task=task: task.is_over)  # type: ignore[misc]
                task.n_waiting -= 1
                if not task.is_put_back:
                    break
            self._forget(task)
            self._taken.add(row)
            self._fill()
        if task.error is not None:
            raise task.error
        if task.image is None:
            raise RuntimeError("the batch was closed")
        return task.image

    def close(self) -> None:
        """Drop what was read ahead, and begin nothing more; idempotent."""
        self._closed.set()
        with self._changed:
            for task in list(self._tasks.values()):
                if not task.is_running:
                    self._end(task, None, None)
            self._tasks.clear()
            self._held = 0
            self._changed.notify_all()

    def _steer(self, row: int) -> None:
        """Read further ahead for who goes upwards, and not at all for who jumps."""
        most = self.bounds.images
        goes_on = row in self._tasks or row == self._last + 1
        self._ahead = min(max(1, 2 * self._ahead), most) if goes_on else 0
        self._last = row

    def _fill(self) -> None:
        """Begin the rows that follow, in order, as far as there is room."""
        for row in range(self._last + 1, min(self._last + 1 + self._ahead, self._n_rows)):
            if row in self._tasks or row in self._taken:
                continue
            if self._closed.is_set() or not self._has_room(self._sizes.get(row, self._usual)):
                return
            self._start(row)

    def _has_room(self, size: int) -> bool:
        """Tell whether one more image fits; what was passed over goes first."""
        behind = [
            task for task in self._tasks.values() if task.row < self._last and not (task.n_waiting or task.is_running)
        ]
        while len(self._tasks) >= self.bounds.images or self._held + size > self.bounds.size_bytes:
            if not behind:
                return False
            self._forget(behind.pop())
        return True

    def _start(self, row: int) -> _Task:
        task = _Task(row, self._sizes.get(row, self._usual))
        self._tasks[row] = task
        self._count(task.reserved)
        _shared[0].submit(partial(self._run, task))
        return task

    def _forget(self, task: _Task) -> None:
        if self._tasks.get(task.row) is task:
            del self._tasks[task.row]
            self._count(-task.reserved)

    def _count(self, size: int) -> None:
        self._held += size
        self.most_images = max(self.most_images, len(self._tasks))
        self.most_bytes = max(self.most_bytes, self._held)

    def _run(self, task: _Task) -> None:
        with self._changed:
            if self._tasks.get(task.row) is not task:
                return
            task.is_running = True
        image: bytes | None = None
        error: BaseException | None = None
        try:
            image = self._read(task.row, partial(self._admit, task), self._closed)
        except BaseException as err:  # noqa: BLE001 - it is raised where the row is asked for
            error = err
        with self._changed:
            self._end(task, image, error)
            self._fill()
            self._changed.notify_all()

    def _admit(self, task: _Task, size: int) -> bool:
        """Learn the size of a row; tell whether it may be read now."""
        with self._changed:
            self._sizes[task.row] = size
            self._usual += (size - self._usual) // (4 if self._has_learned else 1)
            self._has_learned = True
            grown = size - task.reserved
            if self._held + grown > self.bounds.size_bytes and not task.n_waiting and grown > 0:
                return False
            if self._tasks.get(task.row) is task:
                self._count(grown)
                task.reserved = size
            return True

    def _end(self, task: _Task, image: bytes | None, error: BaseException | None) -> None:
        task.is_running = False
        task.is_over = True
        if self._closed.is_set():
            return
        task.image, task.error = image, error
        task.is_put_back = image is None and error is None
        if task.is_put_back:
            self._forget(task)
        elif self._tasks.get(task.row) is task:
            kept = 0 if image is None else len(image)
            self._count(kept - task.reserved)
            task.reserved = kept
