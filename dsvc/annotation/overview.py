"""What is known of work in progress, in figures: of each task, of each platform, of each ask. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from dsvc.annotation.answers.adapting import Unreadable
from dsvc.annotation.answers.evidence import Aside, Evidence
from dsvc.annotation.desk import Desk, is_open
from dsvc.annotation.judging.verdicts import judge_lot
from dsvc.annotation.keeping.guidelines import find_edited
from dsvc.annotation.keeping.ledger import LedgerView
from dsvc.annotation.opstores.base import OpStore, iter_scan
from dsvc.annotation.outfit import Outfit
from dsvc.annotation.staging.expiry import learn_expiry
from dsvc.annotation.turns import controller
from dsvc.annotation.turns.controller import Pace
from dsvc.annotation.turns.requests import SPACE, Request
from dsvc.recipe.task_spec import TaskSpec

_PROBLEMS: Final = 20
"""How many answers that count for nothing are listed; all are counted."""


class TaskWork(msgspec.Struct, frozen=True):
    """One task in figures."""

    name: str
    version: str
    platform: str
    backlog: int = 0
    """Asks that wait to be released."""
    open: int = 0
    """Asks that people can see, or soon will."""
    missing: int = 0
    """Answers that are still to come."""
    answers: int = 0
    """Answers in the ledger, of all versions."""
    audits: int = 0
    """Of these: judgements of a sample."""
    adjudications: int = 0
    """Of these: an expert's last word."""
    people: int = 0
    """Who gave them."""
    parked: int = 0
    held: int = 0
    expired: int = 0
    """Attempts that expired, of the asks that are still open."""
    lots: tuple[tuple[str, int], ...] = ()
    """(pending, passed or failed; how many), sorted."""
    cancelled: int = 0
    """Asks that somebody cancelled, so that nobody is asked."""
    misfits: int = 0
    """Answers that do not fit the task, and were not put right since."""
    unreadable: int = 0
    """Answers to old versions that cannot be read as today's."""
    problems: tuple[Problem, ...] = ()
    """The last of both."""
    void: int = 0
    """Values that their lot is judged without, since nobody could be asked about them."""
    standings: tuple[tuple[str, int], ...] = ()
    """(standing, records of the draft), sorted."""
    is_guideline_edited: bool = False
    """Whether answers of this version were given under another guideline than there is now."""


class Problem(msgspec.Struct, frozen=True, order=True):
    """An answer that counts for nothing, and why."""

    at_us: int
    source: str
    ask: str
    """In hex."""
    annotator: str
    platform: str
    version: str
    """Of the task, when it was given."""
    why: str
    raw: str = ""
    """What came, of one that never fitted."""


class StagedCopy(msgspec.Struct, frozen=True):
    """A copy in the staging store."""

    key: str
    age_s: float
    expires_us: int
    asks: int


class PlatformWork(msgspec.Struct, frozen=True):
    """One platform in figures."""

    name: str
    plugin: str
    backlog_s: float
    """Seconds of work that are still to be done, released or not."""
    oldest_s: float | None
    """Since when the oldest open ask is wanted, as an age."""
    pace: float
    """Seconds of work that get done in a second of working time: a number of people."""
    is_measured: bool
    finish_us: int | None
    """When all of it will be answered at this pace; None where nothing waits, or not within ten years."""
    is_working: bool
    """Whether these are working hours."""
    staged: tuple[StagedCopy, ...] = ()
    quarantined: int = 0
    """Answers that did not fit their task."""
    unknown: int = 0
    """Answers to asks that nobody here knows."""
    expiry: str = ""
    """When staged copies go, as far as is known."""
    gone_early: int = 0
    """Copies that went before the time that was declared for them, in the last week."""


def iter_requests(ops: OpStore) -> Iterator[Request]:
    """Yield every request, by the ask's id."""
    for record in iter_scan(ops, SPACE):
        yield msgspec.convert(record.doc, Request)


def task_work(
    desk: Desk,
    ledger: LedgerView,
    outfit: Outfit,
    task: TaskSpec,
    standings: dict[str, int],
    unreadable: Callable[[Evidence], Sequence[Unreadable]] = lambda _: (),
) -> TaskWork:
    """Return one task in figures.

    Args:
        desk: Where its requests are.
        ledger: Where its answers are.
        outfit: Where it is asked.
        task: The task.
        standings: What the draft's records stand at.
        unreadable: Finds answers to old versions that cannot be read as today's.
    """
    requests = [request for request in iter_requests(desk.ops) if request.ask.task == task.name]
    states = [request.state for request in requests]
    n_answers, modes, people = 0, {"audit": 0, "expert": 0, "first": 0}, set[str]()
    evidence = dict(ledger.iter_evidence(task.name, more=True))
    for known in evidence.values():
        for answer in known.answers:
            n_answers += 1
            people.add(answer.annotator)
            ask = known.ask(answer.ask_id)
            modes["first" if ask is None else ask.purpose] += 1
    misfits = [_misfit(source, known, aside) for source, known in evidence.items() for aside in known.open_asides()]
    old = [_lost(source, known, one) for source, known in evidence.items() for one in unreadable(known)]
    lots: dict[str, int] = {}
    for lot in ledger.lots(task.name).values() if task.audit is not None else ():
        state = judge_lot(task, lot, evidence).state
        lots[state] = lots.get(state, 0) + 1
    return TaskWork(
        task.name,
        task.version,
        outfit.spec.name,
        backlog=states.count("WANTED"),
        open=sum(state in ("STAGING", "STAGED", "OPEN", "PARTIAL") for state in states),
        missing=sum(request.missing for request in requests if is_open(request) and request.state != "PARKED"),
        answers=n_answers,
        audits=modes["audit"],
        adjudications=modes["expert"],
        people=len(people),
        parked=states.count("PARKED"),
        held=states.count("HELD"),
        expired=sum(request.n_expired for request in requests),
        lots=tuple(sorted(lots.items())),
        cancelled=sum(len(known.stopped) for known in evidence.values()),
        misfits=len(misfits),
        unreadable=len(old),
        problems=tuple(sorted([*misfits, *old])[-_PROBLEMS:]),
        void=len([m for known in evidence.values() for m in known.members if m.void]),
        standings=tuple(sorted(standings.items())),
        is_guideline_edited=bool(find_edited(ledger, outfit.directory, [task])),
    )


def _misfit(source: str, known: Evidence, aside: Aside) -> Problem:
    ask = known.ask(aside.ask)
    version = "" if ask is None else ask.version
    return Problem(aside.at_us, source, aside.ask.hex(), aside.annotator, aside.platform, version, aside.why, aside.raw)


def _lost(source: str, known: Evidence, lost: Unreadable) -> Problem:
    answer = next(answer for answer in known.answers if answer.answer_id == lost.answer_id)
    ask, who, where = answer.ask_id.hex(), answer.annotator, answer.platform
    return Problem(answer.submitted_us, source, ask, who, where, lost.version, lost.reason)


def platform_work(desk: Desk, outfit: Outfit, tasks: Sequence[TaskWork]) -> PlatformWork:
    """Return one platform in figures, given its tasks in figures."""
    dispatcher, now = desk.dispatcher(outfit.spec.name), desk.clock()
    control = dispatcher.control
    pace: Pace = control.pace
    ours = [r for r in iter_requests(desk.ops) if r.platform == outfit.spec.name]
    to_do = [r for r in ours if is_open(r) and r.state != "PARKED" and r.missing]
    backlog_s = sum(request.missing * dispatcher.effort_s(request, control) for request in to_do)
    oldest = min((request.created_us for request in to_do), default=None)
    inbox = [record.doc for record in iter_scan(desk.ops, "inbox") if record.doc["platform"] == outfit.spec.name]
    return PlatformWork(
        outfit.spec.name,
        outfit.spec.plugin,
        backlog_s,
        None if oldest is None else (now - oldest) / 1e6,
        pace.people,
        pace.measured_us > 0,
        controller.finish_us(pace, backlog_s, now, outfit.calendar) if backlog_s else None,
        outfit.calendar.is_open(now),
        tuple(_copies(desk, outfit)) if outfit.wants_copies else (),
        sum(task.misfits for task in tasks if task.platform == outfit.spec.name),
        sum(doc["state"] == "unknown" for doc in inbox),
        learn_expiry(control.lives, outfit.expiry).told if outfit.wants_copies else "",
        len(control.lives),
    )


def _copies(desk: Desk, outfit: Outfit) -> Iterator[StagedCopy]:
    now = desk.clock()
    expiry = learn_expiry(desk.dispatcher(outfit.spec.name).control.lives, outfit.expiry)
    store = None if outfit.staging is None else outfit.staging.name
    for record in iter_scan(desk.ops, "stages", "put_us"):
        if record.doc["store"] != store:
            continue  # another platform's
        put_us = int(record.doc["put_us"])
        refs = record.doc.get("refs", [])
        yield StagedCopy(record.id, (now - put_us) / 1e6, expiry.expires(put_us), len(refs))


class TaskCost(msgspec.Struct, frozen=True):
    """What a task has cost so far."""

    name: str
    version: str
    round: int
    mode: str
    answers: int = 0
    seconds: float = 0.0
    """Of the answers whose time was measured."""
    timed: int = 0


class Effects(msgspec.Struct, frozen=True):
    """What was done for a task outside the ledger, as far as the op store remembers."""

    name: str
    uploads: int = 0
    issues: int = 0
    """Questions that were posted."""


def task_costs(ledger: LedgerView, task: str) -> list[TaskCost]:
    """Return what the answers of a task took, by version, round and mode."""
    costs: dict[tuple[str, int, str], list[Any]] = {}
    for _, known in ledger.iter_evidence(task, more=True):
        for answer in known.answers:
            ask = known.ask(answer.ask_id)
            key = (answer.version, 0, "label") if ask is None else (answer.version, ask.round, ask.mode)
            row = costs.setdefault(key, [0, 0.0, 0])
            row[0] += 1
            row[1] += answer.lead_s or 0.0
            row[2] += answer.lead_s is not None
    return [TaskCost(task, *key, *row) for key, row in sorted(costs.items())]


def task_effects(ops: OpStore, task: str) -> Effects:
    """Return what was uploaded and posted for a task."""
    kinds = [record.doc["kind"] for record in iter_scan(ops, "costs") if record.doc["task"] == task]
    return Effects(task, kinds.count("upload"), kinds.count("issue"))
