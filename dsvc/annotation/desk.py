"""The desk between a repository and its annotators: every platform of a recipe, and one pass of the loop over them.

A pass is short and ends: copies that are overdue go first, then answers are taken in, then what the draft wants is
subscribed to and what it wants no more is let go, then each platform has its turn. All of it can be cut short anywhere
and done again. The op store is disposable: without it answers are read from the beginning, which adds none twice.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from dsvc.annotation.answers.evidence import CANCELLED
from dsvc.annotation.answers.pseudonyms import Pseudonyms
from dsvc.annotation.answers.records import Ask
from dsvc.annotation.judging.asks import Wanted
from dsvc.annotation.keeping.answer_log import LedgerLog
from dsvc.annotation.keeping.ledger import read_ledger
from dsvc.annotation.opstores.base import OpStore, iter_scan
from dsvc.annotation.outfit import Outfit
from dsvc.annotation.serving import effort_of, serve, serve_before
from dsvc.annotation.staging.stages import Stages
from dsvc.annotation.turns.clones import Clones
from dsvc.annotation.turns.controller import Need, Policy, value_level
from dsvc.annotation.turns.dispatch import Dispatcher, TurnReport
from dsvc.annotation.turns.requests import ON_THE_WAY, SPACE, Request, Requests, Wanting, Wish
from dsvc.errors import DsvcError, StagingError, StoreError
from dsvc.objects.oid import Oid
from dsvc.recipe.task_spec import TaskSpec
from dsvc.store.base import Operation, Store

FindAsks = Callable[[], Iterable[Ask]]
"""Yields every ask that is known without the op store."""


_AT_ONCE: Final = 1000
"""Asks that are subscribed to at a time."""


@dataclass
class Sent:
    """What became of the wishes of a pass.

    Attributes:
        wanted: Asks that the draft wants; by task.
        new: Of these, those that nobody wanted before.
        shared: Of these, those that others wanted already.
        dropped: Asks that it wants no more.
    """

    wanted: dict[str, int] = field(default_factory=dict)
    new: int = 0
    shared: int = 0
    dropped: int = 0


class Desk:
    """All platforms of a recipe, at work.

    Args:
        outfits: The platforms.
        store: Where the ledger is.
        ops: Where the state of work in progress is.
        clock: Microseconds UTC.
        pseudonym: Turns a platform's name of a person into ours.
        find_asks: Yields every ask that is known without the op store; called when an answer names one it lacks.
        recall_asks: Yields those that may have been known once; called when an answer names one that is not.
        op: What the operation log says; None logs nothing.
        policy: Of the controller.
        clone: Which of those that share the op store this is; empty where it is our own.
    """

    def __init__(
        self,
        outfits: Sequence[Outfit],
        store: Store,
        ops: OpStore,
        clock: Callable[[], int],
        *,
        pseudonym: Pseudonyms,
        find_asks: FindAsks = tuple,
        recall_asks: FindAsks = tuple,
        op: Operation | None = None,
        policy: Policy | None = None,
        clone: str = "",
    ) -> None:
        self.ops, self.clock = ops, clock
        self.clones = Clones(ops, clone, clock)
        self.outfits = {outfit.spec.name: outfit for outfit in outfits}
        self.requests = Requests(ops, clock)
        self._store, self._op, self._policy = store, op, policy
        self._began_us = clock()
        self._pseudonym, self._find_asks, self._recall_asks = pseudonym, find_asks, recall_asks
        self._known: dict[Oid, Ask] | None = None
        self._dispatchers = {name: self._dispatcher(outfit) for name, outfit in self.outfits.items()}

    def dispatcher(self, platform: str) -> Dispatcher:
        """Return who does the turns of a platform."""
        return self._dispatchers[platform]

    def close(self) -> None:
        """Let go of platforms and of the op store."""
        for outfit in self.outfits.values():
            outfit.platform.close()
        self.ops.close()

    # --- a pass -----------------------------------------------------------------------------------------------------

    def collect(self) -> dict[str, TurnReport]:
        """Delete what is overdue and take in answers, of every platform."""
        self._began_us = self.clock()
        for dispatcher in self._dispatchers.values():
            dispatcher.clean()  # of all, before anything that can fail or take long
        return {name: self._guarded(dispatcher.collect) for name, dispatcher in self._dispatchers.items()}

    def want(
        self,
        tasks: Mapping[str, Iterable[Wanted]],
        branch: str,
        others: Iterable[str],
        weight: Mapping[str, int],
        before: AbstractSet[str] | None = None,
    ) -> Sent:
        """Subscribe to what is wanted and to nothing else.

        Args:
            tasks: Task -> every ask that is wanted of it; one that is missing wants nothing.
            branch: Which branch of this clone wants them.
            others: Which other branches there are; one that is neither is gone, and wants nothing.
            weight: Task -> how many datasets wait for it.
            before: Where `tasks` names what changed alone, the asks, by id in hex, that were wanted in the place of
                these before; nothing else is wanted no more.
        """
        sent, wanted_ids, subscriber = Sent(), set[str](), self.clones.subscriber(branch)
        self.clones.note_pass(self._began_us)
        for name, wanted in tasks.items():
            outfit, task = self._place(name)
            found = list(wanted)
            wanted_ids |= {one.ask.ask_id.hex() for one in found}
            for one in found:
                if one.is_stopped:
                    self.stop(one.ask)
            asked = [one for one in found if not one.is_stopped]
            for start in range(0, len(asked), _AT_ONCE):
                self._subscribe(outfit, task, asked[start : start + _AT_ONCE], subscriber, weight, sent)
            sent.wanted[name] = len(asked)
        if before is None:
            sent.dropped = self._unsubscribe(wanted_ids, subscriber, {branch, *others})
        else:
            sent.dropped = self._drop(before - wanted_ids, subscriber)
        return sent

    def setting(self, weight: Mapping[str, int]) -> str:
        """Return what a wish says beside its ask: while it is the same, no wish is another by it."""
        told = [
            [task.name, name, task.priority, weight.get(task.name, 0)]
            for name, outfit in self.outfits.items()
            for task in outfit.tasks
        ]
        return json.dumps(told)

    def turn(self, progress: Callable[[str, int, int | None], None] | None = None) -> dict[str, TurnReport]:
        """Let each platform have its turn, whatever becomes of that of another.

        Raises:
            StagingError: Once all had theirs, if copies must be staged where they would stay.
        """
        reports, refusals = dict[str, TurnReport](), list[StagingError]()
        for name, dispatcher in self._dispatchers.items():
            trouble = self._trouble(dispatcher)
            refusals += [trouble] if isinstance(trouble, StagingError) else []
            report = reports[name] = self._guarded(partial(dispatcher.turn, sends=trouble is None))
            report.notes += [] if trouble is None or trouble.message in report.notes else [trouble.message]
            if progress is not None:
                progress(name, len(reports), len(self._dispatchers))
        if refusals:
            raise refusals[0]
        return reports

    def _trouble(self, dispatcher: Dispatcher) -> StoreError | None:
        """Return why nothing may be staged on a platform now; None if it may, or nothing is to be."""
        states = ("WANTED", "HELD", *ON_THE_WAY)
        if dispatcher.stages is None or not any(self.requests.has_any(dispatcher.platform.name, s) for s in states):
            return None
        try:
            dispatcher.stages.require_fit()
        except StoreError as err:
            return err
        return None

    def _guarded(self, work: Callable[[], TurnReport]) -> TurnReport:
        """Return what some work at a platform did; a bug of its plugin ends its own turn, and nobody else's."""
        try:
            return work()
        except DsvcError:
            raise
        except Exception as err:  # noqa: BLE001 -- whatever a plugin does, the others go on
            place = traceback.extract_tb(err.__traceback__)[-1]
            where = f"{type(err).__name__} in {Path(place.filename).name}, line {place.lineno}"
            # Not what it says: that may be a token, or somebody's answer.
            return TurnReport(notes=[f"its turn ended early by a bug, perhaps of its plugin: {where}"], is_broken=True)

    def iter_parked(self, task: str) -> Iterator[Request]:
        """Yield the asks of a task that were given up or cancelled."""
        outfit, _ = self._place(task)
        yield from (r for r in self.requests.iter_state(outfit.spec.name, "PARKED") if r.ask.task == task)

    def stop(self, ask: Ask) -> None:
        """Stop asking: what is at the platform is taken back where it has no answers, the copy goes, the ask is parked.

        Idempotent. That it is to stay so is for the ledger to say.
        """
        request = self.requests.get(ask.ask_id.hex())
        if request is None or request.state == "PARKED" or not is_open(request):
            return
        if request.platform in self.outfits:
            self.dispatcher(request.platform).end(request, CANCELLED)

        def change(found: Request) -> Request:
            if not is_open(found):
                return found  # a copy that is put for it just now finds nobody, and goes
            return msgspec.structs.replace(found, state="PARKED", reason=CANCELLED)

        self.requests.change(request.id, change)

    def _subscribe(
        self,
        outfit: Outfit,
        task: TaskSpec,
        wanted: Sequence[Wanted],
        subscriber: str,
        weight: Mapping[str, int],
        sent: Sent,
    ) -> None:
        by = LedgerLog(self._store).annotators([one.ask for one in wanted])
        known = self.requests.get_all([one.ask.ask_id.hex() for one in wanted])
        for before in known.values():
            if (before.state, before.reason) == ("PARKED", CANCELLED):
                self.requests.revive(before.id)  # somebody took that back
            sent.shared += bool(before.subscribers) and subscriber not in before.subscribers
        sent.new += len(wanted) - len(known)
        wishes = []
        for one in wanted:
            people = by.get(one.ask.ask_id, frozenset())
            level = value_level(1 + weight.get(task.name, 0), one.doubt, effort_of(task)) + task.priority
            level, doubt = min(15, max(0, level)), round(99 * one.doubt)
            wish = Wish(one.people + len(people), _need_of(one.ask), level, doubt)
            wishes.append(Wanting(one.ask, outfit.spec.name, wish, tuple(people)))
        self.requests.subscribe_all(wishes, subscriber)

    def _unsubscribe(self, wanted: set[str], subscriber: str, branches: set[str]) -> int:
        n_dropped = 0
        for record in list(iter_scan(self.ops, SPACE)):
            names = record.doc["wishes"]
            gone = [
                name
                for name in names
                if (name == subscriber and record.id not in wanted) or self.clones.is_gone(name, branches)
            ]
            for name in gone:
                self.requests.unsubscribe(record.id, name)
            n_dropped += bool(gone) and record.doc["state"] not in ("ANSWERED", "CLOSED")
        return n_dropped

    def _drop(self, keys: AbstractSet[str], subscriber: str) -> int:
        n_dropped = 0
        for request in self.requests.get_all(sorted(keys)).values():
            if subscriber in request.wishes:
                self.requests.unsubscribe(request.id, subscriber)
                n_dropped += is_open(request)
        return n_dropped

    def find_ask(self, ask_id: Oid) -> Ask | None:
        """Return an ask that the op store does not have, where anything else has it."""
        if self._known is None:
            self._known = {ask.ask_id: ask for ask in self._find_asks()}
            ledger = read_ledger(self._store)
            for task in ledger.tasks:
                for _, evidence in ledger.iter_evidence(task, more=True):
                    self._known |= {ask.ask_id: ask for ask in evidence.asks}
        if ask_id not in self._known and self.ops.get("control", f"nobody/{ask_id.hex()}") is None:
            for ask in self._recall_asks():
                self._known.setdefault(ask.ask_id, ask)
                if ask.ask_id == ask_id:
                    break
            else:
                self.ops.insert("control", f"nobody/{ask_id.hex()}", {})  # not to be looked for at every pass
        return self._known.get(ask_id)

    def _place(self, name: str) -> tuple[Outfit, TaskSpec]:
        return next((outfit, task) for outfit in self.outfits.values() for task in outfit.tasks if task.name == name)

    # --- making -----------------------------------------------------------------------------------------------------

    def _dispatcher(self, outfit: Outfit) -> Dispatcher:
        stages = None
        if outfit.wants_copies and outfit.staging is not None:
            place = outfit.spec.staging or ""
            stages = Stages(self.ops, outfit.staging, outfit.expiry, self.clock, address=place)
        return Dispatcher(
            self.ops,
            outfit.platform,
            LedgerLog(self._store, self._op, self._pseudonym),
            self.clock,
            [*serve(outfit, self._store), *serve_before(outfit, self._store, self.requests)],
            stages=stages,
            pseudonym=self._pseudonym,
            find_ask=self.find_ask,
            calendar=outfit.calendar,
            policy=self._policy,
            known_until=self.clones.known_until,
            clone=self.clones.own,
        )


def _need_of(ask: Ask) -> Need:
    if ask.mode == "adjudicate":
        return "adjudicate"
    if ask.mode == "audit":
        return "audit"
    return "rework" if ask.round else "new"


def is_open(request: Request) -> bool:
    """Tell whether a request is still to be answered."""
    return request.state not in ("ANSWERED", "CLOSED")
