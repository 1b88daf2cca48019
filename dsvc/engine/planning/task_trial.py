"""Trying a task on a few sources: what people would be asked about each, and what it would come to as things stand.

Nothing is asked and nothing is stored. What a task judges is read as the draft has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from dsvc.annotation.answers.payloads import answer_type, read_payload
from dsvc.engine.making.loading import Loader
from dsvc.engine.planning.people import Asked, People
from dsvc.engine.planning.trying import Trial, Tried
from dsvc.errors import UserError
from dsvc.plugins.manager import Plugins
from dsvc.recipe.spec import Recipe
from dsvc.repo.base import BaseRepository
from dsvc.repo.nearby import check_source
from dsvc.repo.refs import DRAFT_REVISION
from dsvc.repo.sources import iter_source_keys
from dsvc.repo.view import View

ASKED, NOTHING = "asked", "nothing"


def try_task(
    repo: BaseRepository, recipe: Recipe, plugins: Plugins, name: str, pointers: Sequence[str], *, limit: int
) -> Trial:
    """Return what people would be asked about a few sources of the draft.

    Args:
        repo: Whose draft and ledger.
        recipe: What the task is.
        plugins: Offers transforms.
        name: The task.
        pointers: The sources; the first of the draft that the task has to do with if there are none.
        limit: Sources at most.

    Raises:
        SourceNotFoundError: If the draft has no source of one of the pointers.
        UserError: If there is nothing that the task could judge.
    """
    view = repo.view(DRAFT_REVISION)
    people = People(repo, view, Loader(recipe, plugins), name)
    if pointers:
        named = sorted({check_source(view, pointer) for pointer in pointers})
        looks = people.iter_looks(source.decode() for source in named[:limit])
        return Trial(name, tuple(_tried(people, source, asked) for source, asked in looks))
    found = ((source, asked) for source, asked in _looks(people, view) if asked is not None)
    rows = tuple(_tried(people, source, asked) for source, asked in islice(found, limit))
    if not rows and people.task.of is not None and people.task.of.signal not in view.signals:
        raise UserError(
            message=f"there is nothing that task {name!r} could judge: the draft has no {people.task.of.signal}",
            hint=f"run `dsvc run {people.task.of.signal}` or `dsvc ingest` first",
        )
    return Trial(name, rows)


def _looks(people: People, view: View) -> Iterator[tuple[str, Asked | None]]:
    for keys in iter_source_keys(view):
        yield from people.iter_looks(keys.arrow.to_pylist())


def _tried(people: People, source: str, asked: Asked | None) -> Tried:
    task, type_ = people.task, answer_type(people.task.type_text)
    if asked is None:
        return Tried(source, NOTHING, {}, error="it is none of the task's sources")
    item, found = asked.item, asked.resolution
    judged = None if item.judged is None else read_payload(type_, item.judged)
    value = None if found.value is None else read_payload(type_, found.value)
    words = [f"{one.ask.mode}, round {one.ask.round}, {one.people} more" for one in asked.wanted if not one.is_stopped]
    verdict = ASKED if words else found.standing or NOTHING
    return Tried(source, verdict, {} if task.of is None else {str(task.of): judged}, value, asks="; ".join(words))
