"""The contract of executors holds for one that keeps it, and finds one that does not."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from dsvc.errors import WorkerError
from dsvc.plugins.contracts import Executor
from dsvc.testing.executors import ExecutorTests, Told


class Threads(Executor):
    """An executor of threads, as short as one can be."""

    _pool = None

    @classmethod
    def default_workers(cls):
        return 2

    def submit(self, task, batch):
        self._pool = self._pool or ThreadPoolExecutor(self.workers)
        return self._pool.submit(self._call, task, batch)

    @staticmethod
    def _call(task, batch):
        try:
            return task(batch)
        except Exception as err:
            raise WorkerError(reason=f"cannot call it: {err}") from err

    def close(self):
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


class TestThreads(ExecutorTests):
    """The contract holds."""

    executor = Threads


class Swapping(Threads):
    """Gives one batch's result for another."""

    def submit(self, task, batch):
        future = Future()
        future.set_result(task(b"0"))
        return future


def test_swapped_results_are_found():
    """The suite fails an executor that mixes batches up."""
    with pytest.raises(AssertionError):
        ExecutorTests().test_each_batch_has_its_own_result(Swapping(2))


def test_the_task_of_the_suite_does_as_it_is_told():
    """In whatever process."""
    assert b"ab" == Told("echo", "a")(b"b")
