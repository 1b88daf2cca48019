"""Comparing what the platform holds with what the op store says: after a crash, a wipe, or somebody else's hand.

The platform's list is the truth about what is shown. A question that is there already is adopted instead of asked
again, whoever posted it; one that is gone is asked again; one that belongs to an attempt that is over is withdrawn,
unless it has answers. What another clone may have posted is left to it until it is a day too old; where two clones
posted at once, every clone finds the same question to be the one that stands, and goes on with that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from dsvc.annotation.staging.expiry import DAY_US
from dsvc.annotation.turns.requests import ON_THE_WAY, SHOWN, Request
from dsvc.annotation.turns.showing import Showing, read_key
from dsvc.errors import PlatformError, StoreError
from dsvc.plugins.platforms import PlatformTask

if TYPE_CHECKING:
    from dsvc.annotation.turns.attempts import Attempts
    from dsvc.annotation.turns.dispatch import Dispatcher, Served, TurnReport

_POSTED: Final = ("STAGED", *SHOWN, "ANSWERED", "CLOSED")
"""States in which a question may be at the platform though nobody here was told so."""


def survey(dispatcher: Dispatcher, attempts: Attempts, report: TurnReport) -> bool:
    """Compare and repair; tell whether all could be looked at."""
    is_whole = True
    for served in dispatcher.projects:
        try:
            tasks = _one_of_each(dispatcher, served, dispatcher.platform.iter_tasks(served.form))
            for task in tasks:
                dispatcher.renew()
                _look_at(dispatcher, attempts, served, task)
            _find_gone(dispatcher, attempts, served, {task.key for task in tasks})
        except PlatformError as err:
            report.note(err)
            is_whole = False
    if dispatcher.stages is not None:
        try:
            dispatcher.stages.drop_refs(lambda key, ref: _uses(dispatcher.requests.get(ref), key))
        except StoreError as err:
            report.note(err)
            is_whole = False
    return is_whole


def _one_of_each(dispatcher: Dispatcher, served: Served, tasks: Iterable[PlatformTask]) -> list[PlatformTask]:
    """Return the tasks, of those with one key only one: two turns at once posted it, and the others are withdrawn."""
    twins: dict[str, list[PlatformTask]] = {}
    for task in tasks:
        twins.setdefault(task.key, []).append(task)
    kept = []
    for key, same in twins.items():
        showing = read_key(key) if len(same) > 1 else None
        request = None if showing is None else dispatcher.requests.get(showing.ask_id.hex())
        if request is None:
            kept += same  # one alone, or none of ours
            continue
        known = request.task_id
        # One that was answered, if there is; else the one that is known here.
        stays, *others = sorted(same, key=lambda task: (not task.n_answers, task.task_id != known))
        kept.append(stays)
        for task in others:
            if dispatcher.platform.withdraw(served.form, task.task_id) == "answered":
                _remember(dispatcher, request, task.task_id)
    return kept


def _look_at(dispatcher: Dispatcher, attempts: Attempts, served: Served, task: PlatformTask) -> None:
    showing = read_key(task.key)
    if showing is None:
        return
    now = dispatcher.now()
    request = dispatcher.requests.get(showing.ask_id.hex())
    is_over = showing.expires_us is not None and showing.expires_us <= now
    if request is None or request.platform != dispatcher.platform.name:
        if showing.expires_us is not None and showing.expires_us + DAY_US <= now and not task.n_answers:
            dispatcher.platform.withdraw(served.form, task.task_id)
        return
    if request.key == task.key:
        if request.task_id != task.task_id:
            # Posted, and nobody heard of it. What is STAGED is posted again, which adopts it with what it wants now;
            # or its copy goes first, and then it is withdrawn.
            dispatcher.note_costs("issue", {request.key: request.ask.task})
            dispatcher.requests.move(request, _POSTED, task_id=task.task_id)
        elif request.state in SHOWN and request.missing and task.n_answers >= max(request.asked, 1):
            # By people who had answered before, or nothing that fits: nobody else will be given it.
            attempts.end(request, "nobody new answered")
        return
    if task.task_id in request.old_tasks and task.n_answers:
        return  # without any it was answered elsewhere, and more answers were wanted later
    dispatcher.note_costs("issue", {task.key: request.ask.task})  # posted, and its attempt ended before anybody knew
    if not is_over and request.state in {"WANTED", "HELD"} and request.missing > 0 and not task.n_answers:
        _adopt(dispatcher, request, task, showing)
    elif not is_over and request.state in ON_THE_WAY and request.missing > 0 and _stands(showing, request):
        _yield(dispatcher, served, request, task, showing)
    elif dispatcher.platform.withdraw(served.form, task.task_id) == "answered":
        _remember(dispatcher, request, task.task_id)


def _stands(showing: Showing, request: Request) -> bool:
    """Tell whether another's question stands, and not the one that is known here: all clones say the same of two."""
    ours = read_key(request.key)
    if ours is None or request.state == "STAGING":
        return showing.attempt >= request.attempt  # nothing of this attempt was posted here
    theirs, known = ((one.attempt, one.expires_us or 0, one.key) for one in (showing, ours))
    return theirs > known


def _yield(dispatcher: Dispatcher, served: Served, request: Request, task: PlatformTask, showing: Showing) -> None:
    """Go on with another's question: ours is withdrawn, and its copy left by the survey's last step."""
    fate = dispatcher.platform.withdraw(served.form, request.task_id) if request.task_id else "gone"
    if fate == "answered":
        _remember_old(dispatcher, request)
    _adopt(dispatcher, request, task, showing)


def _adopt(dispatcher: Dispatcher, request: Request, task: PlatformTask, showing: Showing) -> None:
    dispatcher.requests.move(
        request,
        ["WANTED", "HELD", *ON_THE_WAY],
        state="PARTIAL" if request.by else "OPEN",
        attempt=max(request.attempt, showing.attempt),
        key=task.key,
        task_id=task.task_id,
        old_tasks=tuple(old for old in request.old_tasks if old != task.task_id),
        stage="",
        expires_us=showing.expires_us,
        opened_us=dispatcher.now(),
        asked=request.missing,
        reason="",
    )


def _remember(dispatcher: Dispatcher, request: Request, task_id: str) -> None:
    """Keep in mind a task of an earlier attempt that has answers, to be discarded once the ask is closed."""

    def change(found: Request) -> Request:
        if task_id in found.old_tasks or task_id == found.task_id:
            return found
        return msgspec.structs.replace(found, old_tasks=(*found.old_tasks, task_id))

    dispatcher.requests.change(request.id, change)


def _remember_old(dispatcher: Dispatcher, request: Request) -> None:
    """Keep in mind the task of an attempt that has answers and that is left for another's."""

    def change(found: Request) -> Request:
        return msgspec.structs.replace(found, old_tasks=tuple(dict.fromkeys([*found.old_tasks, request.task_id])))

    dispatcher.requests.change(request.id, change)


def find_posted(dispatcher: Dispatcher, request: Request) -> Request:
    """Return a request with its task, where it was posted and nobody here was told: the platform knows of it."""
    served = dispatcher.served(request.project)
    if request.task_id or not request.key or served is None:
        return request
    try:
        tasks = dispatcher.platform.iter_tasks(served.form)
        found = next((task for task in tasks if task.key == request.key), None)
    except PlatformError:
        return request
    if found is None:
        return request
    dispatcher.note_costs("issue", {request.key: request.ask.task})
    return dispatcher.requests.move(request, _POSTED, task_id=found.task_id) or request


def _find_gone(dispatcher: Dispatcher, attempts: Attempts, served: Served, keys: set[str]) -> None:
    """Ask again what somebody deleted at the platform."""
    for state in SHOWN:
        for request in list(dispatcher.requests.iter_state(dispatcher.platform.name, state)):
            if request.project == served.form.project and request.missing and request.key not in keys:
                attempts.end(request, "the task was deleted at the platform")


def _uses(request: Request | None, key: str) -> bool:
    """Tell whether an ask is on its way with a copy, or about to join one."""
    if request is None:
        return False
    return request.state == "STAGING" or (request.state in ON_THE_WAY and request.stage == key)
