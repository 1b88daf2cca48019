"""Calls steps in worker processes of this machine.

Workers are started as new programs, never forked: a fork of a process with threads and open stores may hang or break
either. Nor do they run the caller's main module again. A worker whose parent is gone ends by itself.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from multiprocessing.connection import Connection, Pipe
from queue import SimpleQueue

from dsvc.engine.making.executors.worker import BATCH, CODE, DONE
from dsvc.errors import WorkerError
from dsvc.plugins.contracts import Executor, Task

_PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "sys.path[:] = {path!r}; from dsvc.engine.making.executors.worker import main; main()"
)

_Job = tuple[Task, bytes, "Future[bytes]"]


class LocalExecutor(Executor):
    """Worker processes beside this one, as many as it may use processors unless said."""

    def __init__(self, workers: int | None = None) -> None:
        super().__init__(workers)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._workers: list[_Worker] = []
        self._pickled: tuple[Task, bytes] | None = None

    @classmethod
    def default_workers(cls) -> int:
        """Return the number of processors that this process may use."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def submit(self, task: Task, batch: bytes) -> Future[bytes]:
        """Line a batch up for the next worker that is free."""
        while len(self._workers) < self.workers:
            self._workers.append(_Worker(self._jobs))
        future: Future[bytes] = Future()
        self._jobs.put((task, batch, future))
        return future

    def close(self) -> None:
        """Kill the workers, which hold nothing that could be lost."""
        workers, self._workers = self._workers, []
        jobs, self._jobs = self._jobs, SimpleQueue()
        for worker in workers:
            worker.kill()
        for _ in workers:
            jobs.put(None)
        for worker in workers:
            worker.join()


class _Worker:
    """One process, and the thread that talks to it.

    Args:
        jobs: What is to be done by whichever worker is free.
    """

    def __init__(self, jobs: SimpleQueue[_Job | None]) -> None:
        self._jobs = jobs
        self._task: Task | None = None
        self._connection, theirs = Pipe()
        try:
            self._process = _start(theirs)
        finally:
            theirs.close()
        self._thread = threading.Thread(target=self._serve, name="dsvc-worker", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            task, batch, future = job
            try:
                future.set_result(self._call(task, batch))
            except (EOFError, OSError):
                future.set_exception(WorkerError(reason=self._why_it_died()))
            except WorkerError as err:
                future.set_exception(err)
            except Exception as err:  # noqa: BLE001 - a task that cannot be sent: who waits for it would wait for ever
                future.set_exception(WorkerError(reason=f"cannot be given it: {type(err).__name__}: {err}"))

    def _call(self, task: Task, batch: bytes) -> bytes:
        if task is not self._task:
            self._connection.send_bytes(CODE + pickle.dumps(task))
            self._task = task
        self._connection.send_bytes(BATCH + batch)
        answer = self._connection.recv_bytes()
        if answer[:1] == DONE:
            return answer[1:]
        raise WorkerError(reason=f"cannot call it: {answer[1:].decode()}")

    def _why_it_died(self) -> str:
        status = self._process.wait()
        if status >= 0:
            return f"ended with exit status {status}"
        try:
            return f"was killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"was killed by signal {-status}"

    def kill(self) -> None:
        """End the process; a call that waits for it fails."""
        self._process.kill()

    def join(self) -> None:
        """Wait until process and thread are gone."""
        self._process.wait()
        self._thread.join()
        self._connection.close()


def _start(theirs: Connection) -> subprocess.Popen[bytes]:
    """Start a process that serves a connection."""
    fd = theirs.fileno()
    program = _PROGRAM.format(path=[os.path.abspath(entry) for entry in sys.path])  # noqa: PTH100 - "" is here
    return subprocess.Popen(
        [sys.executable, "-c", program, str(fd)], stdin=subprocess.DEVNULL, pass_fds=[fd], close_fds=True
    )
