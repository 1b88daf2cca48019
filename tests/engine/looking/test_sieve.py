"""Where each source stops on its way into a dataset."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsvc.engine.looking.sieve import Gate, Sieve
from dsvc.errors import TransformFailedError
from tests.engine.conftest import Bench

RECIPE = """
[split.people]
by = "who"
parts = { one = 0.4, two = 0.4 }
[dataset.base]
where = "x > 0"
columns = { x = "x" }
[dataset.d]
from = "base"
where = "x >= 2 AND y < 3 AND (who = 'ann' OR x = 3)"
columns = { x = "x" }
sample = { share = 0.5 }
split = "people"
"""


def sift(bench, name="d"):
    """Return source -> (the stage it stops at, what it lacks, its part), and the stages."""
    loader = bench.loader
    sieve = Sieve(bench.view, loader, loader.recipe.datasets[name])
    found = {}
    for columns in sieve.scan():
        sifted = sieve.sift(columns)
        for row, key in enumerate(columns.keys):
            at, lack = int(sifted.stopped[row]), int(sifted.lacks[row])
            stop = None if at < 0 else sieve.gates[at].text
            why = None if lack < 0 else sieve.lacking.whys[lack]
            found[key.decode()] = (stop, None if why is None else tuple(why), int(sifted.parts[row]))
    return found, sieve.gates


def test_stages_come_in_order(bench):
    """The other dataset, each term, standings, the share, the split."""
    bench.put("x", {"a": 1})
    bench.put("y", {"a": 1})
    bench.put("who", {"a": "ann"})
    bench.write(RECIPE)
    bench.run()

    assert (
        Gate("from", "base"),
        Gate("where", "x >= 2"),
        Gate("where", "y < 3"),
        Gate("where", "(who = 'ann' OR x = 3)"),
        Gate("take", "final"),
        Gate("sample", "0.5"),
        Gate("split", "people"),
    ) == sift(bench)[1]


SOURCES = [f"s{n}" for n in range(24)]
VALUES = st.none() | st.integers(0, 4)
SIGNAL = st.dictionaries(st.sampled_from(SOURCES), VALUES)


@settings(max_examples=20)
@given(SIGNAL, SIGNAL, st.dictionaries(st.sampled_from(SOURCES), st.sampled_from(["ann", "bob", "cyd"])))
def test_who_passes_all_is_who_a_run_selects(tmp_path_factory, xs, ys, whos):
    """In the same part; each other stops at the first stage that is not true of it, and what lacks is null."""
    bench = Bench(tmp_path_factory.mktemp("r") / "faces")
    for name, records, type_ in (("x", xs, pa.int64()), ("y", ys, pa.int64()), ("who", whos, pa.string())):
        bench.put(name, records, type_=type_)
    bench.known |= {"x", "y", "who"}
    bench.write(RECIPE)
    bench.run(only=["base"])
    found, _ = sift(bench)
    bench.run()
    assert found == sift(bench)[0]
    sources = {*xs, *ys, *whos}

    assert sources == found.keys()
    if sources:
        selected = bench.select("d")
        assert {s: part for s, part in selected.items() if part is not None} == {
            s: part for s, (stop, _, part) in found.items() if stop is None
        }
    for source, (stop, lack, _) in found.items():
        x, y, who = xs.get(source), ys.get(source), whos.get(source)
        where = [("x >= 2", x, x is not None and x >= 2), ("y < 3", y, y is not None and y < 3)]
        expected, lacks = next(((text, value is None) for text, value, is_true in where if not is_true), (None, False))
        if not (x is not None and x > 0):
            expected, lacks = "base", False
        if expected is not None:
            assert (expected, lacks) == (stop, lack is not None)
        elif stop == "(who = 'ann' OR x = 3)":
            assert x != 3
            assert (who is None) == (lack is not None)


def test_what_is_not_taken_may_fail(bench):
    """A condition that nobody would ask of a source is not asked of it either; what else fails is named."""
    bench.put("text", {"a": "1", "b": "2"})
    bench.repo.put("text", pa.table({"source": ["c"], "text": ["oops"]}), producer="w@1")
    bench.write('[dataset.d]\nwhere = "CAST(text AS INTEGER) > 1"\ncolumns = { t = "text" }')

    with pytest.raises(TransformFailedError, match="failed on c"):
        sift(bench)
