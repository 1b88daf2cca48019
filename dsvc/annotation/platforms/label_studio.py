"""The platform `label-studio`: questions become tasks of a Label Studio, one project for each version of a task.

What a real 1.23 shows decides how it is used (`tests/annotation/test_label_studio_server.py` asks it again):

- it makes all tasks of a project want as many answers, so each that wants another number is told so by itself;
- it has no key of idempotency, so our key stands in each task's data, and is looked for before anything is imported;
- it validates no answer, so each is read with care, and one that does not fit is given with its problem;
- it sends a webhook once and signs nothing, so polling is the truth, and a webhook a hint that carries our secret;
- an answer's time is its own clock's and its transaction may end later: each poll begins `margin_s` before the last;
- given `s3://bucket/key` and a storage of that bucket, it signs an address at each view, and keeps none.

| in a task's data | what |
| --- | --- |
| `image` | what is shown |
| `dsvc_key` | the question's key |
| `ask`, `context` | what the annotator is told |
| `dsvc` | form, size of the image, the value shown, labels of shown regions: to read the answer by |

Source: docs/how-to/label-studio.md.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from dsvc.annotation.platforms.label_studio_answers import ANNOTATION_FIELDS, answer_of, shown_data
from dsvc.annotation.platforms.label_studio_api import Filter, LabelStudioApi
from dsvc.annotation.platforms.label_studio_projects import LabelStudioProjects
from dsvc.annotation.platforms.label_studio_values import to_results
from dsvc.errors import AnswerFormatError, PlatformError, PlatformUnavailableError
from dsvc.plugins.options import Option
from dsvc.plugins.platforms import (
    AnswerPage,
    Capabilities,
    Finding,
    Platform,
    PlatformTask,
    Posted,
    Question,
    TaskForm,
    Withdrawal,
)

PAGE: Final = 100
KEYS: Final = 25
"""Keys of one look-up: some 3 KB of address, where proxies in the way allow 8."""
KEY: Final = "dsvc_key"
HINT_HEADER: Final = "X-Dsvc-Secret"
HINT_PROJECT: Final = "X-Dsvc-Project"
_ANSWERED = ("total_annotations", "cancelled_annotations")
_FIELDS = ("id", "data", "annotations", "updated_at", *ANNOTATION_FIELDS)
"""The server leaves out what is not named, of tasks and of the annotations in them alike."""


class LabelStudioPlatform(Platform):
    """Shows questions in a Label Studio and collects what is submitted there."""

    options = {
        "url": Option(str, "the server's address, best as ${NAME}"),
        "token": Option(str, "a token of an account there, as ${NAME}; a personal access token, or a legacy one"),
        "image": Option(
            str,
            "what tasks hold: the staged copy's name in its store, signed per view, or a URL",
            "uri",
            ("uri", "url"),
        ),
        "prefix": Option(str, "what names of projects begin with, to tell teams on one server apart", "dsvc"),
        "margin_s": Option(int, "seconds before the last poll that are read again", 600),
        "s3_endpoint": Option(str, "the staging store as the server reaches it; empty for AWS", ""),
        "s3_region": Option(str, "its region", ""),
        "s3_access_key": Option(str, "what the server signs addresses with, as ${NAME}", ""),
        "s3_secret_key": Option(str, "as ${NAME}", ""),
        "presign_minutes": Option(int, "how long an address lives that the server signs", 1),
        "hints_url": Option(str, "where the server shall send webhooks; empty for nowhere", ""),
        "hints_secret": Option(str, "what they must carry, as ${NAME}", ""),
    }

    def __init__(self, name: str, options: Mapping[str, Any], base_dir: Path) -> None:
        filled = {key: options.get(key, option.default) for key, option in self.options.items()}
        super().__init__(name, filled, base_dir)
        self.api = LabelStudioApi(name, str(filled["url"]), str(filled["token"]))
        self._projects = LabelStudioProjects(self.api, filled)

    @property
    def capabilities(self) -> Capabilities:
        """Names of staged copies, signed per view; or addresses, where the recipe says so."""
        is_signed = self.values["image"] == "uri"
        return Capabilities(
            "uri" if is_signed else "url", signs_per_view=is_signed, has_hints=bool(self.values["hints_url"])
        )

    def post(self, form: TaskForm, questions: Sequence[Question]) -> list[Posted]:
        """Adopt the tasks that have our keys, import the rest."""
        if not questions:
            return []
        fresh_tasks = {question.key: self._task(form, question) for question in questions}
        project = self._projects.make(form, max(question.want for question in questions))
        for bucket in sorted({urlsplit(q.image).netloc for q in questions if q.image.startswith("s3://")}):
            self._projects.connect(form, bucket)
        adopted = self._adopt(project, list(fresh_tasks))
        wants = {key: int(task.get("overlap") or 0) for key, task in adopted.items()}
        fresh = {key: task for key, task in fresh_tasks.items() if key not in adopted}
        made: dict[str, int] = {}
        if fresh:
            answer = self.api.post(f"/api/projects/{project}/import", list(fresh.values()), return_task_ids="true")
            ids = (answer or {}).get("task_ids") or []
            if len(ids) != len(fresh):
                self._projects.forget(form)  # somebody may have deleted it
                reason = f"{len(fresh)} tasks were imported into project {project}, and {len(ids)} named"
                raise PlatformUnavailableError(platform=self.name, reason=reason)
            made = dict(zip(fresh, ids, strict=True))
            wants |= dict.fromkeys(made, self._projects.usual_want(form))
        posted = []
        for question in questions:
            key = question.key
            task_id = int(made[key] if key in made else adopted[key]["id"])
            if wants[key] != question.want:
                self._want(task_id, question.want)
            posted.append(Posted(key, str(task_id), is_adopted=key not in made))
        return posted

    def _want(self, task_id: int, n_answers: int) -> None:
        """Have the server show a task until it has so many answers; it takes more of who has it open."""
        self.api.patch(f"/api/tasks/{task_id}/", {"overlap": n_answers})

    def _task(self, form: TaskForm, question: Question) -> dict[str, Any]:
        """Return a question as a task to import."""
        context = [f"Rejected before: {', '.join(question.reasons)}."] if question.reasons else []
        context += [f"{name}: {text}" for name, text in question.context]
        task: dict[str, Any] = {
            "data": {
                "image": question.image,
                KEY: question.key,
                "ask": {
                    "label": "Label this image.",
                    "adjust": "Correct what is shown.",
                    "verify": "Is this right? Accept it, or reject it and say why; correct it if you can.",
                }[question.form],
                "context": " ".join(context),
                "dsvc": shown_data(form, question),
            }
        }
        if question.form != "label" and question.shown is not None:
            try:
                results = to_results(form, question.shown, question.width, question.height)
            except AnswerFormatError as err:
                raise PlatformError(platform=self.name, reason=f"question {question.key}: {err.reason}") from err
            task["predictions"] = [{"model_version": "shown", "result": results}]
        return task

    def _adopt(self, project: int, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the task of each key that has one; where several have it, delete those that nobody answered."""
        found: dict[str, list[dict[str, Any]]] = {}
        for start in range(0, len(keys), KEYS):
            wanted = set(keys[start : start + KEYS])
            filters = [(f"tasks:data.{KEY}", "equal", "String", key) for key in sorted(wanted)]
            page = 1
            while tasks := self.api.tasks(
                project, filters, conjunction="or", fields=("id", "data", "overlap", *_ANSWERED), page=page
            ):
                for task in tasks:
                    if (key := task["data"].get(KEY)) in wanted:
                        found.setdefault(key, []).append(task)
                if len(tasks) < PAGE:
                    break
                page += 1
        return {key: self._keep_one(tasks) for key, tasks in found.items()}

    def _keep_one(self, tasks: Sequence[dict[str, Any]]) -> dict[str, Any]:
        first, *others = sorted(tasks, key=lambda task: (not _n_answers(task), task["id"]))
        for task in others:
            if not _n_answers(task):
                self._delete_if_empty(task["id"])
        return first

    def poll(self, form: TaskForm, cursor: bytes | None = None) -> Iterator[AnswerPage]:
        """Yield the answers of the tasks that changed since a little before the cursor, by the time of the change."""
        project = self._projects.find(form)
        marks = _read_cursor(cursor)
        if project is None:
            yield AnswerPage((), _write_cursor(marks))
            return
        for stream in _ANSWERED:  # the server counts skips apart, and its filters know no "or" beside an "and"
            for tasks in self._changed(project, stream, marks.get(stream)):
                answers = [
                    answer_of(form, task, annotation)
                    for task in tasks
                    for annotation in sorted(task.get("annotations", ()), key=lambda item: item["id"])
                ]
                marks[stream] = max(marks.get(stream, ""), _utc(tasks[-1]["updated_at"]))
                yield AnswerPage(answers, _write_cursor(marks))
        yield AnswerPage((), _write_cursor(marks))

    def _changed(self, project: int, stream: str, mark: str | None) -> Iterator[list[dict[str, Any]]]:
        """Yield the tasks of a stream in the order of their last change.

        Each page begins at the time at which the one before ended, for a task that changes meanwhile would shift all
        that come after it; only while all tasks of a page have one time are they counted through.
        """
        since = None if mark is None else _earlier(mark, int(self.values["margin_s"]))
        page = 1
        seen: set[tuple[int, str]] = set()
        while True:
            filters: list[Filter] = [(f"tasks:{stream}", "greater", "Number", 0)]
            filters += [("tasks:updated_at", "greater_or_equal", "Datetime", since)] if since is not None else []
            order = ("tasks:updated_at", "tasks:id")
            tasks = self.api.tasks(project, filters, order=order, fields=_FIELDS, page=page, page_size=PAGE)
            fresh = [task for task in tasks if (task["id"], task["updated_at"]) not in seen]
            seen = {(task["id"], task["updated_at"]) for task in tasks} | (seen if page > 1 else set())
            if fresh:
                yield fresh
            if len(tasks) < PAGE:
                return
            last = _utc(tasks[-1]["updated_at"])
            since, page = (since, page + 1) if last == since else (last, 1)

    def iter_tasks(self, form: TaskForm) -> Iterator[PlatformTask]:
        """Yield the tasks of the project."""
        project = self._projects.find(form)
        last = 0
        while project is not None:
            filters: list[Filter] = [("tasks:id", "greater", "Number", last)]
            tasks = self.api.tasks(project, filters, fields=("id", "data", *_ANSWERED))
            for task in tasks:
                yield PlatformTask(str(task["data"].get(KEY, "")), str(task["id"]), _n_answers(task))
            if len(tasks) < PAGE:
                return
            last = tasks[-1]["id"]

    def withdraw(self, form: TaskForm, task_id: str) -> Withdrawal:
        """Delete a task that nobody answered, and show one that somebody did to nobody else.

        The server has no condition of a deletion, so the look is just before.
        """
        fate = self._delete_if_empty(_id(task_id))
        if fate == "answered":
            self._want(_id(task_id), 1)
        return fate

    def discard(self, form: TaskForm, task_id: str) -> Withdrawal:
        """Delete a task, and its answers with it."""
        return "deleted" if self.api.delete(f"/api/tasks/{_id(task_id)}/") else "gone"

    def _delete_if_empty(self, task_id: int) -> Withdrawal:
        task = self.api.get(f"/api/tasks/{task_id}/")
        if task is None:
            return "gone"
        if task.get("annotations") or _n_answers(task):
            return "answered"
        return "deleted" if self.api.delete(f"/api/tasks/{task_id}/") else "gone"

    def check(self) -> Sequence[Finding]:
        """Tell whether the server answers, takes the token, and can do what we need."""
        try:
            version = self.api.get("/api/version/") or {}
            found = [Finding("server", is_well=True, found=f"Label Studio {version.get('release', '?')}")]
            user = self.api.get("/api/current-user/whoami") or {}
            found.append(Finding("token", is_well=True, found=f"of account {user.get('id', '?')}"))
        except (PlatformError, PlatformUnavailableError) as err:
            return [Finding("server and token", is_well=False, found=err.reason, advice=err.hint)]
        lacking = {"projects.create", "tasks.create", "tasks.delete", "storages.change"} - set(user["permissions"])
        told = f"lacks {', '.join(sorted(lacking))}" if lacking else "may make projects, tasks and storages"
        advice = "use the token of an account that may" if lacking else None
        return [*found, Finding("permissions", not lacking, told, advice), *self._projects.findings()]

    def read_hint(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return the project that a webhook with our secret is about; the server sends our headers as they are."""
        sent = {name.lower(): value for name, value in headers.items()}
        secret = str(self.values["hints_secret"])
        if not secret or not hmac.compare_digest(sent.get(HINT_HEADER.lower(), "").encode(), secret.encode()):
            return None
        try:
            json.loads(body)
        except ValueError:
            return None
        return sent.get(HINT_PROJECT.lower())


def _n_answers(task: Mapping[str, Any]) -> int:
    return sum(int(task.get(name) or 0) for name in _ANSWERED)


def _id(task_id: str) -> int:
    return int(task_id) if task_id.isdecimal() else 0


def _utc(text: str) -> str:
    """Return a time of the server as it is written in filters and cursors."""
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _earlier(mark: str, seconds: int) -> str:
    return _utc((datetime.fromisoformat(mark) - timedelta(seconds=seconds)).isoformat())


def _read_cursor(cursor: bytes | None) -> dict[str, str]:
    """Return the time up to which each stream was read; none of a cursor that is not ours."""
    try:
        found = json.loads(cursor) if cursor else {}
        return {name: _utc(found[name]) for name in _ANSWERED if name in found}
    except (ValueError, TypeError):
        return {}


def _write_cursor(marks: Mapping[str, str]) -> bytes:
    return json.dumps(dict(sorted(marks.items()))).encode()
