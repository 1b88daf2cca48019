"""People as a step: taking their answers in, asking what the draft waits for, and looking at how it goes.

Part of `dsvc.repository.Repository`. Nothing here waits for people: each call does what can be done now, and ends.
Rooms above the store are imported when used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from dsvc.errors import DeriveError, RunningError
from dsvc.repo.refs import DRAFT_REVISION
from dsvc.running import Running

if TYPE_CHECKING:
    from dsvc.annotation.answers.records import Ask
    from dsvc.annotation.desk import Desk, Sent
    from dsvc.annotation.judging.asks import Wanted
    from dsvc.annotation.judging.concord import Concord
    from dsvc.annotation.judging.lots import Closing
    from dsvc.annotation.overview import Effects, PlatformWork, TaskCost, TaskWork
    from dsvc.annotation.syncing import AskStatus, CheckedPlatform, SyncReport
    from dsvc.annotation.turns.controller import Policy
    from dsvc.engine.planning.people import People
    from dsvc.recipe.task_spec import TaskSpec
    from dsvc.repo.view import View

Progress = Callable[[str, int, int | None], None]


class Annotating(Running):
    """What a repository does to have its questions answered."""

    environ: Mapping[str, str] = {}
    """What ``${NAME}`` in a platform stands for, where the caller does not say."""
    annotation_policy: Policy | None = None
    """Of the release controller; the usual one if None."""

    def annotate_check(self, *, environ: Mapping[str, str] | None = None) -> list[CheckedPlatform]:
        """Return what was found of every platform and staging store, without sending anything.

        Raises:
            RecipeError: If the recipe is wrong.
        """
        from dsvc.annotation.keeping.ledger import read_ledger
        from dsvc.annotation.outfit import outfits
        from dsvc.annotation.syncing import check_outfit
        from dsvc.annotation.under_way import open_under_way

        found = outfits(self.recipe(), self.plugins, self.environ if environ is None else environ)
        ledger = read_ledger(self.store)
        with open_under_way(self.layout.directory, self.config.annotation, self.recipe(), self.clock) as known:
            return [check_outfit(outfit, ledger, known.remembered(outfit.spec.name)) for outfit in found]

    def annotate_sync(
        self,
        *,
        close_lots: bool = False,
        dry_run: bool = False,
        make: Callable[[], object] | None = None,
        environ: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> SyncReport:
        """Do one pass: delete what is overdue, take answers in, and ask what the draft waits for. Durable on return.

        Args:
            close_lots: Judge what waits for a lot now, though it is not full: nothing more is on its way.
            dry_run: Only say what would be asked; nothing is collected, sent or written.
            make: Makes what new answers touch; called after they are in, and once more where lots were closed. The
                tasks alone are made if None.
            environ: What ``${NAME}`` in a platform stands for; the environment if None.
            progress: Told how far it is.

        Raises:
            RecipeError: If the recipe is wrong.
            StagingError: If copies must be staged where nothing but dsvc deletes them.
        """
        from dsvc.annotation.desk import Sent
        from dsvc.annotation.reaping import Elsewhere, reap_first
        from dsvc.annotation.syncing import foresee, make_report

        recipe, values = self.recipe(), self.environ if environ is None else environ
        state = (self.layout.directory, self.config.annotation)
        elsewhere = Elsewhere() if dry_run else reap_first(recipe, self.plugins, values, *state, self.clock)
        if not recipe.tasks:
            return make_report({}, Sent(), elsewhere=elsewhere)
        with self._desk(environ) as desk:
            if dry_run:
                return foresee(desk, self._wanted(), self._branch())
            notes: list[str] = []
            tell = progress or _say_nothing
            tell("Taking answers in", 0, None)
            desk.collect()
            tell("Making", 0, None)
            self._make_now(make, notes)
            n_lots = self._close_lots(desk, nothing_more=close_lots)
            n_void = self._take_out(desk, nothing_more=close_lots)
            if n_lots or n_void:
                self._make_now(make, notes)
            tell("Sending asks", 0, None)
            sent = self._want(desk)
            return make_report(desk.turn(progress), sent, n_lots, notes, n_void, elsewhere)

    def annotate_status(self) -> tuple[list[TaskWork], list[PlatformWork]]:
        """Return every task and every platform in figures."""
        from dsvc.annotation.keeping.ledger import read_ledger
        from dsvc.annotation.overview import platform_work, task_work
        from dsvc.engine.looking.standings import count_standings
        from dsvc.engine.making.loading import Loader

        view, ledger = self.view(DRAFT_REVISION), read_ledger(self.store)
        loader = Loader(self.recipe(), self.plugins)
        with self._desk(None) as desk:
            tasks = [
                task_work(
                    desk, ledger, outfit, task, count_standings(view, task.name), partial(loader.unreadable, task)
                )
                for outfit in desk.outfits.values()
                for task in outfit.tasks
            ]
            return tasks, [platform_work(desk, outfit, tasks) for outfit in desk.outfits.values()]

    # --- asks -------------------------------------------------------------------------------------------------------

    def asks(self, task: str | None = None, *, everything: bool = False) -> list[AskStatus]:
        """Return the asks that are on their way, and those that the draft wants and nobody was sent.

        Args:
            task: Only those of this task.
            everything: Also those that are answered and still remembered.
        """
        from dsvc.annotation.syncing import list_asks

        if task is not None:
            self._check_task(task)
        with self._desk(None) as desk:
            found = list_asks(desk, self._wanted(), everything=everything)
        return [one for one in found if task is None or one.ask.task == task]

    def ask(self, ask_id: str) -> AskStatus:
        """Return one ask with its answers.

        Args:
            ask_id: In hex, or its first digits, four at least.

        Raises:
            UserError: If there is none, or several.
        """
        from dsvc.annotation.keeping.ledger import read_ledger
        from dsvc.annotation.syncing import find_one, list_asks

        with self._desk(None) as desk:
            return find_one(ask_id, list_asks(desk, self._wanted(), everything=True), read_ledger(self.store))

    def cancel(self, ask_ids: list[str] | tuple[str, ...], *, again: bool = False, dry_run: bool = False) -> list[Ask]:
        """Stop asking; answers that are there or come late stay. Returns the asks.

        Args:
            ask_ids: In hex, or first digits.
            again: The other way round: ask again what was cancelled, or given up.
            dry_run: Only find them.

        Raises:
            UserError: If there is none of an id, or several.
        """
        from dsvc.annotation.answers.evidence import NOTHING, Evidence, Stop
        from dsvc.annotation.keeping.ledger import Addition, append, read_ledger
        from dsvc.annotation.syncing import find_one, list_asks

        with self._desk(None) as desk:
            known, ledger = list_asks(desk, self._wanted(), everything=True), read_ledger(self.store)
            found = [find_one(ask_id, known, ledger).ask for ask_id in ask_ids]
            for ask in () if dry_run else found:
                # In the ledger first: without the op store, and in other clones, it stays as was said last.
                stops = ledger.evidence(ask.task, [ask.source]).get(ask.source, NOTHING).stops
                last_us = max((stop.at_us for stop in stops), default=0)
                stop = Stop(ask.ask_id, max(self.clock(), last_us + 1), is_on=not again)
                addition = Addition(also={ask.source: Evidence(stops=(stop,))})
                append(self.store, {ask.task: addition}, op=self.operation("annotate"))
                if again:
                    desk.requests.revive(ask.ask_id.hex())
                else:
                    desk.stop(ask)
            return found

    # --- what it came to --------------------------------------------------------------------------------------------

    def agreement(self, task: str, *, against: str | None = None) -> list[Concord]:
        """Return how far the people of a task agree, with each other and with what it came to.

        Args:
            task: The task.
            against: Compare with a signal of the draft instead.

        Raises:
            UserError: If there is no such task.
            SignalNotFoundError: If there is no such signal.
        """
        from dsvc.annotation.judging.concord import against as compare_with
        from dsvc.annotation.judging.concord import among_people, with_shown
        from dsvc.annotation.keeping.ledger import read_ledger
        from dsvc.annotation.syncing import canonical_values

        spec = self._check_task(task)
        found = dict(read_ledger(self.store).iter_evidence(task, more=True))
        view = self.view(DRAFT_REVISION)
        if against is not None:
            return compare_with(spec, found.items(), canonical_values(view, spec, against, found), against)
        result = canonical_values(view, spec, task, found) if task in view.signals else {}
        among, shown = among_people(spec, found.items()), with_shown(spec, found.items())
        return [*among, *shown, *compare_with(spec, found.items(), result, "result")]

    def annotation_cost(self) -> tuple[list[TaskCost], list[Effects]]:
        """Return what the answers of every task took, and what was uploaded and posted for them."""
        from dsvc.annotation.keeping.ledger import read_ledger
        from dsvc.annotation.overview import task_costs, task_effects

        ledger = read_ledger(self.store)
        with self._desk(None) as desk:
            names = list(self.recipe().tasks)
            costs = [cost for name in names for cost in task_costs(ledger, name)]
            return costs, [task_effects(desk.ops, name) for name in names]

    # --- inside -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _desk(self, environ: Mapping[str, str] | None) -> Iterator[Desk]:
        from dsvc.annotation.answers.pseudonyms import Pseudonyms
        from dsvc.annotation.desk import Desk
        from dsvc.annotation.outfit import STATE, open_ops, outfits
        from dsvc.annotation.turns.clones import clone_name

        found = outfits(self.recipe(), self.plugins, self.environ if environ is None else environ, self.clock)
        desk = Desk(
            found,
            self.store,
            open_ops(self.layout.directory / STATE, self.config.annotation),
            self.clock,
            pseudonym=Pseudonyms(self.config.pseudonyms or ""),
            find_asks=self._every_ask,
            recall_asks=self._asks_of_before,
            op=self.operation("annotate"),
            policy=self.annotation_policy,
            clone=clone_name(self.layout.directory) if self.config.annotation else "",
        )
        try:
            yield desk
        finally:
            desk.close()

    def _branch(self) -> str:
        return self.head().branch or "HEAD"

    def _people(self, view: View | None = None) -> Iterator[People]:
        """Yield the tasks that the draft, or another version, can be asked about, with what the ledger holds now."""
        from dsvc.engine.making.loading import Loader
        from dsvc.engine.planning.people import People

        recipe, of = self.recipe(), view or self.view(DRAFT_REVISION)
        loader = Loader(recipe, self.plugins)
        for name in recipe.tasks:
            yield People(self, of, loader, name)

    def _wanted(self) -> dict[str, list[Wanted]]:
        return {
            people.task.name: [one for asked in people.iter_asked() for one in asked.wanted]
            for people in self._people()
        }

    def _every_ask(self) -> Iterator[Ask]:
        """Yield what the draft and every branch wait for."""
        views = [None, *(self.view(branch.name) for branch in self.branches() if branch.commit)]
        for view in views:
            try:
                for people in self._people(view):
                    yield from (one.ask for asked in people.iter_asked() for one in asked.wanted)
            except DeriveError:
                continue  # a branch of another recipe: its own syncs find its asks

    def _asks_of_before(self) -> Iterator[Ask]:
        """Yield what the draft may have waited for once."""
        from dsvc.annotation.keeping.ledger import read_ledger
        from dsvc.annotation.keeping.recall import recall, versions_read

        ledger = read_ledger(self.store)
        for people in self._people():
            versions = versions_read(ledger, people.task.name)
            for item, _ in people.iter_items():
                yield from recall(people.task, item, versions)

    def _make_now(self, make: Callable[[], object] | None, notes: list[str]) -> None:
        if make is not None:
            make()
            return
        try:
            self.run(only=list(self.recipe().tasks), waits=False)
        except RunningError as err:
            notes.append(f"{err.message}: the next pass sends what follows from it")

    def _close_lots(self, desk: Desk, *, nothing_more: bool) -> int:
        """Close the lots that are full or have waited long enough; return how many."""
        from dsvc.annotation.judging.lots import close_lots
        from dsvc.annotation.keeping.ledger import Addition, append, read_ledger
        from dsvc.engine.planning.filling import Filling

        n_lots = 0
        for people in self._people():
            if people.task.audit is None:
                continue
            openings = read_ledger(self.store).openings(people.task.name)
            filling = Filling(people, desk.ops)
            candidates = filling.candidates()
            closing: Closing = close_lots(people.task, candidates, openings, self.clock(), nothing_more=nothing_more)
            if closing.lots or dict(closing.openings) != openings:
                addition = Addition(lots=closing.lots, openings=dict(closing.openings))
                append(self.store, {people.task.name: addition}, op=self.operation("annotate"))
            filling.remember(candidates, closing.lots)
            n_lots += len(closing.lots)
        return n_lots

    def _take_out(self, desk: Desk, *, nothing_more: bool) -> int:
        """Take out of open lots whom nobody can be asked about; return how many values."""
        from dsvc.annotation.keeping.ledger import Addition, append, read_ledger
        from dsvc.engine.planning.voids import find_void

        additions = {}
        for people in self._people():
            name, ledger = people.task.name, read_ledger(self.store)
            others = partial(self._branch_people, name)
            parked = desk.iter_parked(name)
            void = find_void(people, others, ledger, desk.ops, parked, self.clock(), nothing_more=nothing_more)
            additions[name] = Addition(also=void)
        append(self.store, additions, op=self.operation("annotate"))
        return sum(len(addition.also) for addition in additions.values())

    def _branch_people(self, task: str) -> Iterator[People]:
        """Yield a task as the last commit of each branch has it."""
        for branch in self.branches():
            try:
                if branch.commit:
                    yield from (people for people in self._people(self.view(branch.name)) if people.task.name == task)
            except DeriveError:
                continue  # a branch of another recipe

    def _want(self, desk: Desk) -> Sent:
        """Have the desk want what the draft wants, by what changed since the last pass."""
        from dsvc.engine.planning.wishes import Wishing

        branch, others, weights = self._branch(), [one.name for one in self.branches()], self._weights()
        wishing = Wishing(
            list(self._people()),
            desk.ops,
            desk.clones.subscriber(branch),
            desk.setting(weights),
            self.clock(),
            lambda name: desk.clones.is_gone(name, [branch, *others]),
        )
        wishes = wishing.find()
        sent = desk.want(wishes.wanted, branch, others, weights, wishes.before)
        sent.wanted |= wishes.n_asks
        wishing.remember(wishes)
        return sent

    def _weights(self) -> dict[str, int]:
        """Return task -> how many datasets read it, straight or through what is derived from it."""
        from dsvc.recipe.nodes import iter_nodes

        recipe = self.recipe()
        tasks = set(recipe.tasks)
        reads: dict[str, set[str]] = {}
        for node in iter_nodes(recipe):
            inside = {path.signal for path in node.depends}
            reads[node.name] = (inside & tasks).union({node.name} & tasks, *(reads.get(name, set()) for name in inside))
        weights: dict[str, int] = dict.fromkeys(tasks, 0)
        for dataset in recipe.datasets.values():
            expressions = [e for e in (dataset.where, *(e for _, e in dataset.columns)) if e is not None]
            inside = {path.signal for expression in expressions for path in expression.inputs}
            for task in (inside & tasks).union(*(reads.get(name, set()) for name in inside)):
                weights[task] += 1
        return weights

    def _check_task(self, name: str) -> TaskSpec:
        from dsvc.errors import UserError
        from dsvc.repo.names import nearest

        tasks = self.recipe().tasks
        if name not in tasks:
            close = nearest(name, tasks)
            hint = f"did you mean {close!r}?" if close else f"it has: {', '.join(tasks) or 'none'}"
            raise UserError(message=f"the recipe has no task {name!r}", hint=hint)
        return tasks[name]


def _say_nothing(_what: str, _done: int, _total: int | None) -> None:
    return
