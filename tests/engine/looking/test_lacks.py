"""Why there is no value where one is asked for."""

from __future__ import annotations

from collections import Counter

import pytest

from dsvc.engine.looking.lacks import MISSING_INPUT, NO_RECORD, NULL, STALE, Lack, Lacking, Why, list_lacks
from dsvc.engine.reading.inputs import Inputs
from dsvc.engine.reading.probe import Probe
from dsvc.recipe.expressions import parse_expression
from tests.engine.signals import keys_of

CODE = """
def s(x) -> int:
    if x == 2:
        raise ValueError("two")
    return x
"""


@pytest.fixture
def whys(bench):
    """Returns what each of some sources lacks of an expression, over x, a struct c, and a step s that fails for b."""
    bench.put("x", {"a": 1, "b": 2, "c": None})
    bench.put("c", {"a": {"f": 1, "g": None}, "d": {"f": None, "g": 1}})
    bench.write('[step.s]\npython = "steps:s"\ninputs = ["x"]', steps=CODE)
    bench.run()
    lacking = Lacking(bench.view)

    def whys(text, sources):
        expression = parse_expression(text)
        inputs = Inputs.bind(bench.view, expression.inputs, (), every_source=True)
        columns = inputs.take(Probe(inputs.reader, keys_of(*sources)))
        return [lacking.whys[code] for code in lacking.of_expression(expression, columns)]

    return whys


@pytest.mark.parametrize(
    ("text", "sources", "expected"),
    [
        pytest.param("x > 1", "cd", [("x", NULL), ("x", NO_RECORD)], id="record-or-value"),
        pytest.param("s > 1", "bc", [("s", "failed"), ("s", NULL)], id="why-a-record-waits"),
        pytest.param("c.g > 1", "ab", [("c.g", NULL), ("c", NO_RECORD)], id="field"),
        pytest.param("c.f > x", "bd", [("c", NO_RECORD), ("x", NO_RECORD)], id="records-before-values"),
        pytest.param("nullif(x, 1) > 0", "a", [("", NULL)], id="the-expression-itself"),
        pytest.param("nothing > 0", "a", [("nothing", NO_RECORD)], id="a-signal-without-records"),
    ],
)
def test_the_first_thing_that_lacks_is_told(whys, text, sources, expected):
    """A missing record and why it waits; else the input that is null; else the expression."""
    assert [Why(*pair) for pair in expected] == whys(text, sources)


def test_reasons_are_counted(bench):
    """Most first, then by name."""
    bench.put("x", {"a": 1})
    lacking = Lacking(bench.view)
    codes = lacking.of_missing("y", keys_of("a", "b"))
    counts = lacking.count(codes) + lacking.count(lacking.of_missing("z", keys_of("a")))

    assert Counter({Why("y", NO_RECORD): 2, Why("z", NO_RECORD): 1}) == counts
    assert (Lack("y", NO_RECORD, 2), Lack("z", NO_RECORD, 1)) == list_lacks(counts)


def test_a_derived_record_is_missing_for_an_input_or_for_a_run(bench):
    """What can be made is stale; what cannot lacks an input."""
    bench.put("x", {"a": 1})
    bench.put("y", {"b": 1})
    bench.write('[step.s]\nsql = "SELECT x AS s"')
    lacking = Lacking(bench.view, bench.recipe)

    assert Counter({Why("s", MISSING_INPUT): 1, Why("s", STALE): 1}) == lacking.count(
        lacking.of_missing("s", keys_of("a", "b"))
    )
