"""People as a step on a clock of one's own: a platform, a staging store, a ledger in memory, and the product between.

`AnnotationLab` is what tests of whole turns are made of: it can crash between any two effects, lose the op store, and
says what must always hold (`broken_promises`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dsvc.annotation.answers.evidence import Answered, Aside
from dsvc.annotation.answers.records import Answer, Ask, make_ask
from dsvc.annotation.opstores.base import OpStore, Write, iter_scan
from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.annotation.staging.expiry import DAY_US, Expiry
from dsvc.annotation.staging.rendering import Rendered
from dsvc.annotation.staging.stages import Stages
from dsvc.annotation.turns.calendar import Calendar
from dsvc.annotation.turns.controller import Policy
from dsvc.annotation.turns.dispatch import Dispatcher, Picture, Served, TurnReport
from dsvc.objects.oid import Oid
from dsvc.plugins.platforms import Platform, TaskForm
from dsvc.testing.fake_platform import FakePlatform, FakeServer
from dsvc.testing.staging import MemoryStaging

START_US = 1_772_409_600_000_000
"""A Monday, 00:00 UTC."""
FORM = TaskForm(task="quality", version="1", type="rating(5)")
_SHOWN = Rendered(b"pixels", 64, 48)


class MemoryLog:
    """A ledger's answers and cursors in dicts."""

    def __init__(self) -> None:
        self.answers: dict[Oid, Answer] = {}
        self.cursors: dict[str, bytes] = {}
        self.asides: set[Aside] = set()
        self._people: dict[Oid, set[str]] = {}

    def cursor(self, name: str) -> bytes | None:
        """Return from where a platform's project is to be read."""
        return self.cursors.get(name)

    def append(
        self, answered: Sequence[Answered], cursors: Mapping[str, bytes], asides: Sequence[tuple[Ask, Aside]] = ()
    ) -> None:
        """Keep answers, what does not fit, and cursors, in one step."""
        self.asides |= {aside for _, aside in asides}
        for one in answered:
            self.answers.setdefault(one.answer.answer_id, one.answer)
            self._people.setdefault(one.ask.ask_id, set()).add(one.answer.annotator)
        self.cursors.update(cursors)

    def annotators(self, asks: Sequence[Ask]) -> Mapping[Oid, frozenset[str]]:
        """Return who answered each ask."""
        return {ask.ask_id: frozenset(self._people.get(ask.ask_id, ())) for ask in asks}


class CrashError(BaseException):
    """The process ends here; nothing catches it."""


class CrashingOps:
    """An op store in front of another, which kills the process at the n-th write from now."""

    def __init__(self, inner: OpStore) -> None:
        self._inner = inner
        self.crash_in: int | None = None
        self.n_writes = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._counted(found) if name in {"insert", "swap", "delete"} else found

    def write_many(self, space: str, writes: Sequence[Write]) -> list[bool]:
        """Do some writes; where the process dies among them, those before are done."""
        for number in range(len(writes)):
            if self._is_last():
                self._inner.write_many(space, writes[:number])
                raise CrashError
        return self._inner.write_many(space, writes)

    def _counted(self, write: Callable[..., bool]) -> Callable[..., bool]:
        def call(*args: Any) -> bool:
            if self._is_last():
                raise CrashError
            return write(*args)

        return call

    def _is_last(self) -> bool:
        """Count one write, and tell whether the process dies instead."""
        self.n_writes += 1
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                self.crash_in = None
                return True
        return False


class AnnotationLab:
    """One platform, one task, and everything between them in memory."""

    def __init__(
        self,
        expiry: Expiry | None = None,
        *,
        calendar: Calendar | None = None,
        policy: Policy | None = None,
        platform: Platform | None = None,
        store_expiry: Expiry | None = None,
        n_attempts: int = 5,
    ) -> None:
        """Begin on a Monday.

        Args:
            expiry: How long dsvc believes that copies live.
            calendar: When people work.
            policy: Of the controller.
            platform: In the place of the fake one.
            store_expiry: What the staging store really does, where that differs.
            n_attempts: After how many an ask is parked.
        """
        self.now_us = START_US
        self.expiry = expiry or Expiry()
        self.store = MemoryStaging(self.clock, store_expiry or self.expiry)
        self.server = FakeServer(self.clock, lock_us=0)
        self.platform = platform or FakePlatform(self.server)
        self.log = MemoryLog()
        self.calendar, self.policy, self.n_attempts = calendar or Calendar(), policy or Policy(people=4.0), n_attempts
        self.left: int | None = None
        """How many answers the budget allows; looked at by a process that begins."""
        self.asks: dict[Oid, Ask] = {}
        self.gone_sources: set[str] = set()
        self.acknowledged: dict[tuple[str, str], int] = {}
        """(ask, person) -> when the platform took the answer."""
        self.n_rendered = 0
        self.wipe()

    def clock(self) -> int:
        """The lab's time."""
        return self.now_us

    def wipe(self) -> None:
        """Lose the op store."""
        self.ops = CrashingOps(MemoryOpStore())
        self.restart()

    def restart(self) -> None:
        """Begin a new process."""
        self.ops.crash_in = None
        stages = Stages(self.ops, self.store, self.expiry, self.clock)
        self.dispatcher = Dispatcher(
            self.ops,
            self.platform,
            self.log,
            self.clock,
            [Served(FORM, self.picture, 30.0, self.n_attempts, None if self.left is None else self._left)],
            stages=stages,
            pseudonym=lambda name: f"p-{name}",
            find_ask=self.asks.get,
            calendar=self.calendar,
            policy=self.policy,
            owner="lab",
        )

    def _left(self) -> int:
        return max(0, (self.left or 0) - len(self.log.answers))

    def picture(self, ask: Ask) -> Picture:
        """Show an image of no content."""

        def render() -> Rendered:
            from dsvc.errors import ImageUnreadableError

            if ask.source in self.gone_sources:
                raise ImageUnreadableError(pointer=ask.source, reason="there is no such object")
            self.n_rendered += 1
            return _SHOWN

        return Picture(ask.source.encode(), "image/png", render)

    def ask(self, number: int) -> Ask:
        """Return one of as many asks as are needed."""
        made = make_ask(
            source=f"s3://faces/{number:06}.png",
            content_id="e",
            task=FORM.task,
            version=FORM.version,
            type=FORM.type,
            mode="label",
            form="label",
            round=0,
        )
        self.asks[made.ask_id] = made
        return made

    def want(self, number: int, subscriber: str = "main", **fields: Any) -> None:
        """Subscribe to an ask, as a run does."""
        ask = self.ask(number)
        by = self.log.annotators([ask])[ask.ask_id]
        self.dispatcher.requests.subscribe(ask, self.platform.name, subscriber, answered_by=by, **fields)

    def turn(self) -> TurnReport:
        """Do a turn."""
        return self.dispatcher.turn()

    def wait(self, hours: float) -> None:
        """Let time pass; the store deletes what its own rule says."""
        self.now_us += round(hours * 3600) * 10**6
        self.store.sweep()

    def answer(self, person: str, *, value: int = 3) -> bool:
        """Let a person answer what the platform gives them; tell whether there was anything."""
        task = self.server.next_task(FORM.project, person)
        if task is None:
            return False
        self.server.submit(task.task_id, person, "value", value, lead_s=30.0)
        self.acknowledged.setdefault((task.key.partition("#")[0], f"p-{person}"), self.now_us)
        return True

    def states(self) -> dict[str, int]:
        """Return how many requests are in each state."""
        counts: dict[str, int] = {}
        for record in iter_scan(self.ops, "requests"):
            state = record.doc["state"]
            counts[state] = counts.get(state, 0) + 1
        return counts

    def broken_promises(self, *, is_quiet: bool = False) -> list[str]:
        """Return what must always hold and does not.

        Args:
            is_quiet: Whether a whole turn without faults has just ended: then more holds.
        """
        broken: list[str] = []
        held = {(answer.ask_id.hex(), answer.annotator) for answer in self.log.answers.values()}
        at_platform = {
            (task.key.partition("#")[0], f"p-{answer.annotator}")
            for task in self.server.tasks.values()
            for answer in task.answers.values()
        }
        lost = [who for who in self.acknowledged if who not in held and who not in at_platform]
        broken += [f"an answer that was acknowledged is nowhere: {who}" for who in lost]
        said = [(one.ask_id, one.annotator, one.outcome, one.payload) for one in self.log.answers.values()]
        broken += ["an answer is there twice"] if len(said) != len(set(said)) else []
        if not is_quiet:
            return broken
        broken += [f"a copy is {age / DAY_US:.2f} days old" for age in self.store.ages_us if age >= DAY_US]
        broken += [f"not taken in: {who}" for who in self.acknowledged if who not in held]
        used = {
            record.doc["stage"]
            for record in iter_scan(self.ops, "requests")
            if record.doc["state"] in {"STAGED", "OPEN", "PARTIAL"}
        }
        records = {record.id: record.doc for record in iter_scan(self.ops, "stages")}
        known = {key for key, doc in records.items() if doc["state"] != "putting"}
        broken += [f"copy {key} is for no open ask" for key in known & self.store.keys - used]
        keys = [task.key for task in self.server.tasks.values() if not task.answers]
        broken += ["a question is shown twice"] if len(keys) != len(set(keys)) else []
        return broken
