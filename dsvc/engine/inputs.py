"""The inputs of a step as they stand in one version, or as they stood when a trace was written.

Equal inputs are told by value ids, which leave provenance out; only an input that names a circumstance of its records
(`x._version` and its like) is told by the whole signal.  Which records' inputs are equal is told by the bits of what
the step names: a missing record of an optional input is what the step sees of it, a null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.engine.fields import NOTHING, field_of
from dsvc.engine.layout import lay_out
from dsvc.engine.probe import Probe
from dsvc.objects.access import Reader
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.chunk import ProvColumn
from dsvc.objects.column import Column, Index, null_column
from dsvc.objects.encoding import get_object
from dsvc.objects.join import Joined, JoinedColumn, join_trees, take_joined
from dsvc.objects.keys import Keys
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.trace import TraceInput
from dsvc.objects.tree import Tree, count_up_to
from dsvc.objects.types import Type
from dsvc.recipe.paths import InputPath
from dsvc.repo.view import View

Mask = npt.NDArray[np.bool_]

TEXT = Type(("string",))
STATE = "_state"
WAITING = "_waiting"
"""Field of a trace input that stands for the sources that wait: what `x._state` says where there is no record."""


@dataclass(frozen=True)
class Input:
    """One input, bound to a signal or to its absence."""

    path: InputPath
    is_required: bool
    signal_id: Oid = ZERO
    signal: Signal | None = None
    waiting_id: Oid = ZERO
    """Of an input that names `_state`: the sources without a record, and why."""

    @property
    def key(self) -> tuple[bytes, bytes]:
        """Equal for inputs that are equal for every source."""
        if self.path.circumstance:
            return self.signal_id, self.waiting_id
        return (ZERO if self.signal is None else self.signal.value_id), ZERO


class Inputs:
    """All inputs of a step, bound, in the order it names them.

    Args:
        reader: Gives the objects.
        items: The inputs.
        declared: Types of signals, for those that no source has: an engine wants a type even for nulls.
    """

    def __init__(self, reader: Reader, items: Sequence[Input], declared: Mapping[str, Type] | None = None) -> None:
        self.reader = reader
        self.items = tuple(items)
        self.declared = declared or {}

    @classmethod
    def bind(
        cls,
        view: View,
        paths: Sequence[InputPath],
        required: Sequence[InputPath],
        declared: Mapping[str, Type] | None = None,
    ) -> Inputs:
        """Return the inputs as they are in a version."""
        items = []
        for path in paths:
            signal_id = view.signals.get(path.signal, ZERO)
            waiting = view.waiting.get(path.signal, ZERO) if path.circumstance == STATE else ZERO
            items.append(Input(path, path in required, signal_id, view.signal(path.signal), waiting))
        return cls(view.reader, items, declared)

    @classmethod
    def of_trace(cls, reader: Reader, like: Inputs, used: Sequence[TraceInput]) -> Inputs:
        """Return the inputs that a trace used, in the order and with the requirements of `like`."""
        ids = {entry.path: entry.signal for entry in used}
        items = []
        for item in like.items:
            signal_id = ids.get(str(item.path), ZERO)
            signal = None if signal_id == ZERO else get_object(reader, signal_id, Kind.SIGNAL, Signal)
            waiting = ids.get(_waiting_path(item.path), ZERO) if item.path.circumstance == STATE else ZERO
            items.append(Input(item.path, item.is_required, signal_id, signal, waiting))
        return cls(reader, items, like.declared)

    def trace_inputs(self) -> tuple[TraceInput, ...]:
        """Return what a trace over these inputs says of them."""
        listed = []
        for item in self.items:
            value_id = ZERO if item.signal is None else item.signal.value_id
            listed.append(TraceInput(str(item.path), value_id, item.signal_id))
            if item.waiting_id != ZERO:
                waiting = get_object(self.reader, item.waiting_id, Kind.SIGNAL, Signal)
                listed.append(TraceInput(_waiting_path(item.path), waiting.value_id, item.waiting_id))
        return tuple(listed)

    @property
    def key(self) -> tuple[tuple[bytes, bytes], ...]:
        """Equal for inputs that are equal for every source."""
        return tuple(item.key for item in self.items)

    @cached_property
    def signals(self) -> Mapping[str, Signal | None]:
        """Name -> signal, each once, in the order named."""
        return {item.path.signal: item.signal for item in self.items}

    @property
    def required(self) -> tuple[Input, ...]:
        """The inputs without which there is no record."""
        return tuple(item for item in self.items if item.is_required)

    @property
    def can_have_records(self) -> bool:
        """Whether any source can have all required inputs; without required ones, any input at all."""
        required = self.required
        if required:
            return all(item.signal is not None for item in required)
        return any(signal is not None for signal in self.signals.values())

    def type_of(self, path: InputPath) -> Type:
        """Return the type of what a path names; null where its signal has no records and declares none.

        Raises:
            SchemaError: If the signal has no such field.
        """
        if path.circumstance:
            return TEXT
        signal = self.signals[path.signal]
        type_ = self.declared.get(path.signal) if signal is None else Type.decode(signal.type)
        if type_ is None:
            return Type(NOTHING)
        return Type(field_of(null_column(type_.physical, 0), path).physical) if path.fields else type_

    @property
    def has_circumstances(self) -> bool:
        """Whether anything depends on provenance."""
        return any(item.path.circumstance for item in self.items)

    def only(self, item: Input) -> Inputs:
        """Return one of the inputs alone."""
        return Inputs(self.reader, [item], self.declared)

    def take(self, probe: Probe) -> Columns:
        """Return what there is of some sources."""
        read = {
            name: probe.read(signal, provenance=self.has_circumstances)
            for name, signal in self.signals.items()
            if signal is not None
        }
        return Columns(self, read, len(probe), lambda: probe.keys)

    def over(self, batches: Iterator[Keys]) -> Iterator[Columns]:
        """Yield what there is of every source of ascending batches, which together are most of what there is.

        The signals are read from end to end, side by side, which is faster than looking sources up.
        """
        trees = self._trees()
        rows = join_trees([*trees.values()], provenance=self.has_circumstances) if trees else iter(())
        rest: Joined | None = None
        for keys in batches:
            parts: list[Joined] = []
            while rest is not None or (rest := next(rows, None)) is not None:
                n = count_up_to(rest.keys, keys[-1], 0, len(rest.keys))
                parts += [rest.take(np.arange(n))] if 0 < n < len(rest) else [rest] if n else []
                rest = rest.take(np.arange(n, len(rest))) if n < len(rest) else None
                if rest is not None or parts[-1].keys[-1] == keys[-1]:
                    break
            types = [tree.type for tree in trees.values()]
            joined = lay_out(parts, keys, types, provenance=self.has_circumstances)
            yield Columns.of_joined(self, joined, [*trees])

    def scan(self, rows: int) -> Iterator[Columns]:
        """Yield what there is of every source that has all required inputs; without required ones, any input.

        Args:
            rows: Sources a batch, about.
        """
        if not self.can_have_records:
            return
        trees = self._trees()
        for joined in join_trees([*trees.values()], rows_per_batch=rows, provenance=self.has_circumstances):
            columns = Columns.of_joined(self, joined, [*trees])
            complete = columns.filter(columns.complete)
            if len(complete):
                yield complete

    def _trees(self) -> dict[str, Tree]:
        return {name: Tree(self.reader, signal) for name, signal in self.signals.items() if signal is not None}


class Columns:
    """The inputs of some sources.

    Args:
        inputs: What they are inputs of.
        columns: The records of each signal, laid out over the sources; signals that no source has are left out.
        length: How many sources there are.
        load_keys: Gives the sources, if anybody asks for them.
    """

    def __init__(
        self, inputs: Inputs, columns: Mapping[str, JoinedColumn], length: int, load_keys: Callable[[], Keys]
    ) -> None:
        self.inputs = inputs
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
        """Which sources have all required inputs; without required ones, any input."""
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
        return Columns(self.inputs, taken, len(rows), lambda: self.keys.take(rows))


def _take(joined: JoinedColumn, rows: Index) -> JoinedColumn:
    present = None if joined.present is None else joined.present[rows]
    return JoinedColumn(joined.column.take(rows), present, joined.prov and joined.prov.take(rows))


def _tell(reader: Reader, prov: ProvColumn, circumstance: str) -> Column:
    name = "standing" if circumstance == STATE else circumstance.removeprefix("_")
    told = [getattr(get_object(reader, oid, Kind.PROVENANCE, Provenance), name) for oid in prov.table]
    return normalise(pa.array(told, pa.string())).take(prov.rows.astype(np.int64))


def _waiting_path(path: InputPath) -> str:
    return str(InputPath(path.signal, (WAITING,)))
