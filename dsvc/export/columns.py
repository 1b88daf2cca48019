"""What the columns of a dataset are made of: values of signals, their fields, and the circumstances of records.

A source without a record has null, whatever the column names of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.objects.access import Reader
from dsvc.objects.chunk import ProvColumn
from dsvc.objects.encoding import get_object
from dsvc.objects.join import Joined, JoinedColumn, take_joined
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.recipe.paths import InputPath
from dsvc.repo.view import View

_STATE = "_state"
Inputs = Mapping[InputPath, pa.Array]
"""Columns of one length, by what they name."""


class ColumnReader:
    """Gives what some paths name, for rows of joined signals.

    Args:
        view: The version.
        paths: What is named.
    """

    def __init__(self, view: View, paths: Iterable[InputPath]) -> None:
        self._reader: Reader = view.reader
        self.paths = tuple(dict.fromkeys(paths))
        names = dict.fromkeys(path.signal for path in self.paths)
        self.trees = {name: Tree(view.reader, signal) for name in names if (signal := view.signal(name)) is not None}
        """The signals that are named and have records: the columns of the rows that `bind` takes."""
        named = {path.signal for path in self.paths if path.circumstance == _STATE}
        self.waiting = {name: oid for name, oid in view.waiting.items() if name in named}
        """Ids of who waits for which signal, where `_state` is named."""

    @property
    def has_circumstances(self) -> bool:
        """Whether anything named is about provenance."""
        return any(path.circumstance for path in self.paths)

    def bind(self, rows: Joined) -> Inputs:
        """Return what is named, of rows whose columns are `trees`."""
        columns = dict(zip(self.trees, rows.columns, strict=True))
        return {path: self._bind_one(path, rows.keys, columns.get(path.signal)) for path in self.paths}

    def empty(self) -> Inputs:
        """Return what is named, of no rows."""
        return self.bind(take_joined([*self.trees.values()], Keys.of_bytes([]), provenance=self.has_circumstances))

    def _bind_one(self, path: InputPath, keys: Keys, column: JoinedColumn | None) -> pa.Array:
        if path.circumstance:
            told = self._tell(path, column, len(keys))
            return told if path.signal not in self.waiting else self._tell_waiting(path, keys, told, column)
        # A signal that no source has is null whatever of it is named.
        return pa.nulls(len(keys)) if column is None else path.extract(column.values)

    def _tell(self, path: InputPath, column: JoinedColumn | None, length: int) -> pa.Array:
        if column is None or column.prov is None or not column.prov.table:
            return pa.nulls(length, pa.string())
        name = "standing" if path.circumstance == _STATE else path.circumstance.removeprefix("_")
        told = pa.array([getattr(given, name) for given in self._provenances(column.prov)], pa.string())
        rows = column.prov.rows
        return told.take(pa.array(rows, mask=rows < 0))

    def _provenances(self, prov: ProvColumn) -> list[Provenance]:
        return [get_object(self._reader, oid, Kind.PROVENANCE, Provenance) for oid in prov.table]

    def _tell_waiting(self, path: InputPath, keys: Keys, told: pa.Array, column: JoinedColumn | None) -> pa.Array:
        """Return standings, and why a source waits where it has no record."""
        waiting = self._waiting_trees[path.signal]
        why = pc.struct_field(take_joined([waiting], keys).columns[0].values, "reason")
        present = np.zeros(len(keys), np.bool_) if column is None else column.present
        return told if present is None else pc.if_else(pa.array(present), told, why)

    @cached_property
    def _waiting_trees(self) -> dict[str, Tree]:
        found = ((name, get_object(self._reader, oid, Kind.SIGNAL, Signal)) for name, oid in self.waiting.items())
        return {name: Tree(self._reader, signal) for name, signal in found}
