"""What a run would find at one step."""

from __future__ import annotations

import numpy as np

from dsvc.engine.planning.forecast import STALE, Part, StepForecast
from tests.engine.signals import keys_of


def forecast_of(*parts: Part) -> StepForecast:
    """Return a forecast of these records, counted."""
    forecast = StepForecast("s", STALE, labels=["changed x", "new source"])
    for part in parts:
        forecast.count(part)
    forecast.iter_parts = lambda: iter(parts)
    return forecast


def part(sources: str, codes: list[int], certain: list[bool]) -> Part:
    """Return some records."""
    return Part(keys_of(*sources), np.array(codes), np.array(certain))


def test_certain_records_are_counted_with_their_reasons():
    """Others only widen the range."""
    forecast = forecast_of(part("abc", [0, 1, 0], [True, True, False]), part("d", [0], [True]))

    assert (3, 4) == (forecast.lower, forecast.upper)
    assert {"changed x": 2, "new source": 1} == forecast.reasons
    assert ("c", "changed x; may be cut off") == [*forecast.rows()][2]


def test_a_doubtful_forecast_has_no_certain_record():
    """All of them may come from somewhere else."""
    forecast = forecast_of(part("ab", [0, 1], [True, True]))
    forecast.doubt()

    assert (0, 2, {}) == (forecast.lower, forecast.upper, forecast.reasons)
    assert ["changed x; may be cut off", "new source; may be cut off"] == [why for _, why in forecast.rows()]
