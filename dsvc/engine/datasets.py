"""Making the datasets of the recipe: incrementally and with traces, as steps are.

The transform hash of a selection's traces is the dataset's definition without its columns, so another column costs
nothing, and a threshold taken back costs nothing either.  The dataset `global` is every source and every signal; it
needs no selection and is not stored.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from dsvc.engine.aligned import AlignedOutput, Alignment, iter_beyond
from dsvc.engine.changes import iter_added
from dsvc.engine.columns import Columns
from dsvc.engine.counting import count_same
from dsvc.engine.drafts import drop_dataset, put_dataset
from dsvc.engine.executors.local import Clock
from dsvc.engine.flagged import ROWS
from dsvc.engine.inputs import Inputs, find_signal
from dsvc.engine.loading import Loader
from dsvc.engine.output import Output
from dsvc.engine.probe import Probe
from dsvc.engine.report import MADE, REMOVED, TAKEN, UNCHANGED, DatasetReport, ProgressCall
from dsvc.engine.selection import MADE_BY, SELECTION, Selecting
from dsvc.errors import ObjectNotFoundError
from dsvc.objects.access import Reader, Writer
from dsvc.objects.encoding import get_object, put_object
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.snapshot import Dataset, Signal
from dsvc.objects.state import DatasetState
from dsvc.objects.trace import Trace
from dsvc.recipe.hashing import dataset_definition
from dsvc.recipe.spec import DatasetSpec
from dsvc.repo.base import BaseRepository
from dsvc.repo.draft import DraftEdit
from dsvc.repo.refs import DRAFT_REVISION
from dsvc.repo.view import View

COMMAND = "run"


@dataclass(frozen=True)
class BoundDataset:
    """One dataset of the recipe, bound to a draft."""

    spec: DatasetSpec
    selecting: Selecting
    definition: Oid
    """Hash of what the dataset selects and shows."""
    transform: Oid
    """Hash of what it selects, under which its traces are kept."""
    was: DatasetState | None
    """How the draft's dataset was made."""
    own: tuple[Oid, Trace] | None
    """The trace that the draft's selection was made by, if it is of this transform hash."""

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
        return Dataset(selection, columns, () if split is None else tuple(name for name, _ in split.parts))


def bind_dataset(view: View, loader: Loader, spec: DatasetSpec) -> BoundDataset:
    """Bind a dataset to a draft; costs a few small objects."""
    split = None if spec.split is None else loader.recipe.splits[spec.split]
    paths = dict.fromkeys([*(spec.where.inputs if spec.where else ()), *(split.by.inputs if split else ())])
    transform = dataset_definition(replace(spec, columns=()), split)
    was = next((entry for entry in view.state.datasets if entry.name == spec.name), None)
    trace = None if was is None else _find_trace(view, was.trace)
    selecting = Selecting(spec, split, Inputs.bind(view, [*paths], (), loader.declared_types, every_source=True))
    is_own = trace is not None and trace.transform == transform
    own = (was.trace, trace) if was is not None and trace is not None and is_own else None
    return BoundDataset(spec, selecting, dataset_definition(spec, split), transform, was, own)


def make_datasets(
    repo: BaseRepository,
    loader: Loader,
    *,
    only: Collection[str] | None = None,
    progress: ProgressCall | None = None,
    clock: Clock = time.monotonic,
) -> list[DatasetReport]:
    """Make the selections of the recipe's datasets; drop those that it has no more, unless `only` some are asked for.

    Raises:
        TransformFailedError: If a `where` or a split's key fails on a source, which is named.
        DeriveError: If the SQL engine refuses one of them whatever the source.
    """
    recipe = loader.recipe
    view = repo.view(DRAFT_REVISION)
    gone = [entry.name for entry in view.state.datasets if entry.name not in recipe.datasets] if only is None else []
    for name in gone:
        view = _drop(repo, name)
    reports = [DatasetReport(name, REMOVED) for name in gone]
    for name, spec in recipe.datasets.items():
        if only is None or name in only:
            began = clock()
            view, report = _make(repo, view, loader, spec, progress)
            reports.append(msgspec.structs.replace(report, seconds=clock() - began))
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
    retained = [*([bound.own] if bound.own else []), *repo.traces(bound.transform)]
    made = next((found for found in retained if bound.selecting.equals(found[1])), None)
    status, evaluated = TAKEN, 0
    if made is None:
        status = MADE
        made, evaluated = _evaluate(repo, view, loader, bound, retained[0][1] if retained else None, progress)
    view = _move(repo, bound, *made)
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
) -> tuple[tuple[Oid, Trace], int]:
    """Make a selection from the nearest one; return its trace, durable, and how many sources were evaluated."""
    selecting = bound.selecting
    with repo.new_writer() as writer:
        alignment = None
        if base is None:
            alignment = Alignment.find(selecting.inputs)
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
                    progress(bound.spec.name, evaluated, None)
            signal = output.flush()
        selection = ZERO if signal is None else put_object(writer, Kind.SIGNAL, signal)
        trace = Trace(bound.transform, selecting.inputs.trace_inputs(), selection)
        oid = put_object(writer, Kind.TRACE, trace)
        writer.flush()
    return (oid, trace), evaluated


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


def _move(repo: BaseRepository, bound: BoundDataset, oid: Oid, trace: Trace) -> View:
    """Let the draft have a dataset whose selection a trace made, and retain the trace."""
    state = DatasetState(bound.spec.name, bound.definition, oid)

    def edit(view: View, writer: Writer) -> DraftEdit:
        dataset = ZERO
        if trace.output != ZERO:
            dataset = put_object(writer, Kind.DATASET, bound.make_object(trace.output))
        changed = put_dataset(view, state, dataset)
        return DraftEdit(changed.root, changed.state, [(bound.transform, oid)])

    return repo.edit_draft(edit, command=COMMAND)


def _find_trace(view: View, oid: Oid) -> Trace | None:
    try:
        return get_object(view.reader, oid, Kind.TRACE, Trace)
    except ObjectNotFoundError:
        return None
