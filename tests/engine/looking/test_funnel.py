"""How many sources each stage of a dataset lets through."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsvc.engine.looking.funnel import Stage, find_funnel
from dsvc.engine.looking.lacks import NO_RECORD, NULL, Lack
from tests.engine.conftest import Bench

RECIPE = """
[split.halves]
by = "who"
parts = { one = 0.5, two = 0.5 }
[dataset.d]
where = "x >= 2 AND y = 1"
columns = { x = "x" }
split = "halves"
"""


def funnel(bench, name="d"):
    """Return the funnel of a dataset of the draft."""
    loader = bench.loader
    return find_funnel(bench.view, loader, loader.recipe.datasets[name])


@pytest.fixture
def faces(bench):
    """Six sources with a few of three signals."""
    bench.put("x", {"a": 1, "b": 2, "c": 3, "d": None, "e": 4})
    bench.put("y", {"b": 1, "c": 0, "f": 1})
    bench.put("who", {"b": "ann", "e": "bob"})
    bench.write(RECIPE)
    return bench


def test_each_stage_takes_what_the_one_before_let_through(faces):
    """Passed, failed and no value, with what lacks; nothing need have been run."""
    found = funnel(faces)

    assert (6, 1, False) == (found.sources, found.rows, found.is_current)
    assert (
        Stage("where", "x >= 2", 3, 1, 2, (Lack("x", NO_RECORD, 1), Lack("x", NULL, 1))),
        Stage("where", "y = 1", 1, 1, 1, (Lack("y", NO_RECORD, 1),)),
        Stage("take", "final", 1, 0),
        Stage("split", "halves", 1, 0),
    ) == found.stages
    assert 1 == sum(n for _, n in found.parts)


def test_a_made_dataset_is_current(faces):
    """Until its recipe or what it reads changes."""
    faces.run()
    assert funnel(faces).is_current

    faces.write(RECIPE.replace("x >= 2", "x >= 3"))
    assert not funnel(faces).is_current


def test_a_limit_keeps_so_many_of_each_group(faces):
    """Counted without choosing; once it is made, the parts are those of who was chosen."""
    faces.write(RECIPE.replace("x >= 2 AND y = 1", "x > 0") + "sample = { max = 1, per = 'x >= 2' }")
    before = funnel(faces)
    faces.run()
    after = funnel(faces)

    assert Stage("limit", "at most 1 per x >= 2", 2, 2) == before.stages[-1] == after.stages[-1]
    assert ((), 2) == (before.parts, before.rows)
    counts = Counter(part for part in faces.select("d").values() if part is not None)
    assert [("one", counts[0]), ("two", counts[1])] == list(after.parts)


def test_a_dataset_without_where_has_no_terms(faces):
    """Everything is taken."""
    faces.write('[dataset.d]\ncolumns = { x = "x" }')

    assert ((Stage("take", "final", 6, 0),), ()) == (funnel(faces).stages, funnel(faces).parts)


def test_an_empty_version_has_an_empty_funnel(bench):
    """No source, no row."""
    bench.known |= {"x", "y", "who"}
    bench.write(RECIPE)

    assert (0, 0) == (funnel(bench).sources, funnel(bench).rows)


SOURCES = [f"s{n}" for n in range(12)]
SIGNAL = st.dictionaries(st.sampled_from(SOURCES), st.none() | st.integers(0, 3))


@settings(max_examples=20)
@given(SIGNAL, SIGNAL)
def test_counts_are_those_of_counting(tmp_path_factory, xs, ys):
    """In logic of three values, and no source is lost between stages."""
    bench = Bench(tmp_path_factory.mktemp("r") / "faces")
    bench.put("x", xs, type_=pa.int64())
    bench.put("y", ys, type_=pa.int64())
    bench.known |= {"x", "y"}
    bench.write('[dataset.d]\nwhere = "x >= 2 AND (y = 1 OR x = 3)"\ncolumns = { x = "x" }')
    found = funnel(bench)
    sources = {*xs, *ys}

    def first(s):
        return None if xs.get(s) is None else xs[s] >= 2

    def second(s):
        y_is_1 = None if ys.get(s) is None else ys[s] == 1
        return True if y_is_1 or xs[s] == 3 else y_is_1

    left = sources
    for stage, term in zip(found.stages, (first, second, lambda s: True), strict=True):
        told = Counter(term(s) for s in left)
        assert (told[True], told[False], told[None]) == (stage.passed, stage.failed, stage.no_value)
        assert stage.no_value == sum(lack.sources for lack in stage.lacks)
        left = {s for s in left if term(s)}
    assert (len(sources), len(left)) == (found.sources, found.rows)


def test_what_is_not_taken_is_told_by_its_standing(bench):
    """The first signal that the dataset names whose record is not taken, and what that record is."""
    standings = {"a": "final", "b": "unaudited", "c": "contested", "e": "final"}
    bench.put("y", dict.fromkeys("abce", 1))
    bench.stand("x", {source: (1, name) for source, name in standings.items()}, stale="e")
    bench.write('[dataset.d]\nwhere = "y = 1"\ncolumns = { x = "x" }')
    *_, take = funnel(bench).stages

    assert ("take", 1, 3, 0) == (take.what, take.passed, take.failed, take.no_value)
    assert {("x", "unaudited"), ("x", "contested"), ("x", "stale")} == {(lack.name, lack.reason) for lack in take.lacks}
    bench.write('[dataset.d]\nwhere = "y = 1"\ncolumns = { x = "x" }\ntake = ["final", "stale", "contested"]')
    *_, take = funnel(bench).stages
    assert (3, (Lack("x", "unaudited", 1),)) == (take.passed, take.lacks)
