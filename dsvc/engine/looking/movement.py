"""Which sources entered or left a dataset between two versions, and what kept each of them out on the other side.

A source that entered is held against the recipe and the signals of the version before: the stage where it stops there
is why it was not in. One that left is held against those of the version after. What is compared are the selections
that the two versions have; only sources that differ are looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec
import numpy as np

from dsvc.engine.looking.sieve import LIMIT, WHERE, Sieve
from dsvc.engine.reading.fields import Mask, is_null
from dsvc.engine.reading.probe import Probe
from dsvc.objects.arrays import to_arrow
from dsvc.objects.diff import diff_trees
from dsvc.objects.keys import Keys
from dsvc.objects.snapshot import Dataset, Signal
from dsvc.objects.tree import Tree
from dsvc.repo.view import View

ENTERED, LEFT, MOVED = "entered", "left", "moved"
SOURCE, DATASET, STALE = "source", "dataset", "stale"
"""Causes that are no stage: the other version has not the source, or not the dataset, or has it as it was before an
edit that was not run."""
FALSE, NO_VALUE = "false", "no value"


class Reason(NamedTuple):
    """Why a source is not in a dataset on one side."""

    what: str
    """A stage's kind, ``source``, ``dataset`` or ``stale``; ``part`` of a source that moved."""
    text: str = ""
    """The term as it is written, or what the recipe says of the stage; of one that moved ``train -> test``."""
    outcome: str = ""
    """Of a term: ``false`` or ``no value``."""
    name: str = ""
    """What lacks, where a term has no value; the signal whose record is not taken."""
    lack: str = ""
    """Why it lacks; the record's standing."""


class Cause(msgspec.Struct, frozen=True):
    """How many sources entered, left or moved for the same reason."""

    move: str
    what: str
    text: str
    outcome: str
    name: str
    lack: str
    sources: int


class Movement(msgspec.Struct, frozen=True):
    """What happened to a dataset between two versions."""

    dataset: str
    before: int
    """Sources selected."""
    after: int
    entered: int
    left: int
    moved: int
    """Sources in another part."""
    causes: tuple[Cause, ...]
    """Of those that entered, then left, then moved; most first."""
    is_current: bool
    """Whether the later version's dataset is what its recipe says; else a run is to come."""


@dataclass(frozen=True)
class Side:
    """A dataset in one of the two versions.

    Attributes:
        view: The version.
        sieve: What its recipe says; None where it has no such dataset.
        dataset: What the version has; None where it has none.
    """

    view: View
    sieve: Sieve | None
    dataset: Dataset | None

    @property
    def selection(self) -> Signal | None:
        """Which sources are selected."""
        return None if self.dataset is None else self.view.selection(self.dataset)


class Move(NamedTuple):
    """What happened to one source."""

    source: str
    move: str
    reason: Reason


_ORDER: Final = (ENTERED, LEFT, MOVED)


def find_movement(name: str, before: Side, after: Side) -> Movement:
    """Return what happened to a dataset between two versions; costs the sources that differ."""
    counts = Counter[tuple[str, Reason]]()
    for _, moves in _iter_batches(before, after):
        counts.update(moves)
    totals = Counter[str]()
    for (move, _), n in counts.items():
        totals[move] += n
    n_after = _count_selected(after)
    ordered = sorted(counts.items(), key=lambda item: (_ORDER.index(item[0][0]), -item[1], item[0][1]))
    return Movement(
        name,
        n_after - totals[ENTERED] + totals[LEFT],
        n_after,
        totals[ENTERED],
        totals[LEFT],
        totals[MOVED],
        tuple(Cause(move, *reason, n) for (move, reason), n in ordered),
        after.sieve is None or after.sieve.bound.is_current,
    )


def iter_moves(before: Side, after: Side) -> Iterator[Move]:
    """Yield what happened to each source that entered, left or moved, in order of sources."""
    for keys, moves in _iter_batches(before, after):
        for key, (move, reason) in zip(keys, moves, strict=True):
            yield Move(key.decode(), move, reason)


def _count_selected(side: Side) -> int:
    if side.selection is None:
        return 0
    rows = Tree(side.view.reader, side.selection).rows()
    return sum(len(batch.values) - batch.values.null_count for batch in rows)


def _iter_batches(before: Side, after: Side) -> Iterator[tuple[Keys, list[tuple[str, Reason]]]]:
    """Yield some sources that differ, and what happened to each."""
    for changes in diff_trees(after.view.reader, before.selection, after.selection):
        was, now = ~is_null(changes.before), ~is_null(changes.after)
        touched = np.flatnonzero(was | now)
        if not len(touched):
            continue  # sources that came or went, and were never in
        was, now, keys = was[touched], now[touched], changes.keys.take(touched)
        moves: dict[int, tuple[str, Reason]] = {}
        for mask, move, side in ((now & ~was, ENTERED, before), (was & ~now, LEFT, after)):
            rows = np.flatnonzero(mask)
            if len(rows):
                found = _reasons(side, keys.take(rows))
                moves |= {row: (move, reason) for row, reason in zip(rows.tolist(), found, strict=True)}
        parts = [to_arrow(column.take(touched)).to_pylist() for column in (changes.before, changes.after)]
        for row in np.flatnonzero(was & now).tolist():
            text = f"{_part(before, parts[0][row])} -> {_part(after, parts[1][row])}"
            moves[row] = MOVED, Reason("part", text)
        yield keys, [moves[row] for row in range(len(keys))]


def _part(side: Side, index: int) -> str:
    names = () if side.dataset is None else side.dataset.splits
    return names[index] if index < len(names) else "no part"


def _reasons(side: Side, keys: Keys) -> list[Reason]:
    """Return why some sources are not in the dataset on one side."""
    sieve = side.sieve
    if sieve is None or side.dataset is None:
        return [Reason(DATASET)] * len(keys)
    inputs = sieve.bound.selecting.inputs
    columns = inputs.take(Probe(inputs.reader, keys))
    there: Mask = columns.complete
    sifted = sieve.sift(columns.filter(there))
    gates, whys = sieve.gates, sieve.lacking.whys
    has_limit = sieve.spec.sample is not None and sieve.spec.sample.max is not None
    through = Reason(LIMIT) if has_limit and sieve.bound.is_current else Reason(STALE)
    found = []
    for at, lack in zip(sifted.stopped.tolist(), sifted.lacks.tolist(), strict=True):
        if at < 0:
            found.append(through)
            continue
        stage = Reason(gates[at].what, gates[at].text)
        if stage.what == WHERE:
            stage = stage._replace(outcome=NO_VALUE if lack >= 0 else FALSE)
        if lack >= 0:
            stage = stage._replace(name=whys[lack].name, lack=whys[lack].reason)
        found.append(stage)
    known = iter(found)
    return [next(known) if is_there else Reason(SOURCE) for is_there in there.tolist()]
