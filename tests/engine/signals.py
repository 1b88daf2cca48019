"""Signals made from dicts, in memory, and read back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from dsvc.objects.arrays import normalise
from dsvc.objects.chunk import ProvColumn, Records
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.provenance import STANDINGS, Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type, parse_type
from dsvc.store.memory import MemoryStore
from dsvc.store.writer import ObjectWriter

INT = parse_type("int64")


def new_writer() -> ObjectWriter:
    """Return a writer over an empty store."""
    return ObjectWriter(MemoryStore())


def keys_of(*sources: str) -> Keys:
    """Return sources as keys, in order."""
    return Keys.of(pa.array(sorted(sources, key=str.encode), pa.string()))


def write_signal(
    writer: ObjectWriter, records: dict[str, Any], type_: Type = INT, producer: str = "p"
) -> tuple[Oid, Signal | None]:
    """Store records as a signal; return its id and the signal, zero and None where there are none."""
    sources = sorted(records, key=str.encode)
    values = pa.array([records[source] for source in sources], type_.arrow)
    made_by = Provenance("import", producer, "1")
    edit = Edit.of_arrow(writer, type_, pa.array(sources, pa.string()), values, made_by)
    signal = edit_tree(writer, None, type_, edit).signal
    return (ZERO, None) if signal is None else (put_object(writer, Kind.SIGNAL, signal), signal)


def write_standings(writer: Any, records: dict[str, tuple[Any, str]], type_: Type = INT) -> tuple[Oid, Signal | None]:
    """Store source -> (value, standing) as a signal; return its id and the signal, zero and None for none."""
    sources = sorted(records, key=str.encode)
    table = [put_object(writer, Kind.PROVENANCE, Provenance("human", "p", "1", ZERO, name)) for name in STANDINGS]
    rows = np.array([STANDINGS.index(records[source][1]) for source in sources], np.int32)
    values = normalise(pa.array([records[source][0] for source in sources], type_.arrow), type_.physical)
    prov = ProvColumn(tuple(table), rows, len(rows))
    edit = Edit(Records(Keys.of(pa.array(sources, pa.string())), values, prov)) if sources else Edit()
    signal = edit_tree(writer, None, type_, edit).signal
    return (ZERO, None) if signal is None else (put_object(writer, Kind.SIGNAL, signal), signal)


def signal_of(writer: ObjectWriter, records: dict[str, Any], type_: Type = INT, producer: str = "p") -> Signal | None:
    """Store records as a signal; None where there are none."""
    return write_signal(writer, records, type_, producer)[1]


def read_signal(writer: Any, signal: Signal | None) -> dict[str, Any]:
    """Return the records of a signal."""
    if signal is None:
        return {}
    return {
        source: value
        for rows in Tree(writer, signal).rows()
        for source, value in zip(rows.sources.to_pylist(), rows.values.to_pylist(), strict=True)
    }
