"""What a pass of the loop says it did, and the asks one by one: listed, found by an id, cancelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from dsvc.annotation.answers.evidence import CANCELLED, NOTHING, Aside
from dsvc.annotation.answers.payloads import answer_type, canonical_payload
from dsvc.annotation.answers.records import Answer, Ask
from dsvc.annotation.desk import Desk, Sent, is_open
from dsvc.annotation.judging.asks import Wanted
from dsvc.annotation.keeping.guidelines import find_edited
from dsvc.annotation.keeping.ledger import LedgerView
from dsvc.annotation.opstores.base import Doc
from dsvc.annotation.outfit import Outfit
from dsvc.annotation.overview import iter_requests
from dsvc.annotation.reaping import Elsewhere, undeleted
from dsvc.annotation.staging.expiry import Expiry, learn_expiry
from dsvc.annotation.staging.store import EXPIRY_RULE, find_foreign
from dsvc.annotation.turns.controller import Control
from dsvc.annotation.turns.dispatch import TurnReport
from dsvc.annotation.turns.requests import Request
from dsvc.errors import AnswerFormatError, DsvcError, UserError
from dsvc.objects.keys import Keys
from dsvc.plugins.platforms import Finding
from dsvc.recipe.task_spec import TaskSpec
from dsvc.repo.view import View

_SHORTEST = 4


class PlatformTurn(msgspec.Struct, frozen=True):
    """What one platform's turn did."""

    platform: str
    read: int = 0
    """Answers that the platform gave, those that were there already included."""
    answers: int = 0
    """Answers of people who had not answered their ask before."""
    quarantined: int = 0
    unknown: int = 0
    overdue: int = 0
    """Copies that were deleted for their age."""
    released: int = 0
    uploaded: int = 0
    posted: int = 0
    expired: int = 0
    closed: int = 0
    parked: int = 0
    cancelled: int = 0
    is_busy: bool = False
    """Whether another process was at work there, and nothing was done."""
    notes: tuple[str, ...] = ()
    """What went wrong and is tried again."""
    undeleted: int = 0
    """Copies that should be gone and could not be deleted."""
    is_broken: bool = False
    """Whether something failed that does not go away by itself: a refusal, or a bug of the plugin."""


class SyncReport(msgspec.Struct, frozen=True):
    """What a pass did."""

    platforms: tuple[PlatformTurn, ...] = ()
    wanted: tuple[tuple[str, int], ...] = ()
    """(task, asks that the draft wants)."""
    new: int = 0
    """Of these: asks that nobody wanted before."""
    shared: int = 0
    """Of these: asks that another branch wanted first."""
    dropped: int = 0
    """Asks that nobody wants any more, as far as this branch is concerned."""
    lots: int = 0
    """Lots that were closed."""
    notes: tuple[str, ...] = ()
    void: int = 0
    """Values that lots are judged without, since nobody can be asked about them."""
    elsewhere: int = 0
    """Copies that were deleted in stores where nothing is staged any more."""
    undeleted: int = 0
    """Copies that should be gone there and could not be deleted."""

    @property
    def is_well(self) -> bool:
        """Whether nothing happened that somebody should look at."""
        return not self.undeleted and not any(turn.undeleted or turn.is_broken for turn in self.platforms)

    @property
    def answers(self) -> int:
        """Answers that came in."""
        return sum(turn.answers for turn in self.platforms)

    @property
    def posted(self) -> int:
        """Questions that went out."""
        return sum(turn.posted for turn in self.platforms)

    @property
    def did_nothing(self) -> bool:
        """Whether nothing came in, went out, or was decided."""
        told = (self.new, self.dropped, self.lots, self.void, self.elsewhere, self.undeleted, len(self.notes))
        return not any(told) and all(turn == PlatformTurn(turn.platform, read=turn.read) for turn in self.platforms)


class CheckedPlatform(msgspec.Struct, frozen=True):
    """What was found of one platform."""

    name: str
    plugin: str
    tasks: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def is_well(self) -> bool:
        """Whether all is as it must be."""
        return all(finding.is_well for finding in self.findings)


class AskStatus(msgspec.Struct, frozen=True):
    """One ask, and where it is."""

    ask: Ask
    state: str
    """As `dsvc.annotation.turns.requests` names them; `UNSENT` where the draft wants it and nobody was sent."""
    platform: str = ""
    want: int = 1
    by: tuple[str, ...] = ()
    """Pseudonyms of those who answered."""
    attempt: int = 0
    expired: int = 0
    opened_us: int = 0
    expires_us: int | None = None
    subscribers: tuple[str, ...] = ()
    reason: str = ""
    answers: tuple[Answer, ...] = ()
    """Given by `find_one` alone."""
    problems: tuple[Aside, ...] = ()
    """As `answers`: what came and does not fit."""


def make_report(
    turns: Mapping[str, TurnReport],
    sent: Sent,
    n_lots: int = 0,
    notes: Sequence[str] = (),
    n_void: int = 0,
    elsewhere: Elsewhere | None = None,
) -> SyncReport:
    """Return what a pass did."""
    platforms, elsewhere = [], elsewhere or Elsewhere()
    for name, turn in turns.items():
        taken, failed = turn.taken, turn.reaped.failed
        kept = [undeleted(len(failed), next(iter(failed.values())))] if failed else []
        platforms.append(
            PlatformTurn(
                name,
                taken.n_read,
                taken.n_answers,
                taken.n_quarantined,
                taken.n_unknown,
                turn.reaped.n_overdue,
                turn.n_released,
                turn.n_uploaded,
                turn.n_posted,
                turn.n_expired,
                turn.n_closed,
                turn.n_parked,
                turn.n_cancelled,
                turn.is_busy,
                tuple(dict.fromkeys([*turn.notes, *kept])),
                len(failed),
                turn.is_broken,
            )
        )
    wanted = tuple(sorted(sent.wanted.items()))
    return SyncReport(
        tuple(platforms),
        wanted,
        sent.new,
        sent.shared,
        sent.dropped,
        n_lots,
        (*notes, *elsewhere.notes),
        n_void,
        elsewhere.n_gone,
        elsewhere.n_undeleted,
    )


def foresee(desk: Desk, tasks: Mapping[str, Iterable[Wanted]], branch: str) -> SyncReport:
    """Return what a pass would ask, as far as answers that were not taken in yet change nothing."""
    counts: dict[str, int] = {}
    wanted_ids: set[str] = set()
    subscriber = desk.clones.subscriber(branch)
    new = shared = 0
    for name, wanted in tasks.items():
        for one in wanted:
            wanted_ids.add(one.ask.ask_id.hex())
            if one.is_stopped:
                continue
            counts[name] = counts.get(name, 0) + 1
            found = desk.requests.get(one.ask.ask_id.hex())
            new += found is None
            shared += found is not None and bool(found.subscribers) and subscriber not in found.subscribers
    held = [r for r in iter_requests(desk.ops) if subscriber in r.subscribers and is_open(r)]
    dropped = sum(request.id not in wanted_ids for request in held)
    return SyncReport((), tuple(sorted(counts.items())), new, shared, dropped)


def check_outfit(outfit: Outfit, ledger: LedgerView, remembered: Doc | None = None) -> CheckedPlatform:
    """Return what was found of a platform, of its staging store, and of what its tasks show.

    Args:
        outfit: The platform.
        ledger: Says what people answered by other guidelines.
        remembered: What turns of the platform left behind.
    """
    findings: list[Finding] = []
    try:
        findings += outfit.platform.check()
    except DsvcError as err:
        findings.append(Finding("platform", False, err.message, err.hint))
    if outfit.wants_copies:
        try:
            staging = outfit.staging
            findings += (*staging.check(), find_foreign(staging)) if staging is not None else ()
            if staging is not None and not any(finding.what == EXPIRY_RULE for finding in findings):
                advice = 'say what empties it: expiry = "rolling"'
                findings.append(Finding(EXPIRY_RULE, False, "the staging store does not say", advice))
            findings += _find_early(outfit.expiry, remembered)
        except DsvcError as err:
            findings.append(Finding("staging", False, err.message, err.hint))
    for task in outfit.tasks:
        if task.guideline is not None:
            text = outfit.guideline(task)
            told = f"{task.guideline} cannot be read" if text is None else f"{len(text.split())} words"
            todo = None if text is not None else f"write {task.guideline}: it is what annotators read"
            told += "".join(f", {edit.words}" for edit in find_edited(ledger, outfit.directory, [task]))  # no fault
            findings.append(Finding(f"guideline of {task.name}", text is not None, told, todo))
    outfit.platform.close()
    names = tuple(task.name for task in outfit.tasks)
    return CheckedPlatform(outfit.spec.name, outfit.spec.plugin, names, tuple(findings))


def _find_early(declared: Expiry, remembered: Doc | None) -> Iterator[Finding]:
    """Yield what was seen of copies that went before their time, if any did."""
    lives = () if remembered is None else msgspec.convert(remembered, Control).lives
    seen = learn_expiry(lives, declared)
    if seen != declared:
        sweep = f"{seen.sweep_minute // 60:02}:{seen.sweep_minute % 60:02}"
        advice = (
            f'declare it: expiry = "daily {sweep}"' if seen.model == "daily sweep" else "find out what deletes them"
        )
        told = f"{seen.told}, as seen of {len(lives)}; declared was {declared.told}"
        yield Finding("when copies go", False, told, advice)


# --- asks -----------------------------------------------------------------------------------------------------------


def list_asks(desk: Desk, tasks: Mapping[str, Iterable[Wanted]], *, everything: bool) -> list[AskStatus]:
    """Return the asks that are on their way or wanted: by task, mode, round and source."""
    found = {r.id: _status(r) for r in iter_requests(desk.ops) if everything or is_open(r)}
    for name, wanted in tasks.items():
        platform = next((o.spec.name for o in desk.outfits.values() if name in {t.name for t in o.tasks}), "")
        for one in wanted:
            if desk.requests.get(one.ask.ask_id.hex()) is None:
                state, why = ("PARKED", CANCELLED) if one.is_stopped else ("UNSENT", "")
                found[one.ask.ask_id.hex()] = AskStatus(one.ask, state, platform, one.people, reason=why)
    return sorted(found.values(), key=lambda s: (s.ask.task, s.ask.round, s.ask.mode, s.ask.source, s.ask.ask_id))


def _status(request: Request) -> AskStatus:
    return AskStatus(
        request.ask,
        request.state,
        request.platform,
        request.want,
        request.by,
        request.attempt,
        request.n_expired,
        request.opened_us,
        request.expires_us,
        request.subscribers,
        request.reason,
    )


def find_one(ask_id: str, known: Sequence[AskStatus], ledger: LedgerView) -> AskStatus:
    """Return the ask whose id begins so, with its answers; one that only the ledger knows is `ANSWERED`.

    Raises:
        UserError: If there is none, or several.
    """
    text = ask_id.lower()
    if len(text) < _SHORTEST or set(text) - set("0123456789abcdef"):
        hint = f"`dsvc annotate asks` lists them; the first {_SHORTEST} digits do"
        raise UserError(message=f"{ask_id!r} is no id of an ask", hint=hint)
    found = {status.ask.ask_id: status for status in known if status.ask.ask_id.hex().startswith(text)}
    if not found:
        for task in ledger.tasks:
            for _, evidence in ledger.iter_evidence(task, more=True):
                asks = (ask for ask in evidence.asks if ask.ask_id.hex().startswith(text))
                said = {answer.ask_id for answer in evidence.answers}
                found |= {ask.ask_id: AskStatus(ask, "ANSWERED" if ask.ask_id in said else "CLOSED") for ask in asks}
    if len(found) != 1:
        told = "no ask" if not found else f"{len(found)} asks"
        hint = "give more digits" if found else "`dsvc annotate asks` lists them"
        raise UserError(message=f"{told} of id {ask_id}", hint=hint)
    (status,) = found.values()
    known_of = ledger.evidence(status.ask.task, [status.ask.source]).get(status.ask.source, NOTHING)
    answers = tuple(answer for answer in known_of.answers if answer.ask_id == status.ask.ask_id)
    problems = tuple(aside for aside in known_of.asides if aside.ask == status.ask.ask_id)
    by = tuple(sorted({a.annotator for a in answers}))
    return msgspec.structs.replace(status, answers=answers, by=by, problems=problems)


def canonical_values(view: View, task: TaskSpec, name: str, sources: Iterable[str]) -> dict[str, str]:
    """Return the values of a signal of some sources as canonical payloads of a task; what does not fit is left out.

    Raises:
        SignalNotFoundError: If the version has no such signal.
    """
    type_ = answer_type(task.type_text)
    rows = view.get_tree(name).take(Keys.of_bytes(sorted(source.encode() for source in sources)))
    found: dict[str, str] = {}
    pairs: Iterable[tuple[str, Any]] = zip(rows.sources.to_pylist(), rows.values.to_pylist(), strict=True)
    for source, value in pairs:
        try:
            if value is not None:
                found[source] = canonical_payload(type_, value)
        except (AnswerFormatError, TypeError, KeyError):
            continue
    return found
