"""Asks: the questions that follow from what became of an item.

The same question has the same id in every dataset, branch and clone: nobody is asked it twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from dsvc.annotation.answers.payloads import UNKNOWN_DOUBT
from dsvc.annotation.answers.records import Ask, make_ask
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.rounds import Need, Resolution
from dsvc.objects.encoding import hash_encoded
from dsvc.objects.oid import Kind
from dsvc.recipe.task_spec import TaskSpec
from dsvc.recipe.versions import VersionRange


class Wanted(msgspec.Struct, frozen=True):
    """An ask that is to be answered, by how many more people."""

    ask: Ask
    people: int
    is_stopped: bool = False
    """Whether somebody cancelled it: nobody is asked, until it is asked for again."""
    doubt: float = UNKNOWN_DOUBT
    """How likely an answer changes anything, from 0 to 1, as far as the model says."""


def asks_of(task: TaskSpec, item: Item, resolution: Resolution) -> tuple[Wanted, ...]:
    """Return the asks that follow from what became of an item, and those that check whether an old answer holds."""
    needs = (*resolution.needs, *_checks(task, item, resolution))
    asks = [(_ask(task, item, need), need.people) for need in needs]
    stopped = item.evidence.stopped
    # A sample is a sample: of its members none comes first.
    doubts = (UNKNOWN_DOUBT if ask.mode == "audit" else item.doubt for ask, _ in asks)
    return tuple(
        Wanted(ask, people, ask.ask_id in stopped, doubt) for (ask, people), doubt in zip(asks, doubts, strict=True)
    )


def _ask(task: TaskSpec, item: Item, need: Need) -> Ask:
    return make_ask(
        source=item.source,
        content_id=item.content_id,
        task=task.name,
        version=task.version,
        type=task.type_text,
        mode=need.mode,
        form=need.form,
        round=need.round,
        judged=need.judged,
        region=item.region,
        context=need.context,
    )


def _checks(task: TaskSpec, item: Item, resolution: Resolution) -> Sequence[Need]:
    """Return the ask that tells whether an answer of an old version still holds, of the share that `resample` says."""
    if not task.resample or resolution.origin != "human" or resolution.standing is None or resolution.needs:
        return ()
    versions = {answer.version for answer in item.evidence.answers}
    if not versions or task.version in versions or not is_resampled(task, item.source):
        return ()
    judged = None if task.mode == "label" else item.judged
    form = "label" if judged is None else task.mode
    return (Need(form, form, 0, judged, 1),)


def is_resampled(task: TaskSpec, source: str) -> bool:
    """Tell whether an old answer about a source is asked again: by a hash, the same everywhere."""
    bucket = int.from_bytes(hash_encoded(Kind.ASK, ["resample", task.name, task.version, source])[:8], "big")
    return bucket < task.resample * 2**64


def as_version(task: TaskSpec, version: str, *, accept: VersionRange | None = None) -> TaskSpec:
    """Return a task as it would be under another version; what it accepts is kept where that has the new one."""
    kept = accept or (task.accept if version in task.accept else VersionRange((("==", version),)))
    return replace(task, version=version, accept=kept)
