"""Calling a step for groups of records."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from dsvc.engine.making.group_steps import PythonGroupBatchStep, PythonGroupStep, TransformGroupStep, split_groups
from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.inputs import Input, Inputs
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.join import JoinedColumn
from dsvc.objects.provenance import Provenance
from dsvc.objects.types import parse_type
from dsvc.plugins.contracts import Outcome, Transform
from dsvc.plugins.options import Option
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import StepSpec
from tests.engine.signals import keys_of, new_writer, signal_of

X, Y = InputPath("x"), InputPath("y")
SPEC = StepSpec("s", "python", "steps:f", inputs=(X, Y), parameters={"k": 1}, scope="group", group=X)
MADE_BY = Provenance("step", "steps:f", "0")
INT = parse_type("int64")
NUMBERS = np.array([1, 0, 1, 1, 0])
"""The group of each of five members."""


def columns_of(x, y):
    """Return the inputs of five members."""
    writer = new_writer()
    inputs = Inputs(writer, [Input(path, True, signal=signal_of(writer, {"a": 1})) for path in (X, Y)])
    columns = {name: JoinedColumn(normalise(pa.array(values)), None) for name, values in (("x", x), ("y", y))}
    keys = keys_of(*"abcde")
    return Columns(inputs, columns, len(x), lambda: keys)


def call(step, x=(1, 2, 3, 4, 5), y=("p", "q", "r", "s", "t")):
    """Call a step for two groups; return values and failures."""
    values, failed = step.make_groups(columns_of(list(x), list(y)), NUMBERS)
    return to_arrow(values).to_pylist(), failed


def test_a_function_gets_one_list_for_each_input():
    """The members' values in order, and the parameters; and gives one value for each member."""
    calls = []

    def function(x, y, k):
        calls.append((x, y, k))
        return [value * 10 + k for value in x]

    step = PythonGroupStep(SPEC, INT, MADE_BY, function)

    assert ([11, 21, 31, 41, 51], {}) == call(step)
    assert [([2, 5], ["q", "t"], 1), ([1, 3, 4], ["p", "r", "s"], 1)] == calls
    assert 5 == step.n_ran


def test_a_batch_function_gets_a_batch_for_each_group():
    """Its columns are the inputs; it may return Arrow, numpy or a list."""
    seen = []

    def function(batch, k):
        seen.append(batch.to_pydict())
        n = batch.num_rows
        return [pa.array(range(n)), np.arange(n)][len(seen) % 2]

    assert ([0, 0, 1, 2, 1], {}) == call(PythonGroupBatchStep(SPEC, INT, MADE_BY, function))
    assert [{"x": [2, 5], "y": ["q", "t"]}, {"x": [1, 3, 4], "y": ["p", "r", "s"]}] == seen


class Rank(Transform):
    """Ranks members."""

    version, output, kind = "1", "int64", "group"
    inputs = {"score": "int64", "name": None}
    parameters = {"k": Option(int, "added", 1)}

    def __call__(self, batch, pixels=None):
        assert ["source", "score", "name"] == batch.schema.names
        return Outcome([*range(batch.num_rows)], {1: "no"})


def test_a_transform_gets_a_batch_for_each_group():
    """With the pointers and its own names; what it says failed, failed alone."""
    spec = StepSpec("s", "transform", "rank", inputs=(X, Y), scope="group", group=X)

    assert ([0, 0, None, 2, None], {2: "no", 4: "no"}) == call(TransformGroupStep(spec, INT, MADE_BY, Rank))


def test_a_group_that_raises_fails_whole_and_alone():
    """Each of its members is told why; other groups have their values."""

    def function(x, y, k):
        if 3 in x:
            raise ValueError("unlucky")
        return x

    expected = dict.fromkeys([0, 2, 3], "ValueError: unlucky")

    assert ([None, 2, None, None, 5], expected) == call(PythonGroupStep(SPEC, INT, MADE_BY, function))


@pytest.mark.parametrize(
    ("result", "found"),
    [
        ([1], "1 values"),
        ([], "0 values"),
        (7, "a value of type int"),
        (None, "a value of type NoneType"),
        ("ab", "str"),
    ],
)
def test_a_wrong_number_of_values_fails_the_group(result, found):
    """The error says how many there were, and how many members."""

    def function(x, y, k):
        return result if len(x) == 2 else x

    values, failed = call(PythonGroupStep(SPEC, INT, MADE_BY, function))

    assert [1, None, 3, 4, None] == values
    assert {1, 4} == set(failed)
    assert found in failed[1]
    assert "for the 2 members of a group" in failed[1]


def test_a_value_that_does_not_fit_fails_alone():
    """The others of its group keep theirs."""
    values, failed = call(PythonGroupStep(SPEC, INT, MADE_BY, lambda x, y, k: [y[0], *x[1:]]))

    assert [None, None, 3, 4, 5] == values
    assert {0: "expected int64, found 'p'", 1: "expected int64, found 'q'"} == failed


def test_groups_may_return_different_types():
    """Each is fitted on its own then."""

    def function(batch, k):
        return pa.array([1.0, 2.5]) if batch.num_rows == 2 else pa.array([1, 2, 3])

    values, failed = call(PythonGroupBatchStep(SPEC, INT, MADE_BY, function))

    assert [1, 1, 2, 3, None] == values
    assert [4] == [*failed]


def test_no_group_is_no_call():
    """There is nothing to make."""
    step = PythonGroupStep(SPEC, INT, MADE_BY, lambda *_: 1 / 0)
    columns = columns_of([1], ["a"]).take(np.zeros(0, np.int64))

    assert 0 == step.make_groups(columns, np.zeros(0, np.int64))[0].length


def test_groups_are_split_in_the_order_of_their_numbers():
    """Members keep their order."""
    assert [[1, 4], [0, 2, 3]] == [rows.tolist() for rows in split_groups(NUMBERS)]
    assert [] == split_groups(np.zeros(0, np.int64))


def test_what_would_end_the_program_fails_its_group():
    """`sys.exit()` in a step ends no run."""

    def function(x, y, k):
        if 2 in x:
            raise SystemExit(0)
        return x

    assert ([1, None, 3, 4, None], {1: "SystemExit: 0", 4: "SystemExit: 0"}) == call(
        PythonGroupStep(SPEC, INT, MADE_BY, function)
    )


@pytest.mark.parametrize("outcome", [None, Outcome([1, 2], {2: "why"}), Outcome([1, 2], {-1: "why"})])
def test_a_transform_that_breaks_its_contract_fails_its_group(outcome):
    """And no member of another one."""

    class Odd(Transform):
        version, output, kind = "1", "int64", "group"
        inputs = {"x": None, "y": None}

        def __call__(self, batch, pixels=None):
            return outcome if batch.num_rows == 2 else Outcome(batch.column("x"))

    spec = StepSpec("s", "transform", "odd", inputs=(X, Y), scope="group", group=X)
    values, failed = call(TransformGroupStep(spec, INT, MADE_BY, Odd))

    assert ([1, None, 3, 4, None], [1, 4]) == (values, sorted(failed))
    assert all("odd gave" in why for why in failed.values())
