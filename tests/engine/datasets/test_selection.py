"""Which sources a dataset selects."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dsvc.engine.datasets.selections import bind_dataset
from dsvc.engine.reading.inputs import is_source_path, source_path
from dsvc.engine.reading.probe import Probe
from dsvc.errors import DeriveError, TransformFailedError
from dsvc.objects.arrays import to_arrow
from tests.engine.datasets.test_splits import defined_bucket
from tests.engine.signals import keys_of

RECIPE = """
[split.people]
by = "who"
parts = { one = 0.5, two = 0.5 }
[dataset.d]
where = "x >= 2"
columns = { x = "x" }
"""


def selecting(bench, recipe=RECIPE):
    """Return what decides the selection of dataset d, and its SQL engine."""
    bench.write(recipe)
    loader = bench.loader
    return bind_dataset(bench.view, loader, loader.recipe.datasets["d"]).selecting, loader.evaluator


def evaluate(bench, sources, recipe=RECIPE):
    """Return what becomes of sources."""
    chosen, evaluator = selecting(bench, recipe)
    columns = chosen.inputs.take(Probe(chosen.inputs.reader, keys_of(*sources)))
    return to_arrow(chosen.evaluate(evaluator, columns)).to_pylist()


@pytest.fixture
def faces(bench):
    """Five sources, one without x, two without who."""
    bench.put("x", {"a": 1, "b": 2, "c": 3, "e": None})
    bench.put("who", {"a": "ann", "b": "ann", "d": "bob"})
    return bench


def test_only_true_selects(faces):
    """A missing signal is null, a comparison with it too, and null is not true."""
    assert [None, 0, 0, None, None] == evaluate(faces, "abcde")


def test_without_where_everything_is_selected(faces):
    """Every source of the version is in."""
    assert [0] * 5 == evaluate(faces, "abcde", RECIPE.replace('where = "x >= 2"', ""))


def test_the_split_goes_by_the_key_else_the_pointer(faces):
    """Sources of one key are in one part; a source without one is where its pointer says."""
    found = evaluate(faces, "abcde", RECIPE + 'split = "people"')

    def part(key):
        return int(defined_bucket(pa.array([key]), "") >= 2**63)

    assert [None, part("ann"), part("c"), None, None] == found


def test_a_source_that_fails_is_named(faces):
    """A `where` that fails on a source stops, and says which and how to go on."""
    faces.put("text", {"a": "1", "b": "2", "d": "oops"})
    recipe = RECIPE.replace("x >= 2", "CAST(text AS INTEGER) > 1")

    with pytest.raises(TransformFailedError, match=r"step 'd' failed on d: .*oops") as caught:
        evaluate(faces, "abcde", recipe)

    assert "TRY_CAST" in str(caught.value.hint)


def test_a_split_key_that_fails_is_named_too(faces):
    """As a `where`."""
    faces.put("text", {"b": "2", "c": "oops"})
    recipe = RECIPE.replace('by = "who"', 'by = "CAST(text AS INTEGER)"') + 'split = "people"'

    with pytest.raises(TransformFailedError, match=r"failed on c: .*oops"):
        evaluate(faces, "abcde", recipe)


def test_what_is_wrong_for_any_source_blames_none(faces):
    """An expression that is no condition is the recipe's fault."""
    with pytest.raises(DeriveError, match="expected a condition") as caught:
        evaluate(faces, "ab", RECIPE.replace("x >= 2", "x + 2"))

    assert not isinstance(caught.value, TransformFailedError)


def test_present_sources_are_those_of_put_and_ingested_signals(faces):
    """Derived signals add none."""
    faces.write(RECIPE + '[step.s]\nsql = "SELECT x AS s"')
    faces.run()
    chosen, _ = selecting(faces)

    present = chosen.inputs.present(Probe(chosen.inputs.reader, keys_of(*"abcdef")))

    assert {"x", "who"} == set(chosen.inputs.sources)
    assert [True] * 5 + [False] == present.tolist()


def test_touched_sources_are_those_that_came_went_or_changed(faces):
    """Values of signals that are not named touch nothing."""
    faces.write(RECIPE)
    faces.run()
    trace = faces.repo.traces(_transform(faces))[0][1]
    faces.put("who", {"a": "eve"})

    assert () == selecting(faces)[0].touched_inputs(trace)

    faces.put("x", {"a": 5, "z": 1})
    faces.repo.remove("who", ["d"])
    chosen, _ = selecting(faces)
    assert ("x", "sources") == chosen.touched_inputs(trace)
    assert [b"a", b"d", b"z"] == [key for run in chosen.iter_touched(trace) for key in run.keys]
    assert not chosen.equals(trace)


def _transform(bench):
    loader = bench.loader
    return bind_dataset(bench.view, loader, loader.recipe.datasets["d"]).transform


def test_source_paths_are_told_apart():
    """They stand for sources, not for a field."""
    assert "x._source" == source_path("x")
    assert is_source_path(source_path("x"))
    assert not is_source_path("x.y")
