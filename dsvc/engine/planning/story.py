"""The story of one source: what a run would do to each of its records, and why, told from the plan of that run.

What a plan says of a record is looked up in the plan itself; beside it stand the inputs that the record was made
from, those there are now, and who gave them.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from dsvc.engine.making.loading import Loader
from dsvc.engine.making.output import REASON_PENDING
from dsvc.engine.making.traces import Answers
from dsvc.engine.planning.forecast import StepForecast
from dsvc.engine.planning.makers import Maker, find_makers
from dsvc.engine.planning.plan import DatasetPlan, plan_dataset
from dsvc.engine.planning.predict import Predictor
from dsvc.engine.planning.reasons import REMOVED
from dsvc.engine.reading.fields import same_bits
from dsvc.engine.reading.inputs import OWN_PREFIX, Input, Inputs
from dsvc.engine.reading.plain_values import plain_values
from dsvc.engine.reading.probe import Probe
from dsvc.errors import UserError
from dsvc.objects.arrays import to_arrow
from dsvc.objects.column import Column
from dsvc.objects.encoding import get_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.plugins.manager import Plugins
from dsvc.recipe.nodes import derives, iter_nodes, node_names
from dsvc.recipe.spec import DatasetSpec, Recipe, StepSpec
from dsvc.repo.base import BaseRepository
from dsvc.repo.names import nearest
from dsvc.repo.nearby import check_source
from dsvc.repo.refs import DRAFT_REVISION
from dsvc.repo.view import View

CURRENT, TAKEN, MAKE, MAYBE = "current", "taken", "make", "maybe"
FAILED, MISSING, REMOVE = "failed", "missing-input", "remove"
PENDING = "pending"


class Seen(msgspec.Struct, frozen=True):
    """What a step sees of one input at one time."""

    value: Any
    """None where there is no record, and where the record's value is null."""
    producer: str | None
    """``producer version``; None where there is no record."""


class InputStory(msgspec.Struct, frozen=True):
    """One input of a record."""

    path: str
    now: Seen | None
    """None where it is not known before another step has run."""
    before: Seen | None
    """As the draft's record was made from; None where no record was, or where the step did not read it then."""
    has_changed: bool
    """Whether the step sees another value than the record was made from; False where that is not known."""
    missing: str | None = None
    """Why there is no record, of an input that the step needs."""


class StepStory(msgspec.Struct, frozen=True):
    """One record."""

    name: str
    verdict: str
    """``current``; ``taken``, as a trace has it; ``make``; ``maybe``, made unless it is cut off; ``failed``, with these
    inputs; ``pending``, people are asked; ``missing-input``, it cannot exist; ``remove``, it goes."""
    why: str
    inputs: tuple[InputStory, ...]
    record: Seen | None
    """What the draft holds; None for no record."""
    trace: str | None = None
    """Hex id of the trace that answers."""
    maker: Maker | None = None
    """Who made that trace, where it is known."""


class DatasetStory(msgspec.Struct, frozen=True):
    """Whether a dataset selects the source."""

    name: str
    status: str
    """As a plan has it: ``unchanged``, ``new``, ``stale`` or ``open``."""
    why: tuple[str, ...]
    is_selected: bool | None
    """In the draft; None where the draft has no such dataset, or did not know the source when it was made."""
    part: str | None = None
    """Which part of the split, in the draft."""


class Story(msgspec.Struct, frozen=True):
    """What becomes of one source."""

    source: str
    steps: tuple[StepStory, ...]
    """In the order they run."""
    datasets: tuple[DatasetStory, ...]


def tell_story(repo: BaseRepository, recipe: Recipe, plugins: Plugins, pointer: str, step: str | None = None) -> Story:
    """Say what a run would do to the records of one source, and why; costs as much as a plan.

    Args:
        repo: Whose draft.
        recipe: What to make.
        plugins: Offers transforms.
        pointer: The source.
        step: Only this step.

    Raises:
        SourceNotFoundError: If the draft has no such source.
        UserError: If the recipe has no such step.
    """
    if step is not None and not derives(recipe, step):
        close = nearest(step, node_names(recipe))
        hint = f"did you mean {close!r}?" if close else f"it has: {', '.join(node_names(recipe)) or 'none'}"
        raise UserError(message=f"the recipe has no step {step!r}", hint=hint)
    view = repo.view(DRAFT_REVISION)
    teller = _Teller(repo, view, Loader(recipe, plugins), check_source(view, pointer))
    for entry in view.state.derived:
        if not derives(recipe, entry.name):
            teller.predictor.forecast_gone(entry.name)
    stories = []
    for node in iter_nodes(recipe):
        told = teller.tell_step(node)
        if step in (None, node.name):
            stories.append(told)
        if step == node.name:
            break
    traces = {Oid(bytes.fromhex(story.trace)) for story in stories if story.trace is not None}
    makers = {oid.hex(): maker for oid, maker in find_makers(repo, traces).items()}
    named = [msgspec.structs.replace(story, maker=makers.get(story.trace or "")) for story in stories]
    datasets = [] if step is not None else [teller.tell_dataset(spec) for spec in recipe.datasets.values()]
    return Story(pointer, tuple(named), tuple(datasets))


class _Teller:
    """Tells of one source, step by step, in the order of a plan."""

    def __init__(self, repo: BaseRepository, view: View, loader: Loader, key: bytes) -> None:
        self._view, self._loader = view, loader
        self._key, self._keys = key, Keys.of_bytes([key])
        self.predictor = Predictor(repo, view, loader)

    # --- steps ------------------------------------------------------------------------------------------------------

    def tell_step(self, spec: StepSpec) -> StepStory:
        """Forecast a step, and tell of its record for the source."""
        forecast = self.predictor.forecast(spec)
        record = self._seen(self._view.signal(spec.name))
        inputs = self._tell_inputs(forecast)
        verdict, why, trace = self._judge(forecast, inputs, record)
        return StepStory(spec.name, verdict, why, inputs, record, None if trace is None else trace.oid.hex())

    def _judge(
        self, forecast: StepForecast, inputs: tuple[InputStory, ...], record: Seen | None
    ) -> tuple[str, str, Answers | None]:
        planned = self._find_planned(forecast)
        if planned is not None:
            why, is_certain = planned
            return (MAKE if is_certain else MAYBE), why, None
        missing = [item for item in inputs if item.missing is not None]
        if any(_holds(keys, self._keys) for keys in forecast.iter_removed()):
            return REMOVE, missing[0].missing or REMOVED if missing else REMOVED, None
        if missing:
            return MISSING, missing[0].missing or "", None
        if forecast.bound is None:
            return MISSING, "no source has its inputs", None
        match = forecast.bound.match
        error = None if match.own is None else self._waits(match.own.waiting)
        if error is not None and record is None:
            is_asked = error.startswith(f"{REASON_PENDING}: ")
            return (PENDING if is_asked else FAILED), error.removeprefix(f"{REASON_PENDING}: "), match.own
        changed = [item.path for item in inputs if item.has_changed]
        if match.own is not None and (match.is_current or not changed):
            return (CURRENT, "", match.own) if record is not None else (MISSING, "it has none of its inputs", None)
        trace = match.equal if match.equal is not None else self._find_answer(forecast)
        why = (
            f"changed {', '.join(changed)}"
            if changed
            else forecast.change or "another branch or an earlier run made it"
        )
        return TAKEN, why, trace

    def _find_planned(self, forecast: StepForecast) -> tuple[str, bool] | None:
        """Return why the record must run or may have to, and whether that is certain; None if it need not."""
        for part in forecast.iter_parts():
            at, found = part.keys.search(self._keys)
            if found[0]:
                return forecast.labels[int(part.codes[at[0]])], bool(part.is_certain[at[0]])
            if len(part.keys) and part.keys[-1] > self._key:
                return None
        return None

    def _find_answer(self, forecast: StepForecast) -> Answers | None:
        """Return the trace that answers for the source."""
        if forecast.bound is None or forecast.bound.spec.scope != "record":
            return None  # whole groups are answered for, not records
        match, probe = forecast.bound.match, Probe(forecast.bound.inputs.reader, self._keys)
        columns, wanted = match.now.take(probe), np.ones(1, np.bool_)
        asked = [*([match.own] if match.own is not None else []), *match.retained]
        return next((trace for trace in asked if trace.ask(probe, columns, wanted) is not None), None)

    # --- inputs -----------------------------------------------------------------------------------------------------

    def _tell_inputs(self, forecast: StepForecast) -> tuple[InputStory, ...]:
        bound = forecast.bound
        if bound is None:
            return ()
        was = None if bound.was is None else Inputs.of_trace(self._view.reader, bound.inputs, bound.was.inputs)
        named = {entry.path for entry in bound.was.inputs} if bound.was is not None else set()
        told = []
        for position, item in enumerate(bound.inputs.items):
            if item.path.signal.startswith(OWN_PREFIX):
                continue  # what people said: `dsvc.engine.looking.task_blame` tells of it
            old = None if was is None or str(item.path) not in named else was.items[position]
            told.append(self._tell_input(bound.inputs, was, item, old))
        return tuple(told)

    def _tell_input(self, now: Inputs, was: Inputs | None, item: Input, old: Input | None) -> InputStory:
        before, old_bits = (None, None) if was is None or old is None else self._see(was, old)
        if self._is_open(item.path.signal):
            return InputStory(str(item.path), None, before, has_changed=False)
        seen, bits = self._see(now, item)
        has_changed = old_bits is not None and not bool(same_bits(old_bits, bits)[0])
        missing = self._why_missing(item.path.signal) if item.is_required and seen.producer is None else None
        return InputStory(str(item.path), seen, before, has_changed, missing)

    def _is_open(self, signal: str) -> bool:
        """Tell whether the source's record of a signal is not known before a step has run."""
        lists = self.predictor.unknown.get(signal, [])
        return (
            self._has(self.predictor.view.signal(signal))
            if lists is None
            else any(_holds(keys, self._keys) for keys in lists)
        )

    def _see(self, inputs: Inputs, item: Input) -> tuple[Seen, Column]:
        """Return what a step sees of one input."""
        probe = Probe(inputs.reader, self._keys)
        column = inputs.only(item).take(probe).column(item.path)
        made = self._seen(item.signal)
        return Seen(plain_values(to_arrow(column))[0], None if made is None else made.producer), column

    def _why_missing(self, signal: str) -> str:
        waiting = self.predictor.view.waiting.get(signal)
        held = None if waiting is None else get_object(self.predictor.view.reader, waiting, Kind.SIGNAL, Signal)
        why = self._waits(held)
        return f"no record of {signal}" if why is None else f"no record of {signal}: {why}"

    # --- datasets ---------------------------------------------------------------------------------------------------

    def tell_dataset(self, spec: DatasetSpec) -> DatasetStory:
        """Tell whether a dataset selects the source, and whether that will be looked at again."""
        plan: DatasetPlan = plan_dataset(self.predictor, self._loader, spec)
        if spec.name not in self._view.datasets:
            return DatasetStory(spec.name, plan.status, plan.why, None)
        dataset = self._view.dataset(spec.name)
        place = self._seen(self._view.selection(dataset))
        is_selected = None if place is None else place.value is not None
        part = dataset.splits[place.value] if place is not None and is_selected and dataset.splits else None
        return DatasetStory(spec.name, plan.status, plan.why, is_selected, part)

    # --- looking ----------------------------------------------------------------------------------------------------

    def _seen(self, signal: Signal | None) -> Seen | None:
        found = None if signal is None else Tree(self.predictor.view.reader, signal).get(self._key.decode())
        return None if found is None else Seen(plain_values(pa.array([found[0]], found[0].type))[0], _tell(found[1]))

    def _has(self, signal: Signal | None) -> bool:
        return signal is not None and bool(Tree(self.predictor.view.reader, signal).has(self._keys)[0])

    def _waits(self, waiting: Signal | None) -> str | None:
        """Return why the source waits; None where it does not."""
        found = self._seen(waiting)
        return None if found is None else f"{found.value['reason']}: {found.value['detail']}"


def _holds(keys: Keys, key: Keys) -> bool:
    return bool(len(keys)) and bool(keys.search(key)[1][0])


def _tell(provenance: Provenance) -> str:
    return f"{provenance.producer} {provenance.version}"
