"""`dsvc blame`: who gave a record its value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import click
import msgspec

from dsvc.commands._command import command
from dsvc.commands._options import HEAD, REVISION, SIGNAL, json_option, open_repository
from dsvc.commands._render import count, emit, plain, short

if TYPE_CHECKING:
    from dsvc.engine.looking.task_blame import TaskStory
    from dsvc.repo.blame import Blame
    from dsvc.repo.history import CommitInfo


@command(examples=["dsvc blame face_boxes s3://faces/1.jpg", "dsvc blame face_boxes s3://faces/1.jpg --rev main~2"])
@click.argument("signal", type=SIGNAL)
@click.argument("pointer")
@click.option("--rev", "revision", default=HEAD, type=REVISION, help="The version to look at")
@json_option
def blame(*, signal: str, pointer: str, revision: str, as_json: bool) -> None:
    """Show who gave a record its value.

    Commit, producer, version and transform; for a derived record also its inputs, with theirs; of what a task asks
    people, who said what, in which round, and what was shown to them. People are told by their pseudonyms.
    """
    repo = open_repository()
    found = repo.blame(signal, pointer, revision)
    told = repo.blame_task(signal, pointer, revision) if repo.is_task(signal, revision) else None
    people = {} if told is None else {"task": msgspec.to_builtins(told)}
    lines = chain(_lines(found), () if told is None else _task_lines(told))
    emit(as_json=as_json, objects=[{**_object(found), **people}], lines=lines)


def _task_lines(story: TaskStory) -> Iterator[str]:
    """Yield who had a part in a task's record, by round."""
    yield f"  people      {story.standing or 'pending'}, round {story.round}"
    for said in story.said:
        shown = "" if said.shown is None else f", was shown {plain(said.shown)}"
        value = "" if said.value is None else f" {plain(said.value)}"
        why = f" ({plain(', '.join(said.reasons))})" if said.reasons else ""
        left_out = "" if said.counts else "  [does not count]"
        who = f"{plain(said.annotator)} {said.outcome}{value}{why}{shown}, version {plain(said.version)}"
        yield f"    round {said.round} {said.mode}  {who}{left_out}"
    for lot in story.lots:
        yield f"    round {lot.round} lot {lot.lot[:12]}  {lot.state}{', in its sample' if lot.sampled else ''}"
    for mode, ask, people in story.waits_for:
        yield f"    waits for {mode} of {count(people, 'person', 'people')}, ask {ask[:12]}"


def _lines(found: Blame, indent: str = "", name: str = "") -> Iterator[str]:
    from dsvc.commands._values import provenance_text, value_text

    value = _field(found.value.as_py(), name)
    yield f"{indent}{click.style(plain(name or found.signal), bold=True)}  {value_text(value)}"
    yield f"{indent}  value from  {_commit(found.commit)}"
    if found.provenance_commit != found.commit:
        yield f"{indent}  made again  {_commit(found.provenance_commit)}"
    yield f"{indent}  made by     {provenance_text(found.provenance)}"
    for used in found.inputs:
        if used.record is None:
            yield f"{indent}  {click.style(plain(used.path), bold=True)}  no record"
        else:
            yield from _lines(used.record, f"{indent}  ", used.path)


def _field(value: Any, path: str) -> Any:
    """Return the field of a record's value that an input names; names that begin with `_` are not part of the value."""
    for name in path.split(".")[1:]:
        value = value.get(name) if isinstance(value, dict) else value
    return value


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
    }
