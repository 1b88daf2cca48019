"""An annotation platform in this process, on a clock of the test's, with the vices that a real Label Studio showed.

`FakeServer` is what people and the network see, `FakePlatform` the plugin before it. What the server does, and a real
one too (`dsvc.testing.label_studio` holds both to it):

| what | answer |
| --- | --- |
| the same tasks imported twice | new tasks; nothing is told apart by our key |
| the same answer submitted twice | two answers, unless the client gave it an id and gives it again |
| the next task of two people | different tasks, locked for `lock_us`; a submission is not asked for its lock |
| more answers than wanted, the same person twice | all taken |
| an answer that fits no form | taken; from then on the project's form can no longer be changed |
| an edit | overwrites, and nothing is left of what was |
| a task deleted | its answers are deleted with it, and who has it open gets an error |
| the image gone, the lock over | taken |
| any change of an answer, deletion included | moves the task's `updated_us` |
| a webhook | sent once; a receiver that fails is not asked again; one registered twice hears everything twice |
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dsvc.errors import PlatformError, PlatformUnavailableError
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

DAY_US = 86_400_000_000
MARGIN_US = 600_000_000
"""How much is read again at a poll, since a transaction that began earlier may end later."""
PAGE = 100
HINT_HEADER = "x-dsvc-secret"
_OUTCOMES = ("value", "skip", "accept", "reject")

Receiver = Callable[[Mapping[str, str], bytes], object]


@dataclass
class FakeAnswer:
    """What somebody submitted; `result` is whatever was sent."""

    answer_id: int
    annotator: str
    result: Any
    updated_us: int
    lead_s: float | None = None


@dataclass
class FakeTask:
    """A task that the server holds."""

    task_id: int
    project: str
    key: str
    question: Question
    updated_us: int
    answers: dict[int, FakeAnswer] = field(default_factory=dict)
    locked_by: dict[str, int] = field(default_factory=dict)
    """Person -> when the lock ends."""


@dataclass
class NetworkFaults:
    """What goes wrong between the plugin and the server; a count falls with each call that it spoils."""

    refused: int = 0
    """Calls that fail before the server hears of them."""
    lost_responses: int = 0
    """Calls that are done and then fail."""
    lost_imports: int = 0
    """As `lost_responses`, of imports alone."""
    cut_imports: int = 0
    """Imports that stop after the first task, and then fail."""


class FakeServer:
    """What people and the network see of the platform.

    Args:
        clock: Microseconds UTC.
        lock_us: How long a task that a person was given is kept from others.
    """

    def __init__(self, clock: Callable[[], int], lock_us: int = DAY_US) -> None:
        self.clock = clock
        self.lock_us = lock_us
        self.faults = NetworkFaults()
        self.projects: dict[str, TaskForm] = {}
        self.tasks: dict[int, FakeTask] = {}
        self.wedged: set[str] = set()
        """Projects whose form cannot be changed any more."""
        self.receivers: list[tuple[Receiver, Mapping[str, str]]] = []
        self.webhooks: Literal["sent", "dropped", "doubled"] = "sent"
        self.n_imports = 0
        self.n_posted = 0
        self._ids = itertools.count(1)
        self._unique_ids: set[str | None] = set()

    # What the plugin calls.

    def make_project(self, form: TaskForm) -> None:
        """Make a project, or change the form of one.

        Raises:
            PlatformError: If it has an answer that fits no form.
        """
        known = self.projects.get(form.project)
        if known is not None and known != form and form.project in self.wedged:
            raise PlatformError(platform="fake", reason=f"{form.project}: the form is incompatible with its answers")
        self.projects[form.project] = form

    def import_tasks(self, project: str, questions: Sequence[Question]) -> list[int]:
        """Make one new task for each question, also where there is one."""
        self.n_imports += 1
        is_cut = _takes(self.faults, "cut_imports")
        made = []
        for question in questions[:1] if is_cut else questions:
            task_id = next(self._ids)
            self.tasks[task_id] = FakeTask(task_id, project, question.key, question, self.clock())
            made.append(task_id)
        self.n_posted += len(made)
        if is_cut or _takes(self.faults, "lost_imports"):
            raise PlatformUnavailableError(platform="fake", reason="no answer")
        return made

    def find(self, project: str, key: str | None = None) -> list[FakeTask]:
        """Return the tasks of a project, those of one key or all, oldest first."""
        return [task for task in self.tasks.values() if task.project == project and key in (None, task.key)]

    def changed(self, project: str, since_us: int) -> list[FakeTask]:
        """Return the tasks with answers that changed at or after a time, in the order in which they did."""
        found = [task for task in self.find(project) if task.updated_us >= since_us and task.answers]
        return sorted(found, key=lambda task: (task.updated_us, task.task_id))

    def delete_task(self, task_id: int) -> bool:
        """Delete a task and its answers; tell whether there was one."""
        return self.tasks.pop(task_id, None) is not None

    # What people do.

    def next_task(self, project: str, annotator: str) -> FakeTask | None:
        """Give a person the oldest task that wants answers, has none of theirs and is not locked by another."""
        now_us = self.clock()
        for task in self.find(project):
            theirs = any(answer.annotator == annotator for answer in task.answers.values())
            locks = sum(until > now_us for person, until in task.locked_by.items() if person != annotator)
            if not theirs and len(task.answers) + locks < task.question.want:
                task.locked_by[annotator] = now_us + self.lock_us
                return task
        return None

    def submit(
        self,
        task_id: int,
        annotator: str,
        outcome: str = "value",
        payload: Any = None,
        *,
        reasons: Sequence[str] = (),
        lead_s: float | None = None,
        unique_id: str | None = None,
    ) -> int:
        """Take an answer; neither lock, overlap nor person is looked at.

        Raises:
            PlatformError: If there is no such task any more, and the work is lost; or an answer has this `unique_id`.
        """
        if unique_id is not None and unique_id in self._unique_ids:
            raise PlatformError(platform="fake", reason=f"there is an answer {unique_id} already")
        self._unique_ids |= {unique_id} - {None}
        return self.submit_raw(
            task_id, annotator, {"outcome": outcome, "payload": payload, "reasons": list(reasons)}, lead_s
        )

    def submit_raw(self, task_id: int, annotator: str, result: Any, lead_s: float | None = None) -> int:
        """Take anything as an answer; as `submit`."""
        task = self._task(task_id)
        answer_id = next(self._ids)
        kept = json.loads(json.dumps(result))
        task.answers[answer_id] = FakeAnswer(answer_id, annotator, kept, self.clock(), lead_s)
        if _problem(kept):
            self.wedged.add(task.project)
        self._touch(task, "ANNOTATION_CREATED")
        return answer_id

    def edit(self, task_id: int, answer_id: int, outcome: str, payload: Any = None) -> None:
        """Overwrite an answer; nothing is left of what it was."""
        task = self._task(task_id)
        answer = task.answers[answer_id]
        answer.result = json.loads(json.dumps({"outcome": outcome, "payload": payload, "reasons": []}))
        answer.updated_us = self.clock()
        self._touch(task, "ANNOTATION_UPDATED")

    def delete_answer(self, task_id: int, answer_id: int) -> None:
        """Delete an answer."""
        task = self._task(task_id)
        del task.answers[answer_id]
        self._touch(task, "ANNOTATIONS_DELETED")

    def forge_webhook(self, project: str) -> None:
        """Send what looks like a webhook, without its secret."""
        for receiver, _ in self.receivers:
            receiver({}, json.dumps({"action": "ANNOTATION_CREATED", "project": project}).encode())

    def _task(self, task_id: int) -> FakeTask:
        task = self.tasks.get(task_id)
        if task is None:
            raise PlatformError(platform="fake", reason=f"task {task_id} not found")
        return task

    def _touch(self, task: FakeTask, action: str) -> None:
        task.updated_us = self.clock()
        body = json.dumps({"action": action, "project": task.project}).encode()
        times = {"sent": 1, "dropped": 0, "doubled": 2}[self.webhooks]
        for receiver, headers in self.receivers * times:
            try:
                receiver(headers, body)
            except Exception:  # noqa: BLE001, S112 - a failure of the receiver is nothing to the sender
                continue


class FakePlatform(Platform):
    """The plugin before a `FakeServer`.

    Args:
        server: The server.
        name: Of the platform.
        capabilities: What it says that it wants.
        secret: What webhooks must carry in the header `x-dsvc-secret`.
        page: Tasks of a page of answers.
    """

    def __init__(
        self,
        server: FakeServer,
        name: str = "fake",
        capabilities: Capabilities | None = None,
        secret: str = "hush",  # noqa: S107 - a fake's
        page: int = PAGE,
    ) -> None:
        super().__init__(name, {}, Path())
        self.server = server
        self.secret = secret
        self.page = page
        self._capabilities = capabilities or Capabilities("uri", signs_per_view=True, has_hints=True)

    @property
    def capabilities(self) -> Capabilities:
        """What this platform can do."""
        return self._capabilities

    def post(self, form: TaskForm, questions: Sequence[Question]) -> list[Posted]:
        """Adopt what is there, and import the rest."""
        with self._call():
            self.server.make_project(form)
            adopted: dict[str, int] = {}
            for question in questions:
                if found := self._adopt(form, question.key):
                    adopted[question.key] = found
            fresh = {question.key: question for question in questions if question.key not in adopted}
            ids = self.server.import_tasks(form.project, list(fresh.values())) if fresh else []
            made = dict(zip(fresh, ids, strict=True))
            return [
                Posted(q.key, str(made.get(q.key, adopted.get(q.key))), is_adopted=q.key in adopted) for q in questions
            ]

    def _adopt(self, form: TaskForm, key: str) -> int | None:
        found = sorted(self.server.find(form.project, key), key=lambda task: (not task.answers, task.task_id))
        for task in found[1:]:
            if not task.answers:
                self.server.delete_task(task.task_id)
        return found[0].task_id if found else None

    def poll(self, form: TaskForm, cursor: bytes | None = None) -> Iterator[AnswerPage]:
        """Yield answers by the time at which their tasks changed, from a little before the cursor."""
        high_us = int(cursor) if cursor is not None and cursor.isdigit() else 0
        with self._call():
            changed = self.server.changed(form.project, max(0, high_us - MARGIN_US))
        for start in range(0, max(1, len(changed)), self.page):
            tasks = changed[start : start + self.page]
            high_us = max([high_us, *(task.updated_us for task in tasks)])
            answers = [_answer_of(task, answer) for task in tasks for answer in task.answers.values()]
            yield AnswerPage(answers, str(high_us).encode())

    def iter_tasks(self, form: TaskForm) -> Iterator[PlatformTask]:
        """Yield all tasks of a project."""
        with self._call():
            found = self.server.find(form.project)
        for task in found:
            yield PlatformTask(task.key, str(task.task_id), len(task.answers))

    def withdraw(self, form: TaskForm, task_id: str) -> Withdrawal:
        """Delete a task without answers."""
        with self._call():
            task = self.server.tasks.get(int(task_id))
            if task is not None and task.answers:
                return "answered"
            return "deleted" if self.server.delete_task(int(task_id)) else "gone"

    def discard(self, form: TaskForm, task_id: str) -> Withdrawal:
        """Delete a task."""
        with self._call():
            return "deleted" if self.server.delete_task(int(task_id)) else "gone"

    def check(self) -> Sequence[Finding]:
        """Say that the server answers, or not."""
        try:
            with self._call():
                return [Finding("server", is_well=True, found="answers")]
        except PlatformUnavailableError as err:
            return [Finding("server", is_well=False, found=err.reason, advice="start it")]

    def read_hint(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return the project, if the secret is right."""
        sent = {name.lower(): value for name, value in headers.items()}
        if sent.get(HINT_HEADER) != self.secret:
            return None
        try:
            project = json.loads(body)["project"]
        except (ValueError, KeyError, TypeError):
            return None
        return project if isinstance(project, str) else None

    def _call(self) -> _Call:
        return _Call(self.name, self.server.faults)


class _Call:
    """One call over a network that loses some."""

    def __init__(self, name: str, faults: NetworkFaults) -> None:
        self._name, self._faults = name, faults

    def __enter__(self) -> None:
        if _takes(self._faults, "refused"):
            raise PlatformUnavailableError(platform=self._name, reason="refused")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None and _takes(self._faults, "lost_responses"):
            raise PlatformUnavailableError(platform=self._name, reason="no answer")


def _takes(faults: NetworkFaults, name: str) -> bool:
    left = getattr(faults, name)
    setattr(faults, name, max(0, left - 1))
    return bool(left)


def _problem(result: Any) -> str | None:
    if not isinstance(result, dict) or result.get("outcome") not in _OUTCOMES:
        return "this is no answer to the form"
    if result["outcome"] == "value" and result.get("payload") is None:
        return "there is no value"
    return None


def _answer_of(task: FakeTask, answer: FakeAnswer) -> PlatformAnswer:
    problem = _problem(answer.result)
    said: dict[str, Any] = answer.result if problem is None else {"outcome": "skip"}
    return PlatformAnswer(
        key=task.key,
        task_id=str(task.task_id),
        platform_id=str(answer.answer_id),
        annotator=answer.annotator,
        submitted_us=answer.updated_us,
        outcome=said["outcome"],
        payload=said.get("payload"),
        reasons=tuple(said.get("reasons", ())),
        lead_s=answer.lead_s,
        problem=problem,
        raw=json.dumps(answer.result, sort_keys=True),
    )
