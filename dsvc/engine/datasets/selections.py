"""Making the datasets of the recipe: incrementally and with traces, as steps are.

The transform hash of a selection's traces is the dataset's definition without its columns, so another column costs
nothing, and a threshold taken back costs nothing either.  The dataset `global` is every source and every signal; it
needs no selection and is not stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from dsvc.engine.datasets.sampling import Sampling
from dsvc.engine.datasets.selection import FROM, MADE_BY, SELECTION, Selecting
from dsvc.engine.datasets.shape import check_shape
from dsvc.engine.datasets.taking import UNTAKEN, bind_untaken, looked_at, named_signals, recall_untaken
from dsvc.engine.making.drafts import drop_dataset, put_dataset
from dsvc.engine.making.loading import Loader
from dsvc.engine.making.output import Output
from dsvc.engine.making.report import MADE, REMOVED, TAKEN, UNCHANGED, DatasetReport, ProgressCall
from dsvc.engine.reading.aligned import AlignedOutput, Alignment, iter_beyond
from dsvc.engine.reading.changes import iter_added
from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.counting import count_same
from dsvc.engine.reading.flagged import ROWS
from dsvc.engine.reading.inputs import Input, Inputs, find_signal
from dsvc.engine.reading.probe import Probe
from dsvc.engine.reading.scratch import Scratch
from dsvc.errors import ObjectNotFoundError
from dsvc.objects.access import Reader, Writer
from dsvc.objects.encoding import get_object, put_object
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.snapshot import Dataset, Signal
from dsvc.objects.state import DatasetState
from dsvc.objects.trace import Trace
from dsvc.recipe.hashing import dataset_definition, sample_hash
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import DatasetSpec, Recipe, SampleSpec
from dsvc.repo.base import BaseRepository
from dsvc.repo.draft import DraftEdit
from dsvc.repo.refs import DRAFT_REVISION
from dsvc.repo.rowcounts import note_rows
from dsvc.repo.view import View

COMMAND = "run"
Retained = list[tuple[Oid, Oid]]
"""Transform hash and id of traces to retain."""


@dataclass(frozen=True)
class Candidates:
    """What a sample of at most so many sources is taken of."""

    selecting: Selecting
    transform: Oid


@dataclass(frozen=True)
class BoundDataset:
    """One dataset of the recipe, bound to a draft."""

    spec: DatasetSpec
    selecting: Selecting
    """With everything that the selection depends on."""
    definition: Oid
    """Hash of what the dataset selects and shows."""
    transform: Oid
    """Hash of what it selects, under which its traces are kept."""
    was: DatasetState | None
    """How the draft's dataset was made."""
    own: tuple[Oid, Trace] | None
    """The trace that the draft's selection was made by, if it is of this transform hash."""
    candidates: Candidates | None
    """None unless the dataset samples at most so many."""
    made_up: Scratch
    """Objects of the inputs that are not stored yet."""

    @property
    def has_equal_inputs(self) -> bool:
        """Whether the draft's selection is what evaluating it would give."""
        return self.own is not None and self.selecting.equals(self.own[1])

    @property
    def is_current(self) -> bool:
        """Whether nothing is to be done."""
        return self.was is not None and self.was.definition == self.definition and self.has_equal_inputs

    def make_object(self, selection: Oid) -> Dataset:
        """Return the dataset object over a selection."""
        split = self.selecting.split
        columns = tuple(sorted((name, expression.text) for name, expression in self.spec.columns))
        splits = () if split is None else tuple(name for name, _ in split.parts)
        return Dataset(selection, columns, splits, self.spec.unnest, self.spec.image)


def bind_dataset(view: View, loader: Loader, spec: DatasetSpec) -> BoundDataset:
    """Bind a dataset to a draft; costs a few small objects, and a look at the chunks' provenance."""
    split = None if spec.split is None else loader.recipe.splits[spec.split]
    by = () if split is None or spec.keeps_parts else split.by.inputs
    selected_by = [*(spec.where.inputs if spec.where else ()), *by]
    sample = spec.sample
    limited_by = [] if sample is None or sample.per is None else [*sample.per.inputs]
    was = next((entry for entry in view.state.datasets if entry.name == spec.name), None)
    trace = None if was is None else _find_trace(view, was.trace)
    names = named_signals(spec, [*selected_by, *limited_by])
    looked = looked_at(view, names, spec.take)
    made_up = Scratch(view.reader)
    also = [recall_untaken(view, trace, looked) or bind_untaken(view, made_up, names, spec.take)]
    if spec.base is not None:
        also.insert(0, _bind_base(view, spec.base))

    def bind(paths: Iterable[InputPath]) -> Selecting:
        bound = Inputs.bind(view, [*dict.fromkeys(paths)], (), loader.declared_types, every_source=True)
        reader = view.reader if also[-1].signal is None else made_up
        return Selecting(spec, split, Inputs(reader, [*bound.items, *also], bound.declared, bound.sources), looked)

    shown = replace(spec, columns=(), unnest=None, image=None, take=DatasetSpec.take)
    transform = dataset_definition(shown, split)
    candidates = None
    if sample is not None and sample.max is not None:
        rest = None if sample.share is None else SampleSpec(share=sample.share, seed=sample.seed)
        candidates = Candidates(bind(selected_by), dataset_definition(replace(shown, sample=rest), split))
    is_own = trace is not None and trace.transform == transform
    own = (was.trace, trace) if was is not None and trace is not None and is_own else None
    selecting = bind([*selected_by, *limited_by])
    definition = dataset_definition(spec, split)
    return BoundDataset(spec, selecting, definition, transform, was, own, candidates, made_up)


def _bind_base(view: View, name: str) -> Input:
    """Return the selection of the dataset that another is made from, as an input."""
    if name not in view.datasets:  # there is no source at all
        return Input(FROM, is_required=False)
    dataset = view.dataset(name)
    return Input(FROM, is_required=False, signal_id=dataset.selection, signal=view.selection(dataset))


def _with_bases(recipe: Recipe, names: Collection[str]) -> set[str]:
    """Return names with those of the datasets that these are made from."""
    found: set[str] = set()
    for name in names:
        at: str | None = name
        while at is not None and at in recipe.datasets:
            found.add(at)
            at = recipe.datasets[at].base
    return found


def make_datasets(
    repo: BaseRepository,
    loader: Loader,
    *,
    only: Collection[str] | None = None,
    progress: ProgressCall | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> list[DatasetReport]:
    """Make the selections of the recipe's datasets; drop those that it has no more, unless `only` some are asked for.

    A dataset that is asked for brings those that it is made from.

    Raises:
        TransformFailedError: If a `where` or a split's key fails on a source, which is named.
        DeriveError: If the SQL engine refuses one of them whatever the source.
    """
    recipe = loader.recipe
    before = view = repo.view(DRAFT_REVISION)
    gone = [entry.name for entry in view.state.datasets if entry.name not in recipe.datasets] if only is None else []
    for name in gone:
        view = _drop(repo, name)
    reports = [DatasetReport(name, REMOVED) for name in gone]
    wanted = recipe.datasets if only is None else _with_bases(recipe, only)
    for name, spec in recipe.datasets.items():
        if name in wanted:
            began = clock()
            view, report = _make(repo, view, loader, spec, progress)
            reports.append(msgspec.structs.replace(report, seconds=clock() - began))
    note_rows(repo.store.refs, before, view, [report.name for report in reports if report.status in (MADE, TAKEN)])
    return reports


def _drop(repo: BaseRepository, name: str) -> View:
    return repo.edit_draft(lambda view, _: drop_dataset(view, name), command=COMMAND)


def _make(
    repo: BaseRepository, view: View, loader: Loader, spec: DatasetSpec, progress: ProgressCall | None
) -> tuple[View, DatasetReport]:
    bound = bind_dataset(view, loader, spec)
    if bound.is_current:
        return view, DatasetReport(spec.name, UNCHANGED)
    before = None if spec.name not in view.datasets else view.selection(view.dataset(spec.name))
    check_shape(loader, view, spec)
    retained = [*([bound.own] if bound.own else []), *repo.traces(bound.transform)]
    made = next((found for found in retained if bound.selecting.equals(found[1])), None)
    status, evaluated, steps = TAKEN, 0, Retained()
    if made is None:
        status = MADE
        base = retained[0][1] if retained else None
        made, evaluated, steps = _evaluate(repo, view, loader, bound, base, progress)
    view = _move(repo, bound, *made, steps)
    changed = _count_changed(view.reader, before, find_signal(view.reader, made[1].output))
    if (evaluated, changed) == (0, 0) and bound.was is not None and bound.was.definition == bound.definition:
        status = UNCHANGED  # another trace leads to the same selection
    return view, DatasetReport(spec.name, status, evaluated, changed)


def _count_changed(reader: Reader, before: Signal | None, after: Signal | None) -> int:
    """Return how many sources came, went, or are selected otherwise."""
    if before is None or after is None:
        return (0 if before is None else before.count) + (0 if after is None else after.count)
    n_gone = sum(len(run) for run in iter_added(reader, after, before))
    return after.count - count_same(reader, before, after) + n_gone


def _evaluate(
    repo: BaseRepository,
    view: View,
    loader: Loader,
    bound: BoundDataset,
    base: Trace | None,
    progress: ProgressCall | None,
) -> tuple[tuple[Oid, Trace], int, Retained]:
    """Make a selection from the nearest one.

    Returns:
        Its trace, durable; how many sources were evaluated; and the traces of the steps on the way, by transform.
    """
    steps = Retained()
    with repo.new_writer() as writer:
        bound.made_up.copy_to(writer)
        if bound.candidates is None:
            selection, evaluated = _select(view, loader, bound.selecting, base, writer, progress)
        else:
            (oid, trace), evaluated = _find_candidates(repo, view, loader, bound.candidates, writer, progress)
            steps.append((bound.candidates.transform, oid))
            selection, sampled = _sample(repo, loader, bound, trace.output, writer)
            steps.append(sampled)
        trace = Trace(bound.transform, bound.selecting.trace_inputs(), selection)
        oid = put_object(writer, Kind.TRACE, trace)
        writer.flush()
    return (oid, trace), evaluated, steps


def _find_candidates(
    repo: BaseRepository,
    view: View,
    loader: Loader,
    candidates: Candidates,
    writer: Writer,
    progress: ProgressCall | None,
) -> tuple[tuple[Oid, Trace], int]:
    """Return the trace of what a sample is taken of, and how many sources were evaluated for it."""
    selecting = candidates.selecting
    retained = repo.traces(candidates.transform)
    made = next((found for found in retained if selecting.equals(found[1])), None)
    if made is not None:
        return made, 0
    base = retained[0][1] if retained else None
    selection, evaluated = _select(view, loader, selecting, base, writer, progress)
    trace = Trace(candidates.transform, selecting.trace_inputs(), selection)
    return (put_object(writer, Kind.TRACE, trace), trace), evaluated


def _sample(
    repo: BaseRepository, loader: Loader, bound: BoundDataset, candidates: Oid, writer: Writer
) -> tuple[Oid, tuple[Oid, Oid]]:
    """Return the selection of what a sample keeps of its candidates, and the transform and trace of keeping."""
    sample, selecting = bound.spec.sample, bound.selecting
    if sample is None:
        raise AssertionError("a dataset that samples")
    transform = sample_hash(sample)

    def group(columns: Columns) -> pa.Array[Any]:
        if sample.per is None:
            raise AssertionError("a sample of groups")
        return selecting.ask(loader.evaluator, sample.per, columns, is_condition=False)

    found = candidates, find_signal(writer, candidates)
    sampling = Sampling.bind(sample, selecting.inputs, found, group, writer)
    retained = repo.traces(transform)
    made = next(((oid, trace) for oid, trace in retained if sampling.equals(trace)), None)
    if made is not None:
        return made[1].output, (transform, made[0])
    # Another dataset may sample in the same way; what this one kept is nearer.
    held = None if bound.own is None else bound.own[1].output
    base = next((trace for _, trace in retained if trace.output == held), retained[0][1] if retained else None)
    signal = sampling.make(base, writer)
    selection = ZERO if signal is None else put_object(writer, Kind.SIGNAL, signal)
    trace = Trace(transform, sampling.inputs.trace_inputs(), selection)
    return selection, (transform, put_object(writer, Kind.TRACE, trace))


def _select(
    view: View,
    loader: Loader,
    selecting: Selecting,
    base: Trace | None,
    writer: Writer,
    progress: ProgressCall | None,
) -> tuple[Oid, int]:
    """Make a selection, before any limit of its sources; return it, and how many sources were evaluated."""
    alignment = Alignment.find(selecting.inputs, {UNTAKEN.signal}) if base is None else None
    if alignment is not None:
        signal, evaluated = _evaluate_aligned(selecting, alignment, loader, writer)
    else:
        before = None if base is None else find_signal(view.reader, base.output)
        output = Output(writer, before, SELECTION, MADE_BY)
        everything = selecting.inputs.scan(ROWS)
        evaluated = 0
        for columns in everything if base is None else _iter_touched(selecting, base, output):
            output.put(output.made(columns.keys, selecting.evaluate(loader.evaluator, columns)))
            evaluated += len(columns)
            if progress is not None:
                progress(selecting.spec.name, evaluated, None)
        signal = output.flush()
    return (ZERO if signal is None else put_object(writer, Kind.SIGNAL, signal)), evaluated


def _evaluate_aligned(
    selecting: Selecting, alignment: Alignment, loader: Loader, writer: Writer
) -> tuple[Signal | None, int]:
    """Make a selection by the chunks of the signal that has most sources of the version, and add the other sources."""
    aligned = AlignedOutput(writer, SELECTION, MADE_BY)
    evaluated = 0
    for chunks, columns in alignment.batches():
        aligned.put(chunks, selecting.evaluate(loader.evaluator, columns))
        evaluated += len(columns)
    output = Output(writer, aligned.finish(), SELECTION, MADE_BY)
    for keys in iter_beyond(selecting.inputs):
        columns = selecting.inputs.take(Probe(selecting.inputs.reader, keys))
        output.put(output.made(keys, selecting.evaluate(loader.evaluator, columns)))
        evaluated += len(columns)
    return output.flush(), evaluated


def _iter_touched(selecting: Selecting, base: Trace, output: Output) -> Iterator[Columns]:
    """Yield the sources to evaluate again; take those that the version does not have out of the selection."""
    for flagged in selecting.iter_touched(base):
        columns = selecting.inputs.take(Probe(selecting.inputs.reader, flagged.keys))
        output.remove(flagged.keys.take(np.flatnonzero(~columns.complete)))
        yield columns.filter(columns.complete)


def _move(repo: BaseRepository, bound: BoundDataset, oid: Oid, trace: Trace, steps: Retained) -> View:
    """Let the draft have a dataset whose selection a trace made, and retain the trace and those of the way to it."""
    state = DatasetState(bound.spec.name, bound.definition, oid)

    def edit(view: View, writer: Writer) -> DraftEdit:
        dataset = ZERO
        if trace.output != ZERO:
            dataset = put_object(writer, Kind.DATASET, bound.make_object(trace.output))
        changed = put_dataset(view, state, dataset)
        return DraftEdit(changed.root, changed.state, [*steps, (bound.transform, oid)])

    return repo.edit_draft(edit, command=COMMAND)


def _find_trace(view: View, oid: Oid) -> Trace | None:
    try:
        return get_object(view.reader, oid, Kind.TRACE, Trace)
    except ObjectNotFoundError:
        return None
