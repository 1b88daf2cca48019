"""Which groups the traces answer."""

from __future__ import annotations

import pytest

from dsvc.engine.making.binding import bind_step
from dsvc.engine.making.group_traces import GroupTraces
from dsvc.engine.making.members import Members

STEP = """
[step.s]
python = "steps:total"
inputs = ["x"]
group = "who"
parameters = {{ k = {k} }}
"""
CODE = """
def total(x, k) -> list[int]:
    if 13 in x:
        raise ValueError("unlucky")
    return [sum(x) * k] * len(x)
"""


@pytest.fixture
def ask(bench):
    """Asks the traces of the step, as it is written now, for all of its groups."""

    def answers():
        loader = bench.loader
        bound = bind_step(bench.repo, bench.view, loader, loader.recipe.steps["s"])
        traces = GroupTraces(bound.match, bound.spec.group)
        gone = []
        wanted = traces.dirty(retry_failed=False, gone=gone)
        found = {}
        for batch in Members(bound.inputs, bound.spec.group).batches(wanted):
            answered = traces.answer(batch, wanted)
            is_answered, records = answered.is_answered, answered.reused
            names = [key.decode() for key in batch.columns.keys]
            for rows, answered in zip(batch.groups, is_answered.tolist(), strict=True):
                found["".join(names[row] for row in rows)] = answered
            assert sum(is_answered[batch.numbers]) == (0 if records is None else len(records))
        return found, [key.decode() for keys in gone for key in keys]

    bench.put("x", {"a": 1, "b": 2, "c": 3, "d": 4})
    bench.put("who", {"a": 1, "b": 1, "c": 2, "d": None})
    bench.write(STEP.format(k=1), steps=CODE)
    return bench, answers


def test_without_a_trace_nothing_is_answered(ask):
    """All groups are asked for."""
    assert ({"ab": False, "c": False, "d": False}, []) == ask[1]()


def test_the_base_answers_what_did_not_change(ask):
    """Only the others are asked for; those that are gone are told."""
    bench, answers = ask
    bench.run()
    bench.put("x", {"b": 7})
    bench.repo.remove("x", ["c"])

    assert ({"ab": False}, ["c"]) == answers()


def test_an_older_trace_answers_groups_as_it_had_them(ask):
    """Each whole: one that lost a member is another group."""
    bench, answers = ask
    bench.run()
    bench.put("x", {"b": 7, "c": 8, "d": 9})
    bench.run()
    bench.put("x", {"b": 2, "c": 3, "d": 4})
    bench.put("who", {"c": 1})

    assert ({"abc": False, "d": True}, []) == answers()

    bench.put("who", {"c": 2, "e": 5})
    bench.put("x", {"e": 5})

    assert ({"ab": True, "c": True, "d": True, "e": False}, []) == answers()


def test_a_failed_group_is_not_answered(ask):
    """By whatever trace: it has no records for its members."""
    bench, answers = ask
    bench.put("x", {"b": 13})
    bench.run()
    bench.put("x", {"c": 9})
    bench.write(STEP.format(k=2), steps=CODE)
    bench.run()
    bench.write(STEP.format(k=1), steps=CODE)

    found, _ = answers()

    assert {"ab": False, "c": False} == found
