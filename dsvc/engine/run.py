"""Making again what is stale, and nothing else.

Steps run in topological order, then datasets.  The result of a step moves the draft in one transaction, which also
keeps its trace; objects that it names are durable before.  A long step keeps what it has made as it goes, under a
trace of its own, so that after a kill no finished record runs again.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Collection

from dsvc.engine.datasets.selections import make_datasets
from dsvc.engine.making.binding import Bound, bind_step, find_derived
from dsvc.engine.making.calls import WORTH_S, Caller
from dsvc.engine.making.chosen import choose
from dsvc.engine.making.drafts import drop_derived, put_derived
from dsvc.engine.making.executors.sizes import Clock
from dsvc.engine.making.groups import GroupMaking
from dsvc.engine.making.limit import Limit
from dsvc.engine.making.loading import Loader
from dsvc.engine.making.rates import note_rate
from dsvc.engine.making.records import RecordMaking
from dsvc.engine.making.report import REMOVED, STOPPED, TAKEN, UNCHANGED, ProgressCall, RunReport, StepReport
from dsvc.engine.making.steps import Step
from dsvc.engine.making.task_making import TaskMaking
from dsvc.engine.making.task_step import TaskStep
from dsvc.engine.making.undertaking import Making, Undertaking
from dsvc.engine.reading.facts import Facts
from dsvc.errors import UserError
from dsvc.objects.oid import Oid
from dsvc.objects.state import Derived
from dsvc.objects.trace import Trace
from dsvc.plugins.contracts import Executor
from dsvc.plugins.manager import Plugins
from dsvc.recipe.nodes import derives, iter_nodes
from dsvc.recipe.spec import Recipe, StepSpec
from dsvc.repo.base import BaseRepository
from dsvc.repo.draft import DraftEdit
from dsvc.repo.refs import DRAFT_REVISION, DRAFTS
from dsvc.repo.view import View
from dsvc.store.writer import ObjectWriter

COMMAND = "run"
CHECKPOINT_S = 5.0
"""How long a step runs in this process between two times that it keeps what it has made."""
LOCAL = "local"


def run(
    repo: BaseRepository,
    recipe: Recipe,
    plugins: Plugins,
    *,
    only: Collection[str] | None = None,
    upstream: bool = False,
    downstream: bool = False,
    limit: int | None = None,
    retry_failed: bool = False,
    executor: str | None = None,
    workers: int | None = None,
    progress: ProgressCall | None = None,
    notice: Callable[[str], None] | None = None,
    clock: Clock = time.monotonic,
    checkpoint_s: float = CHECKPOINT_S,
    worth_s: float = WORTH_S,
    facts: Facts | None = None,
) -> RunReport:
    """Make the derived signals and datasets of the draft what the recipe says. Durable on return.

    A record runs iff no retained trace of its step's transform hash holds its source with the same bits in every
    input. A record whose transform raises is listed, and stops no other.

    Args:
        repo: Whose draft.
        recipe: What to make.
        plugins: Offers transforms and executors.
        only: Names of steps and datasets to make; all by default. Nothing is removed then.
        upstream: Also make what those need.
        downstream: Also make what follows from those.
        limit: Execute so many records at most. A step that is not done by then keeps what it has made for the next
            run, its signal stays as it was, and nothing is made after it.
        retry_failed: Run records again that failed with the inputs they have.
        executor: Name of the executor whose workers go on where there is much to do; `local` by default.
        workers: How many; with 1, the local executor leaves everything to this process. The executor's choice if None.
        progress: Told how far each step is.
        notice: Told what a user should know; a warning is given if None.
        clock: Seconds, for the report and for when to keep what was made.
        checkpoint_s: How long a step runs in this process between two times that it keeps what it has made.
        worth_s: Seconds of work that must be left for workers to be started; 0 gives them everything at once.
        facts: What people answered; what the ledger holds by now if None.

    Raises:
        UserError: If `only` names something that the recipe does not have, or somebody switches branches meanwhile.
        PluginNotFoundError: If there is no such executor.
        DeriveError: If a step cannot run at all, or a worker dies. What was made before it is durable.
        RecipeError: If the recipe leaves something open that must be known.
    """
    began = clock()
    chosen = choose(recipe, only, upstream=upstream, downstream=downstream)
    loader = Loader(recipe, plugins, facts)
    caller = Caller(_executor_maker(plugins, executor, workers), clock, notice or _warn, worth_s)
    undertaking = Undertaking(repo, caller, clock, checkpoint_s, retry_failed, progress, Limit(limit))
    runner = _Runner(undertaking, loader)
    try:
        steps = [] if chosen is not None else runner.drop_unknown(recipe)
        steps += runner.make_all([node for node in iter_nodes(recipe) if chosen is None or node.name in chosen])
    finally:
        caller.close()
    runner.check_branch()
    is_stopped = any(step.status == STOPPED for step in steps)
    datasets = [] if is_stopped else make_datasets(repo, loader, only=chosen, progress=progress, clock=clock)
    return RunReport(tuple(steps), tuple(datasets), clock() - began)


def _executor_maker(plugins: Plugins, name: str | None, workers: int | None) -> Callable[[], Executor]:
    """Return what makes the executor; an unknown name is refused at once.

    Raises:
        PluginNotFoundError: If there is no such executor.
    """
    if name in (None, LOCAL):
        return lambda: _local(workers)
    kind = plugins.get_executor(str(name))
    return lambda: kind(workers)


def _local(workers: int | None) -> Executor:
    from dsvc.engine.making.executors.local import LocalExecutor  # processes and pipes, which most runs need none of

    return LocalExecutor(workers)


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=2)


class _Runner:
    """Runs the steps of one recipe on one draft."""

    def __init__(self, undertaking: Undertaking, loader: Loader) -> None:
        self._run, self._loader = undertaking, loader
        self._repo = undertaking.repo
        self._seen: View | None = None
        self._draft = self._repo.head().draft_ref

    @property
    def _view(self) -> View:
        """The draft, as we left it; others may have moved it since, and then what we make is stale at once."""
        if self._seen is None:
            self._seen = self._repo.view(DRAFT_REVISION)
        return self._seen

    def drop_unknown(self, recipe: Recipe) -> list[StepReport]:
        """Remove the signals of steps and tasks that the recipe has no more."""
        names = [entry.name for entry in self._view.state.derived if not derives(recipe, entry.name)]
        return [self._drop(name) for name in names]

    def _drop(self, name: str) -> StepReport:
        signal = self._view.signal(name)
        self._seen = self._repo.edit_draft(lambda view, _: drop_derived(view, name), command=COMMAND)
        return StepReport(name, REMOVED, removed=0 if signal is None else signal.count)

    def make_all(self, specs: Collection[StepSpec]) -> list[StepReport]:
        """Make steps in order, up to one that the limit stops."""
        reports: list[StepReport] = []
        for spec in specs:
            self.check_branch()
            reports.append(self._make(spec))
            if reports[-1].status == STOPPED:
                break
        return reports

    def _make(self, spec: StepSpec) -> StepReport:
        """Make one step."""
        began = self._run.clock()
        bound = bind_step(self._repo, self._view, self._loader, spec)
        if bound is None:
            if find_derived(self._view, spec.name) is None:
                return StepReport(spec.name, UNCHANGED)
            return self._drop(spec.name)
        equal = bound.match.equal
        retries = self._run.retry_failed and not bound.match.keeps_waiting
        if equal is not None and not (retries and equal.waiting is not None):
            status = UNCHANGED if bound.is_current else TAKEN
            if status == TAKEN:
                self._move(spec.name, bound, equal.oid, equal.trace)
            n_records = 0 if equal.output is None else equal.output.count
            return StepReport(
                spec.name,
                status,
                records=n_records,
                reused=n_records if status == TAKEN else 0,
                waiting=0 if equal.waiting is None else equal.waiting.count,
                seconds=self._run.clock() - began,
            )
        return self._execute(bound, began)

    def _execute(self, bound: Bound, began: float) -> StepReport:
        """Make one step that has something to make."""
        spec = bound.spec
        step = self._loader.load(spec, bound.type, bound.transform)
        self._loader.confirm(spec, bound.type, bound.transform)
        with self._repo.new_writer() as writer:
            making = self._prepare(bound, step, writer)
            done = making.finish()
            note_rate(self._repo, bound.transform, step.n_ran, step.called_s)
            if done is None:
                return making.stopped(self._run.clock() - began)
            self._move(spec.name, bound, *done)
            making.settle(done[1])
            return making.report(done[1], self._run.clock() - began)

    def _prepare(self, bound: Bound, step: Step, writer: ObjectWriter) -> Making:
        if isinstance(step, TaskStep):
            return TaskMaking(self._run, bound, step, writer)
        kind: type[Making] = RecordMaking if bound.spec.scope == "record" else GroupMaking
        return kind(self._run, bound, step, writer)

    def _move(self, name: str, bound: Bound, oid: Oid, trace: Trace) -> None:
        """Let the draft have a signal as a trace says, and retain the trace."""
        derived = Derived(name, oid, trace.waiting)

        def edit(view: View, _: object) -> DraftEdit:
            made = [(bound.transform, oid)]
            if self._repo.head().draft_ref != self._draft:
                return DraftEdit(traces=made)
            changed = put_derived(view, derived, trace.output)
            return DraftEdit(changed.root, changed.state, made)

        self._seen = self._repo.edit_draft(edit, command=COMMAND)
        self.check_branch()

    def check_branch(self) -> None:
        """Check that the draft is still that of the branch which the recipe was read on: another has another recipe.

        Raises:
            UserError: If somebody has switched meanwhile. Traces keep what was made.
        """
        now = self._repo.head().draft_ref
        if now != self._draft:
            was, name = (ref.removeprefix(DRAFTS) for ref in (self._draft, now))
            raise UserError(
                message=f"{was!r} was left for {name!r} while its recipe ran",
                hint=f"what is finished is kept: `dsvc switch {was}`, and `dsvc run` takes it",
            )
