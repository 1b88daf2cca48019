"""What differs between two versions, told from their signal objects alone: no record is read."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dsvc.objects.oid import Oid
from dsvc.repo.view import View

NOTE_ROWS = "rows/"
"""Begins the note of a commit that says how many sources a dataset selects."""


class SignalChange(msgspec.Struct, frozen=True):
    """One signal that differs."""

    name: str
    op: str
    """``+`` new, ``-`` gone, ``~`` other values, ``=`` only other provenance, ``!`` another type."""
    before: int
    """Records."""
    after: int


class DatasetChange(msgspec.Struct, frozen=True):
    """One dataset that differs, or whose rows are known on both sides."""

    name: str
    op: str
    """``+`` new, ``-`` gone, ``~`` another selection or other columns."""
    before: int | None
    """Sources selected; None where it is not known without counting."""
    after: int | None


def signal_changes(before: View, after: View) -> tuple[SignalChange, ...]:
    """Return the signals that differ, by name."""
    changes = []
    for name in sorted({*before.signals, *after.signals}):
        if before.signals.get(name) == after.signals.get(name):
            continue
        old, new = before.signal(name), after.signal(name)
        if old is None or new is None:
            op = "+" if old is None else "-"
        elif old.type != new.type:
            op = "!"
        else:
            op = "=" if old.value_id == new.value_id else "~"
        changes.append(SignalChange(name, op, old.count if old else 0, new.count if new else 0))
    return tuple(changes)


def dataset_changes(before: View, after: View, counts: Mapping[Oid, int] = {}) -> tuple[DatasetChange, ...]:
    """Return the datasets that differ, by name.

    One whose selection and columns are the same but whose columns' signals changed is no change here.

    Args:
        before: The old version.
        after: The new version.
        counts: How many sources selections select, by id, for versions that are no commit.
    """
    changes = []
    for name in sorted({*before.datasets, *after.datasets}):
        if before.datasets.get(name) == after.datasets.get(name):
            continue
        op = "+" if name not in before.datasets else "-" if name not in after.datasets else "~"
        changes.append(DatasetChange(name, op, noted_rows(before, name, counts), noted_rows(after, name, counts)))
    return tuple(changes)


def noted_rows(view: View, dataset: str, counts: Mapping[Oid, int] = {}) -> int | None:
    """Return how many sources a dataset selects, where that is known without counting."""
    if dataset not in view.datasets:
        return 0
    rows = None
    if view.commit is not None and view.root_id == view.commit.root:
        rows = dict(view.commit.notes).get(NOTE_ROWS + dataset)
    return counts.get(view.dataset(dataset).selection) if rows is None else int(rows)
