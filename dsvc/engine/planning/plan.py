"""What a run would make again and why, counted before anything runs.

Where a step's inputs are known, so is every record that must run.  Downstream of records that must run it is not: a
new value may be the old one, and then everything after it is cut off.  There a plan says a range, from what is certain
to what can be reached.  Failures are not foreseen.

Nothing is executed, and nothing is written: what steps would leave behind, as far as it is known, is made up in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa

from dsvc.annotation.keeping.guidelines import find_edited
from dsvc.annotation.keeping.ledger import read_ledger
from dsvc.annotation.under_way import UnderWay
from dsvc.engine.datasets.selections import bind_dataset
from dsvc.engine.making.loading import Loader
from dsvc.engine.planning.estimates import Estimate, estimate
from dsvc.engine.planning.forecast import NEW, REMOVED, STALE, UNCHANGED, StepForecast
from dsvc.engine.planning.planned import ROWS, iter_rows, tell_mechanics
from dsvc.engine.planning.predict import Predictor
from dsvc.engine.planning.reasons import kind_of
from dsvc.engine.planning.task_plan import TaskPlan, plan_task, tell_renamed
from dsvc.engine.reading.facts import Facts
from dsvc.errors import CheckoutError, UserError
from dsvc.plugins.manager import Plugins
from dsvc.recipe.declared import find_changed_code
from dsvc.recipe.nodes import derives, iter_nodes
from dsvc.recipe.spec import DatasetSpec, Recipe
from dsvc.repo.base import BaseRepository
from dsvc.repo.names import nearest
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
    kind: str = ""
    """The sort of reason, as `dsvc.engine.planning.reasons.kind_of` names it."""


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
    seconds: Estimate | None = None
    """How long it may take; None where no run has measured the step."""
    transform: str | None = None
    """Its transform hash in hex; None where it can have no record."""


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
        warnings: What else somebody should know before running, in whole sentences.
        tasks: What people would have to do, in the order of the recipe.
    """

    def __init__(
        self,
        steps: tuple[StepPlan, ...],
        datasets: tuple[DatasetPlan, ...],
        forecasts: tuple[StepForecast, ...],
        warnings: tuple[str, ...] = (),
        tasks: tuple[TaskPlan, ...] = (),
    ) -> None:
        self.steps = steps
        self.datasets = datasets
        self.warnings = warnings
        self.tasks = tasks
        self._forecasts = forecasts

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        return {step.status for step in self.steps} | {dataset.status for dataset in self.datasets} <= {"unchanged"}

    @property
    def run(self) -> Count:
        """Records of all steps that must run."""
        return Count(sum(step.run.lower for step in self.steps), sum(step.run.upper for step in self.steps))

    @property
    def seconds(self) -> Estimate:
        """How long the steps that were ever measured may take together."""
        known = [step.seconds for step in self.steps if step.seconds is not None]
        is_measured = all(seconds.is_measured for seconds in known)
        return Estimate(sum(item.lower for item in known), sum(item.upper for item in known), is_measured)

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """The steps with something to make that no run has measured."""
        asking = {task.name for task in self.tasks}  # resolving takes no time worth a word
        return tuple(step.name for step in self.steps if step.seconds is None and step.name not in asking)

    def rows(self, steps: Collection[str] | None = None) -> Iterator[tuple[str, str, str]]:
        """Yield (step, source, why) for every record that must run or may have to, by step and source.

        Reads the inputs again; of a step that depends on what must run first, records that may be cut off are among
        them, and their `why` says so.

        Args:
            steps: Only those of these steps.
        """
        for forecast in self._chosen(steps):
            for source, why in forecast.rows():
                yield forecast.name, source, why

    def batches(self, steps: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield every record that a run would touch, in batches of `ROWS`, in bounded memory.

        Args:
            steps: Only those of these steps.

        Raises:
            UserError: If there is no such step.
        """
        for forecast in self._chosen(steps):
            yield from iter_rows(forecast)

    def table(self, steps: Collection[str] | None = None) -> pa.Table:
        """Return every record that a run would touch, as one table; `batches` gives them in bounded memory."""
        return pa.Table.from_batches(self.batches(steps), ROWS)

    def write_arrow(self, sink: str | IO[bytes], steps: Collection[str] | None = None) -> int:
        """Write what `batches` yields as an Arrow IPC stream, and return the number of records.

        Args:
            sink: A path, or a file to write to, which stays open.
            steps: Only those of these steps.

        Raises:
            CheckoutError: If there can be no file at the path.
        """
        self.check(steps or ())  # before a file is touched
        if isinstance(sink, str):
            try:
                with Path(sink).open("wb") as file:
                    return self.write_arrow(file, steps)
            except OSError as err:
                raise CheckoutError(path=Path(sink), reason=err.strerror or str(err)) from None
        n_rows = 0
        with pa.ipc.new_stream(sink, ROWS) as writer:
            for batch in self.batches(steps):
                writer.write_batch(batch)
                n_rows += batch.num_rows
        return n_rows

    def mechanics(self, step: str) -> Iterator[str]:
        """Yield how a run would go about a step: its transform hash, and which traces answer; reads their list."""
        for forecast in self._chosen([step]):
            if forecast.bound is not None:
                yield from tell_mechanics(forecast.bound)

    def check(self, steps: Collection[str]) -> None:
        """Refuse steps that are not in the plan.

        Raises:
            UserError: If there is no such step; the hint gives the nearest.
        """
        known = [forecast.name for forecast in self._forecasts]
        for name in steps:
            if name not in known:
                close = nearest(name, known)
                hint = f"did you mean {close!r}?" if close else f"there are: {', '.join(known) or 'none'}"
                raise UserError(message=f"the plan has no step {name!r}", hint=hint)

    def _chosen(self, steps: Collection[str] | None) -> list[StepForecast]:
        self.check(steps or ())
        return [forecast for forecast in self._forecasts if steps is None or forecast.name in steps]

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return {
            "steps": [msgspec.to_builtins(step) for step in self.steps],
            "datasets": [msgspec.to_builtins(dataset) for dataset in self.datasets],
            "tasks": [msgspec.to_builtins(task) for task in self.tasks],
            "run": msgspec.to_builtins(self.run),
            "seconds": msgspec.to_builtins(self.seconds),
            "unmeasured": list(self.unmeasured),
            "is_current": self.is_current,
            "warnings": list(self.warnings),
        }


def plan(
    repo: BaseRepository,
    recipe: Recipe,
    plugins: Plugins,
    *,
    facts: Facts | None = None,
    under_way: UnderWay | None = None,
) -> Plan:
    """Say what a run of the recipe on the draft would make again, and why.

    Costs ids alone where nothing is stale, else what changed.

    Args:
        repo: Whose draft.
        recipe: What to make.
        plugins: Offers transforms.
        facts: What people answered; what the ledger holds by now if None.
        under_way: What is known of asks that no version waits for, and of the team.

    Raises:
        DeriveError: If a step cannot run at all.
        RecipeError: If the recipe leaves something open that must be known.
    """
    view = repo.view(DRAFT_REVISION)
    loader = Loader(recipe, plugins, facts)
    predictor = Predictor(repo, view, loader)
    gone = [entry.name for entry in view.state.derived if not derives(recipe, entry.name)]
    forecasts = [predictor.forecast_gone(name) for name in gone]
    forecasts += [predictor.forecast(node) for node in iter_nodes(recipe)]
    dropped = [entry.name for entry in view.state.datasets if entry.name not in recipe.datasets]
    datasets = [DatasetPlan(name, REMOVED) for name in dropped]
    datasets += [plan_dataset(predictor, loader, spec) for spec in recipe.datasets.values()]
    steps = tuple(_plan_step(repo, forecast) for forecast in forecasts)
    changed = find_changed_code(repo.store.refs, recipe.directory)
    found = {forecast.name: forecast for forecast in forecasts}
    unknown = predictor.unknown.keys()
    tasks = [
        plan_task(repo, loader, view, task, found[name], predictor.view, unknown, under_way)
        for name, task in recipe.tasks.items()
    ]
    warnings = [item.sentence for item in changed]
    if tasks:
        ledger = read_ledger(repo.store)
        warnings += [item.sentence for item in find_edited(ledger, recipe.directory, recipe.tasks.values())]
        warnings += tell_renamed(view, recipe, ledger)
    return Plan(steps, tuple(datasets), tuple(forecasts), tuple(warnings), tuple(tasks))


def _plan_step(repo: BaseRepository, forecast: StepForecast) -> StepPlan:
    reasons = sorted(forecast.reasons.items(), key=lambda item: (-item[1], item[0]))
    return StepPlan(
        forecast.name,
        forecast.status,
        Count(forecast.lower, forecast.upper),
        forecast.reuse,
        forecast.remove,
        forecast.waiting,
        forecast.change,
        tuple(Reason(why, records, kind_of(why)) for why, records in reasons),
        estimate(repo, forecast),
        None if forecast.transform is None else forecast.transform.hex(),
    )


def plan_dataset(predictor: Predictor, loader: Loader, spec: DatasetSpec) -> DatasetPlan:
    """Say what a run would do for one dataset, once all steps were forecast."""
    bound = bind_dataset(predictor.view, loader, spec)
    if bound.was is None:
        return DatasetPlan(spec.name, NEW)
    if bound.was.definition != bound.definition:
        return DatasetPlan(spec.name, STALE, ("definition",))
    opened = tuple(name for name in bound.selecting.inputs.signals if name in predictor.unknown)
    if spec.base is not None:
        base = plan_dataset(predictor, loader, loader.recipe.datasets[spec.base])
        opened = opened if base.status == UNCHANGED else (spec.base, *opened)
    if opened:
        return DatasetPlan(spec.name, OPEN, opened)
    if bound.has_equal_inputs or bound.own is None:
        return DatasetPlan(spec.name, UNCHANGED if bound.has_equal_inputs else STALE)
    touched = bound.selecting.touched_inputs(bound.own[1])
    return DatasetPlan(spec.name, STALE if touched else UNCHANGED, touched)
