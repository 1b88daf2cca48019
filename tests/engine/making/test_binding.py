"""A step bound to a draft."""

from __future__ import annotations

import pytest

from dsvc.engine.making import loading
from dsvc.engine.making.binding import bind_step, find_derived, partial_ref
from dsvc.errors import DeriveError
from dsvc.objects.oid import Oid

RECIPE = '[step.s]\nsql = "SELECT x + {k} AS s"'


def bind(bench, name="s"):
    """Bind a step of the recipe as it is written."""
    loader = bench.loader
    return bind_step(bench.repo, bench.view, loader, loader.recipe.steps[name])


def test_a_step_without_inputs_is_not_bound(bench):
    """Where no source can have a record there is nothing to identify."""
    bench.put("x", {"a": 1})
    bench.write('[step.s]\nsql = "SELECT x AS s"\n[step.t]\nsql = "SELECT s AS t"')

    assert bind(bench, "s") is not None
    assert bind(bench, "t") is None


def test_what_is_current_is_told_without_the_engine(bench, monkeypatch):
    """The output type of code and input types that did not change is the one there was."""
    bench.put("x", {"a": 1})
    bench.write(RECIPE.format(k=1))
    bench.run()
    monkeypatch.setattr(loading.Loader, "evaluator", property(lambda _: pytest.fail("asked the engine")))

    assert bind(bench).is_current
    bench.put("x", {"b": 1})
    assert not bind(bench).is_current


def test_another_transform_is_not_the_drafts_own(bench):
    """A changed step knows what its signal was made by, and that it was another."""
    bench.put("x", {"a": 1})
    bench.write(RECIPE.format(k=1))
    bench.run()
    first = bind(bench)
    bench.write(RECIPE.format(k=2))

    second = bind(bench)

    assert first.transform == second.was.transform != second.transform
    assert second.match.own is None
    assert 1 == second.before.count


def test_an_input_of_another_type_is_another_transform(bench):
    """The output type is part of the transform hash."""
    bench.put("x", {"a": 1})
    bench.write('[step.s]\nsql = "SELECT x AS s"')
    bench.run()
    before = bind(bench)
    bench.repo.remove("x", ["a"])
    bench.put("x", {"a": "text"})

    after = bind(bench)

    assert ("int64", "string") == (str(before.type), str(after.type))
    assert before.transform != after.transform


def test_records_put_by_hand_are_not_overwritten(bench):
    """A step with the name of a signal that was put is an error."""
    bench.put("x", {"a": 1})
    bench.put("s", {"a": 1})
    bench.write(RECIPE.format(k=1))

    with pytest.raises(DeriveError, match="'s' holds records that were put by hand"):
        bind(bench)


def test_find_derived(bench):
    """The state says how a signal was made."""
    bench.put("x", {"a": 1})
    bench.write(RECIPE.format(k=1))
    assert find_derived(bench.view, "s") is None

    bench.run()

    assert "s" == find_derived(bench.view, "s").name


def test_partial_results_have_a_name_of_their_own():
    """What interrupted runs leave is no trace of the transform."""
    transform = Oid(b"t" * 32)

    assert partial_ref(transform) != transform
    assert partial_ref(transform) == partial_ref(Oid(b"t" * 32))
