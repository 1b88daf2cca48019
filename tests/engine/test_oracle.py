"""Runs against brute force: exactly what must run runs, and what comes out is what a fresh repository has.

`DSVC_ORACLE_EXAMPLES` sets how many random stories are played: a few hundred for a change, thousands for a release,
with another `DSVC_ORACLE_SEED` each time.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.engine.models import CODES, KINDS, SQL, DatasetModel, StepModel
from tests.engine.world import BASE, World

EXAMPLES = int(os.environ.get("DSVC_ORACLE_EXAMPLES", "300"))
SEED = int(os.environ.get("DSVC_ORACLE_SEED", "0"))
PARTS = 4
"""Parts of the examples, each with a seed of its own, so that they can run beside each other."""
SOURCES = [f"s3://b/{i:02d}" for i in range(14)]
VALUES = {
    "a": st.none() | st.integers(0, 12),
    # Few values: what is grouped by it has several members.
    "b": st.none() | st.integers(0, 3),
    "c": st.fixed_dictionaries({"f": st.none() | st.integers(0, 12), "g": st.none() | st.integers(0, 2)}),
}
EDITS = ("put", "put", "put", "remove", "contents", "parameter", "code", "comment", "version", "recipe", "dataset")


@st.composite
def steps(draw: Any, *, at_most: int = 5) -> dict[str, StepModel]:
    """Steps that read the base signals and each other."""
    made: dict[str, StepModel] = {}
    numbers = ["a", "b", "c.f", "c.g"]
    whole = ["c"]
    for i in range(draw(st.integers(1, at_most))):
        step = draw(one_step(f"s{i}", numbers, whole))
        made[step.name] = step
        numbers += step.fields
        if step.kind == "pair":
            whole.append(step.name)
    return made


@st.composite
def one_step(draw: Any, name: str, numbers: list[str], whole: list[str]) -> StepModel:
    """A step that reads some of these paths."""
    kind = draw(st.sampled_from(KINDS))
    least, most = {"add": (1, 1), "cut": (1, 1), "pair": (1, 2), "pixels": (0, 3)}.get(kind, (1, 3))
    # Circumstances are text, which SQL does not add to numbers.
    numbers = numbers if kind in SQL else [*numbers, "a._version", "b._version"]
    inputs = draw(st.lists(st.sampled_from(numbers), min_size=least, max_size=most, unique=True))
    scope = "record" if kind in SQL else draw(st.sampled_from(["record", "group", "group", "group", "global"]))
    # By a number, by one of the inputs or another, or by a struct.
    group = draw(st.sampled_from([*numbers, *numbers, *whole])) if scope == "group" else None
    # The name of a signal, as optional, means all that a step reads of it.
    others = [path for path in (*inputs, str(group)) if "." in path]
    free = [path for path in inputs if path != group and not any(other.startswith(f"{path}.") for other in others)]
    optional = tuple(path for path in free if draw(st.integers(0, 5)) == 0)
    return StepModel(name, kind, tuple(inputs), optional=optional, scope=scope, group=group)


def put(world: World, signal: str, records: dict[str, Any], producer: str) -> None:
    """Put records if there are any."""
    if records:
        world.put(signal, records, producer)


def edit(world: World, draw: Any) -> None:
    """Apply one random edit to a world."""
    branch = world.branch
    kind = draw(st.sampled_from([*EDITS, "fork", *(["switch"] * 3 if world.branches else [])]))
    if kind == "put":
        signal = draw(st.sampled_from(BASE))
        records = draw(st.dictionaries(st.sampled_from(SOURCES), VALUES[signal], min_size=1, max_size=4))
        world.put(signal, records, draw(st.sampled_from(["w@1", "w@2"])))
    elif kind == "remove":
        world.remove(draw(st.sampled_from(BASE)), draw(st.lists(st.sampled_from(SOURCES), max_size=4, unique=True)))
    elif kind == "contents":
        world.see_contents(draw(st.dictionaries(st.sampled_from(SOURCES), st.sampled_from("xyz"), max_size=4)))
    elif kind == "recipe":
        branch.steps, branch.dataset = draw(steps()), None
    elif kind == "dataset":
        paths = ["a", "c.f", *(f"{name}.v" if step.kind == "pair" else name for name, step in branch.steps.items())]
        by = draw(st.none() | st.sampled_from(["b", "c.g"]))
        branch.dataset = DatasetModel(draw(st.sampled_from(paths)), draw(st.integers(0, 40)), by)
    elif kind == "fork":
        world.fork(f"branch{len(world.branches) + 1}")
    elif kind == "switch":
        world.switch(draw(st.sampled_from(sorted(world.branches))))
    elif branch.steps:
        edit_step(world, kind, draw)


def edit_step(world: World, kind: str, draw: Any) -> None:
    """Change one step of a world."""
    name = draw(st.sampled_from(sorted(world.branch.steps)))
    old = world.branch.steps[name]
    changed: dict[str, Any] = {}
    if kind == "version":
        # A declared version stands for the code: they change together.
        number = draw(st.sampled_from(CODES))
        changed = {"version": None if number == 0 else str(number), "code": number}
    elif kind == "code" and old.version is None:
        changed = {"code": draw(st.sampled_from(CODES))}
    elif kind == "comment":
        changed = {"comment": old.comment + 1}
    else:
        changed = {"parameter": draw(st.integers(1, 3))}
    world.branch.steps[name] = StepModel(**{**vars(old), **changed})


def foresight(world: World) -> dict[str, set[str]]:
    """Return, for each step, the sources for which a plan may be wrong, since failures are not foreseen.

    Below a record that fails nothing runs; and a group that loses a member so is another group.
    """
    by_step: dict[str, set[str]] = {}
    everything = set(world.sources())
    for name, step in world.branch.steps.items():
        above = set()
        for path in step.depends:
            signal = path.partition(".")[0]
            above |= by_step.get(signal, set()) | set(world.branch.failed.get(signal, ()))
        by_step[name] = everything if above and step.scope != "record" else above
    return by_step


def check_plan(world: World, must_run: dict[str, set[tuple[str, ...]]], planned: Any, rows: list[Any]) -> None:
    """A plan's numbers are exact, or hold what must run between them; its rows are the records."""
    wrong = foresight(world)
    by_step: dict[str, set[str]] = {}
    for step, source, _ in rows:
        by_step.setdefault(step, set()).add(source)
    for step in planned.steps:
        expected = {source for unit in must_run.get(step.name, ()) for source in unit}
        listed = by_step.get(step.name, set())
        unforeseen = wrong.get(step.name, set())
        assert len(listed) == step.run.upper
        assert step.run.lower <= len(expected | unforeseen)
        assert expected <= listed | unforeseen
        if step.run.is_exact:
            assert listed <= expected | unforeseen
        assert sum(reason.records for reason in step.reasons) == step.run.lower


def play(draw: Any, *, n_rounds: int) -> None:
    """Edit, plan and run a world, and compare it with brute force each time."""
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory) / "world")
        world.branch.steps = draw(steps())
        for signal in BASE:
            put(world, signal, draw(st.dictionaries(st.sampled_from(SOURCES), VALUES[signal], max_size=14)), "w@1")
        for number in range(n_rounds):
            for _ in range(draw(st.integers(0, 2)) if number else 0):
                edit(world, draw)
            retry = draw(st.integers(0, 6)) == 0
            planned = world.plan()
            rows = list(planned.rows())

            must_run, derived = world.evaluate(retry=retry)
            calls, report = world.run(retry=retry)

            check_run(world, must_run, calls, report)
            if not retry:
                check_plan(world, must_run, planned, rows)
            check_records(world, derived)
            assert world.plan().is_current or any(world.branch.failed.values())
        assert world.fresh_root(Path(directory) / "fresh") == world.repo.view("@draft").root_id


def check_run(world: World, must_run: dict[str, set[tuple[str, ...]]], calls: Any, report: Any) -> None:
    """Each record, group or whole that must run was called for once, and nothing else; the report says so."""
    assert {name: sorted(units) for name, units in must_run.items() if units} == {
        name: sorted(units) for name, units in calls.items()
    }
    for step in report.steps:
        units = must_run.get(step.name, set())
        assert sum(map(len, units)) == step.ran
        is_grouped = step.name in world.branch.steps and world.branch.steps[step.name].scope != "record"
        assert (len(units) if is_grouped else 0) == step.groups


def check_records(world: World, derived: dict[str, dict[str, Any]]) -> None:
    """Values, failures and selections are those that brute force finds."""
    for name, records in derived.items():
        assert records == world.read(name)
        failed = {
            source: {"detail": text, "reason": "failed"} for source, text in sorted(world.branch.failed[name].items())
        }
        assert failed == world.read_waiting(name)
    assert world.selection(derived) == world.read_selection()


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(PARTS))
def test_exactly_what_must_run_runs(part):
    """On random recipes, edits and branches, executed units are those that no retained trace answers."""

    @seed(SEED * PARTS + part)
    @settings(max_examples=EXAMPLES // PARTS, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def tell(data):
        play(data.draw, n_rounds=4)

    tell()


@pytest.mark.slow
@pytest.mark.timeout(7200)
@settings(max_examples=max(EXAMPLES // 2, 200), suppress_health_check=list(HealthCheck))
@given(st.data())
def test_exactly_what_must_run_runs_at_length(data):
    """The same, with longer stories."""
    play(data.draw, n_rounds=8)
