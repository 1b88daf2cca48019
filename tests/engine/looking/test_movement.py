"""Which sources entered or left a dataset, and by which term."""

from __future__ import annotations

from contextlib import ExitStack

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsvc.engine.looking.movement import Cause, Side, find_movement, iter_moves
from dsvc.engine.looking.sieve import Sieve
from dsvc.engine.making.loading import Loader
from dsvc.plugins.manager import Plugins
from dsvc.recipe.committed import open_recipe
from tests.engine.conftest import Bench

RECIPE = """
[dataset.d]
where = "x >= {x} AND y < {y}"
columns = {{ x = "x" }}
"""


def move(bench, name="d", before="HEAD~1", after="HEAD"):
    """Return what happened between two commits, and to whom."""
    with ExitStack() as stack:
        sides = []
        for revision in (before, after):
            view = bench.repo.view(revision)
            recipe = stack.enter_context(open_recipe(view, None))
            spec = recipe.datasets.get(name)
            sieve = None if spec is None else Sieve(view, Loader(recipe, Plugins([])), spec)
            sides.append(Side(view, sieve, view.dataset(name) if name in view.datasets else None))
        moves = {move.source: (move.move, *move.reason) for move in iter_moves(*sides)}
        return find_movement(name, *sides), moves


def commit(bench, recipe):
    """Run and commit a recipe."""
    bench.write(recipe)
    bench.run()
    bench.repo.commit("one")


@pytest.fixture
def faces(bench):
    """A committed dataset of sources with x of 2 or more and y below 3."""
    bench.put("x", {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5})
    bench.put("y", {"a": 1, "b": 1, "c": 1, "d": 9})
    commit(bench, RECIPE.format(x=2, y=3))
    return bench


def test_a_threshold_lets_in_and_out(faces):
    """Who left stops at the new term, who entered stopped at the old one."""
    commit(faces, RECIPE.format(x=3, y=10))
    movement, moves = move(faces)

    assert (2, 2, 1, 1, 0) == (movement.before, movement.after, movement.entered, movement.left, movement.moved)
    assert (
        Cause("entered", "where", "y < 3", "false", "", "", 1),
        Cause("left", "where", "x >= 3", "false", "", "", 1),
    ) == movement.causes
    assert {"b": ("left", "where", "x >= 3", "false", "", ""), "d": ("entered", "where", "y < 3", "false", "", "")} == (
        moves
    )


def test_sources_come_and_go_and_values_change(faces):
    """A new source, one that is gone, a value that is there at last, and one that is null now."""
    faces.put("x", {"c": None, "n": 5})
    faces.put("y", {"e": 1, "n": 1})
    faces.repo.remove("x", ["b"])
    faces.repo.remove("y", ["b"])
    commit(faces, RECIPE.format(x=2, y=3))
    _, moves = move(faces)

    assert {
        "b": ("left", "source", "", "", "", ""),
        "c": ("left", "where", "x >= 2", "no value", "x", "null"),
        "e": ("entered", "where", "y < 3", "no value", "y", "no record"),
        "n": ("entered", "source", "", "", "", ""),
    } == moves


def test_datasets_come_and_go(faces):
    """All their rows do."""
    commit(faces, RECIPE.format(x=2, y=3).replace("dataset.d", "dataset.f"))

    assert (Cause("left", "dataset", "", "", "", "", 2),) == move(faces)[0].causes
    assert (Cause("entered", "dataset", "", "", "", "", 2),) == move(faces, "f")[0].causes


def test_a_limit_is_told(faces):
    """Who passes all and is left out."""
    commit(faces, RECIPE.format(x=2, y=3) + "sample = { max = 1 }")
    movement, moves = move(faces)

    assert (0, 1) == (movement.entered, movement.left)
    assert [("left", "limit", "", "", "", "")] == [*moves.values()]


def test_who_is_in_another_part_moved(faces):
    """With both parts."""
    commit(faces, RECIPE.format(x=2, y=3) + 'split = "s"\n[split.s]\nby = "x"\nparts = { one = 1 }')
    commit(faces, RECIPE.format(x=2, y=3) + 'split = "s"\n[split.s]\nby = "x"\nparts = { z = 1e-9, two = 0.9 }')
    movement, _ = move(faces)

    assert 2 == movement.moved + movement.left
    assert {("moved", "part", "one -> two")} >= {(c.move, c.what, c.text) for c in movement.causes if c.move != "left"}


SOURCES = [f"s{n}" for n in range(10)]
SIGNAL = st.dictionaries(st.sampled_from(SOURCES), st.none() | st.integers(0, 3), min_size=1)


@settings(max_examples=15)
@given(SIGNAL, SIGNAL, SIGNAL, st.integers(0, 3), st.integers(0, 3))
def test_who_moves_is_who_is_on_one_side_only(tmp_path_factory, xs, ys, later, one, two):
    """And the term that is told is the first that is not true on the side where the source is not in."""
    bench = Bench(tmp_path_factory.mktemp("r") / "faces")
    bench.put("x", xs, type_=pa.int64())
    bench.put("y", ys, type_=pa.int64())
    commit(bench, RECIPE.format(x=one, y=3))
    bench.put("x", later, type_=pa.int64())
    bench.write(RECIPE.format(x=two, y=3))
    bench.run()
    bench.repo.commit("two", allow_empty=True)
    movement, moves = move(bench)

    def selected(values, least):
        return {
            s for s in values if values[s] is not None and values[s] >= least and ys.get(s) is not None and ys[s] < 3
        }

    before, after = selected(xs, one), selected({**xs, **later}, two)
    assert (len(before), len(after)) == (movement.before, movement.after)
    assert {**dict.fromkeys(after - before, "entered"), **dict.fromkeys(before - after, "left")} == {
        source: told[0] for source, told in moves.items()
    }
    for source, (kind, what, text, *_) in moves.items():
        values, least = (xs, one) if kind == "entered" else ({**xs, **later}, two)
        if source not in {**values, **ys}:
            assert "source" == what
        else:
            x = values.get(source)
            assert (f"x >= {least}" if x is None or x < least else "y < 3") == text
