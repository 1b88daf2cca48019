"""Calls are made in order, here or elsewhere, and no more of them at once than may be lost."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dsvc.engine.making.calls import IN_FLIGHT, Call, Caller, Outlook
from dsvc.engine.making.executors.sizes import Sizes
from dsvc.engine.making.executors.work import Work
from dsvc.engine.making.steps import PythonStep
from dsvc.errors import BatchLostError, WorkerError
from dsvc.objects.arrays import to_arrow
from dsvc.objects.provenance import Provenance
from dsvc.objects.types import parse_type
from dsvc.plugins.contracts import Executor
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import StepSpec

INT = parse_type("int64")
SPEC = StepSpec("s", "python", "m:f", inputs=(InputPath("x"),))
MADE = Provenance("step", "m:f", "0")
LOST = 13


def double(x):
    """Double a number."""
    return 2 * x


class Later:
    """A result that is made when it is taken, in this process."""

    def __init__(self, executor, task, batch):
        self._executor, self._task, self._batch = executor, task, batch

    def result(self):
        self._executor.n_out -= 1
        if str(LOST).encode() == bytes(self._executor.lost):
            raise WorkerError(reason="was killed by SIGKILL")
        return self._task(self._batch)


class Fake(Executor):
    """An executor that counts what is under way."""

    lost = b""
    n_out = n_most = n_closed = 0

    @classmethod
    def default_workers(cls):
        return 3

    def submit(self, task, batch):
        self.n_out += 1
        self.n_most = max(self.n_most, self.n_out)
        return Later(self, task, batch)

    def close(self):
        self.n_closed += 1


def make_step(tmp_path, *, is_portable=True):
    """Return a step over x."""
    (tmp_path / "m.py").write_text("def f(x): return 2 * x")
    step = PythonStep(SPEC, INT, MADE, double)
    step.work = Work(PythonStep, SPEC, INT, MADE, tmp_path, str(tmp_path)) if is_portable else None
    return step


def calls_of(sizes, outlook, asked):
    """Yield calls of 2, 3, ... records, and none where the size is 0."""
    total = sum(sizes)
    at = 0
    for size in sizes:
        asked.append(size)
        batch = pa.RecordBatch.from_arrays([pa.array(range(at, at + size), pa.int64())], names=["x"]) if size else None
        at += size
        outlook.left = total - at
        yield Call((at - size, at), batch, lambda at=at, size=size: f"s3://b/{at - size}")


def play(tmp_path, sizes, *, rate=10.0, executor=None, **more):
    """Run calls; return what came out, and the executor."""
    executor = executor or Fake()
    step = make_step(tmp_path, **more)
    outlook, asked = Outlook(Sizes(step, rate)), []
    notices = []
    caller = Caller(lambda: executor, iter(range(10_000)).__next__, notices.append)
    found = []
    for what, made in caller.run(step, calls_of(sizes, outlook, asked), outlook):
        found.append((what, to_arrow(made[0]).to_pylist(), len(asked)))
    caller.close()
    return found, executor, notices


@pytest.mark.parametrize("rate", [None, 10.0])
def test_results_come_in_order(tmp_path, rate):
    """With what each call is of, also where there was nothing to call for; wherever they are made."""
    sizes = [2, 0, 3, 1, 0, 0, 4, 1, 1, 1, 1, 1, 1]

    found, executor, _ = play(tmp_path, sizes, rate=rate)

    assert [list(range(2 * a, 2 * b, 2)) for (a, b), *_ in found] == [values for _, values, _ in found]
    assert sizes == [b - a for (a, b), *_ in found]
    assert executor.n_most > 0


def test_two_batches_a_worker_are_under_way_at_most(tmp_path):
    """The one whose result was taken last among them: it is not durable before the next is asked for."""
    found, executor, _ = play(tmp_path, [1] * 40)

    assert IN_FLIGHT * 3 == executor.n_most
    assert all(n_asked - done <= IN_FLIGHT * 3 for done, (_, _, n_asked) in enumerate(found))


def test_calls_without_records_are_not_piled_up(tmp_path):
    """What traces gave waits for the call before it, in bounded memory."""
    found, *_ = play(tmp_path, [1, 1, *[0] * 100, 1, 1, 1])

    assert max(n_asked - done for done, (_, _, n_asked) in enumerate(found)) <= 2 * IN_FLIGHT * 3 + 1


def test_little_work_starts_nobody(tmp_path):
    """What is left would be done before a worker is there."""
    _, executor, _ = play(tmp_path, [1] * 10, rate=0.001)

    # The clock of this test counts a second a call: what is left decides, and that is known.
    assert 0 == play(tmp_path, [1, 1], rate=0.5)[1].n_most
    assert executor.n_most > 0


def test_a_step_of_no_file_stays_here(tmp_path):
    """It is said once."""
    found, executor, notices = play(tmp_path, [1] * 10, is_portable=False)

    assert 0 == executor.n_most
    assert 10 == len(found)
    assert ["step 's': m:f is in no file, and runs in this process alone"] == notices


def test_one_worker_is_this_process(tmp_path):
    """Nothing is gained by another."""
    assert 0 == play(tmp_path, [1] * 10, executor=Fake(1))[1].n_most


def test_a_lost_batch_is_named(tmp_path):
    """By its step and first source; the workers are ended."""
    executor = Fake()
    executor.lost = str(LOST).encode()

    with pytest.raises(BatchLostError) as caught:
        play(tmp_path, [1] * 10, executor=executor)

    assert "step 's': a worker was killed by SIGKILL, at the batch that begins with s3://b/" in str(caught.value)
    assert executor.n_closed > 0
