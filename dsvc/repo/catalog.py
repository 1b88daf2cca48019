"""The datasets of a version: what each selects and shows, and which tags it has."""

from __future__ import annotations

import msgspec
import numpy as np

from dsvc.objects.access import Reader
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.repo.branches import list_tags
from dsvc.repo.names import GLOBAL
from dsvc.repo.sources import covering_trees, iter_source_keys
from dsvc.repo.view import View
from dsvc.repo.workspace import Workspace


class DatasetEntry(msgspec.Struct, frozen=True):
    """One dataset of a version."""

    name: str
    sources: int
    """That it selects."""
    parts: tuple[tuple[str, int], ...]
    """(part, sources), in the order of its split; empty without one."""
    columns: tuple[tuple[str, str], ...]
    """(column, expression)."""
    tags: tuple[str, ...]
    """Every tag of this dataset, of whatever version, newest first."""


def list_datasets(repo: Workspace, view: View) -> list[DatasetEntry]:
    """Return the datasets of a version by name, `global` last; reads selections, and no value of a signal."""
    tags: dict[str, list[str]] = {}
    for tag in sorted(list_tags(repo), key=lambda tag: tag.time, reverse=True):
        if tag.dataset is not None:
            tags.setdefault(tag.dataset, []).append(tag.name)
    found = []
    for name in view.datasets:
        dataset = view.dataset(name)
        counts = count_parts(view.reader, view.selection(dataset))
        parts = tuple((part, counts.get(number, 0)) for number, part in enumerate(dataset.splits))
        told = tuple(tags.get(name, ()))
        found.append(DatasetEntry(name, sum(counts.values()), parts, dataset.columns, told))
    if GLOBAL not in view.datasets:
        columns = tuple((name, name) for name in view.signals)
        found.append(DatasetEntry(GLOBAL, count_sources(view), (), columns, tuple(tags.get(GLOBAL, ()))))
    return found


def count_parts(reader: Reader, selection: Signal) -> dict[int, int]:
    """Return how many sources a selection has in each part, by the part's index; those of none are left out."""
    counts = np.zeros(128, np.int64)
    for rows in Tree(reader, selection).rows():
        counts += np.bincount(np.asarray(rows.values.drop_null()), minlength=len(counts))
    return {int(number): int(counts[number]) for number in np.flatnonzero(counts)}


def count_sources(view: View) -> int:
    """Return how many sources a version has."""
    trees = covering_trees(view)
    if len(trees) == 1:
        return trees[0].signal.count
    return sum(len(keys) for keys in iter_source_keys(view))
