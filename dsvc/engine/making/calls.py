"""Calling a step for many batches, in order: in this process, and by workers once what remains is worth their start.

Calls come from an iterator that is asked for one more only when there is room for it, and their results come out in
the same order. A call stands for work under way until its result has been taken *and the next one is asked for*: who
makes each result durable in between never has more than two batches a worker that are not.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import pyarrow as pa

from dsvc.engine.making.executors.sizes import Clock, Sizes
from dsvc.engine.making.executors.work import decode_result, encode_batch
from dsvc.engine.making.steps import Made, Step
from dsvc.errors import BatchLostError, WorkerError
from dsvc.plugins.contracts import Executor, Pending

IN_FLIGHT = 2
"""Batches a worker at most: the one that it is at, and the next."""
WORTH_S = 2.0
"""Seconds of work that must be left for workers to be started, beside twice what loading the code took."""

What = TypeVar("What")


@dataclass(frozen=True)
class Call(Generic[What]):
    """One call that is to be made."""

    what: What
    """Given back with the result."""
    batch: pa.RecordBatch | None
    """What the step is called for; None where there is nothing to call it for, and only the order matters."""
    pointer: Callable[[], str]
    """Returns the first source of the batch."""


@dataclass
class Outlook:
    """What is known of the work, for who cuts it into calls: it asks for `rows`, and tells what is left."""

    sizes: Sizes
    left: int = 0
    """Records left after the calls given so far, about."""
    workers: int = 0
    """How many workers share them; 0 while the calls are made in this process."""

    @property
    def rows(self) -> int:
        """How many records the next call may have."""
        return self.sizes.for_worker(self.left, self.workers) if self.workers else self.sizes.here()


@dataclass
class Caller:
    """Calls the steps of one run, and ends its workers when it is closed.

    Args:
        make: Makes the executor, when the first workers are needed; None calls everything in this process.
        clock: Measures calls.
        notice: Told once what a user should know.
        worth_s: As `WORTH_S`; 0 gives workers everything at once.
    """

    make: Callable[[], Executor] | None
    clock: Clock
    notice: Callable[[str], None] = field(default=lambda text: warnings.warn(text, stacklevel=2))
    worth_s: float = WORTH_S
    _executor: Executor | None = None
    _said: set[str] = field(default_factory=set)

    def run(self, step: Step, calls: Iterator[Call[What]], outlook: Outlook) -> Iterator[tuple[What, Made]]:
        """Make calls of a step, and yield what each is and what it gave, in order.

        Args:
            step: What is called.
            calls: Made lazily; they are cut as `outlook` says at the time.
            outlook: Kept up to date by both sides.

        Raises:
            BatchLostError: If a worker gave no result for a batch; those before it have been yielded.
        """
        n_calls = 0
        first_s = step.load_s
        while not self._is_worth(step, outlook, n_calls, first_s):
            call = next(calls, None)
            if call is None:
                return
            if call.batch is None:
                yield call.what, step.nothing()
                continue
            began = self.clock()
            made = step.call(call.batch)
            seconds = self.clock() - began
            if n_calls == 0:
                first_s += seconds
            n_calls += 1
            step.called_s += seconds
            outlook.sizes.note(call.batch.num_rows, seconds, call.batch.nbytes)
            yield call.what, made
        yield from self._run_elsewhere(step, calls, outlook)

    def _is_worth(self, step: Step, outlook: Outlook, n_calls: int, first_s: float) -> bool:
        """Tell whether workers should go on: what is left takes longer here than they take to start."""
        if self.make is None or step.is_native or (self.worth_s > 0 and not self._saves(outlook, n_calls, first_s)):
            return False
        if step.work is None:
            self._say(f"step {step.spec.name!r}: {step.spec.code} is in no file, and runs in this process alone")
            return False
        return self._open().workers > 1

    def _saves(self, outlook: Outlook, n_calls: int, first_s: float) -> bool:
        rate = outlook.sizes.rate
        # The first call may have taken the loading of a model, which says nothing of the records.
        if rate is None or not outlook.sizes.is_sure or n_calls == 1:
            return False
        # Every worker has to load it, too.
        return rate * outlook.left >= self.worth_s + 2 * max(0.0, first_s - rate)

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self.notice(text)

    def _open(self) -> Executor:
        if self._executor is None:
            if self.make is None:
                raise TypeError("there is no executor")
            self._executor = self.make()
        return self._executor

    def _run_elsewhere(self, step: Step, calls: Iterator[Call[What]], outlook: Outlook) -> Iterator[tuple[What, Made]]:
        executor = self._open()
        if step.work is None:
            raise TypeError(f"step {step.spec.name} can be called here alone")
        outlook.workers = executor.workers
        most = IN_FLIGHT * executor.workers
        waiting: deque[tuple[Call[What], Pending | None]] = deque()
        n_out = 0
        is_done = False
        began = self.clock()
        try:
            while True:
                while n_out < most and len(waiting) < 2 * most:
                    call = next(calls, None)
                    if call is None:
                        break
                    n_out += call.batch is not None
                    waiting.append((call, None if call.batch is None else self._submit(step, call.batch)))
                if not waiting:
                    break
                call, result = waiting.popleft()
                made = step.nothing() if result is None else self._wait(step, call, result, outlook)
                n_out -= result is not None
                yield call.what, made
            is_done = True
        finally:
            outlook.workers = 0
            step.called_s += self.clock() - began
            if not is_done:
                executor.close()

    def _submit(self, step: Step, batch: pa.RecordBatch) -> Pending:
        if step.work is None:
            raise TypeError(f"step {step.spec.name} can be called here alone")
        return self._open().submit(step.work, encode_batch(batch))

    @staticmethod
    def _wait(step: Step, call: Call[What], result: Pending, outlook: Outlook) -> Made:
        try:
            data = result.result()
        except WorkerError as err:
            raise BatchLostError(step=step.spec.name, reason=err.reason, pointer=call.pointer()) from err
        made, seconds = decode_result(data, step)
        if call.batch is not None:
            outlook.sizes.note(call.batch.num_rows, seconds, call.batch.nbytes)
        return made

    def close(self) -> None:
        """End the workers."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None
