"""Steps of groups and of all records, run."""

from __future__ import annotations

import pytest

from dsvc.engine.making.calls import Caller
from dsvc.engine.making.group_steps import PythonGroupStep
from dsvc.errors import SchemaError

RANK = """
[step.rank]
python = "steps:rank"
inputs = ["q"]
group = "who"
parameters = {{ k = {k} }}
"""
CODE = """
def rank(values, k) -> list[int]:
    if 13 in values:
        raise ValueError("unlucky")
    order = sorted(range(len(values)), key=lambda i: -values[i])
    return [order.index(i) * k for i in range(len(values))]
"""
BALANCE = """
[step.share]
python = "steps:share"
inputs = ["q"]
global = true
"""
SHARE = """
def share(values) -> list[float]:
    return [value / sum(values) for value in values]
"""


def report_of(bench, name="rank", **options):
    """Run, and return the report of one step."""
    return next(step for step in bench.run(**options).steps if step.name == name)


@pytest.fixture
def faces(bench):
    """Seven images of three people, one of nobody known, ranked by quality within each."""
    bench.put("q", {"a": 5, "b": 7, "c": 6, "d": 1, "e": 2, "f": 3, "g": 4})
    bench.put("who", {"a": 1, "b": 1, "c": 1, "d": 2, "e": 2, "f": None, "g": None})
    bench.write(RANK.format(k=1), steps=CODE)
    bench.run()
    return bench


def test_each_member_gets_a_record(faces):
    """Of its own group; those whose key is null are alone."""
    assert {"a": 2, "b": 0, "c": 1, "d": 1, "e": 0, "f": 0, "g": 0} == faces.read("rank")


def test_one_changed_member_runs_its_group_alone(faces):
    """Other groups are not touched, and members that come out as before are cut off."""
    faces.put("q", {"a": 8})

    report = report_of(faces)

    assert (3, 1, 0) == (report.ran, report.groups, report.cut_off)
    faces.put("q", {"a": 9})
    report = report_of(faces)
    assert (3, 1, 3) == (report.ran, report.groups, report.cut_off)


def test_one_changed_member_among_many_groups_executes_one_group(bench):
    """Whatever their number: this one is counted by the calls of the function."""
    names = [f"s{i:05d}" for i in range(9000)]
    bench.put("q", {name: i for i, name in enumerate(names)})
    bench.put("who", {name: i % 3000 for i, name in enumerate(names)})
    bench.write(RANK.format(k=1), steps=CODE)
    first = report_of(bench)
    bench.put("q", {names[4000]: 13_000})

    second = report_of(bench)

    assert (9000, 3000) == (first.ran, first.groups)
    assert (3, 1) == (second.ran, second.groups)


@pytest.mark.parametrize(
    ("who", "ran", "groups"),
    [({"a": 2}, 5, 2), ({"a": None}, 3, 2), ({"f": 2}, 3, 1), ({"f": 9}, 1, 1), ({"h": 1}, 0, 0)],
)
def test_a_member_that_moves_runs_both_groups(faces, who, ran, groups):
    """The one that it leaves, if anybody is left, and the one that it comes to; without quality it is no member."""
    faces.put("who", who)

    report = report_of(faces)

    assert (ran, groups) == (report.ran, report.groups)


def test_a_member_that_is_gone_runs_those_that_are_left(faces):
    """Its record goes."""
    faces.repo.remove("q", ["b", "f"])

    report = report_of(faces)

    assert (2, 1, 2) == (report.ran, report.groups, report.removed)
    assert {"a": 1, "c": 0, "d": 1, "e": 0, "g": 0} == faces.read("rank")


def test_there_and_back_executes_nothing(faces):
    """A parameter, a value, a group: what was made is taken, by whichever trace has it."""
    faces.write(RANK.format(k=2), steps=CODE)
    assert 7 == report_of(faces).ran
    faces.write(RANK.format(k=1), steps=CODE)
    assert ("taken", 0) == (report_of(faces).status, report_of(faces).ran)
    faces.put("who", {"a": 2, "f": 3})
    assert 6 == report_of(faces).ran
    faces.put("who", {"a": 1})

    report = report_of(faces)

    assert ("made", 0, 5) == (report.status, report.ran, report.reused)
    assert {"a": 2, "b": 0, "c": 1, "d": 1, "e": 0, "f": 0, "g": 0} == faces.read("rank")


def test_what_another_branch_made_is_taken(faces):
    """Group by group, beside what neither has made."""
    faces.repo.commit("one")
    faces.repo.switch("other", create=True)
    faces.put("q", {"d": 9})
    faces.run()
    faces.repo.commit("two")
    faces.repo.switch("main")
    faces.write(RANK.format(k=1), steps=CODE)
    faces.put("q", {"d": 9, "f": 9})

    report = report_of(faces)

    assert (1, 1, 2) == (report.ran, report.groups, report.reused)


def test_a_group_that_raises_fails_whole(faces):
    """Its members are listed with the error; it is not run again unless that is asked for, or it changes."""
    faces.put("q", {"b": 13})

    report = report_of(faces)

    assert (3, 3, 3, 4) == (report.ran, report.failed, report.waiting, report.records)
    assert dict.fromkeys("abc", "ValueError: unlucky") == faces.waiting("rank")
    assert ("unchanged", 0) == (report_of(faces).status, report_of(faces).ran)
    assert (3, 1) == (report_of(faces, retry_failed=True).ran, report_of(faces, retry_failed=True).groups)
    faces.put("who", {"b": 2})
    report = report_of(faces)
    assert (5, 2, 3) == (report.ran, report.groups, report.failed)
    assert dict.fromkeys("bde", "ValueError: unlucky") == faces.waiting("rank")
    assert {"a": 1, "c": 0, "f": 0, "g": 0} == faces.read("rank")


def test_members_of_a_failed_group_that_go_wait_no_more(faces):
    """There is nothing to wait for."""
    faces.put("q", {"b": 13})
    faces.run()
    faces.repo.remove("who", ["a", "b"])

    faces.run()

    assert {} == faces.waiting("rank")
    assert {"c": 0, "d": 1, "e": 0, "f": 0, "g": 0} == faces.read("rank")


def test_all_records_are_made_at_once(bench):
    """Again as soon as one of them changed; nothing else of their signals counts."""
    bench.put("q", {"a": 1, "b": 3})
    bench.write(BALANCE, steps=SHARE)

    first = report_of(bench, "share")
    bench.put("q", {"a": 1}, producer="other@2")
    second = report_of(bench, "share")
    bench.put("q", {"c": 4})
    third = report_of(bench, "share")
    bench.repo.remove("q", ["c"])
    fourth = report_of(bench, "share")

    assert [(2, 1), (0, 0), (3, 1), (0, 0)] == [(r.ran, r.groups) for r in (first, second, third, fourth)]
    assert "taken" == fourth.status
    assert {"a": 0.25, "b": 0.75} == bench.read("share")


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def test_a_killed_run_goes_on_by_the_group(bench, monkeypatch):
    """What was durable does not run again; no group is split."""
    names = [f"s{i:03d}" for i in range(120)]
    bench.put("q", {name: i + 20 for i, name in enumerate(names)})
    bench.put("who", {name: i % 40 for i, name in enumerate(names)})
    bench.write(RANK.format(k=1), steps=CODE)
    calls = []
    original = PythonGroupStep.call

    def call(self, batch):
        calls.append(batch.num_rows)
        if len(calls) == 4:
            raise Killed
        return original(self, batch)

    monkeypatch.setattr(PythonGroupStep, "call", call)
    with pytest.raises(Killed):
        bench.run(checkpoint_s=0)
    done = sum(calls[:-1])
    report = report_of(bench)

    assert 0 < done < 120
    assert 0 == done % 3
    assert (120 - done, (120 - done) // 3, done) == (report.ran, report.groups, report.reused)
    bench.write(RANK.format(k=1), steps=CODE)
    assert 40 == sum(rank == 0 for rank in bench.read("rank").values())


def test_a_limit_stops_between_groups(bench):
    """And the next run goes on where it was."""
    bench.put("q", dict(zip("abcdef", range(6), strict=True)))
    bench.put("who", dict(zip("abcdef", [1, 2, 1, 2, 3, 3], strict=True)))
    bench.write(RANK.format(k=1), steps=CODE)

    first, second = report_of(bench, limit=3), report_of(bench)

    assert ("stopped", 2, 0) == (first.status, first.ran, first.records)
    assert ("made", 4, 2) == (second.status, second.ran, second.reused)


def test_workers_make_groups_too(bench, monkeypatch):
    """The values are those that this process would make."""
    names = [f"s{i:03d}" for i in range(300)]
    bench.put("q", {name: i + 20 for i, name in enumerate(names)})
    bench.put("who", {name: i % 100 for i, name in enumerate(names)})
    bench.write(RANK.format(k=1), steps=CODE)
    monkeypatch.setattr(Caller, "_is_worth", lambda *_: True)

    report = report_of(bench, workers=2)

    assert (300, 100) == (report.ran, report.groups)
    assert {name: 2 - i // 100 for i, name in enumerate(names)} == bench.read("rank")


def test_a_group_by_a_field_that_there_is_not_is_refused(bench):
    """Neither planned nor run: every record would be a group of its own, and nobody would be told."""
    bench.put("q", {"a": 1, "b": 2})
    bench.put("who", {"a": {"name": 1}, "b": {"name": 1}})
    bench.write(RANK.format(k=1).replace('"who"', '"who.naem"'), steps=CODE)

    for attempt in (bench.plan, bench.run):
        with pytest.raises(SchemaError, match="naem"):
            attempt()


def test_a_limit_passes_by_groups_that_failed(bench):
    """They are finished: the next run goes on behind them, and a retry asks for them again."""
    names = [f"s{i:02d}" for i in range(20)]
    bench.put("q", {name: i for i, name in enumerate(names)})
    bench.put("who", {name: i // 2 for i, name in enumerate(names)})
    bench.write(RANK.format(k=1), steps=CODE.replace("13 in values", "min(values) < 8"))

    planned, ran = [], []
    for _ in range(5):
        planned.append(bench.plan().steps[0])
        ran.append(report_of(bench, limit=6))

    assert [20, 14, 8, 2, 0] == [step.run.lower for step in planned]
    assert [0, 6, 8, 8, 8] == [step.waiting for step in planned]
    assert [(6, 6), (6, 2), (6, 0), (2, 0), (0, 0)] == [(step.ran, step.failed) for step in ran]
    assert (names[8:], names[:8]) == ([*bench.read("rank")], [*bench.waiting("rank")])
    assert 8 == report_of(bench, retry_failed=True).ran
