"""What is made survives whatever ends a run: of steps of records, of groups, and of all records."""

from __future__ import annotations

from collections import Counter

import pytest

from dsvc.errors import BatchLostError

RECIPE = """
[step.s]
python = "steps:{kind}"
inputs = ["x"]
{group}
parameters = {{ log = "{log}" }}
"""
CODE = """
import os

def note(x, log):
    with open(log, "a") as file:
        file.write(f"{x}\\n")
    if x == 7 and os.path.exists(log + ".stop"):
        raise KeyboardInterrupt

def one(x, log) -> int:
    note(x, log)
    return x * 2

def each(x, log) -> list[int]:
    for value in x:
        note(value, log)
    return [value * 2 for value in x]
"""
KINDS = [("one", ""), ("each", 'group = "who"')]
VALUES = {f"s{i}": i for i in range(10)}


@pytest.fixture(name="logged", params=KINDS, ids=[kind for kind, _ in KINDS])
def make_logged(bench, tmp_path, request):
    """A step that writes down what it is called for, and is interrupted at 7 while a file is there."""
    kind, group = request.param
    bench.put("x", VALUES)
    bench.put("who", VALUES)
    bench.log = tmp_path / "log"
    bench.stop = tmp_path / "log.stop"
    bench.stop.touch()
    bench.write(RECIPE.format(kind=kind, group=group, log=bench.log), steps=CODE)
    return bench


@pytest.mark.parametrize(
    ("options", "error"),
    [({}, KeyboardInterrupt), ({"worth_s": 0, "workers": 2}, BatchLostError)],
    ids=["here", "by workers"],
)
def test_what_was_made_before_an_interrupt_is_not_made_again(logged, monkeypatch, options, error):
    """No call that came back is made again; what was made is the same as without the interrupt."""
    monkeypatch.setattr("dsvc.engine.making.executors.sizes.Sizes._within", lambda self, rows: 1)
    with pytest.raises(error):
        logged.run(**options)
    before = Counter(logged.log.read_text().split())
    logged.stop.unlink()

    report = logged.run()

    ran = Counter(logged.log.read_text().split()) - before
    assert report.steps[0].ran == sum(ran.values())
    # Of two workers two batches each may have been under way.
    assert sum(ran.values()) <= (7 if options else 3)
    assert {source: value * 2 for source, value in VALUES.items()} == logged.read("s")


@pytest.mark.parametrize(("kind", "group"), KINDS, ids=[kind for kind, _ in KINDS])
def test_a_report_tells_a_signal_that_begins_with_another_trace(bench, kind, group):
    """What was taken over, and how much of what was made the draft had: alike for records and groups."""
    bench.put("x", {"a": 1, "b": 2})
    bench.put("who", {"a": 1, "b": 2})
    recipe = RECIPE.format(kind=kind, group=group, log=bench.path / "log")
    for factor in (2, 3):
        bench.write(recipe, steps=CODE.replace("* 2", f"* {factor}"))
        bench.run()
    bench.put("x", {"b": 3})
    bench.write(recipe, steps=CODE)

    (step,) = bench.run().steps

    assert {"a": 2, "b": 6} == bench.read("s")
    assert (2, 1, 1, 1) == (step.records, step.ran, step.reused, step.cut_off)


@pytest.mark.parametrize("is_first", [True, False], ids=["new", "again"])
def test_a_step_may_take_more_runs_than_traces_are_kept(logged, monkeypatch, is_first):
    """Each goes on where the last one stopped, and keeps what all before it have made."""
    monkeypatch.setattr("dsvc.engine.making.partial.MAX_TRACES", 2)
    logged.stop.unlink()
    if not is_first:
        logged.put("x", {source: value + 100 for source, value in VALUES.items()})
        logged.run()
        logged.put("x", VALUES)

    statuses = [logged.run(limit=1).steps[0].status for _ in range(len(VALUES) + 1)]

    assert [*["stopped"] * 9, "made", "unchanged"] == statuses
    assert {source: value * 2 for source, value in VALUES.items()} == logged.read("s")
