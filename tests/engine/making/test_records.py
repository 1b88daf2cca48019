"""Making a step: by workers as here, in several runs as in one."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from dsvc.errors import BatchLostError
from dsvc.repo.refs import TRACES
from tests.engine.conftest import Bench

N = 60
RECORDS = {f"s3://b/{i:03d}": i for i in range(N)}
RECIPE = """
[step.s]
python = "steps:f"
inputs = ["x"]
parameters = { log = "LOG" }
"""
CODE = """
import os

def f(x, log) -> int:
    with open(log, "a") as file:
        file.write(f"{x} {os.getpid()}\\n")
    if x == 13:
        raise ValueError("unlucky")
    if x == 40 and os.path.exists(log + ".die"):
        os._exit(5)
    return x * 2
"""
EXPECTED = {source: value * 2 for source, value in RECORDS.items() if value != 13}


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.fixture(name="logged")
def make_logged(bench, tmp_path):
    """A step whose function writes down each record that it is called for."""
    log = tmp_path / "log"
    bench.put("x", RECORDS)
    bench.write(RECIPE.replace("LOG", str(log)), steps=CODE)
    bench.log = log
    return bench


def executed(bench):
    """Return how often each record was executed, and where."""
    lines = [line.split() for line in bench.log.read_text().splitlines()]
    return Counter(int(value) for value, _ in lines), {int(pid) for _, pid in lines}


@pytest.fixture(name="few_rows")
def _few_rows(monkeypatch):
    """Calls of three records at most."""
    monkeypatch.setattr("dsvc.engine.making.steps.Step.most_rows", 3)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_change_no_result(logged, few_rows, workers):
    """Values, failures and the draft's root are those of one process, each record executed once."""
    report = logged.run(workers=workers, worth_s=0.0).steps[0]
    counts, pids = executed(logged)

    assert (N, 1, N - 1) == (report.ran, report.failed, report.records)
    assert dict.fromkeys(range(N), 1) == counts
    assert EXPECTED == logged.read("s")
    assert {"s3://b/013": "ValueError: unlucky"} == logged.waiting("s")
    assert ({os.getpid()} == pids) == (workers == 1)


def test_workers_change_no_id(logged, few_rows, tmp_path):
    """The root is that of a run in one process, begun by another draft."""
    logged.run(workers=2, worth_s=0.0)
    alone = Bench(tmp_path / "alone")
    alone.put("x", RECORDS)
    alone.write((logged.path / "dsvc.toml").read_text(), steps=CODE)
    alone.run(workers=1)

    assert alone.view.root_id == logged.view.root_id


def stop_after(n_done):
    """Return a progress call that kills the run."""

    def progress(_, done, __):
        if done >= n_done:
            raise Killed

    return progress


@pytest.mark.parametrize("workers", [1, 2])
def test_kills_again_and_again_lose_no_finished_record(logged, few_rows, workers):
    """However often a run is killed, all that was durable stays so: what is executed twice was under way."""
    for n_done in (5, 20, 21, 40, 50) if workers == 1 else (20, 40):
        with pytest.raises(Killed):
            logged.run(workers=workers, worth_s=0.0, checkpoint_s=0.0, progress=stop_after(n_done))
    logged.run(workers=workers, worth_s=0.0, checkpoint_s=0.0)
    counts, _ = executed(logged)
    counts[13] = 1  # what failed is tried again: the kill may have been why

    assert EXPECTED == logged.read("s")
    assert set(range(N)) == set(counts)
    in_flight = 2 * workers * 3
    assert sum(count - 1 for count in counts.values()) <= (5 * in_flight if workers > 1 else 0)


def test_a_finished_step_leaves_no_partial_trace(logged, few_rows):
    """The draft has all of it."""
    with pytest.raises(Killed):
        logged.run(checkpoint_s=0.0, progress=stop_after(30))
    before = [name for name, _ in logged.repo.store.refs.iter_refs(TRACES)]
    logged.run()
    after = [name for name, _ in logged.repo.store.refs.iter_refs(TRACES)]

    assert 1 == len(before) == len(after)
    assert before != after


def test_a_worker_that_dies_is_named_and_finished_work_is_kept(logged, few_rows):
    """With the step and the first source of its batch; once its cause is gone, the next run goes on from there."""
    die = Path(f"{logged.log}.die")
    die.touch()
    with pytest.raises(BatchLostError, match="step 's': a worker ended with exit status 5") as caught:
        logged.run(workers=2, worth_s=0.0)
    before, _ = executed(logged)
    die.unlink()
    report = logged.run(workers=2, worth_s=0.0).steps[0]
    counts, _ = executed(logged)

    first = int(caught.value.pointer.rpartition("/")[2])
    assert first <= 40 < first + 3
    assert EXPECTED == logged.read("s")
    assert report.ran == N - first + 1  # and the one that failed
    assert all(counts[value] == 1 for value in range(first) if value != 13)
    assert before[40] == 1


def test_a_limit_stops_and_the_next_run_goes_on(logged):
    """At most so many records are executed; the signal is untouched until all of it is made."""
    statuses = []
    for limit, expected in ((25, 25), (25, 50), (0, 50)):
        report = logged.run(limit=limit)
        statuses.append((report.steps[0].status, report.is_stopped, logged.read("s")))
        assert expected == sum(executed(logged)[0].values())
    report = logged.run(limit=25)

    assert [("stopped", True, {})] * 3 == statuses
    assert ("made", False) == (report.steps[0].status, report.is_stopped)
    assert EXPECTED == logged.read("s")


def test_a_limit_leaves_what_follows(bench):
    """Nothing is made after a step that is not done; with nothing to execute a limit stops nothing."""
    bench.put("x", {"a": 1, "b": 2})
    bench.write(
        """
        [step.s]
        sql = "SELECT x + 1 AS s"
        [step.t]
        sql = "SELECT s + 1 AS t"
        [dataset.d]
        where = "t > 0"
        columns = { t = "t" }
        """
    )
    report = bench.run(limit=3)

    assert [("s", "made", 2), ("t", "stopped", 1)] == [(step.name, step.status, step.ran) for step in report.steps]
    assert () == report.datasets
    assert [("s", "unchanged", 0), ("t", "made", 1)] == [
        (step.name, step.status, step.ran) for step in bench.run(limit=1).steps
    ]
    assert not bench.run(limit=0).is_stopped


def test_a_changed_step_stays_as_it_was_until_it_is_done(bench):
    """Half of a signal by the old code and half by the new is no signal."""
    bench.put("x", {"a": 1, "b": 2, "c": 3})
    bench.write('[step.s]\nsql = "SELECT x AS s"')
    bench.run()
    bench.write('[step.s]\nsql = "SELECT x * 10 AS s"')
    stopped = bench.run(limit=2).steps[0]

    assert ("stopped", 3, 2) == (stopped.status, stopped.records, stopped.ran)
    assert {"a": 1, "b": 2, "c": 3} == bench.read("s")
    assert 1 == bench.plan().run.lower == bench.run().ran
    assert {"a": 10, "b": 20, "c": 30} == bench.read("s")


def test_sql_over_everything_goes_on_where_it_was(bench, monkeypatch):
    """Also where a step is made chunk by chunk, with sources that have no record in between."""
    monkeypatch.setattr("dsvc.engine.reading.aligned.ROWS", 2000)
    sources = [f"s3://b/{i:06d}" for i in range(12_000)]
    bench.put("x", {source: i for i, source in enumerate(sources)})
    bench.put("y", {source: i for i, source in enumerate(sources) if i != 5000})
    bench.write('[step.s]\nsql = "SELECT x + y AS s"')
    with pytest.raises(Killed):
        bench.run(checkpoint_s=0.0, progress=stop_after(4000))
    left = bench.plan().run.lower
    report = bench.run().steps[0]

    assert 0 < report.ran == left <= 8000
    assert {source: 2 * i for i, source in enumerate(sources) if i != 5000} == bench.read("s")


def test_an_interrupted_run_keeps_all_that_it_has_made(logged, few_rows):
    """However recently: it is no kill, and there is time for it; an error of the step counts as one."""

    def progress(_, done, __):
        if done >= 30:
            raise KeyboardInterrupt

    for checkpoint_s in (1000.0, 0.0):
        with pytest.raises(KeyboardInterrupt):
            logged.run(workers=1, checkpoint_s=checkpoint_s, progress=progress)
    logged.run(workers=1)
    counts, _ = executed(logged)
    counts[13] = 1

    assert dict.fromkeys(range(N), 1) == counts
    assert EXPECTED == logged.read("s")


def test_a_limit_passes_by_what_failed(bench):
    """What failed is finished: the next run goes on behind it, and a retry asks for it by name."""
    bench.put("x", RECORDS)
    code = "def f(x, log) -> int:\n    if x < 20:\n        raise ValueError(f'low {x}')\n    return x * 2\n"
    bench.write(RECIPE.replace("LOG", ""), steps=code)

    planned, ran = [], []
    for _ in range(5):
        planned.append(bench.plan().steps[0])
        ran.append(bench.run(limit=15).steps[0])

    assert [60, 45, 30, 15, 0] == [step.run.lower for step in planned]
    assert [0, 15, 20, 20, 20] == [step.waiting for step in planned]
    assert [(15, 15), (15, 5), (15, 0), (15, 0), (0, 0)] == [(step.ran, step.failed) for step in ran]
    assert {source: value * 2 for source, value in RECORDS.items() if value >= 20} == bench.read("s")
    assert {source: f"ValueError: low {value}" for source, value in RECORDS.items() if value < 20} == bench.waiting("s")
    assert 20 == bench.run(retry_failed=True).steps[0].ran


def test_what_failed_before_a_limit_runs_again_once_its_inputs_differ(bench):
    """Or where it is asked for, in the middle of it all."""
    bench.put("x", {"a": 1, "b": 2, "c": 3})
    bench.write(RECIPE.replace("LOG", ""), steps="def f(x, log) -> int:\n    return 6 // (x - 1) // (x - 2)\n")
    bench.run(limit=2)
    bench.put("x", {"a": 4})

    assert (2, 2) == (bench.plan().run.lower, bench.run(limit=3).steps[0].ran)
    assert ({"a": 1, "c": 3}, ["b"]) == (bench.read("s"), [*bench.waiting("s")])
    bench.write(RECIPE.replace("LOG", "2"))
    bench.run(limit=2)
    assert 3 == bench.run(retry_failed=True).steps[0].ran + 1
