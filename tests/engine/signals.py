"""Signals made of dicts in memory, for tests of what reads and writes signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from dsvc.engine.inputs import Input, Inputs
from dsvc.objects.access import Reader
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import ZERO, Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.store.memory import MemoryStore
from dsvc.store.writer import ObjectWriter

MADE = Provenance("step", "m:f", "1")


def new_writer() -> ObjectWriter:
    """Return a writer of a store of its own."""
    return ObjectWriter(MemoryStore())


def keys_of(*sources: str) -> Keys:
    """Return sources as ascending keys."""
    return Keys.of(pa.array(sorted(sources, key=str.encode), pa.string()))


def write_signal(
    writer: ObjectWriter, type_: str, records: Mapping[str, Any], provenance: Provenance = MADE
) -> Signal | None:
    """Store records as a signal; None where there are none."""
    parsed = parse_type(type_)
    keys = sorted(records, key=str.encode)
    values = pa.array([records[key] for key in keys], parsed.arrow)
    edit = Edit.of_arrow(writer, parsed, pa.array(keys, pa.string()), values, provenance)
    return edit_tree(writer, None, parsed, edit).signal


def read_signal(reader: Reader, signal: Signal | None) -> dict[str, Any]:
    """Return the records of a signal."""
    if signal is None:
        return {}
    return {
        source: value
        for rows in Tree(reader, signal).rows()
        for source, value in zip(rows.sources.to_pylist(), rows.values.to_pylist(), strict=True)
    }


def bind(writer: ObjectWriter, signals: Mapping[str, Signal | None], optional: tuple[str, ...] = ()) -> Inputs:
    """Return a step's inputs, by path; those in `optional` are not required."""
    items = []
    for path, signal in signals.items():
        oid = ZERO if signal is None else put_object(writer, Kind.SIGNAL, signal)
        items.append(Input(InputPath.parse(path), path not in optional, oid, signal))
    return Inputs(writer, items)
