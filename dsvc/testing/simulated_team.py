"""A team of annotators on a virtual clock, as a platform: shifts, lunch, weekends, people who leave.

People take the question whose image goes first, look at it for some minutes, and submit. A question whose image is
gone when somebody opens it is passed over. Everything is deterministic: times are drawn from a seed, by person and by
how many answers they gave before.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dsvc.plugins.platforms import (
    AnswerPage,
    Capabilities,
    Finding,
    Platform,
    PlatformAnswer,
    PlatformTask,
    Posted,
    Question,
    TaskForm,
    Withdrawal,
)

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
OPENS, CLOSES, LUNCH = 9, 18, 12
HOURS = f"Mon-Fri {OPENS:02}:00-{CLOSES:02}:00"
"""What the product is told about when they work: nothing of lunch, or of who leaves."""


@dataclass
class Person:
    """One annotator; `free_us` is when they are done with what they have."""

    number: int
    free_us: int
    n_answers: int = 0
    has: tuple[str, int] | None = None
    """What they look at, and since when."""


@dataclass
class Shown:
    """A question that is shown."""

    task_id: str
    question: Question
    answers: list[PlatformAnswer] = field(default_factory=list)
    taken_by: set[int] = field(default_factory=set)


class SimulatedTeam(Platform):
    """Annotators who answer whatever is posted.

    Args:
        start_us: Monday, 00:00 UTC.
        is_alive: Tells whether an image can still be fetched.
        n_people: How many there are.
        mean_s: What an answer takes, on average.
        leaves_us: When those leave who leave.
        n_leave: How many leave.
        seed: Of the times that answers take.
    """

    def __init__(
        self,
        start_us: int,
        is_alive: Callable[[str], bool],
        *,
        n_people: int = 10,
        mean_s: float = 360.0,
        leaves_us: int | None = None,
        n_leave: int = 4,
        seed: int = 0,
    ) -> None:
        super().__init__("team", {}, Path())
        self._start_us, self._is_alive, self._mean_s, self._seed = start_us, is_alive, mean_s, seed
        self._leaves_us, self._stays = leaves_us, n_people - n_leave
        self.people = [Person(number, start_us) for number in range(n_people)]
        self._shown: dict[str, Shown] = {}
        self._by_id: dict[str, str] = {}
        self._order: list[tuple[int, int, str]] = []
        self._answers: list[PlatformAnswer] = []
        self._n_posted = 0
        self.n_answers = 0
        self.idle_us = 0

    def works(self, person: Person, at_us: int) -> int:
        """Return until when a person who works at a time goes on, or 0 if they do not work."""
        if self._leaves_us is not None and at_us >= self._leaves_us and person.number >= self._stays:
            return 0
        day, within = divmod(at_us - self._start_us, DAY_US)
        if day % 7 >= 5 or not OPENS * HOUR_US <= within < CLOSES * HOUR_US:
            return 0
        begin_us = self._start_us + day * DAY_US
        if person.number % 5 >= 2:  # three of five have lunch
            if LUNCH * HOUR_US <= within < (LUNCH + 1) * HOUR_US:
                return 0
            if within < LUNCH * HOUR_US:
                return begin_us + LUNCH * HOUR_US
        return begin_us + CLOSES * HOUR_US

    def next_start(self, person: Person, at_us: int) -> int:
        """Return when a person works again, looking at every full hour."""
        if self.works(person, at_us):
            return at_us
        hour = (at_us - self._start_us) // HOUR_US + 1
        return self._start_us + hour * HOUR_US

    def live_until(self, end_us: int) -> None:
        """Let people work until a time."""
        queue = [(person.free_us, person.number) for person in self.people]
        heapq.heapify(queue)
        while queue and queue[0][0] < end_us:
            at_us, number = heapq.heappop(queue)
            person = self.people[number]
            if person.has is not None:
                self._submit(person, at_us)
            start_us = self.next_start(person, at_us)
            if start_us > at_us:
                person.free_us = start_us
            else:
                shown = self._next(person, at_us)
                if shown is None:  # nothing to do until something is posted
                    self.idle_us += max(0, min(end_us, self.works(person, at_us)) - at_us)
                    person.free_us = end_us
                else:
                    person.has = (shown.question.key, at_us)
                    person.free_us = at_us + self._takes_us(person)
            heapq.heappush(queue, (person.free_us, number))

    def _takes_us(self, person: Person) -> int:
        rng = random.Random(f"{self._seed}/{person.number}/{person.n_answers}")
        return round(self._mean_s * 1e6 * math.exp(rng.gauss(-0.08, 0.4)))

    def _next(self, person: Person, at_us: int) -> Shown | None:
        passed = []
        found = None
        while self._order:
            entry = heapq.heappop(self._order)
            shown = self._shown.get(entry[2])
            if shown is None or len(shown.taken_by) >= shown.question.want:
                continue
            expires_us = shown.question.expires_us
            if (expires_us is not None and expires_us <= at_us) or not self._is_alive(shown.question.image):
                continue
            passed.append(entry)
            if person.number not in shown.taken_by:
                shown.taken_by.add(person.number)
                found = shown
                break
        for entry in passed:
            heapq.heappush(self._order, entry)
        return found

    def _submit(self, person: Person, at_us: int) -> None:
        key, since_us = person.has or ("", 0)
        person.has = None
        person.n_answers += 1
        shown = self._shown.get(key)
        if shown is None:
            return  # withdrawn meanwhile: the work is lost
        self.n_answers += 1
        answer = PlatformAnswer(
            key=key,
            task_id=shown.task_id,
            platform_id=str(self.n_answers),
            annotator=str(person.number),
            submitted_us=at_us,
            outcome="value",
            payload=3,
            lead_s=(at_us - since_us) / 1e6,
        )
        shown.answers.append(answer)
        self._answers.append(answer)

    # What the product calls.

    @property
    def capabilities(self) -> Capabilities:
        """It signs per view."""
        return Capabilities("uri", signs_per_view=True)

    def post(self, form: TaskForm, questions: Sequence[Question]) -> list[Posted]:
        """Show questions; adopt those that are shown."""
        posted = []
        for question in questions:
            shown = self._shown.get(question.key)
            if shown is None:
                self._n_posted += 1
                shown = self._shown[question.key] = Shown(str(self._n_posted), question)
                self._by_id[shown.task_id] = question.key
                heapq.heappush(self._order, (question.expires_us or 2**62, self._n_posted, question.key))
            posted.append(Posted(question.key, shown.task_id))
        return posted

    def poll(self, form: TaskForm, cursor: bytes | None = None) -> Iterator[AnswerPage]:
        """Yield what came since."""
        start = int(cursor or b"0")
        yield AnswerPage(self._answers[start:], str(len(self._answers)).encode())

    def iter_tasks(self, form: TaskForm) -> Iterator[PlatformTask]:
        """Yield what is shown."""
        for shown in list(self._shown.values()):
            yield PlatformTask(shown.question.key, shown.task_id, len(shown.answers))

    def withdraw(self, form: TaskForm, task_id: str) -> Withdrawal:
        """Take back a question without answers."""
        key = self._by_id.get(task_id)
        if key is None:
            return "gone"
        if self._shown[key].answers:
            return "answered"
        return self.discard(form, task_id)

    def discard(self, form: TaskForm, task_id: str) -> Withdrawal:
        """Forget a question."""
        key = self._by_id.pop(task_id, None)
        if key is None:
            return "gone"
        del self._shown[key]
        return "deleted"

    def check(self) -> Sequence[Finding]:
        """Say that all is well."""
        return [Finding("team", True, "at work")]
