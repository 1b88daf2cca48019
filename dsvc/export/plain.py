"""Values as formats of text hold them: numbers, truth values, text, lists and objects.

| type | becomes |
| --- | --- |
| integers, floats, bool, string | themselves; NaN and infinities are null in JSON |
| decimal | text, with all its digits |
| binary | base64 text |
| date, time, timestamp | ISO 8601 text; a timestamp with a zone in UTC, with ``Z`` |
| duration | an integer in its type's unit |
| list, struct | a list, an object with the fields in their order |
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pyarrow as pa

from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.column import Column
from dsvc.objects.types import Type


def plain_values(array: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Return the values of an array as plain Python values."""
    return _plain(normalise(array))


def _plain(column: Column) -> list[Any]:
    kind = column.physical[0]
    if kind == "list" and column.offsets is not None:
        items, ends = _plain(column.children[0]), column.offsets.tolist()
        made: list[Any] = [items[ends[i] : ends[i + 1]] for i in range(column.length)]
    elif kind == "fixed_list":
        items, size = _plain(column.children[0]), column.items_per_row
        made = [items[i * size : (i + 1) * size] for i in range(column.length)]
    elif kind == "struct":
        names = [name for name, _ in column.physical[1]]
        fields = [_plain(child) for child in column.children]
        made = [dict(zip(names, (field[i] for field in fields), strict=True)) for i in range(column.length)]
    else:
        return _plain_leaves(kind, to_arrow(column))
    if column.valid is None:
        return made
    return [value if valid else None for value, valid in zip(made, column.valid.tolist(), strict=True)]


def _plain_leaves(kind: str, values: pa.Array) -> list[Any]:
    if kind in ("timestamp", "date32", "date64", "time32", "time64"):
        return _iso(values)
    if kind == "duration":
        values = values.cast(pa.int64())
    elif kind == "float16":
        values = values.cast(pa.float32())
    plain: list[Any] = values.to_pylist()
    if kind in ("binary", "fixed_binary"):
        return [None if value is None else b64encode(value).decode() for value in plain]
    if kind.startswith("decimal"):
        return [None if value is None else str(value) for value in plain]
    return plain


def _iso(values: pa.Array) -> list[str | None]:
    if pa.types.is_date64(values.type):
        values = values.cast(pa.date32())
    if pa.types.is_timestamp(values.type) and values.type.tz:
        values = values.cast(pa.timestamp(values.type.unit, "UTC"))
    texts = values.cast(pa.string()).to_pylist()
    return [None if text is None else text.replace(" ", "T") for text in texts]


def is_text_safe(type_: pa.DataType) -> bool:
    """Tell whether a column of this type can stand in a table of text as it is."""
    kind = Type.from_arrow(type_).physical[0]
    return kind in ("null", "bool", "string", "float32", "float64") or kind.startswith(("int", "uint"))
