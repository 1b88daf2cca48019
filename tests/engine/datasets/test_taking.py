"""Which sources a dataset leaves out, for the standing of one of their records."""

from __future__ import annotations

import pytest

from dsvc.engine.datasets.selections import bind_dataset
from dsvc.engine.datasets.taking import STANDINGS

RECIPE = """
[dataset.d]
{where}
columns = {{ {columns} }}
{take}
"""


def make(bench, take="", where="", columns='x = "x"'):
    """Run the recipe; return the sources of the dataset, and what the report says."""
    take = f"take = {take}" if take else ""
    bench.write(RECIPE.format(take=take, where=where and f'where = "{where}"', columns=columns))
    report = bench.run().datasets[0]
    return "".join(source for source, part in bench.select("d").items() if part == 0), report


@pytest.fixture
def faces(bench):
    """One source of each standing, a stale one, one without x."""
    standings = {"a": "final", "b": "unaudited", "c": "contested", "d": "unusable", "e": "final", "f": "unaudited"}
    bench.stand("x", {source: (1, name) for source, name in standings.items()}, stale="ef")
    bench.put("y", dict.fromkeys("abg", 1))
    return bench


@pytest.mark.parametrize(
    "take,expected",
    [
        ("", "ag"),
        ('["final"]', "ag"),
        ('["final", "unaudited"]', "abg"),
        ('["final", "contested", "unusable"]', "acdg"),
        ('["final", "stale"]', "aefg"),
        ('["stale"]', "efg"),
        ('["unaudited"]', "bg"),
    ],
)
def test_what_is_not_named_stays_out(faces, take, expected):
    """A stale record is that whatever its standing was; a missing one keeps nothing out."""
    assert expected == make(faces, take)[0]


def test_a_signal_that_is_not_named_keeps_nothing_out(faces):
    """Whatever its records are worth."""
    assert "abcdefg" == make(faces, columns='y = "y"')[0]
    assert "abg" == make(faces, columns='y = "y"', where="y = 1")[0]
    assert "ag" == make(faces, columns='y = "y"', where="y = 1 AND (x IS NULL OR x = 1)")[0]


def test_a_missing_record_is_for_where_to_judge(faces):
    """A source without x has none of a wrong standing."""
    assert "g" == make(faces, where="x IS NULL")[0]
    assert "a" == make(faces, where="x IS NOT NULL")[0]


def test_a_standing_that_changes_evaluates_the_source(faces):
    """And no other; the value is the same."""
    make(faces)
    x = {"a": "final", "b": "final", "c": "contested", "d": "unusable", "e": "final", "f": "unaudited"}
    faces.stand("x", {source: (1, name) for source, name in x.items()}, stale="f")

    plan = faces.plan().datasets[0]
    assert ("stale", ("take",)) == (plan.status, plan.why)
    chosen, report = make(faces)
    assert ("abeg", 2, 2) == (chosen, report.evaluated, report.changed)


def test_another_take_evaluates_what_it_lets_in(faces):
    """What a dataset takes is compared by the sources that it leaves out; taken back, nothing is evaluated."""
    make(faces)

    assert ("abg", 1) == ((made := make(faces, '["final", "unaudited"]'))[0], made[1].evaluated)
    assert ("ag", "taken", 0) == ((made := make(faces))[0], made[1].status, made[1].evaluated)


def test_final_records_are_no_input(bench):
    """A selection over them depends on what it always did; what was looked at is noted, not to look again."""
    bench.put("x", {"a": 1, "b": 2})
    make(bench, where="x > 1")
    bound = bind_dataset(bench.view, bench.loader, bench.loader.recipe.datasets["d"])
    _, trace = bench.repo.traces(bound.transform)[0]

    assert ["x", "x._source", STANDINGS] == [entry.path for entry in trace.inputs]


def test_many_sources_of_many_standings(bench):
    """Over several chunks, read in any order of evaluation."""
    sources = [f"s3://bucket/{i:05}" for i in range(9000)]
    standings = ["final" if i % 7 else "unaudited" for i in range(9000)]
    bench.stand("x", {s: (i, name) for i, (s, name) in enumerate(zip(sources, standings, strict=True))}, sources[:50])
    bench.write('[dataset.d]\nwhere = "x % 2 = 0"\ncolumns = { x = "x" }')
    bench.run()

    expected = {s: 0 if i % 7 and i % 2 == 0 and i >= 50 else None for i, s in enumerate(sources)}
    assert expected == bench.select("d")
