"""The inputs of a step as they stand in one version, or as they stood when a trace was written.

Equal inputs are told by value ids, which leave provenance out; only an input that names a circumstance of its records
(`x._version` and its like) is told by the whole signal.  Which records' inputs are equal is told by the bits of what
the step names: a missing record of an optional input is what the step sees of it, a null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.fields import NOTHING, STATE, TEXT, Mask, field_of
from dsvc.engine.reading.layout import iter_union, lay_out
from dsvc.engine.reading.probe import Probe
from dsvc.objects.access import Reader
from dsvc.objects.column import null_column
from dsvc.objects.encoding import get_object
from dsvc.objects.join import Joined, join_trees
from dsvc.objects.keys import Keys
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.snapshot import Signal
from dsvc.objects.trace import TraceInput
from dsvc.objects.tree import Tree, count_up_to
from dsvc.objects.types import Type
from dsvc.recipe.paths import InputPath
from dsvc.repo.view import View

WAITING = "_waiting"
"""Field of a trace input that stands for the sources that wait: what `x._state` says where there is no record."""
SOURCE = "_source"
"""Field of a trace input that stands for which sources a signal has, whatever their values."""

OWN_PREFIX = "_"
"""What the names of inputs begin with that are no signals of the version, such as the selection of another dataset."""

Sources = Mapping[str, tuple[Oid, Signal]]
"""Name -> id and signal, of those that say which sources there are."""


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
        sources: Given where every source of the version has a record, whatever it has of the inputs.
    """

    def __init__(
        self,
        reader: Reader,
        items: Sequence[Input],
        declared: Mapping[str, Type] | None = None,
        sources: Sources | None = None,
    ) -> None:
        self.reader = reader
        self.items = tuple(items)
        self.declared = declared or {}
        self.sources = sources

    @classmethod
    def bind(
        cls,
        view: View,
        paths: Sequence[InputPath],
        required: Sequence[InputPath],
        declared: Mapping[str, Type] | None = None,
        *,
        every_source: bool = False,
    ) -> Inputs:
        """Return the inputs as they are in a version."""
        items = []
        for path in paths:
            signal_id = view.signals.get(path.signal, ZERO)
            waiting = view.waiting.get(path.signal, ZERO) if path.circumstance == STATE else ZERO
            items.append(Input(path, path in required, signal_id, view.signal(path.signal), waiting))
        named = view.source_signals if every_source else ()
        sources = {name: (view.signals[name], view.get_signal(name)) for name in named}
        return cls(view.reader, items, declared, sources if every_source else None)

    @classmethod
    def of_trace(cls, reader: Reader, like: Inputs, used: Sequence[TraceInput]) -> Inputs:
        """Return the inputs that a trace used, in the order and with the requirements of `like`."""
        ids = {entry.path: entry.signal for entry in used}
        items = []
        for item in like.items:
            signal_id = ids.get(str(item.path), ZERO)
            signal = find_signal(reader, signal_id)
            waiting = ids.get(_waiting_path(item.path), ZERO) if item.path.circumstance == STATE else ZERO
            items.append(Input(item.path, item.is_required, signal_id, signal, waiting))
        sources = None
        if like.sources is not None:
            found = [(InputPath.parse(entry.path).signal, entry.signal) for entry in used if is_source_path(entry.path)]
            sources = {name: (oid, get_object(reader, oid, Kind.SIGNAL, Signal)) for name, oid in found}
        return cls(reader, items, like.declared, sources)

    def trace_inputs(self) -> tuple[TraceInput, ...]:
        """Return what a trace over these inputs says of them."""
        listed = []
        for item in self.items:
            if item.signal_id == ZERO and item.path.signal.startswith(OWN_PREFIX):
                continue  # what is told by absence is not told by a trace of it
            value_id = ZERO if item.signal is None else item.signal.value_id
            listed.append(TraceInput(str(item.path), value_id, item.signal_id))
            if item.waiting_id != ZERO:
                waiting = get_object(self.reader, item.waiting_id, Kind.SIGNAL, Signal)
                listed.append(TraceInput(_waiting_path(item.path), waiting.value_id, item.waiting_id))
        for name, (oid, signal) in (self.sources or {}).items():
            listed.append(TraceInput(source_path(name), signal.value_id, oid))
        return tuple(listed)

    @property
    def key(self) -> tuple[tuple[bytes, bytes], ...]:
        """Equal for inputs that are equal for every source; where it differs, they may still be."""
        sources = ((name.encode(), signal.value_id) for name, (_, signal) in sorted((self.sources or {}).items()))
        return (*(item.key for item in self.items), *sources)

    @cached_property
    def signals(self) -> Mapping[str, Signal | None]:
        """Name -> signal, each once, in the order named."""
        return {item.path.signal: item.signal for item in self.items}

    @property
    def required(self) -> tuple[Input, ...]:
        """The inputs without which there is no record."""
        return tuple(item for item in self.items if item.is_required)

    @property
    def any_will_do(self) -> bool:
        """Whether a source has a record as soon as it has any of the inputs, if only a null."""
        return not self.required and self.sources is None

    @property
    def can_have_records(self) -> bool:
        """Whether any source can have all required inputs; without required ones, any input at all."""
        required = self.required
        if self.sources is not None:
            return bool(self.sources)
        if required:
            return all(item.signal is not None for item in required)
        return any(signal is not None for signal in self.signals.values())

    def present(self, probe: Probe) -> Mask:
        """Return which of some sources the version has; only where every one of these has a record."""
        present = np.zeros(len(probe), np.bool_)
        for _, signal in sorted((self.sources or {}).values(), key=lambda found: -found[1].count):
            if present.all():
                break
            present |= probe.present(signal)
        return present

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
        complete = None if self.sources is None else self.present(probe)
        return Columns(self, read, len(probe), lambda: probe.keys, complete)

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
        if self.sources is not None:
            yield from self.over(iter_union(self.reader, [signal for _, signal in self.sources.values()], rows))
            return
        trees = self._trees()
        for joined in join_trees([*trees.values()], rows_per_batch=rows, provenance=self.has_circumstances):
            columns = Columns.of_joined(self, joined, [*trees])
            complete = columns.filter(columns.complete)
            if len(complete):
                yield complete

    def _trees(self) -> dict[str, Tree]:
        return {name: Tree(self.reader, signal) for name, signal in self.signals.items() if signal is not None}


def find_signal(reader: Reader, oid: Oid) -> Signal | None:
    """Return a signal object; None for the zero id, which stands for a signal without records."""
    return None if oid == ZERO else get_object(reader, oid, Kind.SIGNAL, Signal)


def source_path(name: str) -> str:
    """Return the path of a trace input that stands for which sources a signal has."""
    return str(InputPath(name, (SOURCE,)))


def is_source_path(path: str) -> bool:
    """Tell whether a trace input stands for which sources a signal has."""
    return path.endswith(f".{SOURCE}")


def _waiting_path(path: InputPath) -> str:
    return str(InputPath(path.signal, (WAITING,)))
