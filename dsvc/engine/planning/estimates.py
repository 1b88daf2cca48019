"""How long a step may take: the records to make, at the rate that runs on this machine have measured."""

from __future__ import annotations

import msgspec

from dsvc.engine.making.rates import read_rate
from dsvc.engine.planning.forecast import StepForecast
from dsvc.repo.workspace import Workspace


class Estimate(msgspec.Struct, frozen=True):
    """Wall seconds, from the least to the most records that may run."""

    lower: float
    upper: float
    is_measured: bool = True
    """False where the rate is that of the step before it changed: this very step has not run yet."""


def estimate(repo: Workspace, forecast: StepForecast) -> Estimate | None:
    """Return how long one step may take; None where neither it nor what it was before has ever been measured."""
    if not forecast.upper:
        return Estimate(0.0, 0.0)
    bound = forecast.bound
    now = None if forecast.transform is None else read_rate(repo, forecast.transform)
    was = bound.was if bound is not None and now is None else None
    rate = now if was is None else read_rate(repo, was.transform)
    return None if rate is None else Estimate(forecast.lower * rate, forecast.upper * rate, now is not None)
