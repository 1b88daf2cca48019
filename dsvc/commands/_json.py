"""Results as JSON lines: stable field names, ids in hex, nothing lost.

| value | JSON |
| --- | --- |
| bytes (ids, binary values) | hex text |
| NaN and infinities | "NaN", "Infinity", "-Infinity" |
| dates and times | ISO 8601 text, UTC where they have a zone |
| durations | seconds, as text with a decimal point |
| decimals | text |
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()


def json_line(fields: Mapping[str, Any]) -> str:
    """Return one object as one line of JSON."""
    return _encoder.encode(to_json(fields)).decode()


def to_json(value: Any) -> Any:
    """Return a value made of what JSON has, by the table above."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case Mapping():
            return {str(name): to_json(item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_json(item) for item in value]
    if hasattr(value, "total_seconds"):
        return str(value.total_seconds())
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
