"""What a run does, case by case; `test_oracle.py` compares random ones with brute force."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from dsvc.errors import DeriveError, UserError
from dsvc.objects.types import parse_type
from dsvc.plugins.contracts import Outcome, Transform

PYTHON = """
[step.s]
python = "steps:f"
inputs = ["x"]
"""
CODE = """
def f(x) -> int:
    if x == 13:
        raise ValueError("unlucky")
    return x * 2
"""


def report_of(bench, name="s", **options):
    """Run, and return the report of one step."""
    return next(step for step in bench.run(**options).steps if step.name == name)


def test_failures_are_data(bench):
    """A record that fails is listed, is not run again with the same inputs, and stops no other."""
    bench.put("x", {"a": 1, "b": 13, "c": 3})
    bench.write(PYTHON, steps=CODE)

    first, second = report_of(bench), report_of(bench)

    assert (3, 1, 1, 2) == (first.ran, first.failed, first.waiting, first.records)
    assert ("unchanged", 0, 1) == (second.status, second.ran, second.waiting)
    assert {"a": 2, "c": 6} == bench.read("s")
    assert {"b": "ValueError: unlucky"} == bench.waiting("s")


def test_failed_records_are_run_again_on_request(bench):
    """Or when an input changes; a value takes the source off the list."""
    bench.put("x", {"a": 1, "b": 13, "c": 13})
    bench.write(PYTHON, steps=CODE)
    bench.run()

    again = report_of(bench, retry_failed=True)
    bench.put("x", {"b": 4})
    changed = report_of(bench)

    assert (2, 2) == (again.ran, again.failed)
    assert (1, 0, 1) == (changed.ran, changed.failed, changed.waiting)
    assert {"a": 2, "b": 8} == bench.read("s")
    assert {"c": "ValueError: unlucky"} == bench.waiting("s")


def test_a_record_that_fails_now_loses_its_value(bench):
    """And so does everything below it."""
    bench.put("x", {"a": 1, "b": 2})
    bench.write(PYTHON + '[step.t]\nsql = "SELECT s + 1 AS t"', steps=CODE)
    bench.run()
    bench.put("x", {"b": 13})

    below = report_of(bench, "t")

    assert {"a": 2} == bench.read("s")
    assert {"a": 3} == bench.read("t")
    assert (0, 1) == (below.ran, below.removed)


def test_another_branch_does_not_know_of_failures(bench):
    """What failed here is tried there, where nobody has seen it fail with the draft's own trace."""
    bench.put("x", {"a": 1, "b": 13})
    bench.write(PYTHON, steps=CODE)
    bench.repo.commit("before", as_is=True)
    bench.repo.switch("other", create=True)
    bench.repo.switch("main")
    bench.run()
    bench.repo.commit("made")
    bench.repo.switch("other")
    bench.write(PYTHON, steps=CODE)

    report = report_of(bench)

    assert ("made", 1, 1, 1) == (report.status, report.ran, report.failed, report.reused)
    assert {"b": "ValueError: unlucky"} == bench.waiting("s")


def test_early_cutoff(bench):
    """A new version of a producer with equal values runs nothing and changes no value; provenance says it."""
    bench.put("x", {"a": 1, "b": 2}, producer="model@1")
    bench.write(PYTHON, steps=CODE)
    bench.run()
    bench.put("x", {"a": 1, "b": 2}, producer="model@2")

    assert "unchanged" == report_of(bench).status
    assert "2" == bench.repo.record("x", "a", "@draft").provenance.version


def test_a_value_that_comes_out_equal_is_cut_off(bench):
    """What is below does not run."""
    bench.put("x", {"a": 1, "b": 2})
    bench.write('[step.s]\nsql = "SELECT x // 10 AS s"\n[step.t]\nsql = "SELECT s AS t"')
    bench.run()
    bench.put("x", {"a": 3, "b": 20})

    report = bench.run()

    assert [(2, 1), (1, 0)] == [(step.ran, step.cut_off) for step in report.steps]


def test_equal_values_of_a_changed_step_are_counted_too(bench):
    """Also where everything is made anew, or partly from traces."""
    bench.put("x", {"a": 1, "b": 20})
    for text, ran, cut_off in (("x // 10", 2, 0), ("x // 5", 2, 1), ("x // 10", 0, 0)):
        bench.write(f'[step.s]\nsql = "SELECT {text} AS s"')
        report = report_of(bench)
        assert (ran, cut_off) == (report.ran, report.cut_off)
    bench.write('[step.s]\nsql = "SELECT x // 5 AS s"')
    bench.put("x", {"b": 30, "c": 1})

    report = report_of(bench)

    assert (2, 1, 0) == (report.ran, report.records - report.ran, report.cut_off)


def test_a_changed_output_type_rebuilds_the_signal(bench):
    """Old records of another type do not stay."""
    bench.put("x", {"a": 1, "b": 2})
    bench.write('[step.s]\nsql = "SELECT x AS s"')
    bench.run()
    bench.write('[step.s]\nsql = "SELECT x AS s"\ntype = "float64"')

    assert 2 == report_of(bench).ran
    assert {"a": 1.0, "b": 2.0} == bench.read("s")


def test_a_step_that_the_recipe_dropped_loses_its_signal(bench):
    """Unless only some steps were asked for."""
    bench.put("x", {"a": 1})
    bench.write(PYTHON + '[step.t]\nsql = "SELECT x AS t"', steps=CODE)
    bench.run()
    bench.write('[step.t]\nsql = "SELECT x AS t"')

    assert ["t"] == [step.name for step in bench.run(only=["t"]).steps]
    assert {"a": 2} == bench.read("s")
    report = bench.run()
    assert [("s", "removed", 1), ("t", "unchanged", 0)] == [(s.name, s.status, s.removed) for s in report.steps]
    assert {} == bench.read("s")
    assert ["t"] == [entry.name for entry in bench.view.state.derived]


LENGTH = """
[step.s]
transform = "length"
inputs = ["pixels"]
"""


def test_a_step_that_needs_pixels_alone_has_every_source(bench, tmp_path, monkeypatch):
    """With or without a content id; a new content id runs it again, other values of other signals do not."""
    images = {}
    for name in "abc":
        path = tmp_path / f"{name}.png"
        path.write_bytes(name.encode() * 3)
        images[name] = path.as_uri()
    monkeypatch.setattr(bench.plugins, "get_transform", lambda _: Length)
    bench.put("x", {images["a"]: 1, images["b"]: 2})
    bench.write(LENGTH)

    assert 2 == bench.plan().steps[0].run.lower == report_of(bench).ran
    assert {images["a"]: 3, images["b"]: 3} == bench.read("s")

    bench.put("x", {images["a"]: 7})
    bench.put("y", {images["c"]: 1})
    assert 1 == bench.plan().steps[0].run.lower == report_of(bench).ran

    type_ = parse_type("struct<id: string, size: int64>")
    bench.place("content", {images["a"]: {"id": "1", "size": 1}}, type_)
    assert 1 == bench.plan().steps[0].run.lower == report_of(bench).ran
    bench.place("content", {images["a"]: {"id": "1", "size": 2}}, type_)
    assert 0 == bench.plan().steps[0].run.upper == report_of(bench).ran

    bench.repo.remove("y", [images["c"]])
    report = report_of(bench)
    assert (0, 1) == (report.ran, report.removed)
    assert {images["a"], images["b"]} == set(bench.read("s"))


class Length(Transform):
    """The bytes of an image."""

    version = "1"
    output = "int64"
    needs_pixels = True

    def __call__(self, batch, pixels=None):
        return Outcome([len(pixels[row]) for row in range(batch.num_rows)])


def test_circumstances_are_inputs(bench):
    """A step that names a producer's version is made again when that changes, whatever the value."""
    bench.put("x", {"a": 1, "b": 1}, producer="model@1")
    bench.write("[step.s]\nsql = \"SELECT x._version || '!' AS s\"")
    bench.run()
    bench.put("x", {"b": 1}, producer="model@2")

    assert 1 == bench.plan().steps[0].run.lower == report_of(bench).ran
    assert {"a": "1!", "b": "2!"} == bench.read("s")


def test_names_that_the_recipe_has_not_are_refused(bench):
    """Nothing runs."""
    bench.put("x", {"a": 1})
    bench.write(PYTHON, steps=CODE)

    with pytest.raises(UserError, match="the recipe has no step, task or dataset 'ss'") as caught:
        bench.run(only=["ss"])

    assert "'s'" in str(caught.value.hint)


def test_progress_is_told(bench):
    """Of each step that runs, with the total where it is known."""
    bench.put("x", {"a": 1, "b": 2})
    bench.write(PYTHON, steps=CODE)
    told = []

    bench.run(progress=lambda *call: told.append(call))

    assert ("s", 2, 2) == told[-1]


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.mark.parametrize("n_done", [1, 40, 99])
def test_a_killed_run_goes_on_where_it_was(bench, n_done):
    """What was finished and kept does not run again, whenever the kill came; the result is the same."""
    records = {f"s3://b/{i:03d}": i for i in range(100)}
    bench.put("x", records)
    bench.write(PYTHON, steps=CODE)

    def progress(_, done, __):
        if done >= n_done:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dsvc.engine.making.steps.Step.most_rows", 1)
        with pytest.raises(Killed):
            bench.run(progress=progress, checkpoint_s=0.0)
    assert {} == bench.read("s"), "the draft moves only when a step is done"

    planned = bench.plan().steps[0].run
    report = report_of(bench)

    n_failed = int(n_done > 13)  # what failed is tried again: the kill may have been why
    assert 100 - n_done + n_failed == report.ran == planned.lower == planned.upper
    assert {source: value * 2 for source, value in records.items() if value != 13} == bench.read("s")


def test_a_lost_race_is_run_again_on_what_is_there(bench):
    """A put between reading and writing the draft is kept, and the step is stale at once."""
    bench.put("x", {"a": 1})
    bench.write(PYTHON, steps=CODE)
    original = bench.repo.new_writer
    raced = []

    def new_writer():
        if not raced:
            raced.append(1)
            bench.put("x", {"b": 2})
        return original()

    bench.repo.new_writer = new_writer
    bench.run()

    assert {"a": 2} == bench.read("s")
    assert 1 == bench.plan().steps[0].run.lower
    assert 1 == report_of(bench).ran
    assert {"a": 2, "b": 4} == bench.read("s")


@pytest.fixture
def counted(bench, monkeypatch):
    """Counts the objects that are read and written; verified objects count each time they are asked for."""
    counts = {"read": 0, "written": 0}
    objects = bench.repo.store.objects

    def counting(method, name, size):
        def call(first, *rest):
            counts[name] += size(first)
            return method(first, *rest)

        return call

    monkeypatch.setattr(objects, "get", counting(objects.get, "read", lambda _: 1))
    monkeypatch.setattr(objects, "get_many", counting(objects.get_many, "read", len))
    monkeypatch.setattr(objects, "put_frames", counting(objects.put_frames, "written", len))
    return counts


def big(bench, n):
    """Put n sources with two signals, and run two steps and a dataset over them."""
    sources = pa.array([f"s3://bucket/{i:09d}" for i in range(n)])
    for name in ("x", "y"):
        bench.repo.put(name, pa.table({"source": sources, name: np.arange(n) % 1_000}), producer="w@1")
        bench.known.add(name)
    bench.write(
        """
        [step.s]
        sql = "SELECT x + y AS s"
        [step.t]
        sql = "SELECT s // 7 AS t"
        [dataset.d]
        where = "t > 3 AND y > 5"
        columns = { t = "t" }
        """
    )
    bench.run()


@pytest.mark.parametrize("n", [30_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_one_changed_source_touches_few_objects(bench, counted, n):
    """Plan and run of one change of many read and write a path of each tree, not the tree."""
    big(bench, n)
    bench.put("x", {f"s3://bucket/{n // 2:09d}": -5})
    counted.update(read=0, written=0)

    assert 1 == bench.plan().run.lower
    planned = dict(counted)
    report = bench.run()

    assert [1, 1] == [step.ran for step in report.steps]
    assert planned["read"] < 150
    assert planned["written"] == 0
    assert counted["read"] < 400
    assert counted["written"] < 60


@pytest.mark.parametrize("n", [30_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_nothing_to_do_reads_no_tree(bench, counted, n):
    """What is current is told by a few small objects, however many sources there are."""
    big(bench, n)
    counted.update(read=0, written=0)

    assert bench.plan().is_current
    assert bench.run().did_nothing
    assert counted["read"] < 80
    assert counted["written"] == 0


EDITED = """
[step.s]
python = "steps:s"
inputs = ["x"]
[step.t]
python = "steps:t"
inputs = ["s"]
"""
EDITING = """
from pathlib import Path
def s(x) -> int:
    code = Path(__file__)
    code.write_text(code.read_text().replace("s + 100", "s + 500"))
    return x
def t(s) -> int:
    return s + 100
"""


@pytest.mark.parametrize("options", [{}, {"worth_s": 0, "workers": 2}])
def test_code_edited_while_an_earlier_step_runs(bench, options):
    """A step is the code that its transform hash is of, not what the run loaded for the steps before it."""
    bench.put("x", {"a": 1})
    bench.write(EDITED, steps=EDITING)

    bench.run(**options)

    assert {"a": 501} == bench.read("t")


def test_code_edited_while_it_is_loaded(bench):
    """No value is kept under the hash of other code."""
    bench.put("x", {"a": 1})
    edit = 'from pathlib import Path\ncode = Path(__file__)\ncode.write_text(code.read_text().replace("+ 1", "+ 2"))\n'
    bench.write(PYTHON, steps=edit + "def f(x) -> int:\n    return x + 1\n")

    with pytest.raises(DeriveError, match="changed while it was loaded"):
        bench.run()

    assert {} == bench.read("s")


def test_a_branch_that_is_left_while_its_recipe_runs(bench):
    """The other branch's draft gets nothing of it; what was made is taken once one is back."""
    bench.put("x", {"a": 1})
    bench.write(PYTHON + '[step.t]\nsql = "SELECT s AS t"\n[dataset.d]\nwhere = "t > 1"', steps=CODE)
    bench.repo.commit("x", allow_empty=True)
    bench.repo.switch("other", create=True)
    bench.put("x", {"a": 50})
    bench.repo.commit("y")
    bench.repo.switch("main")

    def progress(*_):
        bench.repo.switch("other")

    with pytest.raises(UserError, match="'main' was left for 'other' while its recipe ran"):
        bench.run(progress=progress)

    assert ([], {}) == ([*bench.view.state.derived], bench.read("s"))
    bench.repo.switch("main")
    assert ("taken", 0) == (report_of(bench).status, report_of(bench).ran)
