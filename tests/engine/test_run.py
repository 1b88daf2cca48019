"""Runs against brute force: exactly what must run runs, and what comes out is what a fresh repository has."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.world import BASE, FAILS, DatasetModel, StepModel, World

SOURCES = [f"s3://b/{i:02d}" for i in range(14)]
KINDS = ("add", "cut", "pair", "python", "batch")


@st.composite
def steps(draw: Any, *, at_most: int = 5) -> dict[str, StepModel]:
    """Steps that read the base signals and each other."""
    made: dict[str, StepModel] = {}
    paths = ["a", "b", "c.f", "c.g"]
    for i in range(draw(st.integers(1, at_most))):
        name = f"s{i}"
        kind = draw(st.sampled_from(KINDS))
        count = 1 if kind in ("add", "cut") else draw(st.integers(1, 3 if kind in ("python", "batch") else 2))
        inputs = draw(st.lists(st.sampled_from(paths), min_size=count, max_size=count, unique=True))
        optional = tuple(path for path in inputs if draw(st.integers(0, 5)) == 0)
        made[name] = StepModel(name, kind, tuple(inputs), optional=optional)
        paths += [f"{name}.m", f"{name}.v"] if kind == "pair" else [name]
    return made


def edits(world: World, data: Any) -> None:
    """Apply one random edit to a world."""
    draw = data.draw
    branch = world.branch
    kind = draw(
        st.sampled_from(["put", "put", "remove", "parameter", "code", "version", "recipe", "dataset", "fork", "switch"])
    )
    if kind == "put":
        signal = draw(st.sampled_from(BASE))
        value = st.none() | st.integers(0, 12)
        values = value if signal != "c" else st.fixed_dictionaries({"f": value, "g": value})
        records = draw(st.dictionaries(st.sampled_from(SOURCES), values, min_size=1, max_size=8))
        world.put(signal, records, draw(st.sampled_from(["w@1", "w@2"])))
    elif kind == "remove":
        world.remove(draw(st.sampled_from(BASE)), draw(st.lists(st.sampled_from(SOURCES), max_size=4, unique=True)))
    elif kind in ("parameter", "code", "version") and branch.steps:
        name = draw(st.sampled_from(sorted(branch.steps)))
        old = branch.steps[name]
        changed: dict[str, Any] = {"parameter": old.parameter, "code": old.code, "version": old.version}
        if kind == "version":
            # A declared version stands for the code: they change together.
            number = draw(st.integers(0, 2))
            changed |= {"version": None if number == 0 else str(number), "code": number}
        elif kind == "code" and old.version is None:
            changed["code"] = draw(st.integers(0, 2))
        else:
            changed["parameter"] = draw(st.integers(1, 3))
        branch.steps[name] = StepModel(old.name, old.kind, old.inputs, optional=old.optional, **changed)
    elif kind == "recipe":
        branch.steps = draw(steps())
        branch.dataset = None
    elif kind == "dataset":
        paths = ["a", "c.f", *(n if s.kind != "pair" else f"{n}.v" for n, s in branch.steps.items())]
        by = draw(st.none() | st.sampled_from(["b", "c.g"]))
        branch.dataset = DatasetModel(draw(st.sampled_from(paths)), draw(st.integers(0, 40)), by)
    elif kind == "fork":
        world.fork(f"branch{len(world.branches) + 1}")
    elif kind == "switch" and world.branches:
        world.switch(draw(st.sampled_from(sorted(world.branches))))


def check_plan(world: World, must_run: dict[str, set[str]], planned: Any, rows: list[tuple[str, str, str]]) -> None:
    """A plan's numbers are exact, or hold what must run between them; its rows are the records.

    But for failures, which are not foreseen: below a record that fails nothing runs.
    """
    unforeseen = {source for _, failed in world.branch.failed.values() for source in failed}
    by_step: dict[str, set[str]] = {}
    for step, source, _ in rows:
        by_step.setdefault(step, set()).add(source)
    for step in planned.steps:
        expected = must_run.get(step.name, set())
        listed = by_step.get(step.name, set())
        assert len(listed) == step.run.upper
        assert step.run.lower <= len(expected | unforeseen)
        assert expected <= listed
        if step.run.is_exact:
            assert listed <= expected | unforeseen
        assert sum(reason.records for reason in step.reasons) == step.run.lower


def play(data: Any, *, n_rounds: int) -> None:
    """Edit, plan and run a world, and compare it with brute force each time."""
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory) / "world")
        world.branch.steps = data.draw(steps())
        for signal in BASE:
            value = st.none() | st.integers(0, 12)
            values = value if signal != "c" else st.fixed_dictionaries({"f": value, "g": value})
            world.put(signal, data.draw(st.dictionaries(st.sampled_from(SOURCES), values, max_size=12)), "w@1")
        for number in range(n_rounds):
            for _ in range(data.draw(st.integers(0, 2)) if number else 0):
                edits(world, data)
            retry = data.draw(st.integers(0, 6)) == 0
            planned = world.plan()
            rows = list(planned.rows())

            must_run, derived = world.evaluate(retry=retry)
            calls, report = world.run(retry=retry)

            assert {name: sorted(sources) for name, sources in must_run.items() if sources} == {
                name: sorted(sources) for name, sources in calls.items()
            }
            assert sum(map(len, must_run.values())) == report.ran
            if not retry:
                check_plan(world, must_run, planned, rows)
            for name, records in derived.items():
                assert records == world.read(name)
                failed = {
                    source: {"detail": f"ValueError: {FAILS}", "reason": "failed"}
                    for source in world.branch.failed[name][1]
                }
                assert failed == world.read_waiting(name)
            assert world.selection(derived) == world.read_selection()
            assert world.fresh_root(Path(directory) / f"fresh{number}") == world.repo.view("@draft").root_id
            assert world.plan().is_current or any(world.branch.failed.values())


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_exactly_what_must_run_runs(data):
    """On random recipes, edits and branches, executed records are those that no retained trace answers."""
    play(data, n_rounds=4)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_exactly_what_must_run_runs_at_length(data):
    """The same, longer and more often."""
    play(data, n_rounds=7)
