"""What a run would find at each step, without running any: which records must run, may have to, or are answered.

Steps are forecast in the order they run.  What is known of a step's signal afterwards is made up in memory and stands
in the draft for the steps below it: the records that stay, go or come out of traces with their values, those that must
run with none.  Which those are is kept beside it: whoever reads the signal knows nothing certain of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dsvc.engine.making.binding import Bound, bind_step, find_derived
from dsvc.engine.making.drafts import drop_derived, put_derived
from dsvc.engine.making.explain import explain_transform
from dsvc.engine.making.keysets import common_sources, iter_sources
from dsvc.engine.making.loading import Loader
from dsvc.engine.making.output import Output
from dsvc.engine.making.task_step import TaskStep
from dsvc.engine.making.traces import Answers, Batch, Match, merge_records
from dsvc.engine.planning.forecast import NEW, REMOVED, STALE, UNCHANGED, Part, StepForecast
from dsvc.engine.planning.foreseen import Foreseen
from dsvc.engine.planning.predict_groups import GroupPredictor
from dsvc.engine.planning.reasons import OPEN, Reasons
from dsvc.engine.planning.task_foreseen import foresee_task
from dsvc.engine.reading.changes import CAME, FAILED, bit_of, iter_added, iter_changed
from dsvc.engine.reading.flagged import Bits, Flagged, Mask, merge_flagged
from dsvc.engine.reading.inputs import Inputs
from dsvc.engine.reading.probe import Probe
from dsvc.objects.chunk import Records
from dsvc.objects.column import Index, null_column
from dsvc.objects.diff import REMOVED as GONE
from dsvc.objects.diff import diff_trees
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.keys import Keys, concat_keys
from dsvc.objects.oid import Oid
from dsvc.objects.snapshot import Signal
from dsvc.objects.state import Derived
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type
from dsvc.recipe.spec import StepSpec
from dsvc.repo.base import BaseRepository
from dsvc.repo.view import View


@dataclass(frozen=True)
class _Found:
    """A part, and what traces answer of the same batch."""

    part: Part
    rows: Index
    reused_rows: Index
    reused: Records | None
    failed: Keys
    """Sources that failed before a limit stopped a run, with the inputs they have."""
    removed: Keys


class Predictor:
    """Forecasts the steps of a recipe on a draft, each after those it reads.

    Args:
        repo: Whose traces.
        view: The draft.
        loader: Loads the recipe's steps.
    """

    def __init__(self, repo: BaseRepository, view: View, loader: Loader) -> None:
        self._repo, self._loader, self._draft = repo, loader, view
        self._foreseen = Foreseen(view)
        self._scratch = self._foreseen.scratch
        self._reasons: dict[str, Reasons] = {}
        self._seen: set[Oid] = set()
        """Transform hashes of steps that were forecast."""
        self._doubtful: set[str] = set()
        """Signals of which it is not known of all sources whether they have a record."""

    @property
    def view(self) -> View:
        """The draft as it would be, as far as it is known."""
        return self._foreseen.view

    @property
    def unknown(self) -> dict[str, list[Keys] | None]:
        """Signal -> sources whose record is not known; None for all that it has."""
        return self._foreseen.unknown

    def forecast_gone(self, name: str, status: str = REMOVED) -> StepForecast:
        """Forecast a signal that goes."""
        signal = self.view.signal(name)
        self._foreseen.edit(drop_derived(self.view, name))
        forecast = StepForecast(name, status, remove=0 if signal is None else signal.count)
        forecast.iter_removed = lambda: iter_sources(self._scratch, signal)
        return forecast

    def forecast(self, spec: StepSpec) -> StepForecast:
        """Forecast one step."""
        bound = bind_step(self._repo, self.view, self._loader, spec)
        if bound is not None and bound.made_up is not None:
            bound.made_up.copy_to(self._scratch)
        if bound is None:
            gone = find_derived(self.view, spec.name) is not None
            return self.forecast_gone(spec.name, STALE) if gone else StepForecast(spec.name, UNCHANGED)
        forecast = StepForecast(spec.name, NEW if bound.was is None else STALE)
        if bound.was is not None and bound.was.transform != bound.transform:
            forecast.change = explain_transform(self._draft, self._loader, bound)
        reasons = self._reasons[spec.name] = Reasons(bound, self.unknown, forecast.change)
        forecast.labels, forecast.transform, forecast.bound = reasons.labels, bound.transform, bound
        match = bound.match
        is_open = any(name in self.unknown for name in bound.inputs.signals)
        if not is_open and match.equal is not None:
            self._forecast_equal(bound, forecast)
        elif not is_open and isinstance(step := self._load_task(bound), TaskStep):
            self._forecast_task(bound, forecast, step)
        elif match.base is None and (is_open or not match.has_partial):
            self._forecast_all(bound, forecast)
        elif spec.scope != "record":
            self._forecast_groups(bound, forecast)
        elif any(self.unknown.get(name, ()) is None for name in bound.inputs.signals):
            self._forecast_range(bound, forecast)
        else:
            self._forecast_parts(bound, forecast)
        self._forecast_removed(forecast)
        if is_open and spec.kind == "task":
            self._doubtful.add(spec.name)  # who is resolved again need not have a record
        if not self._doubtful.isdisjoint(bound.inputs.signals):
            forecast.doubt()
            self._doubtful.add(spec.name)
        if bound.transform in self._seen:
            forecast.doubt()  # another step of this very transform runs before, and may answer everything
        self._seen.add(bound.transform)
        if (forecast.upper, forecast.reuse, forecast.remove) == (0, 0, 0) and forecast.change is None:
            forecast.status = UNCHANGED
        return forecast

    def _forecast_removed(self, forecast: StepForecast) -> None:
        """Tell of the draft's records that have no place in what the signal will be."""
        name = forecast.name
        if name not in self._draft.signals or self._draft.signals[name] == self.view.signals.get(name):
            return
        before, after = self._draft.get_signal(name), self.view.signal(name)

        def iter_removed() -> Iterator[Keys]:
            if after is None:
                return iter_sources(self._scratch, before)
            return (flagged.keys for flagged in iter_added(self._scratch, after, before))

        forecast.remove = sum(map(len, iter_removed()))
        forecast.iter_removed = iter_removed

    # --- four cases -------------------------------------------------------------------------------------------------

    def _forecast_equal(self, bound: Bound, forecast: StepForecast) -> None:
        """A trace answers everything."""
        equal = bound.match.equal
        if equal is None:
            return
        forecast.waiting = 0 if equal.waiting is None else equal.waiting.count
        if not bound.is_current:
            forecast.reuse = 0 if equal.output is None else equal.output.count
            derived = Derived(forecast.name, equal.oid, equal.trace.waiting)
            self._foreseen.edit(put_derived(self.view, derived, equal.trace.output))

    def _load_task(self, bound: Bound) -> TaskStep | None:
        step = self._loader.load(bound.spec, bound.type, bound.transform) if bound.spec.kind == "task" else None
        return step if isinstance(step, TaskStep) else None

    def _forecast_task(self, bound: Bound, forecast: StepForecast, step: TaskStep) -> None:
        """What people said is known: so is what the task's signal will be."""
        found = foresee_task(bound, step, self._scratch, self._reasons[forecast.name])
        forecast.count(found.part)
        forecast.iter_parts = lambda: iter([found.part])
        forecast.reuse = found.reused
        forecast.waiting = 0 if found.waiting is None else found.waiting.count
        self._foreseen.put(bound, found.signal, found.waiting)

    def _forecast_all(self, bound: Bound, forecast: StepForecast) -> None:
        """Nothing was ever made by this transform: all sources that have the inputs must run."""
        sources = common_sources(self._scratch, bound.inputs, self._foreseen.stand_ins)
        forecast.lower = forecast.upper = 0 if sources is None else sources.count
        code = self._reasons[forecast.name].whole
        forecast.give_reason(forecast.labels[code], forecast.lower)
        forecast.iter_parts = lambda: (
            Part(keys, np.full(len(keys), code), np.ones(len(keys), np.bool_))
            for keys in iter_sources(self._scratch, sources)
        )
        self._foreseen.put_unknown(bound, sources, None)

    def _forecast_range(self, bound: Bound, forecast: StepForecast) -> None:
        """Nothing is known of an input: what certainly runs is what no trace answers by the other inputs alone."""
        sources = common_sources(self._scratch, bound.inputs, self._foreseen.stand_ins)
        forecast.upper = 0 if sources is None else sources.count
        for certain in self._iter_certain(bound, sources):
            part = self._part(bound, certain.keys, certain.bits, np.ones(len(certain), np.bool_))
            forecast.lower += len(certain)
            for code, n in zip(*np.unique(part.codes, return_counts=True), strict=True):
                forecast.give_reason(forecast.labels[int(code)], int(n))

        def iter_parts() -> Iterator[Part]:
            everything = (Flagged.of(keys, OPEN) for keys in iter_sources(self._scratch, sources))
            for run in merge_flagged([everything, self._iter_certain(bound, sources)]):
                yield self._part(bound, run.keys, run.bits, run.bits != np.uint64(OPEN))

        forecast.iter_parts = iter_parts
        self._settle_range(bound, forecast, sources)

    def _forecast_parts(self, bound: Bound, forecast: StepForecast) -> None:
        """The base answers most; the rest is looked at source by source."""
        base = bound.match.base
        before = None if base is None else base.output
        provenance = self._loader.provenance(bound.spec, bound.transform)
        output = Output(self._scratch, before, bound.type, provenance)
        known: list[Keys] = []
        gone: list[Keys] = []
        for found in self._iter_found(bound):
            forecast.count(found.part)
            known.append(found.part.keys)
            gone.append(found.removed)
            output.remove(found.removed)
            output.remove(found.failed)
            forecast.waiting += len(found.failed)
            empty = output.made(found.part.keys, null_column(bound.type.physical, len(found.part.keys)))
            parts = [(found.rows, empty)]
            if found.reused is not None:
                forecast.reuse += len(found.reused)
                parts.append((found.reused_rows, found.reused))
            records = merge_records(parts)
            if records is not None:
                output.put(records)
        forecast.iter_parts = lambda: (found.part for found in self._iter_found(bound))
        signal = self._foreseen.find_everything(bound, forecast) or output.flush()
        self._settle(bound, forecast, signal, known, gone)

    def _forecast_groups(self, bound: Bound, forecast: StepForecast) -> None:
        """The base answers most groups; the rest is looked at group by group, as far as groups can be told."""
        predictor = GroupPredictor(self._foreseen, bound, self._reasons[forecast.name])
        if predictor.is_boundless:
            sources = common_sources(self._scratch, bound.inputs, self._foreseen.stand_ins)
            certain = self._iter_certain(bound, sources)
            self._settle_range(bound, forecast, predictor.forecast_range(forecast, certain))
            return
        provenance = self._loader.provenance(bound.spec, bound.transform)
        signal, known, gone = predictor.forecast_parts(forecast, provenance)
        self._settle(bound, forecast, signal, known, gone)

    def _settle_range(self, bound: Bound, forecast: StepForecast, sources: Signal | None) -> None:
        """Let the draft have records of which nothing is known but their sources; what has none of these goes."""
        base = bound.match.base
        waiting = None
        if base is not None and base is bound.match.own and base.waiting is not None:
            forecast.waiting = base.waiting.count
            waiting = self._still_waiting(base, list(self._iter_beyond(base.waiting, sources)))
        self._foreseen.put_unknown(bound, sources, None, waiting)

    def _iter_beyond(self, signal: Signal | None, sources: Signal | None) -> Iterator[Keys]:
        """Yield the sources of a signal that are not among others."""
        for changes in diff_trees(self._scratch, signal, sources, keys_only=True):
            yield changes.keys.take(np.flatnonzero(changes.ops == GONE))

    def _settle(
        self, bound: Bound, forecast: StepForecast, signal: Signal | None, known: list[Keys], gone: list[Keys]
    ) -> None:
        """Let the draft have the signal that the base would become."""
        base = bound.match.base
        if base is not None and base is bound.match.own and base.waiting is not None:
            forecast.waiting += base.waiting.count
        if base is not None and base is not bound.match.own and signal is not None:
            forecast.reuse = signal.count - forecast.upper
        waiting = self._still_waiting(base, gone) if base is bound.match.own else None
        if forecast.upper:
            self._foreseen.put_unknown(bound, signal, known, waiting)
        else:
            self._foreseen.put(bound, signal, waiting)

    def _still_waiting(self, base: Answers | None, gone: list[Keys]) -> Signal | None:
        """Return the sources that failed and are not looked at again, without those that have no inputs any more."""
        waiting = None if base is None else base.waiting
        if waiting is None or not any(map(len, gone)):
            return waiting
        type_ = Type.decode(waiting.type)
        return edit_tree(self._scratch, waiting, type_, Edit(None, concat_keys(gone))).signal

    # --- looking at sources -----------------------------------------------------------------------------------------

    def _resolved(self, bound: Bound) -> Match:
        """Return how the inputs that are known stand to the step's traces."""
        items = [item for item in bound.inputs.items if item.path.signal not in self.unknown]
        return bound.match.with_inputs(Inputs(bound.inputs.reader, items, bound.inputs.declared, bound.inputs.sources))

    def _iter_certain(self, bound: Bound, sources: Signal | None) -> Iterator[Flagged]:
        """Yield those of `sources` that must run whatever the unknown inputs turn out to be."""
        resolved = self._resolved(bound)
        if sources is None or not resolved.now.items:
            return
        positions = [i for i, item in enumerate(bound.inputs.items) if item in resolved.now.items]
        for batch in resolved.batches():
            run = np.flatnonzero(batch.run)
            keys = batch.columns.keys.take(run)
            held = Tree(self._scratch, sources).has(keys)
            bits = _spread_bits(batch.bits[run], positions)
            yield Flagged(keys.take(np.flatnonzero(held)), bits[held])

    def _iter_found(self, bound: Bound) -> Iterator[_Found]:
        """Yield what is to be said of the sources that the base does not answer for certain."""
        match, now = bound.match, bound.inputs
        opened = [self.unknown[name] or [] for name in now.signals if name in self.unknown]
        if match.base is None:
            for batch in match.batches():
                run, keys = batch.run, batch.columns.keys
                yield self._found(bound, keys, batch.bits, run, run, batch, batch.removed, batch.is_reused)
            return
        waiting = match.base.waiting if match.base is not match.own else None
        streams = [iter_changed(match.base.inputs, now, waiting)]
        streams += [iter([Flagged.of(keys, OPEN) for keys in lists]) for lists in opened]
        resolved = self._resolved(bound) if opened else match
        for flagged in merge_flagged(streams):
            probe = Probe(now.reader, flagged.keys)
            columns = now.take(probe)
            complete = columns.complete
            is_open = (flagged.bits & np.uint64(OPEN)) != 0
            known = match.offer(
                probe, columns, complete & ~is_open, flagged.bits, base_too=not now.required and now.sources is None
            )
            certain = np.zeros(len(probe), np.bool_)
            certain[complete & ~is_open] = known.run
            if (complete & is_open).any():
                asked = resolved.offer(probe, resolved.now.take(probe), complete & is_open, flagged.bits, base_too=True)
                certain[complete & is_open] = asked.run
                # What failed with these inputs is not run again, should the unknown ones come out as they were.
                changed = (flagged.bits & self._known_bits(now)) != 0
                certain &= ~is_open | changed | ~_waits(match, probe)
            run = certain | (complete & is_open)
            removed = probe.keys.take(np.flatnonzero(~complete))
            is_reused = np.zeros(len(probe), np.bool_)
            is_reused[complete & ~is_open] = known.is_reused
            yield self._found(bound, probe.keys, flagged.bits, run, certain, known, removed, is_reused)

    def _known_bits(self, now: Inputs) -> np.uint64:
        """Return the bits of the inputs that are known, and that of a source that came."""
        bits = CAME
        for position, item in enumerate(now.items):
            bits |= 0 if item.path.signal in self.unknown else bit_of(position)
        return np.uint64(bits)

    def _found(
        self,
        bound: Bound,
        keys: Keys,
        bits: Bits,
        run: Mask,
        certain: Mask,
        batch: Batch,
        removed: Keys,
        is_reused: Mask,
    ) -> _Found:
        rows = np.flatnonzero(run)
        part = self._part(bound, keys.take(rows), bits[rows], certain[rows])
        failed = keys.slice(0, 0) if batch.failed is None else batch.failed.keys
        return _Found(part, rows, np.flatnonzero(is_reused), batch.reused, failed, removed)

    def _part(self, bound: Bound, keys: Keys, bits: Bits, is_certain: Mask) -> Part:
        return Part(keys, self._reasons[bound.spec.name].codes(keys, bits), is_certain)


def _waits(match: Match, probe: Probe) -> Mask:
    """Return which sources failed when the draft's own signal was made, where that is the base."""
    waiting = match.base.waiting if match.base is not None and match.base is match.own else None
    return probe.present(waiting)


def _spread_bits(bits: Bits, positions: Sequence[int]) -> Bits:
    """Return bits of some inputs as bits of all, of which they stand at `positions`."""
    spread = bits & np.uint64(CAME | FAILED)
    for i, position in enumerate(positions):
        spread |= np.where((bits & np.uint64(bit_of(i))) != 0, np.uint64(bit_of(position)), np.uint64(0))
    return spread
