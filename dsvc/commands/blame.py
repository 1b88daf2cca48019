"""`dsvc blame`: who gave a record its value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import command
from dsvc.commands._options import HEAD, REVISION, SIGNAL, json_option, open_repository
from dsvc.commands._render import emit, plain, short
from dsvc.commands._task_story import story_lines, story_object
from dsvc.errors import RecordNotFoundError, SignalNotFoundError

if TYPE_CHECKING:
    from dsvc.repo.blame import Blame
    from dsvc.repo.history import CommitInfo
    from dsvc.repository import Repository


@command(examples=["dsvc blame face_boxes s3://faces/1.jpg", "dsvc blame face_boxes s3://faces/1.jpg --rev main~2"])
@click.argument("signal", type=SIGNAL)
@click.argument("pointer")
@click.option("--rev", "revision", default=HEAD, type=REVISION, help="The version to look at")
@json_option
def blame(*, signal: str, pointer: str, revision: str, as_json: bool) -> None:
    """Show who gave a record its value.

    Commit, producer, version and transform; for a derived record also its inputs, with theirs; of what a task asks
    people, who said what, in which round, what was shown to them, which lots it was in, and what it waits for.
    People are told by their pseudonyms.
    """
    repo = open_repository()
    told = repo.blame_task(signal, pointer, revision) if repo.is_task(signal, revision) else None
    story = None if told is None else story_object(told, (type_text := _type_text(repo, signal, revision)))
    try:
        found = repo.blame(signal, pointer, revision)
    except (RecordNotFoundError, SignalNotFoundError):
        if told is None or told.standing is not None:
            raise
        lines = iter([f"{click.style(plain(signal), bold=True)}  no record yet"])  # people have not answered
        objects = _pending(signal, pointer)
    else:
        lines, objects = _lines(found), _object(found)
    emit(
        as_json=as_json,
        objects=[{**objects, "task": story}],
        lines=chain(lines, () if told is None else story_lines(told, type_text)),
    )


def _type_text(repo: Repository, task: str, revision: str) -> str:
    """Return the type of a task's signal as text; that of the recipe where no record is there yet."""
    from dsvc.objects.types import Type

    signal = repo.view(revision).signal(task)
    if signal is not None:
        return str(Type.decode(signal.type))
    spec = repo.recipe().tasks.get(task)
    return "" if spec is None else spec.type_text


def _lines(found: Blame, indent: str = "", name: str = "") -> Iterator[str]:
    from dsvc.commands._values import provenance_text

    yield f"{indent}{click.style(plain(name or found.signal), bold=True)}  {_value_text(found, name)}"
    yield f"{indent}  value from  {_commit(found.commit)}"
    if found.provenance_commit != found.commit:
        yield f"{indent}  made again  {_commit(found.provenance_commit)}"
    yield f"{indent}  made by     {provenance_text(found.provenance)}"
    told: set[str] = set()
    for used in found.inputs:
        path = click.style(plain(used.path), bold=True)
        if used.record is None:
            yield f"{indent}  {path}  no record"
        elif used.record.signal in told:  # another field of a record whose story was told
            yield f"{indent}  {path}  {_value_text(used.record, used.path)}"
        else:
            told.add(used.record.signal)
            yield from _lines(used.record, f"{indent}  ", used.path)


def _value_text(found: Blame, path: str) -> str:
    """Return what an input names of a record: its value, a field of it, or a circumstance such as `_origin`."""
    from dsvc.commands._values import provenance_object, value_text

    value, given = found.value.as_py(), provenance_object(found.provenance)
    for name in path.split(".")[1:]:
        if name.startswith("_"):
            circumstance = {"_state": "standing"}.get(name, name[1:])
            return value_text(given.get(circumstance, value))
        value = value.get(name) if isinstance(value, dict) else value
    return value_text(value)


def _commit(info: CommitInfo | None) -> str:
    if info is None:
        return "the draft"
    author = info.author.partition(" <")[0]
    return f"{short(info.id)} {plain(info.subject)} ({plain(author)}, {info.time:%Y-%m-%d %H:%M:%S})"


def _object(found: Blame) -> dict[str, Any]:
    from dsvc.commands._values import provenance_object

    inputs = [{"path": used.path, "record": _object(used.record) if used.record else None} for used in found.inputs]
    return {
        "type": "blame",
        "signal": found.signal,
        "source": found.source,
        "value": found.value.as_py(),
        "commit": found.commit.id if found.commit else None,
        "provenance_commit": found.provenance_commit.id if found.provenance_commit else None,
        "provenance": provenance_object(found.provenance),
        "inputs": inputs,
        "task": None,
    }


def _pending(signal: str, pointer: str) -> dict[str, Any]:
    return {
        "type": "blame",
        "signal": signal,
        "source": pointer,
        "value": None,
        "commit": None,
        "provenance_commit": None,
        "provenance": None,
        "inputs": [],
        "task": None,
    }
