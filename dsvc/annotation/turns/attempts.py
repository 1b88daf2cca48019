"""The steps of a turn that move single asks: count, expire, cancel, finish, stage, post, tidy.

Each looks at what the op store says and moves a request on by a swap. The order of effects is what keeps promises:
answers are durable before anything of theirs is deleted, a claim is written before a copy is put, a key before a
question is posted, and a platform's task goes last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from dsvc.annotation.answers.payloads import answer_type, read_payload
from dsvc.annotation.answers.records import Ask
from dsvc.annotation.turns.requests import ON_THE_WAY, SHOWN, Request, rested
from dsvc.annotation.turns.showing import Showing, read_key, to_shown
from dsvc.errors import (
    ImageChangedError,
    ImageUnreadableError,
    MissingFileError,
    PlatformError,
    PointerError,
    StoreError,
)
from dsvc.objects.oid import Oid
from dsvc.plugins.platforms import Question

if TYPE_CHECKING:
    from dsvc.annotation.staging.stages import Stages
    from dsvc.annotation.turns.dispatch import Dispatcher, Served, TurnReport

KEEP_US: Final = 30 * 86_400_000_000
"""How long a closed ask is remembered whose platform keeps its tasks: answers may still be edited."""
_FEW: Final = 3
_UNFINISHED: Final = (*ON_THE_WAY, "WANTED", "HELD", "PARKED", "ANSWERED")


class Attempts:
    """Moves the asks of one dispatcher within one turn."""

    def __init__(self, dispatcher: Dispatcher, report: TurnReport) -> None:
        self._of, self._report = dispatcher, report
        self._requests = dispatcher.requests

    def recount_asks(self, asks: Mapping[Oid, Ask]) -> None:
        """Take over from the ledger who answered some asks."""
        found = [self._requests.get(ask_id.hex()) for ask_id in asks]
        self.recount(request for request in found if request is not None)

    def recount(self, requests: Iterable[Request]) -> None:
        """Take over from the ledger who answered; what has all it wants is ANSWERED."""
        held = list(requests)
        people = self._of.annotators([request.ask for request in held])
        for request in held:
            by = tuple(sorted(people.get(request.ask.ask_id, frozenset())))
            if by != request.by or not request.missing:
                self._requests.change(request.id, lambda found, by=by: _counted(found, by))  # type: ignore[misc]

    def expire(self, lost: set[str]) -> None:
        """End the attempts whose copy is gone, or about to be; what is missing is wanted again."""
        now = self._of.now()
        due: list[Request] = []
        for state in ("STAGED", *SHOWN):
            for request in self._requests.iter_state(self._of.platform.name, state):
                if request.expires_us is not None and (request.expires_us <= now or request.stage in lost):
                    due.append(request)
                elif not lost and request.expires_us is not None:
                    break  # those that go first come first
        for request in due:
            self.end(request, "the staged copy expired")

    def end(self, request: Request, why: str, *, is_expired: bool = True) -> None:
        """End one attempt: the platform's task first if it has no answers, then the copy, then the request's state."""
        served = self._of.served(request.project)
        old = request.old_tasks
        if request.task_id and served is not None:
            try:
                fate = self._of.platform.withdraw(served.form, request.task_id)
                if fate == "answered":
                    # Perhaps in this very second: what is there is taken in before anything is asked again.
                    self._of.collect_again(served, self._report)
                    old = (*old, request.task_id)
            except PlatformError as err:
                self._report.note(err)
                self._leave(request)  # the image goes, whatever the platform does
                return
        if not self._leave(request):
            return
        self.recount([request])
        n_expired = request.n_expired + is_expired
        most = 5 if served is None else served.n_attempts
        is_last = n_expired >= most

        def change(found: Request) -> Request | None:
            if found.state not in {"STAGED", *SHOWN} or found.attempt != request.attempt:
                return found if found.old_tasks == old else _with_old(found, old)
            after = msgspec.structs.replace(rested(found), n_expired=n_expired, old_tasks=old)
            if not found.subscribers:
                return msgspec.structs.replace(after, state="CLOSED") if old else None
            if is_last:
                after = msgspec.structs.replace(after, state="PARKED", reason=f"{why}, {n_expired} times")
            return after

        found = self._requests.change(request.id, change)
        if found is not None and found.state in {"WANTED", "PARKED"}:
            self._report.n_expired += is_expired
            self._report.n_parked += found.state == "PARKED"

    def cancel(self) -> None:
        """End what nobody wants any more."""
        for request in list(self._of.iter_on_the_way()):
            if request.subscribers:
                continue
            if request.state != "STAGING" and request.task_id:
                self.end(request, "nobody wants it", is_expired=False)
            elif (request.key and self._report.notes) or not self._leave(request):
                continue  # it may have been posted: the next whole survey tells

            def change(found: Request) -> Request | None:
                if found.subscribers or found.state in {"ANSWERED", "CLOSED"}:
                    return found
                return msgspec.structs.replace(found, state="CLOSED") if found.old_tasks else None

            found = self._requests.change(request.id, change)
            self._report.n_cancelled += found is None or found.state == "CLOSED"

    def finish(self) -> None:
        """Delete the copies of what is answered: its answers are durable."""
        for request in list(self._requests.iter_state(self._of.platform.name, "ANSWERED")):
            if self._leave(request):
                found = self._requests.move(request, ["ANSWERED"], state="CLOSED", stage="")
                self._report.n_closed += found is not None and found.state == "CLOSED"
                if request.attempt > 1:  # perhaps by who had an earlier one open: this one is to be shown to nobody
                    self._hide(request)

    def _hide(self, request: Request) -> None:
        served = self._of.served(request.project)
        if served is not None and request.task_id:
            try:
                self._of.platform.withdraw(served.form, request.task_id)
            except PlatformError as err:
                self._report.note(err)

    def stage(self) -> None:
        """Put copies for what has set out; a source that is gone, or another, parks its ask.

        Where the store of the images does not answer, they wait for the next turn; a few of them find it out.
        """
        n_away = 0
        ready = list(self._requests.iter_state(self._of.platform.name, "STAGING"))
        if self._of.stages is None:  # what is shown is there already
            ready = [request for request in ready if self._of.served(request.project) is not None]
            keys = (Showing(request.ask.ask_id, request.attempt).key for request in ready)
            moves = [(request, {"state": "STAGED", "key": key}) for request, key in zip(ready, keys, strict=True)]
            self._requests.move_all(moves, ["STAGING"])
            return
        for request in ready:
            served = self._of.served(request.project)
            if served is None:
                continue
            self._of.renew()
            try:
                self._stage_one(request, served, self._of.stages)
            except (ImageUnreadableError, ImageChangedError, MissingFileError, PointerError) as err:
                if isinstance(err, ImageUnreadableError) and err.is_away:
                    self._report.notes.append(err.message)
                    n_away += 1
                    if n_away == _FEW:
                        return
                    continue
                fields = {"state": "PARKED", "reason": err.message}
                self._requests.move(request, ["STAGING"], **fields)
                self._report.n_parked += 1
            except StoreError as err:
                self._report.note(err)
                return

    def _stage_one(self, request: Request, served: Served, stages: Stages) -> None:
        picture = served.picture(request.ask)
        least_us = stages.expiry.expires(self._of.now()) - self._of.now()
        # A copy that others use is joined while it has most of its life before it.
        stage = stages.join(picture.name, request.id, picture.render, picture.media_type, least_us // 2)
        self._report.n_uploaded += stage.is_fresh
        # Also of one that is joined: whoever put it may have been cut short before it was counted.
        self._of.note_costs("upload", {stage.key: request.ask.task})
        showing = Showing(request.ask.ask_id, request.attempt, stage.expires_us, stage.left, stage.top, stage.factor)
        found = self._requests.move(
            request,
            ["STAGING"],
            state="STAGED",
            stage=stage.key,
            key=showing.key,
            expires_us=stage.expires_us,
            window=(stage.width, stage.height),
        )
        if found is None or found.stage != stage.key:
            stages.leave(stage.key, request.id)

    def post(self, margin_us: int) -> None:
        """Have questions shown, those first whose copies go first."""
        now = self._of.now()
        ready: dict[str, list[Request]] = {}
        for request in list(self._requests.iter_state(self._of.platform.name, "STAGED")):
            if request.stage and self._of.stages is not None and self._of.stages.find(request.stage) is None:
                self.end(request, "its copy is not there", is_expired=False)  # `staging` is another place now
                continue
            if request.expires_us is not None and request.expires_us - now < min(margin_us, 3_600_000_000):
                continue  # it would go while somebody looks at it; it expires here instead
            ready.setdefault(request.project, []).append(request)
        for project, requests in ready.items():
            served = self._of.served(project)
            if served is None:
                continue
            size = self._of.platform.capabilities.batch
            for start in range(0, len(requests), size):
                self._of.renew()
                if not self._post_some(served, requests[start : start + size]):
                    return

    def _post_some(self, served: Served, requests: Sequence[Request]) -> bool:
        try:
            questions = [self.question(request) for request in requests]
            posted = self._of.platform.post(served.form, questions)
        except (PlatformError, StoreError) as err:
            self._report.note(err)
            return False
        tasks = {one.key: one.task_id for one in posted}
        now = self._of.now()
        self._of.note_costs("issue", {request.key: request.ask.task for request in requests})
        moves = []
        for request in requests:
            state = "PARTIAL" if request.by else "OPEN"
            fields = {"task_id": tasks[request.key], "opened_us": now, "asked": request.missing}
            moves.append((request, {"state": state, **fields}))
        self._requests.move_all(moves, ["STAGED"])
        self._report.n_posted += len(requests)
        return True

    def question(self, request: Request) -> Question:
        """Return an ask as the platform is to show it."""
        ask, wants = request.ask, self._of.platform.capabilities
        showing = read_key(request.key)
        if showing is None:
            raise AssertionError(f"{request.key!r} was made here")
        image, stages = ask.source, self._of.stages
        if stages is not None and wants.image != "pointer":
            left_us = (request.expires_us or 0) - self._of.now()
            image = stages.address(request.stage, is_signed=wants.image == "url", life_s=left_us // 1_000_000)
        type_ = answer_type(ask.type)
        shown = None if ask.judged is None else to_shown(type_, read_payload(type_, ask.judged), showing)
        width, height = request.window or (None, None)
        avoid = self._of.names(ask.context.avoid)
        return Question(
            key=request.key,
            form=ask.form,
            image=image,
            mode=ask.mode,
            width=width,
            height=height,
            shown=shown,
            reasons=ask.context.reasons,
            round=ask.round,
            want=request.missing,
            expires_us=request.expires_us,
            context=(("Not for", ", ".join(avoid)),) if avoid and not wants.honours_avoid else (),
            avoid=avoid,
        )

    def tidy(self, grace_us: int, known_until: Callable[[], int]) -> None:
        """Let the platform forget what is durable here, some time after it was closed, and forget it ourselves.

        What came while this turn sent questions is taken in first. Nothing is forgotten whose answers the ledger has
        lost, since it was brought back from a copy.
        """
        now = self._of.now()
        closed = self._requests.iter_state(self._of.platform.name, "CLOSED")
        due = [request for request in closed if now - request.changed_us >= grace_us]
        until = known_until() if due else 0
        due = [request for request in due if request.changed_us < until]
        if not due or self._report.notes:
            return
        projects = {request.project: self._of.served(request.project) for request in due}
        for served in projects.values():
            if served is not None and not self._collects(served):
                return
        people = self._of.annotators([request.ask for request in due])
        for request in due:
            if not set(request.by) <= people.get(request.ask.ask_id, frozenset()):
                self.recount([request])
                continue
            served = projects[request.project]
            tasks = [*request.old_tasks, *([request.task_id] if request.task_id else [])]
            try:
                fates = {self._of.platform.discard(served.form, task) for task in tasks} if served else set()
            except PlatformError as err:
                self._report.note(err)
                return
            if "answered" not in fates or now - request.changed_us > KEEP_US:
                self._requests.change(request.id, lambda found: None if found.state == "CLOSED" else found)

    def _collects(self, served: Served) -> bool:
        """Take in what came since this turn began; tell whether all of it could be."""
        try:
            self._of.collect_again(served, self._report)
        except PlatformError as err:
            self._report.note(err)
            return False
        return True

    def _leave(self, request: Request) -> bool:
        """Leave the copy; tell whether that could be done."""
        if self._of.stages is None or not request.stage:
            return True
        try:
            self._of.stages.leave(request.stage, request.id)
        except StoreError as err:
            self._report.note(err)  # its record says that it goes; the next survey deletes it
        return True


def _counted(found: Request, by: tuple[str, ...]) -> Request:
    after = msgspec.structs.replace(found, by=by)
    if found.state in _UNFINISHED and not after.missing:
        return msgspec.structs.replace(after, state="ANSWERED")
    if found.state == "OPEN" and by:
        return msgspec.structs.replace(after, state="PARTIAL")
    return after


def _with_old(found: Request, old: tuple[str, ...]) -> Request:
    return msgspec.structs.replace(found, old_tasks=tuple(dict.fromkeys([*found.old_tasks, *old])))
