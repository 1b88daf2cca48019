"""A draft that is made up."""

from __future__ import annotations

import pytest

from dsvc.engine.making.binding import bind_step
from dsvc.engine.planning import foreseen
from dsvc.engine.planning.foreseen import Foreseen
from tests.engine.signals import keys_of


@pytest.fixture
def step(bench):
    """A step over three sources, bound, and the draft that is made up."""
    bench.put("x", {"a": 1, "b": 2, "c": 3})
    bench.write('[step.s]\nsql = "SELECT x AS s"')
    made_up = Foreseen(bench.view)
    loader = bench.loader
    return bench, made_up, bind_step(bench.repo, made_up.view, loader, loader.recipe.steps["s"])


def test_a_signal_of_which_some_records_are_unknown(step):
    """It has their sources; the real draft has nothing of it."""
    bench, made_up, bound = step

    made_up.put_unknown(bound, bench.view.signal("x"), [keys_of("a", "b")])

    assert 3 == made_up.view.signal("s").count
    assert [[b"a", b"b"]] == [[*keys] for keys in made_up.unknown["s"]]
    assert {} == made_up.stand_ins
    assert bench.view.signal("s") is None


def test_of_too_many_records_none_counts_as_known(step, monkeypatch):
    """Then the signal only stands for its sources."""
    bench, made_up, bound = step
    monkeypatch.setattr(foreseen, "MOST_KNOWN", 1)

    made_up.put_unknown(bound, bench.view.signal("x"), [keys_of("a", "b")])

    assert made_up.unknown["s"] is None
    assert [3] == [signal.count for signal in made_up.stand_ins.values()]


def test_a_signal_without_records_is_none(step):
    """Nothing of it is unknown."""
    _, made_up, bound = step

    made_up.put_unknown(bound, None, None)

    assert made_up.view.signal("s") is None
    assert {} == made_up.unknown
