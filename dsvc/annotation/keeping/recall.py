"""Recalling an ask that nobody remembers: it follows from what is known, and so from what was known before.

An answer may come to an ask that is not wanted any more, since its lot is judged, the condition was edited, the task's
version was raised, or somebody else answered first. The op store remembers such an ask; where that was lost, these
circumstances are gone through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from dsvc.annotation.answers.records import Ask
from dsvc.annotation.judging.asks import as_version, asks_of
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.rounds import LotState, VerdictOf, resolve
from dsvc.annotation.keeping.ledger import LedgerView
from dsvc.recipe.task_spec import TaskSpec

_LOTS: Final[tuple[LotState, ...]] = ("pending", "failed")
"""What may have become of an item's lots; nobody is asked about one that passed."""


def versions_read(ledger: LedgerView, task: str) -> tuple[str, ...]:
    """Return the versions of a task of which any platform was ever read, sorted."""
    projects = {place.partition("/")[2] for place, _ in ledger.ledger.cursors}
    return tuple(sorted(project.partition("@")[2] for project in projects if project.partition("@")[0] == task))


def recall(task: TaskSpec, item: Item, versions: Iterable[str]) -> Iterator[Ask]:
    """Yield what may have been asked about an item, the latest first: after any of its answers, whatever its lots were.

    Args:
        task: The task.
        item: The source, with all that is known of it.
        versions: Of the task.
    """
    answers = item.evidence.answers  # in the order in which they were given
    for version in versions:
        then = as_version(task, version)
        for n_answers in range(len(answers), -1, -1):
            evidence = msgspec.structs.replace(item.evidence, answers=answers[:n_answers])
            one = msgspec.structs.replace(item, asked=True, evidence=evidence)
            for earlier in (one, msgspec.structs.replace(one, asked=item.asked)):
                for lots in _LOTS if evidence.members else _LOTS[:1]:
                    yield from (wanted.ask for wanted in asks_of(then, earlier, resolve(then, earlier, _all(lots))))


def _all(state: LotState) -> VerdictOf:
    return lambda _: state
