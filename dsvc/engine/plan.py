"""What a run would make again and why, counted before anything runs.

Where a step's inputs are known, so is every record that must run.  Downstream of records that must run it is not: a
new value may be the old one, and then everything after it is cut off.  There a plan says a range, from what is certain
to what can be reached.  Failures are not foreseen.

Nothing is executed, and nothing is written: what steps would leave behind, as far as it is known, is made up in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dsvc.engine.datasets import bind_dataset
from dsvc.engine.loading import Loader
from dsvc.engine.predict import NEW, REMOVED, STALE, UNCHANGED, Predictor, StepForecast
from dsvc.plugins.manager import Plugins
from dsvc.recipe.spec import DatasetSpec, Recipe
from dsvc.repo.base import BaseRepository
from dsvc.repo.refs import DRAFT_REVISION

OPEN = "open"


class Count(msgspec.Struct, frozen=True):
    """How many, as far as it is known."""

    lower: int
    upper: int

    @property
    def is_exact(self) -> bool:
        """Whether there is nothing left open."""
        return self.lower == self.upper

    def __str__(self) -> str:
        return f"{self.lower:,}" if self.is_exact else f"{self.lower:,} to {self.upper:,}"


class Reason(msgspec.Struct, frozen=True):
    """Why some records must run."""

    why: str
    records: int


class StepPlan(msgspec.Struct, frozen=True):
    """What a run would do for one step."""

    name: str
    status: str
    """``unchanged``, ``new``, ``stale``, or ``removed`` as the recipe has it no more."""
    run: Count
    """Records that must run."""
    reuse: int = 0
    """Records that traces answer instead."""
    remove: int = 0
    """Records that go."""
    waiting: int = 0
    """Sources whose record failed with the inputs they have; `run(retry_failed=True)` runs them."""
    change: str | None = None
    """What of the step changed, where its transform hash is another one."""
    reasons: tuple[Reason, ...] = ()
    """Why records must run, for those of which it is certain; most first."""


class DatasetPlan(msgspec.Struct, frozen=True):
    """What a run would do for one dataset."""

    name: str
    status: str
    """``unchanged``, ``new``, ``stale``, ``removed``, or ``open`` where steps must run before one can tell."""
    why: tuple[str, ...] = ()
    """``definition``, ``sources``, or the inputs that changed."""


class Plan:
    """What a run would do.

    Attributes:
        steps: In the order they run, steps the recipe has no more first.
        datasets: In the order of the recipe.
    """

    def __init__(
        self, steps: tuple[StepPlan, ...], datasets: tuple[DatasetPlan, ...], forecasts: tuple[StepForecast, ...]
    ) -> None:
        self.steps = steps
        self.datasets = datasets
        self._forecasts = forecasts

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        return {step.status for step in self.steps} | {dataset.status for dataset in self.datasets} <= {"unchanged"}

    @property
    def run(self) -> Count:
        """Records of all steps that must run."""
        return Count(sum(step.run.lower for step in self.steps), sum(step.run.upper for step in self.steps))

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield (step, source, why) for every record that must run or may have to, by step and source.

        Reads the inputs again; of a step that depends on what must run first, records that may be cut off are among
        them, and their `why` says so.
        """
        for forecast in self._forecasts:
            for source, why in forecast.rows():
                yield forecast.name, source, why

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return {
            "steps": [msgspec.to_builtins(step) for step in self.steps],
            "datasets": [msgspec.to_builtins(dataset) for dataset in self.datasets],
            "run": msgspec.to_builtins(self.run),
            "is_current": self.is_current,
        }


def plan(repo: BaseRepository, recipe: Recipe, plugins: Plugins) -> Plan:
    """Say what a run of the recipe on the draft would make again, and why.

    Costs ids alone where nothing is stale, else what changed.

    Args:
        repo: Whose draft.
        recipe: What to make.
        plugins: Offers transforms.

    Raises:
        DeriveError: If a step cannot run at all.
        RecipeError: If the recipe leaves something open that must be known.
    """
    view = repo.view(DRAFT_REVISION)
    loader = Loader(recipe, plugins)
    predictor = Predictor(repo, view, loader)
    gone = [entry.name for entry in view.state.derived if entry.name not in recipe.steps]
    forecasts = [predictor.forecast_gone(name) for name in gone]
    forecasts += [predictor.forecast(recipe.steps[name]) for name in recipe.order]
    dropped = [entry.name for entry in view.state.datasets if entry.name not in recipe.datasets]
    datasets = [DatasetPlan(name, REMOVED) for name in dropped]
    datasets += [_plan_dataset(predictor, loader, spec) for spec in recipe.datasets.values()]
    return Plan(tuple(_plan_step(forecast) for forecast in forecasts), tuple(datasets), tuple(forecasts))


def _plan_step(forecast: StepForecast) -> StepPlan:
    reasons = sorted(forecast.reasons.items(), key=lambda item: (-item[1], item[0]))
    return StepPlan(
        forecast.name,
        forecast.status,
        Count(forecast.lower, forecast.upper),
        forecast.reuse,
        forecast.remove,
        forecast.waiting,
        forecast.change,
        tuple(Reason(why, records) for why, records in reasons),
    )


def _plan_dataset(predictor: Predictor, loader: Loader, spec: DatasetSpec) -> DatasetPlan:
    bound = bind_dataset(predictor.view, loader, spec)
    if bound.was is None:
        return DatasetPlan(spec.name, NEW)
    if bound.was.definition != bound.definition:
        return DatasetPlan(spec.name, STALE, ("definition",))
    opened = tuple(name for name in bound.selecting.inputs.signals if name in predictor.unknown)
    if opened:
        return DatasetPlan(spec.name, OPEN, opened)
    if bound.has_equal_inputs or bound.own is None:
        return DatasetPlan(spec.name, UNCHANGED if bound.has_equal_inputs else STALE)
    touched = bound.selecting.touched_inputs(bound.own[1])
    return DatasetPlan(spec.name, STALE if touched else UNCHANGED, touched)
