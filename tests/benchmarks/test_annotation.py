"""A small simulated quarter through the product's own turns; the whole one is printed by benchmarks/annotation.py."""

import importlib.util
from pathlib import Path

import pytest

from dsvc.annotation.staging.expiry import DAY_US

_PATH = Path(__file__).parents[2] / "benchmarks" / "annotation.py"


@pytest.fixture(scope="module")
def benchmark():
    """Load the benchmark as a module."""
    spec = importlib.util.spec_from_file_location("benchmarks_annotation", _PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("model", ["rolling", "daily sweep", "lifecycle"])
@pytest.mark.parametrize("load", [0.9, 1.5])
def test_a_fortnight_wastes_almost_nothing(benchmark, model, load):
    """Two weeks of a team of whom two fifths leave after one: almost no copy expires, and nobody waits for work."""
    quarter = benchmark.simulate(model, load, days=14, people=5, mean_s=600.0, seed=1)

    assert quarter.expired_share <= benchmark.MOST_EXPIRED[model]
    assert quarter.uploads_per_answer <= benchmark.MOST_UPLOADS
    assert quarter.throughput >= 0.975  # of a small team, one answer less an evening is one in a hundred
    assert quarter.oldest_h * 3.6e9 < DAY_US


def test_a_table_says_what_is_over_its_bar(benchmark):
    """Each quarter is a row, and what does not hold is marked."""
    fields = {"asked": 100, "at_once": 100, "peak_staged": 5, "oldest_h": 1.0, "seconds": 1.0}
    good = benchmark.Quarter("rolling", 0.9, answered=99, uploads=100, expired=0, **fields)
    bad = benchmark.Quarter("rolling", 0.9, answered=99, uploads=100, expired=1, **fields)

    assert good.is_within
    assert not bad.is_within
    lines = benchmark.render_table([good, bad]).splitlines()
    assert ["ok |", "r** |"] == [line[-4:] if number == 0 else line[-5:] for number, line in enumerate(lines[2:])]
