"""Projects of a Label Studio: one for each version of a task, found by what its description says.

A project's title is for people and has at most 50 characters; its description begins with our mark, the prefix and
`task@version`, and on a line of its own says what its answers are values of. The server changes the interface of a
project with answers under them without a word, so we look at that line, and refuse.

Two clients that make one at the same time make two: the oldest is used, by both, from the next look on, and the younger
one is deleted while it is empty.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dsvc.annotation.platforms.label_studio_api import LabelStudioApi
from dsvc.annotation.platforms.label_studio_form import instruction, labelling_config
from dsvc.errors import PlatformError, PlatformUnavailableError
from dsvc.plugins.platforms import Finding, TaskForm

MARK: Final = "dsvc:"
TITLE: Final = 50
SKIPPED: Final = "IGNORE_SKIPPED"
"""A skip is an answer: a task that had as many as it wants is shown to nobody, also where some of them are skips."""
ACTIONS: Final = ["ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"]


class LabelStudioProjects:
    """The projects that we made on a server.

    Args:
        api: Of the server.
        options: Of the platform.
    """

    def __init__(self, api: LabelStudioApi, options: Mapping[str, Any]) -> None:
        self._api = api
        self._options = options
        self._known: dict[str, dict[str, Any]] = {}
        self._connected: set[tuple[int, str]] = set()

    def find(self, form: TaskForm) -> int | None:
        """Return the project of a version of a task, None where there is none."""
        project = self._known.get(form.project) or self._look(form)
        if project is None:
            return None
        self._known[form.project] = project
        return int(project["id"])

    def make(self, form: TaskForm, want: int) -> int:
        """Return the project of a version of a task; make it, or bring it up to date, where need be.

        Args:
            form: Of the task.
            want: How many answers its tasks are made to want; of a project that is there, it stays as it is, since
                the server would change the tasks that are there too.

        Raises:
            PlatformError: If its answers are values of something else.
        """
        if self.find(form) is None:
            self._make(form, want)
        project = self._known[form.project]
        there = str(project.get("description") or "").split("\n")[1:2]
        if there != [_values(form)]:
            raise self._changed(form, project, f"its answers are of {''.join(there) or 'another form'}")
        wanted = {
            "label_config": labelling_config(form),
            "expert_instruction": instruction(form),
            "skip_queue": SKIPPED,
        }
        changed = {name: value for name, value in wanted.items() if project.get(name) != value}
        if changed:
            found = self._patch(form, project, changed)
            if found is None:  # somebody deleted it
                self.forget(form)
                return self.make(form, want)
            self._known[form.project] = {**project, **wanted}
        return int(project["id"])

    def usual_want(self, form: TaskForm) -> int:
        """Return how many answers a task of the project wants that was just imported."""
        return int(self._known.get(form.project, {}).get("maximum_annotations") or 1)

    def _patch(self, form: TaskForm, project: Mapping[str, Any], changed: dict[str, Any]) -> Any:
        """Change a project; None where it is gone.

        One answer that fits no form keeps the server from changing the interface at all. What its answers are values of
        is the same, so the questions go out with the interface as it was, which lacks a reason at worst.
        """
        path = f"/api/projects/{project['id']}/"
        try:
            return self._api.patch(path, changed)
        except PlatformUnavailableError:
            raise
        except PlatformError as err:
            others = {name: value for name, value in changed.items() if name != "label_config"}
            if len(others) == len(changed):
                raise self._changed(form, project, err.reason) from err
            return self._api.patch(path, others) if others else project

    def _changed(self, form: TaskForm, project: Mapping[str, Any], reason: str) -> PlatformError:
        return PlatformError(
            platform=self._api.platform,
            reason=f"the form of {form.project} changed, and project {project['id']} cannot: {reason}",
            hint=f"raise the version of the task {form.task!r}: it then gets a project of its own",
        )

    def forget(self, form: TaskForm) -> None:
        """Look for the project anew when it is asked for again."""
        self._known.pop(form.project, None)

    def connect(self, form: TaskForm, bucket: str) -> None:
        """Let a project sign addresses of a bucket, each time that a task is looked at."""
        project = self.find(form)
        if project is None:
            project = self.make(form, 1)
        if (project, bucket) in self._connected:
            return
        wanted = self._storage(project, bucket)
        there = [item for item in self._api.get("/api/storages/s3", project=project) or [] if item["bucket"] == bucket]
        if not there:
            self._api.post("/api/storages/s3", wanted)
        else:  # once a process: the server does not say whether the keys that it has are still ours
            self._api.patch(f"/api/storages/s3/{there[0]['id']}", wanted)
        self._connected.add((project, bucket))

    def findings(self) -> Sequence[Finding]:
        """Tell how images are shown, and whether webhooks are heard."""
        options = self._options
        if options["image"] == "url":
            shown = Finding(
                "images",
                is_well=True,
                found="tasks hold addresses: whoever can read a task, its export or a webhook can fetch its image",
            )
        else:
            lacking = [name for name in ("s3_access_key", "s3_secret_key") if not options[name]]
            told = {0: "signed per view", 1: f"{''.join(lacking)} is not set"}.get(
                len(lacking), "signed as the server can"
            )
            advice = f"set {lacking[0]} too" if len(lacking) == 1 else None
            shown = Finding("images", len(lacking) != 1, told, advice)
        if options["hints_url"] and not options["hints_secret"]:
            hint = Finding("webhooks", is_well=False, found="hints_url without hints_secret", advice="set hints_secret")
            return [shown, hint]
        return [shown]

    def _look(self, form: TaskForm) -> dict[str, Any] | None:
        mark = self._mark(form)
        found = [
            project
            for project in self._api.iter_pages("/api/projects/", ordering="id")
            if str(project.get("description") or "").split("\n", 1)[0] == mark
        ]
        return min(found, key=lambda project: int(project["id"]), default=None)

    def _make(self, form: TaskForm, want: int) -> None:
        about = (self._mark(form), _values(form), "Made by dsvc; its tasks and answers are looked after by it.")
        body = {
            "title": f"{self._options['prefix']} {form.project}"[:TITLE],
            "description": "\n".join(about),
            "label_config": labelling_config(form),
            "expert_instruction": instruction(form),
            "show_instruction": bool(form.guideline),
            "show_collab_predictions": True,
            "enable_empty_annotation": True,
            "maximum_annotations": want,
            "sampling": "Sequential sampling",
            "skip_queue": SKIPPED,
        }
        made = self._api.post("/api/projects/", body)
        first = self._look(form) or made
        if first["id"] != made["id"]:
            self._api.delete(f"/api/projects/{made['id']}/")
        elif self._options["hints_url"]:
            self._subscribe(form, int(made["id"]))
        self._known[form.project] = first

    def _subscribe(self, form: TaskForm, project: int) -> None:
        there = self._api.get("/api/webhooks/", project=project) or []
        if any(hook.get("url") == self._options["hints_url"] for hook in there):
            return
        self._api.post(
            "/api/webhooks/",
            {
                "project": project,
                "url": self._options["hints_url"],
                "send_payload": False,
                "send_for_all_actions": False,
                "actions": ACTIONS,
                "headers": {"X-Dsvc-Secret": self._options["hints_secret"], "X-Dsvc-Project": form.project},
                "is_active": True,
            },
        )

    def _mark(self, form: TaskForm) -> str:
        return f"{MARK}{self._options['prefix']}/{form.project}"

    def _storage(self, project: int, bucket: str) -> dict[str, Any]:
        options = self._options
        given = {
            "s3_endpoint": options["s3_endpoint"],
            "region_name": options["s3_region"],
            "aws_access_key_id": options["s3_access_key"],
            "aws_secret_access_key": options["s3_secret_key"],
        }
        return {
            "project": project,
            "title": "dsvc staging",
            "bucket": bucket,
            "use_blob_urls": True,
            "presign": True,
            "presign_ttl": options["presign_minutes"],
            **{name: value for name, value in given.items() if value},
        }


def _values(form: TaskForm) -> str:
    """Return what the answers to a form are values of, on one line."""
    return json.dumps({"type": form.type, "labels": list(form.labels)}, ensure_ascii=True, sort_keys=True)
