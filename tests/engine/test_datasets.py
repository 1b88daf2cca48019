"""Datasets are made incrementally and with traces."""

from __future__ import annotations

import pytest

RECIPE = """
[step.s]
sql = "SELECT x * 10 AS s"
[dataset.d]
where = "s >= {least}"
columns = {{ {columns} }}
"""


@pytest.fixture
def faces(bench):
    """Four sources with x, one without."""
    bench.put("x", {"a": 1, "b": 2, "c": 3, "d": 4})
    bench.put("y", {"a": 1, "e": 5})
    return bench


def make(bench, least=20, columns='x = "x"', **options):
    """Run a recipe; return the report of the dataset."""
    bench.write(RECIPE.format(least=least, columns=columns))
    return {report.name: report for report in bench.run(**options).datasets}["d"]


def outcome(report):
    """Return what matters of a report."""
    return report.status, report.evaluated, report.changed


def test_a_selection_has_every_source(faces):
    """Also those without any named input."""
    assert ("made", 5, 5) == outcome(make(faces))

    assert {"a": None, "b": 0, "c": 0, "d": 0, "e": None} == faces.select("d")


def test_the_dataset_object_says_columns_and_parts(faces):
    """Columns are sorted by name; without a split there are no parts."""
    make(faces, columns='z = "x", a = "s + 1"')
    dataset = faces.view.dataset("d")

    assert (("a", "s + 1"), ("z", "x")) == dataset.columns
    assert () == dataset.splits


def test_another_column_evaluates_nothing(faces):
    """The selection stays, the dataset is another."""
    make(faces)
    before = faces.view.datasets["d"], faces.view.dataset("d").selection

    assert ("taken", 0, 0) == outcome(make(faces, columns='x = "x", y = "y"'))
    assert before[0] != faces.view.datasets["d"]
    assert before[1] == faces.view.dataset("d").selection


def test_a_threshold_taken_back_evaluates_nothing(faces):
    """Traces remember selections."""
    make(faces, 20)
    first = faces.view.datasets["d"]
    assert ("made", 5, 1) == outcome(make(faces, 30))
    assert ("taken", 0, 1) == outcome(make(faces, 20))
    assert first == faces.view.datasets["d"]
    assert ("unchanged", 0, 0) == outcome(make(faces, 20))


def test_only_sources_that_changed_are_evaluated(faces):
    """New, changed and gone ones."""
    make(faces)
    faces.put("x", {"a": 5, "f": 1})
    faces.repo.remove("y", ["e"])

    assert ("made", 2, 3) == outcome(make(faces))
    assert {"a": 0, "b": 0, "c": 0, "d": 0, "f": None} == faces.select("d")


def test_a_signal_that_is_not_named_touches_nothing(faces):
    """Other values of the same sources make the same dataset."""
    make(faces)
    before = faces.view.root_id
    faces.put("z", {"a": 1, "b": 1})
    with_z = faces.view.root_id

    assert ("unchanged", 0, 0) == outcome(make(faces))
    assert before != with_z == faces.view.root_id
    assert ("unchanged", 0, 0) == outcome(make(faces))


def test_a_new_signal_adds_its_sources(faces):
    """Sources that only it has are evaluated, no others."""
    make(faces)
    faces.put("z", {"a": 1, "q": 1})

    assert ("made", 1, 1) == outcome(make(faces))
    assert faces.select("d")["q"] is None
    faces.repo.remove("z", ["a", "q"])
    assert ("taken", 0, 1) == outcome(make(faces))
    assert "q" not in faces.select("d")


def test_equal_selections_are_one_object(faces):
    """Whatever `where` they came from."""
    make(faces, 20)
    first = faces.view.dataset("d").selection

    make(faces, 15)

    assert first == faces.view.dataset("d").selection


def test_a_dataset_that_the_recipe_dropped_goes(faces):
    """Unless only some were asked for."""
    make(faces)
    faces.write('[step.s]\nsql = "SELECT x * 10 AS s"')

    assert () == faces.run(only=["s"]).datasets
    assert ["removed"] == [report.status for report in faces.run().datasets]
    assert {} == faces.view.datasets
    assert () == faces.view.state.datasets


def test_only_some_datasets_are_made(faces):
    """Names of steps and datasets."""
    faces.write(RECIPE.format(least=1, columns='x = "x"') + '\n[dataset.e]\nwhere = "x > 1"\ncolumns = { x = "x" }')

    report = faces.run(only=["e"])

    assert (["e"], []) == ([d.name for d in report.datasets], [s.name for s in report.steps])
    assert ["e"] == list(faces.view.datasets)


def test_a_dataset_of_no_source_is_absent(bench):
    """It is known, and comes with the first source."""
    bench.write('[dataset.d]\ncolumns = { x = "1" }')

    assert ("made", 0, 0) == outcome(bench.run().datasets[0])
    assert {} == bench.view.datasets
    assert "unchanged" == bench.run().datasets[0].status

    bench.put("x", {"a": 1})
    bench.run()
    assert {"a": 0} == bench.select("d")


def test_circumstances_select(bench):
    """A new producer of equal values matters to who names it."""
    bench.put("x", {"a": 1, "b": 2}, producer="old@1")
    bench.write("[dataset.d]\nwhere = \"x._version = '2' AND x._producer = 'new'\"\ncolumns = { x = \"x\" }")
    bench.run()
    bench.put("x", {"b": 2}, producer="new@2")

    report = bench.run()

    assert ("made", 1, 1) == outcome(report.datasets[0])
    assert {"a": None, "b": 0} == bench.select("d")


def test_states_select(bench):
    """Why a record waits is there to be named, and whoever names it is made again when it changes."""
    bench.put("x", {"a": 0, "b": 2})
    recipe = """
    [step.s]
    python = "steps:f"
    inputs = ["x"]
    [dataset.d]
    where = "s._state = 'failed'"
    columns = { x = "x" }
    """
    code = """
    def f(x) -> int:
        return 1 // x
    """
    bench.write(recipe, steps=code)
    bench.run()
    assert {"a": 0, "b": None} == bench.select("d")

    bench.put("x", {"a": 1, "b": 0})

    assert ("made", 2, 2) == outcome(bench.run().datasets[0])
    assert {"a": None, "b": 0} == bench.select("d")
