"""A sample keeps the lowest buckets of each group, and looks at little to do so."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsvc.engine.datasets import sampling
from dsvc.errors import SchemaError
from tests.engine.conftest import Bench
from tests.engine.datasets.test_splits import defined_bucket

RECIPE = """
[dataset.d]
where = "x >= {least}"
columns = {{ x = "x" }}
sample = {{ max = {most}{more} }}
"""


def make(bench, most=3, least=0, more=""):
    """Run; return what is kept and the report."""
    bench.write(RECIPE.format(most=most, least=least, more=more))
    report = bench.run().datasets[0]
    return {source for source, part in bench.select("d").items() if part == 0}, report


def lowest(sources, most, seed=""):
    """Return the sources of the lowest buckets, by the definition."""
    return set(sorted(sources, key=lambda source: defined_bucket(pa.array([source]), seed))[:most])


@pytest.fixture
def hashed(monkeypatch):
    """Count the pointers that are hashed."""
    counts = []
    original = sampling.hash_sources

    def count(keys, seed):
        counts.append(len(keys))
        return original(keys, seed)

    monkeypatch.setattr(sampling, "hash_sources", count)
    return counts


def test_the_lowest_buckets_are_kept(bench):
    """Of those that `where` selects; every source of the version has a place in the selection."""
    bench.put("x", {f"s{i}": i for i in range(20)})

    kept, _ = make(bench, 5, least=4)

    assert lowest([f"s{i}" for i in range(4, 20)], 5) == kept
    assert 20 == len(bench.select("d"))


def test_a_seed_keeps_others(bench):
    """And equal seeds the same."""
    bench.put("x", {f"s{i}": i for i in range(20)})

    assert lowest([f"s{i}" for i in range(20)], 5, "b") == make(bench, 5, more=', seed = "b"')[0]


def test_each_group_has_its_own_limit(bench):
    """Those without a value are one group."""
    bench.put("x", {f"s{i}": i for i in range(30)})
    bench.put("who", {f"s{i}": ["ann", "bob", None][i % 3] for i in range(28)})

    kept, _ = make(bench, 4, more=', per = "who"')

    groups = [[f"s{i}" for i in range(28) if i % 3 == part] for part in range(2)]
    groups.append([f"s{i}" for i in range(30) if i % 3 == 2 or i >= 28])
    assert set().union(*(lowest(group, 4) for group in groups)) == kept


def test_a_share_is_a_range_of_buckets(bench):
    """Which depends on the pointer alone; then at most so many of them."""
    sources = [f"s{i}" for i in range(40)]
    bench.put("x", dict.fromkeys(sources, 1))
    bench.write('[dataset.d]\ncolumns = { x = "x" }\nsample = { share = 0.5 }')
    bench.run()

    half = {source for source in sources if defined_bucket(pa.array([source]), "") < 2**63}
    assert half == {source for source, part in bench.select("d").items() if part == 0}
    assert lowest(half, 4) == make(bench, 4, more=", share = 0.5")[0]


def test_a_source_stays_as_long_as_it_is_among_the_lowest(bench):
    """An addition drops at most itself from what was kept; a removal lets one in."""
    sources = [f"s{i}" for i in range(30)]
    bench.put("x", dict.fromkeys(sources, 1))
    before, _ = make(bench, 10)
    bench.put("x", {"t1": 1, "t2": 1})
    more, _ = make(bench, 10)

    assert before - more == set() or len(before - more) <= 2
    assert lowest([*sources, "t1", "t2"], 10) == more
    gone = min(before)
    bench.repo.remove("x", [gone])
    assert lowest({*sources, "t1", "t2"} - {gone}, 10) == make(bench, 10)[0]


def test_small_groups_are_not_hashed(bench, hashed):
    """They are kept whole, at first and later."""
    bench.put("x", {f"s{i}": i for i in range(20)})
    bench.put("who", {f"s{i}": "ann" if i < 15 else "bob" for i in range(20)})

    make(bench, 10, more=', per = "who"')
    assert [15] == hashed
    hashed.clear()
    bench.put("x", {"s16": 0})
    assert ("made", 1, 0) == told(make(bench, 10, more=', per = "who"')[1])
    assert [] == hashed


def told(report):
    """Return what matters of a report."""
    return report.status, report.evaluated, report.changed


def test_an_addition_to_a_full_group_hashes_what_it_keeps(bench, hashed):
    """Those left out stay out without a look at them, as long as nothing that was kept goes."""
    bench.put("x", dict.fromkeys([f"s{i}" for i in range(100)], 1))
    make(bench, 10)
    hashed.clear()
    bench.put("x", {"t": 1})

    assert lowest([*(f"s{i}" for i in range(100)), "t"], 10) == make(bench, 10)[0]
    assert [11] == hashed


def test_one_that_goes_makes_room(bench, hashed):
    """Then those left out are hashed too."""
    sources = [f"s{i}" for i in range(100)]
    bench.put("x", dict.fromkeys(sources, 1))
    kept, _ = make(bench, 10)
    hashed.clear()
    gone = min(kept)
    bench.put("x", {gone: -1})

    assert lowest(set(sources) - {gone}, 10) == make(bench, 10)[0]
    assert [9, 90] == hashed


def test_an_edited_threshold_and_back(bench):
    """The way back is a look-up, of candidates and of what is kept."""
    bench.put("x", {f"s{i}": i for i in range(50)})
    first, _ = make(bench, 10)
    before = bench.view.datasets["d"]
    assert lowest([f"s{i}" for i in range(25, 50)], 10) == make(bench, 10, least=25)[0]

    kept, report = make(bench, 10)

    assert (first, "taken", 0) == (kept, report.status, report.evaluated)
    assert before == bench.view.datasets["d"]


def test_another_limit_evaluates_no_condition(bench):
    """Only the sample is taken again."""
    bench.put("x", {f"s{i}": i for i in range(50)})
    make(bench, 10)

    kept, report = make(bench, 12)

    assert (lowest([f"s{i}" for i in range(50)], 12), 0) == (kept, report.evaluated)


def test_a_change_that_selects_nothing_else_keeps_the_selection(bench):
    """Early cutoff: equal candidates have an equal sample, whatever their values."""
    bench.put("x", {f"s{i}": i + 1 for i in range(50)})
    make(bench, 10)
    before = bench.view.root.datasets
    bench.put("x", {"s7": 99})

    assert ("made", 1, 0) == told(make(bench, 10)[1])
    assert before == bench.view.root.datasets


def test_over_many_sources(bench):
    """Several chunks and batches of them."""
    sources = [f"s3://bucket/{i * 7919 % 10_007:05}" for i in range(9000)]
    bench.put("x", {source: i for i, source in enumerate(sources)})
    bench.put("who", {source: i % 5 for i, source in enumerate(sources)})

    kept, _ = make(bench, 100, least=500, more=', per = "who"')
    groups = [[s for i, s in enumerate(sources) if i % 5 == part and i >= 500] for part in range(5)]
    assert set().union(*(lowest(group, 100) for group in groups)) == kept
    bench.put("who", {sources[600]: 3, sources[777]: 0})
    bench.put("x", dict.fromkeys(sources[1000:1300], 0))
    kept, _ = make(bench, 100, least=500, more=', per = "who"')
    who = {source: i % 5 for i, source in enumerate(sources)} | {sources[600]: 3, sources[777]: 0}
    rest = [source for i, source in enumerate(sources) if i >= 500 and not 1000 <= i < 1300]
    groups = [[source for source in rest if who[source] == part] for part in range(5)]
    assert set().union(*(lowest(group, 100) for group in groups)) == kept


def test_what_cannot_be_told_as_it_was_is_looked_at_anew(bench):
    """A field that a signal has since; one that it has no more is an error."""
    sources = [f"s{i}" for i in range(40)]
    bench.put("x", dict.fromkeys(sources, 1))
    bench.put("who", {source: {"a": 1} for source in sources})
    bench.write(RECIPE.format(most=5, least=0, more=', per = "who.a"'))
    bench.run()
    table = pa.table({"source": sources[:20], "who": [{"b": 2}] * 20})
    bench.repo.put("who", table, producer="w@1", replace=True)

    with pytest.raises(SchemaError, match="no field 'a'"):
        bench.run()
    assert lowest(sources[:20], 5) | lowest(sources[20:], 5) == make(bench, 5, more=', per = "who.b"')[0]
    bench.repo.put("who", pa.table({"source": sources, "who": [{"c": 2}] * 40}), producer="w@1", replace=True)
    assert lowest(sources, 5) == make(bench, 5, more=', per = "who.c"')[0]


def test_after_many_changes_all_are_looked_at_anew(bench, hashed):
    """It is the shorter way: each candidate is hashed once."""
    bench.put("x", dict.fromkeys([f"s{i}" for i in range(100)], 1))
    make(bench, 10)
    hashed.clear()
    bench.put("x", dict.fromkeys([f"s{i}" for i in range(60)], -1))

    assert lowest([f"s{i}" for i in range(60, 100)], 10) == make(bench, 10)[0]
    assert [40] == hashed


EDITS = st.lists(
    st.dictionaries(st.integers(0, 25), st.tuples(st.integers(-2, 3), st.none() | st.integers(0, 2)), max_size=6),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(EDITS, st.integers(1, 8), st.booleans(), st.integers(1, 4))
def test_any_edits_keep_the_lowest(tmp_path_factory, edits, most, grouped, batch):
    """Whatever came, went or changed its group, and however sources are batched."""
    bench = Bench(tmp_path_factory.mktemp("sample") / "r")
    known: dict[str, tuple[int, int | None]] = {}
    rows = sampling.ROWS
    sampling.ROWS = batch
    try:
        for edit in edits:
            for i, (x, who) in edit.items():
                known[f"s{i}"] = x, who
            if known:
                bench.put("x", {source: x for source, (x, _) in known.items()}, type_=pa.int64())
                bench.put("who", {source: who for source, (_, who) in known.items()}, type_=pa.int64())
                kept, _ = make(bench, most, more=', per = "who"' if grouped else "")
                inside = {source: who for source, (x, who) in known.items() if x >= 0}
                groups = {who if grouped else 0 for who in inside.values()}
                members = [[s for s, who in inside.items() if not grouped or who == group] for group in groups]
                assert set().union(*(lowest(group, most) for group in members)) == kept
    finally:
        sampling.ROWS = rows
