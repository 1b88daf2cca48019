"""What a platform is asked of a recipe: each task with its form, its pictures, what an answer takes, and its budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from dsvc.annotation.answers.records import Ask
from dsvc.annotation.keeping.ledger import read_ledger
from dsvc.annotation.outfit import REASONS, Outfit
from dsvc.annotation.staging.rendering import Rendered, Rendering, render, rendering_name
from dsvc.annotation.turns.dispatch import Picture, Served
from dsvc.annotation.turns.requests import Requests
from dsvc.plugins.pixels import read_image
from dsvc.plugins.platforms import TaskForm
from dsvc.recipe.task_spec import TaskSpec
from dsvc.store.base import Store

EFFORT_S: Final[Mapping[str, float]] = {"boxes": 30.0, "keypoints": 45.0, "class": 8.0, "rating": 8.0, "text": 30.0}
"""What an answer takes until it was measured, by shape of its type."""


def serve(outfit: Outfit, store: Store) -> list[Served]:
    """Return the tasks that are asked on a platform."""
    return [
        Served(
            outfit.form(task),
            partial(picture_of, task),
            effort_of(task),
            outfit.spec.attempts,
            _budget(task, store),
            outfit.guideline_id(task),
        )
        for task in outfit.tasks
    ]


def serve_before(outfit: Outfit, store: Store, requests: Requests) -> list[Served]:
    """Return what may be under way of versions that tasks had before: its answers count as the task says.

    The op store knows of what, and where it was lost, the ledger of which versions anything was ever read.
    """
    now = {outfit.form(task).project for task in outfit.tasks}
    tasks = {task.name: task for task in outfit.tasks}
    before: dict[str, Served] = {}
    for place, _ in read_ledger(store).ledger.cursors:
        platform, _, project = place.partition("/")
        name, _, version = project.partition("@")
        if platform == outfit.spec.name and project not in now and name in tasks:
            before[project] = _past(outfit, tasks[name], version, tasks[name].type_text)
    for request in requests.iter_projects(outfit.spec.name):
        ask = request.ask
        if request.project not in now and ask.task in tasks:
            before[request.project] = _past(outfit, tasks[ask.task], ask.version, ask.type)
    return list(before.values())


def _past(outfit: Outfit, task: TaskSpec, version: str, type_text: str) -> Served:
    form = TaskForm(task.name, version, type_text, (), REASONS, outfit.guideline(task) or "")
    return Served(form, partial(picture_of, task), effort_of(task), outfit.spec.attempts)


def _budget(task: TaskSpec, store: Store) -> Callable[[], int] | None:
    """Return what tells how many answers a task's budget still allows, by what is in the ledger when it is asked."""
    if task.budget_s is None:
        return None
    budget_s, effort_s = task.budget_s, effort_of(task)

    def left() -> int:
        spent_s, n_answers = spent(store, task.name)
        each_s = spent_s / n_answers if n_answers and spent_s else effort_s
        return max(0, int((budget_s - (spent_s or n_answers * effort_s)) // each_s))

    return left


def picture_of(task: TaskSpec, ask: Ask) -> Picture:
    """Return what is shown for an ask: the region that it names, as the task says."""
    crop = None
    if ask.region:
        left, top, width, height = (int(number) / 16 for number in ask.region.strip("[]").split(",")[:4])
        crop = (left, top, width, height)
    how = Rendering(crop, float(task.shown.margin), task.shown.max_side)

    def draw() -> Rendered:
        return render(ask.source, read_image(ask.source, ask.content_id or None), how)

    return Picture(rendering_name(ask.source, ask.content_id, how), how.media_type, draw)


def spent(store: Store, task: str) -> tuple[float, int]:
    """Return how many seconds people took for a task so far, where they were measured, and how often they answered."""
    seconds, n_answers = 0.0, 0
    for _, evidence in read_ledger(store).iter_evidence(task, more=True):
        for answer in evidence.answers:
            n_answers += 1
            seconds += answer.lead_s or 0.0
    return seconds, n_answers


def effort_of(task: TaskSpec) -> float:
    """Return how many seconds an answer takes, until it was measured."""
    return EFFORT_S.get(task.type_text.partition("(")[0], 30.0)
