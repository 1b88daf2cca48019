"""The inputs of some sources, laid out as columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.engine.reading.fields import NOTHING, STATE, TEXT, Mask, field_of
from dsvc.objects.access import Reader
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.chunk import ProvColumn
from dsvc.objects.column import Column, Index, null_column
from dsvc.objects.encoding import get_object
from dsvc.objects.join import Joined, JoinedColumn, take_joined
from dsvc.objects.keys import Keys
from dsvc.objects.oid import ZERO, Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.recipe.paths import InputPath

if TYPE_CHECKING:
    from dsvc.engine.reading.inputs import Inputs


class Columns:
    """The inputs of some sources.

    Args:
        inputs: What they are inputs of.
        columns: The records of each signal, laid out over the sources; signals that no source has are left out.
        length: How many sources there are.
        load_keys: Gives the sources, if anybody asks for them.
        present: Which of them the version has, where every source of it has a record; None where all are known to be.
    """

    def __init__(
        self,
        inputs: Inputs,
        columns: Mapping[str, JoinedColumn],
        length: int,
        load_keys: Callable[[], Keys],
        present: Mask | None = None,
    ) -> None:
        self.inputs = inputs
        self._present = present
        self._columns = columns
        self._length = length
        self._load_keys = load_keys
        self._made: dict[InputPath, Column] = {}

    @classmethod
    def of_joined(cls, inputs: Inputs, joined: Joined, names: Sequence[str]) -> Columns:
        """Return joined rows as inputs; `names` are the signals of their columns."""
        columns = dict(zip(names, joined.columns, strict=True))
        return cls(inputs, columns, len(joined.keys), lambda: joined.keys)

    def __len__(self) -> int:
        return self._length

    @cached_property
    def keys(self) -> Keys:
        """The sources."""
        return self._load_keys()

    def present(self, signal: str) -> Mask:
        """Return which sources have a record of a signal."""
        if signal not in self._columns:
            return np.zeros(len(self), np.bool_)
        present = self._columns[signal].present
        return np.ones(len(self), np.bool_) if present is None else present

    @cached_property
    def complete(self) -> Mask:
        """Which sources have a record: those with all required inputs; without required ones, with any input."""
        if self.inputs.sources is not None:
            return np.ones(len(self), np.bool_) if self._present is None else self._present
        required = {item.path.signal for item in self.inputs.required}
        masks = [self.present(name) for name in required or self.inputs.signals]
        return np.asarray((np.logical_and if required else np.logical_or).reduce(masks))

    def column(self, path: InputPath) -> Column:
        """Return what a path names, null where there is no record."""
        if path not in self._made:
            self._made[path] = self._circumstance(path) if path.circumstance else self._value(path)
        return self._made[path]

    def values(self, path: InputPath) -> pa.Array[Any]:
        """Return `column` as Arrow, of the declared type where the signal has no records."""
        column = self.column(path)
        if column.physical == NOTHING:
            return pa.nulls(len(self), self.inputs.type_of(path).arrow)
        return to_arrow(column)

    def _value(self, path: InputPath) -> Column:
        if path.signal not in self._columns:
            return null_column(NOTHING, len(self))
        return field_of(self._columns[path.signal].column, path)

    def _circumstance(self, path: InputPath) -> Column:
        told = null_column(TEXT.physical, len(self))
        if path.signal in self._columns:
            prov = self._columns[path.signal].prov
            if prov is not None and prov.table:
                told = _tell(self.inputs.reader, prov, path.circumstance)
        if path.circumstance != STATE:
            return told
        waiting_id = next(item.waiting_id for item in self.inputs.items if item.path == path)
        if waiting_id == ZERO:
            return told
        waiting = Tree(self.inputs.reader, get_object(self.inputs.reader, waiting_id, Kind.SIGNAL, Signal))
        why = field_of(take_joined([waiting], self.keys).columns[0].column, InputPath("waiting", ("reason",)))
        return normalise(pc.if_else(pa.array(self.present(path.signal)), to_arrow(told), to_arrow(why)))

    def filter(self, mask: Mask) -> Columns:
        """Return the sources where `mask` holds."""
        return self if mask.all() else self.take(np.flatnonzero(mask))

    def take(self, rows: Index) -> Columns:
        """Return the sources at ascending `rows`."""
        taken = {name: _take(column, rows) for name, column in self._columns.items()}
        present = None if self._present is None else self._present[rows]
        return Columns(self.inputs, taken, len(rows), lambda: self.keys.take(rows), present)


def _take(joined: JoinedColumn, rows: Index) -> JoinedColumn:
    present = None if joined.present is None else joined.present[rows]
    return JoinedColumn(joined.column.take(rows), present, joined.prov and joined.prov.take(rows))


def _tell(reader: Reader, prov: ProvColumn, circumstance: str) -> Column:
    name = "standing" if circumstance == STATE else circumstance.removeprefix("_")
    told = [getattr(get_object(reader, oid, Kind.PROVENANCE, Provenance), name) for oid in prov.table]
    return normalise(pa.array(told, pa.string())).take(prov.rows.astype(np.int64))
