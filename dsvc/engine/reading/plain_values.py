"""Values as Python has them, for reports; times that are finer than Python's as text."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

_FINER = ("timestamp[ns", "time64[ns", "duration[ns")


def plain_values(array: pa.Array[Any]) -> list[Any]:
    """Return the values of an array: nanoseconds as text, or as a number where they are a duration."""
    kind = str(array.type)
    if kind.startswith(_FINER):
        array = array.cast(pa.int64() if kind.startswith("duration") else pa.string())
    values: list[Any] = array.to_pylist()
    return values
