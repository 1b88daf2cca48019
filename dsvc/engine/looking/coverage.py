"""Which of a dataset's sources have a record of each signal, whose, and why the others have none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from dsvc.engine.looking.lacks import Lack, Lacking, Why, list_lacks
from dsvc.engine.reading.fields import Mask, is_null
from dsvc.objects.encoding import get_object
from dsvc.objects.join import Joined, JoinedColumn, join_trees
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type
from dsvc.recipe.spec import Recipe
from dsvc.repo.view import View


class Producing(msgspec.Struct, frozen=True):
    """How many records one version of a producer made."""

    producer: str
    version: str
    origin: str
    standing: str
    records: int


class SignalCoverage(msgspec.Struct, frozen=True):
    """What of a dataset's sources one signal covers."""

    signal: str
    type: str | None
    """None where no source has a record."""
    sources: int
    """Of the dataset."""
    records: int
    nulls: int
    """Records whose value is null."""
    producers: tuple[Producing, ...]
    """Most records first."""
    lacks: tuple[Lack, ...]
    """Why the other sources have no record; most first."""


@dataclass
class _Counted:
    """What was counted of one signal so far."""

    records: int = 0
    nulls: int = 0
    provenances: Counter[Oid] = field(default_factory=Counter)
    lacks: Counter[Why] = field(default_factory=Counter)


def measure_coverage(
    view: View, selection: Signal | None, signals: Sequence[str], recipe: Recipe | None = None
) -> list[SignalCoverage]:
    """Return how some signals cover the sources that a selection selects. One pass, in batches.

    Args:
        view: The version.
        selection: Which sources; None for all of the version.
        signals: Names; of a signal without records no source is covered.
        recipe: That of the version: it says what derived records are made of.
    """
    names = [name for name in signals if view.signal(name) is not None]
    told = names if selection is not None else [*names, *(n for n in view.source_signals if n not in names)]
    lead = [] if selection is None else [Tree(view.reader, selection)]
    counted = {name: _Counted() for name in signals}
    lacking = Lacking(view, recipe)
    n_sources = 0
    for rows in join_trees([*lead, *(view.get_tree(name) for name in told)], provenance=True):
        inside = _selected(rows) if lead else _sources(rows, [told.index(name) for name in view.source_signals])
        n_sources += int(inside.sum())
        columns = dict(zip(told, rows.columns[len(lead) :], strict=True))
        for name in signals:
            _count(counted[name], rows, columns.get(name), inside, lacking, name)
    return [_coverage(view, name, n_sources, counted[name]) for name in signals]


def _selected(rows: Joined) -> Mask:
    return ~is_null(rows.columns[0].column)


def _sources(rows: Joined, wanted: Sequence[int]) -> Mask:
    """Return which rows are sources: those with a record of a put or ingested signal."""
    found = np.zeros(len(rows), np.bool_)
    for at in wanted:
        present = rows.columns[at].present
        found |= True if present is None else present
    return found


def _count(
    counted: _Counted, rows: Joined, column: JoinedColumn | None, inside: Mask, lacking: Lacking, name: str
) -> None:
    if column is None or column.prov is None:
        here = np.zeros(len(rows), np.bool_)
    else:
        here = inside if column.present is None else inside & column.present
        counted.records += int(here.sum())
        counted.nulls += int((here & is_null(column.column)).sum())
        for number, n in enumerate(np.bincount(column.prov.rows[here], minlength=len(column.prov.table)).tolist()):
            if n:
                counted.provenances[column.prov.table[number]] += n
    missing = np.flatnonzero(inside & ~here)
    if len(missing):
        counted.lacks += lacking.count(lacking.of_missing(name, rows.keys.take(missing)))


def _coverage(view: View, name: str, n_sources: int, counted: _Counted) -> SignalCoverage:
    made = Counter[tuple[str, str, str, str]]()
    for oid, n in counted.provenances.items():
        given = get_object(view.reader, oid, Kind.PROVENANCE, Provenance)
        made[given.producer, given.version, given.origin, given.standing] += n
    ordered = sorted(made.items(), key=lambda item: (-item[1], item[0]))
    signal = view.signal(name)
    return SignalCoverage(
        name,
        None if signal is None else str(Type.decode(signal.type)),
        n_sources,
        counted.records,
        counted.nulls,
        tuple(Producing(*key, n) for key, n in ordered),
        list_lacks(counted.lacks),
    )
