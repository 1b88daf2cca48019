"""Which sources of a dataset have a record of each signal, and whose."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from dsvc.engine.looking.coverage import Producing, measure_coverage
from dsvc.engine.looking.lacks import NO_RECORD, Lack
from tests.engine.conftest import Bench

INT = pa.int64()

RECIPE = """
[step.s]
python = "steps:s"
inputs = ["x"]
[dataset.d]
where = "x > 1"
columns = { s = "s", y = "y" }
"""
CODE = """
def s(x) -> int:
    if x == 3:
        raise ValueError("three")
    return x
"""


def cover(bench, *signals, dataset="d"):
    """Return the coverage of signals over a dataset, by signal."""
    view = bench.view
    selection = None if dataset is None else view.selection(view.dataset(dataset))
    return {item.signal: item for item in measure_coverage(view, selection, signals)}


def test_records_are_counted_by_producer_and_version(bench):
    """Of the selected sources alone; nulls are records."""
    bench.put("x", {"a": 1, "b": 2, "c": 3, "d": 4})
    bench.put("y", {"a": 1, "b": None, "c": 1}, producer="w@1")
    bench.put("y", {"c": 5}, producer="w@2")
    bench.write(RECIPE, steps=CODE)
    bench.run()
    found = cover(bench, "y", "s", "nothing")

    y = found["y"]
    assert ("int64", 3, 2, 1) == (y.type, y.sources, y.records, y.nulls)
    assert (Producing("w", "1", "import", "final", 1), Producing("w", "2", "import", "final", 1)) == y.producers
    assert (Lack("y", NO_RECORD, 1),) == y.lacks
    assert (Lack("s", "failed", 1),) == found["s"].lacks
    assert (None, 0, (Lack("nothing", NO_RECORD, 3),)) == (
        found["nothing"].type,
        found["nothing"].records,
        found["nothing"].lacks,
    )


def test_global_is_all_sources(bench):
    """A derived record without its source is none of them."""
    bench.put("x", {"a": 1, "b": 2})
    bench.put("y", {"b": 1})
    bench.write(RECIPE, steps=CODE)
    bench.run()
    bench.put("y", {"c": 1})
    bench.repo.remove("x", ["a"])

    assert (2, 1) == (cover(bench, "s", dataset=None)["s"].sources, cover(bench, "s", dataset=None)["s"].records)


@settings(max_examples=15)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 4), min_size=1),
    st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.none() | st.just(1), st.sampled_from("123"))),
)
def test_counts_are_those_of_counting(tmp_path_factory, xs, ys):
    """Whatever is selected, and whoever made what."""
    bench = Bench(tmp_path_factory.mktemp("r") / "faces")
    bench.put("x", xs)
    for source, (value, version) in ys.items():
        bench.put("y", {source: value}, producer=f"w@{version}", type_=INT)
    bench.write('[dataset.d]\nwhere = "x > 1"\ncolumns = { x = "x" }')
    bench.run()
    selected = {source for source, x in xs.items() if x > 1}
    y = cover(bench, "y")["y"]
    here = {source: made for source, made in ys.items() if source in selected}

    assert (len(selected), len(here)) == (y.sources, y.records)
    assert sum(value is None for value, _ in here.values()) == y.nulls
    assert Counter(version for _, version in here.values()) == {item.version: item.records for item in y.producers}
    assert len(selected) - len(here) == sum(lack.sources for lack in y.lacks)
