"""Signals of any type and provenance made of dicts, and bound as the inputs of a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from dsvc.engine.reading.inputs import Input, Inputs
from dsvc.objects.access import Writer
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import put_object
from dsvc.objects.oid import ZERO, Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath

MADE = Provenance("step", "m:f", "1")


def store(writer: Writer, type_: str, records: Mapping[str, Any], provenance: Provenance = MADE) -> Signal | None:
    """Store records as a signal; None where there are none."""
    parsed = parse_type(type_)
    keys = sorted(records, key=str.encode)
    values = pa.array([records[key] for key in keys], parsed.arrow)
    edit = Edit.of_arrow(writer, parsed, pa.array(keys, pa.string()), values, provenance)
    return edit_tree(writer, None, parsed, edit).signal


def bind(writer: Writer, signals: Mapping[str, Signal | None], optional: tuple[str, ...] = ()) -> Inputs:
    """Return a step's inputs, by path; those in `optional` are not required."""
    items = []
    for path, signal in signals.items():
        oid = ZERO if signal is None else put_object(writer, Kind.SIGNAL, signal)
        items.append(Input(InputPath.parse(path), path not in optional, oid, signal))
    return Inputs(writer, items)
