"""One turn of the work between the recipe and the people of one platform.

A turn does what can be done now and ends: it deletes staged copies that are due, takes in answers, closes what is
answered, asks again what expired, releases what the controller says, stages it and posts it. Each step starts from
what the op store says, and can be cut short anywhere: the next turn goes on, and its effects are keyed, so that doing
one twice is doing it once. Two turns at once on one op store are kept apart by a lease, which is an economy alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from dsvc.annotation.answers.records import Ask
from dsvc.annotation.opstores.base import OpStore, Write, update
from dsvc.annotation.opstores.lease import LEASE_US, drop_lease, take_lease
from dsvc.annotation.staging.expiry import FORGET_US, HOUR_US, Life, learn_expiry
from dsvc.annotation.staging.rendering import Rendered
from dsvc.annotation.staging.stages import Reaped, Stages
from dsvc.annotation.turns import controller
from dsvc.annotation.turns.attempts import Attempts
from dsvc.annotation.turns.calendar import Calendar
from dsvc.annotation.turns.controller import Control, Policy, Window
from dsvc.annotation.turns.intake import AnswerLog, Intake, Taken
from dsvc.annotation.turns.names import names_of
from dsvc.annotation.turns.release import Release
from dsvc.annotation.turns.requests import ON_THE_WAY, Request, Requests
from dsvc.annotation.turns.survey import find_posted, survey
from dsvc.errors import DsvcError, PlatformError, StoreError
from dsvc.objects.oid import Oid
from dsvc.plugins.platforms import Platform, TaskForm

SURVEY_US: Final = HOUR_US
"""How often the staging store and the platform are listed."""
_LIVES: Final = 50
GRACE_US: Final = HOUR_US // 4
"""How long a closed task stays at its platform, for answers that were under way."""


@dataclass(frozen=True)
class Picture:
    """What is shown for an ask.

    Attributes:
        name: What the rendering is, by `rendering_name`; asks of one name share a copy.
        media_type: Of the rendering.
        render: Makes it; raises ImageUnreadableError or ImageChangedError where the source is gone or another.
    """

    name: bytes
    media_type: str
    render: Callable[[], Rendered]


@dataclass(frozen=True)
class Served:
    """A task of which a platform has asks.

    Attributes:
        form: What its questions have in common.
        picture: Says what is shown for an ask.
        effort_s: What an answer takes, until it was measured.
        n_attempts: How many attempts may expire before an ask is parked.
        left: Tells how many answers the budget still allows; None where there is none.
        guideline: Hash of the guideline as it is.
    """

    form: TaskForm
    picture: Callable[[Ask], Picture]
    effort_s: float = 30.0
    n_attempts: int = 5
    left: Callable[[], int] | None = None
    guideline: Oid | None = None


@dataclass
class TurnReport:
    """What a turn did.

    Attributes:
        taken: What was taken in.
        reaped: What a look at the staging store did.
        n_released: Asks that set out.
        n_uploaded: Copies that were put.
        n_posted: Questions that were posted or adopted.
        n_expired: Attempts that expired with answers missing.
        n_closed: Asks that have all the answers that are wanted.
        n_parked: Asks that were given up.
        n_cancelled: Asks that nobody wants any more.
        window: What the controller decided; None where it was not asked.
        notes: What went wrong and is tried again.
        is_busy: Whether another turn was under way, and nothing was done.
        is_broken: Whether something failed that does not go away by itself: a refusal, or a bug of the plugin.
    """

    taken: Taken = field(default_factory=Taken)
    reaped: Reaped = field(default_factory=Reaped)
    n_released: int = 0
    n_uploaded: int = 0
    n_posted: int = 0
    n_expired: int = 0
    n_closed: int = 0
    n_parked: int = 0
    n_cancelled: int = 0
    window: Window | None = None
    notes: list[str] = field(default_factory=list)
    is_busy: bool = False
    is_broken: bool = False

    def note(self, err: DsvcError) -> None:
        """Keep what went wrong, once; who merely does not answer now may be asked again."""
        self.is_broken |= not err.retryable
        if err.message not in self.notes:
            self.notes.append(err.message)


class Dispatcher:
    """Does the turns of one platform."""

    def __init__(
        self,
        ops: OpStore,
        platform: Platform,
        log: AnswerLog,
        clock: Callable[[], int],
        served: Sequence[Served],
        *,
        stages: Stages | None,
        pseudonym: Callable[[str], str],
        find_ask: Callable[[Oid], Ask | None] = lambda _: None,
        calendar: Calendar | None = None,
        policy: Policy | None = None,
        known_until: Callable[[], int] | None = None,
        owner: str = "",
        clone: str = "",
    ) -> None:
        """Open nothing.

        Args:
            ops: Where the state is.
            platform: Where people are.
            log: Where answers go.
            clock: Microseconds UTC.
            served: The platform's tasks.
            stages: Staged copies; None for a platform that shows images by their own pointers.
            pseudonym: Turns a platform's name of a person into ours.
            find_ask: Knows asks that are not wanted any more.
            calendar: When people work.
            policy: What was set.
            known_until: Tells until when answers are wherever they must be (other clones, a remote) for the platform to
                forget them; until now if None.
            owner: Who does the turns; a word of this process if empty.
            clone: Which of those that share the op store this is; empty where it is our own.
        """
        self.requests = Requests(ops, clock)
        self.stages, self.platform = stages, platform
        self._ops, self._log, self._clock = ops, log, clock
        self._served = {one.form.project: one for one in served}
        self._find_elsewhere = find_ask
        self._intake = Intake(ops, log, platform, self.find_ask, pseudonym, clone)
        self._calendar, self._policy = calendar or Calendar(), policy or Policy()
        self._known_until = known_until or clock
        self._owner = owner or f"{os.getpid()}-{os.urandom(4).hex()}"
        self._is_first = True
        self._renewed_us = 0
        self._collected: TurnReport | None = None

    def find_ask(self, ask_id: Oid) -> Ask | None:
        """Return an ask that was subscribed to, or that whoever made this knows."""
        found = self.requests.get(ask_id.hex())
        return found.ask if found is not None else self._find_elsewhere(ask_id)

    @property
    def control(self) -> Control:
        """What is remembered."""
        record = self._ops.get("control", self.platform.name)
        if record is None:
            return Control(controller.begin(self._policy))
        return msgspec.convert(record.doc, Control)

    def effort_s(self, request: Request, control: Control) -> float:
        """Return what an answer to a request takes."""
        known = control.effort_s.get(request.ask.task)
        if known is not None:
            return known
        served = self._served.get(request.project)
        return 30.0 if served is None else served.effort_s

    def clean(self) -> None:
        """Delete what is overdue, by the records; the next look goes on from there."""
        self._collected = self._collected or TurnReport()
        self._clean(self._collected, is_full=False)

    def collect(self) -> TurnReport:
        """Delete what is overdue and take in answers, and no more; the next turn goes on from there.

        Raises:
            StoreError: As `turn`.
        """
        report = self._collected or TurnReport()
        report.is_busy = not self._take_lease()
        if not report.is_busy:
            try:
                self._clean(report, is_full=False)
                self._collect(report, is_full=self._is_first)
                Attempts(self, report).recount_asks(report.taken.asks)
            finally:
                drop_lease(self._ops, self.platform.name, self._owner)
            self._collected = report
        return report

    def turn(self, *, sends: bool = True) -> TurnReport:
        """Do everything that can be done now.

        Args:
            sends: Whether asks may set out, and copies be put.

        Raises:
            StoreError: If the op store or the ledger fails. What else fails is noted, and made up for at the next turn.
        """
        report, self._collected = self._collected or TurnReport(), None
        if not self._take_lease():
            report.is_busy = True
            return report
        try:
            self._do(report, sends=sends)
        finally:
            drop_lease(self._ops, self.platform.name, self._owner)
        return report

    def renew(self) -> None:
        """Say that this turn is still under way; asked before each thing that may take long."""
        if self._clock() - self._renewed_us > LEASE_US // 10:
            self._take_lease()

    def _take_lease(self) -> bool:
        self._renewed_us = self._clock()
        return take_lease(self._ops, self.platform.name, self._owner, self._renewed_us)

    def _do(self, report: TurnReport, *, sends: bool) -> None:
        control = self.control
        now = self._clock()
        is_due = self._is_first or now - control.surveyed_us >= SURVEY_US
        self._believe(control)
        # What is overdue goes first, whatever else there is to do and whatever fails after it.
        self._clean(report, is_full=is_due)
        control = self._believe(control, report.reaped.lives)
        attempts = Attempts(self, report)
        self._collect(report, is_full=is_due)
        self.renew()
        if is_due:
            attempts.recount(request for state in ON_THE_WAY for request in self._of_state(state))
            if survey(self, attempts, report):
                self._is_first = False
                control = msgspec.structs.replace(control, surveyed_us=now)
        attempts.recount_asks(report.taken.asks)
        self.renew()
        attempts.expire(set(report.reaped.lost))
        attempts.cancel()
        attempts.finish()
        under_way = list(self.iter_on_the_way())
        release = Release(self, self._calendar, self._policy)
        control = release.learn(control, under_way, report)
        if sends:
            control = release.release(control, under_way, report)
            attempts.stage()
        attempts.post(self._policy.margin_us if self.stages is not None else 0)
        attempts.tidy(GRACE_US, self._known_until)
        self._save(control)

    def _of_state(self, state: str) -> list[Request]:
        return list(self.requests.iter_state(self.platform.name, state))  # type: ignore[arg-type]

    def iter_on_the_way(self) -> Iterator[Request]:
        """Yield the requests of which an attempt is under way."""
        for state in ON_THE_WAY:
            yield from self._of_state(state)

    def _clean(self, report: TurnReport, *, is_full: bool) -> None:
        if self.stages is None:
            return
        try:
            # What was counted in this pass before stays; what could not be deleted then is tried again.
            report.reaped = Reaped(report.reaped.n_overdue, report.reaped.n_left)
            (self.stages.survey if is_full else self.stages.reap)(report.reaped)
        except StoreError as err:
            report.note(err)

    def _believe(self, control: Control, lives: Sequence[Life] = ()) -> Control:
        """Take the staging store for what was seen of it lately, where that is not what was said."""
        recent = [life for life in (*control.lives, *lives) if life.gone_us > self._clock() - FORGET_US]
        if self.stages is not None:
            self.stages.expiry = learn_expiry(recent, self.stages.declared)
        return msgspec.structs.replace(control, lives=tuple(recent[-_LIVES:]))

    def _collect(self, report: TurnReport, *, is_full: bool) -> None:
        for served in self._served.values():
            try:
                if is_full:  # before a survey ends an attempt to which nobody seems to have answered
                    self._intake.retry_unknown(served.form, report.taken, served.guideline)
                self._intake.take(served.form, report.taken, served.guideline)
            except PlatformError as err:
                report.note(err)
        report.notes += report.taken.notes

    def collect_again(self, served: Served, report: TurnReport) -> None:
        """Take in what came since this turn began: before anything is decided against an ask."""
        self._intake.take(served.form, report.taken, served.guideline)

    def end(self, request: Request, why: str) -> None:
        """End the attempt that is under way for a request, if one is, without counting it as expired."""
        if request.state in {"STAGED", "OPEN", "PARTIAL"}:
            Attempts(self, TurnReport()).end(find_posted(self, request), why, is_expired=False)

    def served(self, project: str) -> Served | None:
        """Return the task of a project, if this platform has it."""
        return self._served.get(project)

    @property
    def projects(self) -> Sequence[Served]:
        """The tasks of this platform."""
        return list(self._served.values())

    def annotators(self, asks: Sequence[Ask]) -> Mapping[Oid, frozenset[str]]:
        """Return who answered each ask."""
        return self._log.annotators(asks)

    def names(self, pseudonyms: Sequence[str]) -> tuple[str, ...]:
        """Return how the platform calls some people, as far as they answered there."""
        return names_of(self._ops, self.platform.name, pseudonyms)

    def now(self) -> int:
        """Return the time."""
        return self._clock()

    def note_costs(self, kind: str, tasks: Mapping[str, str]) -> None:
        """Keep what was done, by name, for which task, once; before a request says so, or a crash would hide it."""
        docs = {f"{kind}/{name}": {"task": task, "kind": kind} for name, task in tasks.items()}
        self._ops.write_many("costs", [Write(key, 0, doc) for key, doc in docs.items()])

    def _save(self, control: Control) -> None:
        update(self._ops, "control", self.platform.name, lambda _: msgspec.to_builtins(control))
