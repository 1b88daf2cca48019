r"""What is known of an ask on its way to people and back, and who wants it.

    WANTED -> STAGING -> STAGED -> OPEN -> PARTIAL -> ANSWERED -> CLOSED
      ^                               \______/
      |__ the copy expired: what is missing is asked again, PARKED after so many times
    HELD: the task's budget is used up     PARKED: given up, with a reason

A request is one document under the ask's id; every change is a swap on its version, made from what it is now. So an
event that comes twice, or late, changes nothing, and whoever is cut short leaves a state from which the next turn
goes on. How many answers there are is never counted here: the ledger is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Literal

import msgspec

from dsvc.annotation.answers.records import Ask
from dsvc.annotation.opstores.base import PAGE, Doc, OpStore, iter_scan, starting_with, update, update_many
from dsvc.annotation.turns.controller import Need

SPACE: Final = "requests"
State = Literal["WANTED", "STAGING", "STAGED", "OPEN", "PARTIAL", "ANSWERED", "CLOSED", "PARKED", "HELD"]
ON_THE_WAY: Final[tuple[State, ...]] = ("STAGING", "STAGED", "OPEN", "PARTIAL")
"""An attempt is under way: a copy is staged, or about to be."""
SHOWN: Final[tuple[State, ...]] = ("OPEN", "PARTIAL")
_NEEDS = {"adjudicate": 0, "audit": 1, "rework": 2, "new": 3}


class Wish(msgspec.Struct, frozen=True):
    """What one subscriber wants of an ask.

    Attributes:
        want: Answers of different people.
        need: Why.
        level: How much an answer is worth for its time, 0 to 15.
        doubt: Of asks of one level: how likely an answer changes anything, 0 to 99.
    """

    want: int = 1
    need: Need = "new"
    level: int = 8
    doubt: int = 50


_NO_WISH: Final = Wish()


class Request(msgspec.Struct, frozen=True):
    """What is known of an ask.

    Attributes:
        ask: The ask.
        platform: Where it is asked.
        wishes: Who wants it, by name of a branch or a clone, and what each wants. One who changes their mind takes
            nothing from others.
        state: Where it is.
        created_us: When it was first wanted.
        changed_us: When its state changed.
        by: Who answered, durably.
        attempt: How many times it was released.
        n_expired: How many attempts expired.
        stage: Key of the staged copy.
        key: The question's key at the platform, once there is a copy.
        task_id: The platform's name of the task.
        old_tasks: Tasks of earlier attempts that had answers and so were not deleted.
        asked: How many answers the question asked for when it was posted.
        opened_us: When it was posted.
        expires_us: When the copy goes; None where none is needed.
        window: (width, height) of what is shown.
        reason: Why it is parked or held.
    """

    ask: Ask
    platform: str
    wishes: dict[str, Wish] = {}
    state: State = "WANTED"
    created_us: int = 0
    changed_us: int = 0
    by: tuple[str, ...] = ()
    attempt: int = 0
    n_expired: int = 0
    stage: str = ""
    key: str = ""
    task_id: str = ""
    old_tasks: tuple[str, ...] = ()
    asked: int = 0
    opened_us: int = 0
    expires_us: int | None = None
    window: tuple[int, int] | None = None
    reason: str = ""

    @property
    def id(self) -> str:
        """The document's id."""
        return self.ask.ask_id.hex()

    @property
    def project(self) -> str:
        """Task and version."""
        return f"{self.ask.task}@{self.ask.version}"

    @property
    def subscribers(self) -> tuple[str, ...]:
        """Who wants it, sorted."""
        return tuple(sorted(self.wishes))

    @property
    def want(self) -> int:
        """Answers of different people that are wanted: the most that anybody wants."""
        return max((wish.want for wish in self.wishes.values()), default=_NO_WISH.want)

    @property
    def need(self) -> Need:
        """Why it is asked: of several reasons the first in the order of release."""
        return min((wish.need for wish in self.wishes.values()), key=_NEEDS.__getitem__, default=_NO_WISH.need)

    @property
    def level(self) -> int:
        """How much an answer is worth for its time: the most that it is to anybody."""
        return max((wish.level for wish in self.wishes.values()), default=_NO_WISH.level)

    @property
    def doubt(self) -> int:
        """How likely an answer changes anything, as far as anybody knows."""
        return max((wish.doubt for wish in self.wishes.values()), default=_NO_WISH.doubt)

    @property
    def missing(self) -> int:
        """Answers that are still to come."""
        return max(0, self.want - len(self.by))


class Wanting(msgspec.Struct, frozen=True):
    """An ask that somebody wants answers to; see `Requests.subscribe`."""

    ask: Ask
    platform: str
    wish: Wish
    answered_by: tuple[str, ...] = ()


Change = Callable[[Request], Request | None]


class Requests:
    """The requests of an op store."""

    def __init__(self, ops: OpStore, clock: Callable[[], int]) -> None:
        self._ops, self._clock = ops, clock

    def get(self, key: str) -> Request | None:
        """Return a request by the hex of its ask's id."""
        record = self._ops.get(SPACE, key)
        return None if record is None else _decoded(record.doc)

    def get_all(self, keys: Sequence[str]) -> dict[str, Request]:
        """Return requests by the hex of their asks' ids; those that there are none of are left out."""
        found: dict[str, Request] = {}
        for start in range(0, len(keys), PAGE):
            records = self._ops.get_many(SPACE, keys[start : start + PAGE])
            found |= {key: _decoded(record.doc) for key, record in records.items()}
        return found

    def iter_state(self, platform: str, state: State) -> Iterator[Request]:
        """Yield the requests in a state: WANTED in the order of release, others those that expire first."""
        for record in iter_scan(self._ops, SPACE, "line", *starting_with(f"{platform}/{state}/")):
            yield _decoded(record.doc)

    def iter_need(self, platform: str, need: Need) -> Iterator[Request]:
        """Yield what is WANTED for a reason, in the order of release."""
        for record in iter_scan(self._ops, SPACE, "line", *starting_with(f"{platform}/WANTED/{_NEEDS[need]}/")):
            yield _decoded(record.doc)

    def iter_project(self, project: str) -> Iterator[Request]:
        """Yield all requests of a task's version."""
        for record in iter_scan(self._ops, SPACE, "task", project, project + "\x01"):
            yield _decoded(record.doc)

    def iter_projects(self, platform: str) -> Iterator[Request]:
        """Yield one request of each task's version that a platform has any of."""
        low: str | None = None
        while page := self._ops.scan(SPACE, "task", low, limit=1):
            project = str(page[0].doc["task"])
            there = (request for request in self.iter_project(project) if request.platform == platform)
            yield from islice(there, 1)
            low = project + "\x01"

    def has_any(self, platform: str, state: State) -> bool:
        """Tell whether there is a request in a state."""
        return bool(self._ops.scan(SPACE, "line", *starting_with(f"{platform}/{state}/"), limit=1))

    def change(self, key: str, change: Change) -> Request | None:
        """Change a request by what it is now; return what is there afterwards.

        Args:
            key: The ask's id in hex.
            change: Returns the same object to leave it, None to remove it; not called where there is none.
        """
        doc = update(self._ops, SPACE, key, lambda doc: _changed(doc, change, self._clock()))
        return None if doc is None else _decoded(doc)

    def move(self, request: Request, states: Iterable[State], **fields: object) -> Request | None:
        """Set fields, where the request is in one of some states and at the same attempt; return what is there."""
        allowed = set(states)
        return self.change(request.id, lambda found: _moved(found, request, allowed, fields))

    def move_all(
        self, moves: Sequence[tuple[Request, Mapping[str, object]]], states: Iterable[State]
    ) -> list[Request | None]:
        """Set fields of many different requests, each as `move` does; return what is there, in order."""
        by_id, allowed, now = {request.id: (request, fields) for request, fields in moves}, set(states), self._clock()

        def on_doc(key: str, doc: Doc | None) -> Doc | None:
            return _changed(doc, lambda found: _moved(found, by_id[key][0], allowed, by_id[key][1]), now)

        docs = update_many(self._ops, SPACE, [request.id for request, _ in moves], on_doc)
        return [None if doc is None else _decoded(doc) for doc in docs]

    def subscribe(
        self,
        ask: Ask,
        platform: str,
        subscriber: str,
        *,
        want: int = 1,
        need: Need = "new",
        level: int = 8,
        answered_by: Iterable[str] = (),
    ) -> Request | None:
        """Want answers to an ask; whoever else wants them shares them. Idempotent.

        Args:
            ask: What is asked.
            platform: Where. It is not moved while an attempt is under way.
            subscriber: Who wants it; what they wanted of it before is forgotten.
            want: Answers of different people.
            need: Why.
            level: What an answer is worth.
            answered_by: Whose answers the ledger has.

        Returns:
            The request; None where the ledger has enough answers already, and nothing is asked.
        """
        wanted = Wanting(ask, platform, Wish(want, need, level), tuple(answered_by))
        now = self._clock()
        doc = update(self._ops, SPACE, ask.ask_id.hex(), lambda doc: _renewed(doc, wanted, subscriber, now))
        return None if doc is None else _decoded(doc)

    def subscribe_all(self, wanted: Sequence[Wanting], subscriber: str) -> None:
        """Want answers to many different asks, each as `subscribe` does."""
        by_id, now = {one.ask.ask_id.hex(): one for one in wanted}, self._clock()
        update_many(self._ops, SPACE, [*by_id], lambda key, doc: _renewed(doc, by_id[key], subscriber, now))

    def unsubscribe(self, key: str, subscriber: str) -> Request | None:
        """Want an ask no longer; what nobody wants is cancelled at the next turn. Idempotent."""

        def change(found: Request) -> Request | None:
            left = {name: wish for name, wish in found.wishes.items() if name != subscriber}
            after = msgspec.structs.replace(found, wishes=left)
            if not left and found.state in {"WANTED", "PARKED", "HELD"}:
                return msgspec.structs.replace(after, state="CLOSED") if found.old_tasks else None
            return after

        return self.change(key, change)

    def revive(self, key: str) -> Request | None:
        """Ask again what was parked."""

        def change(found: Request) -> Request:
            return found if found.state != "PARKED" else rested(msgspec.structs.replace(found, n_expired=0))

        return self.change(key, change)


def _changed(doc: Doc | None, change: Change, now_us: int) -> Doc | None:
    if doc is None:
        return None
    before = _decoded(doc)
    after = change(before)
    if after is before or after == before:
        return doc
    if after is None:
        return None
    if after.state != before.state:
        after = msgspec.structs.replace(after, changed_us=now_us)
    return _encoded(after)


def _moved(found: Request, request: Request, allowed: Container[str], fields: Mapping[str, object]) -> Request:
    if found.state not in allowed or found.attempt != request.attempt:
        return found
    return msgspec.structs.replace(found, **fields)


def _renewed(doc: Doc | None, wanted: Wanting, subscriber: str, now_us: int) -> Doc | None:
    """Return a request as it is once somebody wants it."""
    by = tuple(sorted(set(wanted.answered_by)))
    if doc is None:
        if len(by) >= wanted.wish.want:
            return None
        wishes = {subscriber: wanted.wish}
        return _encoded(Request(wanted.ask, wanted.platform, wishes, created_us=now_us, changed_us=now_us, by=by))
    found = _decoded(doc)
    # An answer may have been taken back by whoever owns the ledger: what it says now is what counts.
    wishes = {**found.wishes, subscriber: wanted.wish}
    after = msgspec.structs.replace(found, ask=wanted.ask, wishes=wishes, by=by)
    if found.state in {"ANSWERED", "CLOSED"} and after.missing:
        old = found.old_tasks if not found.task_id else (*found.old_tasks, found.task_id)
        after = rested(msgspec.structs.replace(after, old_tasks=old, n_expired=0))
        after = msgspec.structs.replace(after, changed_us=now_us)
    if found.state == "WANTED":
        after = msgspec.structs.replace(after, platform=wanted.platform)
    return doc if after == found else _encoded(after)


def rested(request: Request) -> Request:
    """Return a request without anything of an attempt, to be released again."""
    return msgspec.structs.replace(
        request, state="WANTED", stage="", key="", task_id="", opened_us=0, expires_us=None, window=None, reason=""
    )


def _encoded(request: Request) -> Doc:
    doc: Doc = msgspec.to_builtins(request)
    if request.state == "WANTED":
        # Level 15 first; of one level what is most in doubt, and of that what was wanted first.
        place = f"{_NEEDS[request.need]}/{15 - request.level:x}{99 - request.doubt:02d}/{request.created_us:016d}"
    else:
        place = f"{request.expires_us or 0:016d}"
    doc["line"] = f"{request.platform}/{request.state}/{place}"
    doc["task"] = request.project
    return doc


def _decoded(doc: Doc) -> Request:
    return msgspec.convert(doc, Request)
