"""Guidelines: what annotators read, and whether it was edited since people answered by it.

The wording is in no ask's id, so that a typo asks nothing again. An edit that changes what is meant wants a version of
its own; nobody but its author knows which it was, so that every edit is told of.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from dsvc.annotation.keeping.ledger import LedgerView
from dsvc.objects.encoding import hash_encoded
from dsvc.objects.oid import Kind, Oid
from dsvc.recipe.task_spec import TaskSpec


def read_guideline(directory: Path, task: TaskSpec) -> str | None:
    """Return a task's guideline; None where there is none, or no file.  `annotate check` tells of that."""
    if task.guideline is None:
        return None
    try:
        return (directory / task.guideline).read_text(encoding="utf-8")
    except OSError:
        return None


def guideline_id(text: str) -> Oid:
    """Return what an answer says of the guideline that it was given under."""
    return hash_encoded(Kind.PAYLOAD, ["guideline", text])


class EditedGuideline(msgspec.Struct, frozen=True):
    """A guideline that is another one than that under which answers of the task's version were given."""

    task: str
    version: str

    @property
    def words(self) -> str:
        """What there is to say of it."""
        return f"edited since answers of version {self.version}: raise `version`, or nothing is asked again"

    @property
    def sentence(self) -> str:
        """The same as one sentence."""
        return f"task {self.task}: guideline {self.words}"


def find_edited(ledger: LedgerView, directory: Path, tasks: Iterable[TaskSpec]) -> list[EditedGuideline]:
    """Return the guidelines that were edited since people answered by them.

    Args:
        ledger: What they answered.
        directory: Where `dsvc.toml` is.
        tasks: Whose guidelines.
    """
    found = []
    for task in tasks:
        text = read_guideline(directory, task)
        if text is not None and ledger.guidelines(task.name, task.version) - {guideline_id(text)}:
            found.append(EditedGuideline(task.name, task.version))
    return found
