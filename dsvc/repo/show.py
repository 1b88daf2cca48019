"""One commit: what it says, and what it changed against its first parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dsvc.objects.oid import Oid
from dsvc.repo.branches import TagInfo, list_tags
from dsvc.repo.changes import DatasetChange, SignalChange, dataset_changes, noted_rows, signal_changes
from dsvc.repo.history import CommitInfo, describe_commit, refs_by_commit
from dsvc.repo.view import EMPTY_ROOT_ID, View
from dsvc.repo.worktree import changed_files

if TYPE_CHECKING:
    from dsvc.repo.workspace import Workspace


class SignalInfo(msgspec.Struct, frozen=True):
    """One signal of a version."""

    name: str
    n_records: int
    value_id: str
    """Hex; equal for equal sources and values, whoever made them."""
    is_derived: bool


class DatasetInfo(msgspec.Struct, frozen=True):
    """One dataset of a version."""

    name: str
    n_rows: int | None
    """Sources selected; None where the commit does not say."""
    columns: tuple[tuple[str, str], ...]
    """(column, expression)."""
    splits: tuple[str, ...]


class Shown(msgspec.Struct, frozen=True):
    """One commit in full."""

    commit: CommitInfo
    tags: tuple[TagInfo, ...]
    """Those that point at it."""
    signals: tuple[SignalInfo, ...]
    datasets: tuple[DatasetInfo, ...]
    signal_changes: tuple[SignalChange, ...]
    """Against the first parent, or against nothing."""
    dataset_changes: tuple[DatasetChange, ...]
    recipe_changes: tuple[tuple[str, str], ...]
    """(``+``, ``-`` or ``~``, path)."""


def show_commit(repo: Workspace, oid: Oid) -> Shown:
    """Return a commit in full, without reading a record."""
    reader = repo.store.objects
    commit = repo.read_commit(oid)
    view = View(reader, commit.root, commit.state, commit_id=oid, commit=commit)
    before = View(reader, EMPTY_ROOT_ID, None)
    if commit.parents:
        parent = repo.read_commit(commit.parents[0])
        before = View(reader, parent.root, parent.state, commit_id=commit.parents[0], commit=parent)
    return Shown(
        commit=describe_commit(oid, commit, refs_by_commit(repo.store).get(oid, ())),
        tags=tuple(tag for tag in list_tags(repo) if tag.commit == oid.hex()),
        signals=tuple(_list_signals(view)),
        datasets=tuple(_list_datasets(view)),
        signal_changes=signal_changes(before, view),
        dataset_changes=dataset_changes(before, view),
        recipe_changes=tuple(changed_files(before.recipe_ids(), view.recipe_ids())),
    )


def _list_signals(view: View) -> list[SignalInfo]:
    sources = set(view.source_signals)
    signals = ((name, view.get_signal(name)) for name in view.signals)
    return [SignalInfo(name, s.count, s.value_id.hex(), name not in sources) for name, s in signals]


def _list_datasets(view: View) -> list[DatasetInfo]:
    datasets = ((name, view.dataset(name)) for name in view.datasets)
    return [DatasetInfo(name, noted_rows(view, name), d.columns, d.splits) for name, d in datasets]
