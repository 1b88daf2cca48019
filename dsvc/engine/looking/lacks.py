"""Why there is no value where one is asked for: a record is missing, for a reason that may be known, or it is null."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.fields import is_null
from dsvc.objects.encoding import get_object
from dsvc.objects.join import take_joined
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.recipe.expressions import Expression
from dsvc.recipe.nodes import find_node
from dsvc.recipe.spec import Recipe
from dsvc.repo.view import View

NO_RECORD = "no record"
"""Nothing is known of why a source has none."""
MISSING_INPUT = "missing-input"
"""A derived record cannot be made: an input that it needs has no record."""
NOT_ASKED = "not asked"
"""A task that judges nothing asks about other sources only."""
STALE = "stale"
"""A derived record can be made, and was not: a run is to come. Of an ingested one: its source has other content now."""
NULL = "null"
"""There is a record, and its value, or the field that is named, is null."""

Codes = npt.NDArray[np.int32]


class Why(NamedTuple):
    """What a source lacks."""

    name: str
    """The signal without a record, or the input that is null; empty where the expression itself gives null."""
    reason: str
    """Why the source waits for the record, such as ``failed`` or ``held``; else `NO_RECORD` or `NULL`."""


class Lack(msgspec.Struct, frozen=True):
    """How many sources lack the same for the same reason."""

    name: str
    reason: str
    sources: int


class Lacking:
    """Tells what sources of one version lack. Reasons are numbered as they are met.

    Args:
        view: The version.
        recipe: That of the version: it says what derived records are made of.
    """

    def __init__(self, view: View, recipe: Recipe | None = None) -> None:
        self._view = view
        self._recipe = recipe
        self._codes: dict[Why, int] = {}
        self._waiting: dict[str, Tree | None] = {}

    @property
    def whys(self) -> tuple[Why, ...]:
        """The reasons met so far, by number."""
        return tuple(self._codes)

    def of_expression(self, expression: Expression, columns: Columns) -> Codes:
        """Return the number of the first thing that each of some sources lacks of what an expression names.

        Args:
            expression: One that is null for all of them.
            columns: Its inputs, of these sources.
        """
        codes = np.full(len(columns), -1, np.int32)
        for name in dict.fromkeys(path.signal for path in expression.inputs):
            rows = np.flatnonzero((codes < 0) & ~columns.present(name))
            if len(rows):
                codes[rows] = self.of_missing(name, columns.keys.take(rows))
        for path in expression.inputs:
            codes[(codes < 0) & is_null(columns.column(path))] = self._code(Why(str(path), NULL))
        codes[codes < 0] = self._code(Why("", NULL))
        return codes

    def of_missing(self, signal: str, keys: Keys) -> Codes:
        """Return the numbers of why some sources have no record of a signal."""
        codes = self._unexplained(signal, keys)
        tree = self._tree(signal)
        if tree is None:
            return codes
        waiting = take_joined([tree], keys).columns[0].values
        reasons = pc.struct_field(waiting, "reason").dictionary_encode()
        rows = np.flatnonzero(np.asarray(reasons.is_valid()))
        told = np.array([self._code(Why(signal, reason)) for reason in reasons.dictionary.to_pylist()], np.int32)
        codes[rows] = told[np.asarray(reasons.indices.fill_null(0))[rows]]
        return codes

    def _unexplained(self, signal: str, keys: Keys) -> Codes:
        """Return why some sources have no record of a signal, as far as the recipe tells."""
        step = None if self._recipe is None else find_node(self._recipe, signal)
        if step is None:
            return np.full(len(keys), self._code(Why(signal, NO_RECORD)), np.int32)
        if step.kind == "task" and not step.required:
            return np.full(len(keys), self._code(Why(signal, NOT_ASKED)), np.int32)
        can_be_made = np.ones(len(keys), np.bool_)
        for name in {path.signal for path in step.required}:
            tree = self._view.tree(name)
            can_be_made &= False if tree is None else np.asarray(tree.has(keys))
        codes = np.full(len(keys), self._code(Why(signal, MISSING_INPUT)), np.int32)
        if can_be_made.any():
            codes[can_be_made] = self._code(Why(signal, STALE))
        return codes

    def of_untaken(self, signals: Iterable[str], take: Collection[str], keys: Keys) -> Codes:
        """Return the numbers of which record of some sources has a standing that is not taken, and of which.

        Args:
            signals: Those whose records count.
            take: The standings, and `stale`, that are taken.
            keys: Sources that have such a record.
        """
        codes = np.full(len(keys), -1, np.int32)
        for name in signals:
            tree = self._view.tree(name)
            rows = np.flatnonzero(codes < 0)
            if tree is None or not len(rows):
                continue
            asked = keys.take(rows)
            prov = take_joined([tree], asked, provenance=True).columns[0].prov
            if prov is None:
                continue
            standings = [get_object(self._view.reader, oid, Kind.PROVENANCE, Provenance).standing for oid in prov.table]
            told = np.array([-1 if s in take else self._code(Why(name, s)) for s in standings] or [-1], np.int32)
            found = np.where(prov.rows >= 0, told[np.maximum(prov.rows, 0)], -1)
            # What is stale is that, whatever its standing was.
            stale = self._is_stale(name, asked) & (prov.rows >= 0)
            codes[rows] = np.where(stale, -1 if STALE in take else self._code(Why(name, STALE)), found)
        codes[codes < 0] = self._code(Why("", "not taken"))
        return codes

    def _is_stale(self, signal: str, keys: Keys) -> npt.NDArray[np.bool_]:
        tree = self._tree(signal)
        if tree is None:
            return np.zeros(len(keys), np.bool_)
        waiting = take_joined([tree], keys).columns[0].values
        return np.asarray(pc.fill_null(pc.equal(pc.struct_field(waiting, "reason"), STALE), False))

    def count(self, codes: Codes) -> Counter[Why]:
        """Return how often each reason is among some."""
        counts = np.bincount(codes, minlength=len(self._codes))
        return Counter({why: int(n) for why, n in zip(self._codes, counts, strict=True) if n})

    def _code(self, why: Why) -> int:
        return self._codes.setdefault(why, len(self._codes))

    def _tree(self, signal: str) -> Tree | None:
        if signal not in self._waiting:
            oid = self._view.waiting.get(signal)
            reader = self._view.reader
            self._waiting[signal] = None if oid is None else Tree(reader, get_object(reader, oid, Kind.SIGNAL, Signal))
        return self._waiting[signal]


def list_lacks(counts: Mapping[Why, int]) -> tuple[Lack, ...]:
    """Return counted reasons, most first."""
    ordered: Iterable[tuple[Why, int]] = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Lack(why.name, why.reason, n) for why, n in ordered)
