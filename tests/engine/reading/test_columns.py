"""The inputs of some sources, laid out as columns."""

from __future__ import annotations

import numpy as np
import pytest

from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.inputs import Input, Inputs
from dsvc.engine.reading.probe import Probe
from dsvc.objects.arrays import to_arrow
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from tests.engine.signals import INT, keys_of, new_writer, write_signal

X, Y = InputPath("x"), InputPath("y")


@pytest.fixture
def columns():
    """Sources a to d, with a required x and an optional y."""
    writer = new_writer()
    x = write_signal(writer, {"a": {"f": 1}, "b": {"f": None}, "c": None}, parse_type("struct<f: int64>"))
    y = write_signal(writer, {"b": 20, "d": 40})
    inputs = Inputs(writer, [Input(InputPath("x", ("f",)), True, *x), Input(Y, False, *y)])
    return inputs.take(Probe(writer, keys_of(*"abcd")))


def test_values_are_null_where_there_is_no_record(columns):
    """Fields of a null, too."""
    assert [1, None, None, None] == columns.values(InputPath("x", ("f",))).to_pylist()
    assert [None, 20, None, 40] == columns.values(Y).to_pylist()


def test_a_null_is_a_record(columns):
    """Presence is not told by values."""
    assert [True, True, True, False] == columns.present("x").tolist()
    assert [True, True, True, False] == columns.complete.tolist()
    assert not columns.present("nobody").any()


def test_rows_are_taken_with_their_sources(columns):
    """Columns, presence and keys stay together."""
    taken = columns.take(np.array([1, 3]))

    assert [b"b", b"d"] == list(taken.keys)
    assert [20, 40] == taken.values(Y).to_pylist()
    assert [True, False] == taken.complete.tolist()
    assert columns is columns.filter(np.ones(4, np.bool_))
    assert 1 == len(columns.filter(columns.present("y") & columns.complete))


def test_sources_are_loaded_when_they_are_asked_for():
    """Whoever needs no keys reads none."""
    inputs = Inputs(new_writer(), [Input(X, True)])
    columns = Columns(inputs, {}, 3, lambda: pytest.fail("loaded"))

    assert 3 == len(columns.take(np.arange(3)))
    assert [None] * 3 == columns.values(X).to_pylist()


def test_what_nobody_has_is_of_the_declared_type():
    """An engine wants a type even for nulls; comparing wants none."""
    inputs = Inputs(new_writer(), [Input(X, False), Input(Y, False)], {"x": INT})
    columns = Columns(inputs, {}, 2, lambda: keys_of("a", "b"))

    assert ["int64", "null"] == [str(columns.values(path).type) for path in (X, Y)]
    assert ("null",) == columns.column(X).physical
    assert [None, None] == to_arrow(columns.column(X)).to_pylist()


def test_the_version_may_say_which_sources_have_a_record():
    """Where every source has one, absence of all inputs is no obstacle."""
    inputs = Inputs(new_writer(), [Input(X, False)], sources={})

    present = Columns(inputs, {}, 2, lambda: keys_of("a", "b"), np.array([True, False]))

    assert [True, False] == present.complete.tolist()
    assert [False] == present.take(np.array([1])).complete.tolist()
    assert [True, True] == Columns(inputs, {}, 2, lambda: keys_of("a", "b")).complete.tolist()
