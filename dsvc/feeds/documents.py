"""The values that documents hold, whatever they were read from, and the texts and orders made of them.

A document is a dict of str to values, and a value is one of::

    None  bool  int  float  Decimal  str  bytes  datetime (aware or naive)  date  time  timedelta  list  dict

What a source has beyond that (a regular expression, JavaScript, ...) is an `Unsupported`, which no type holds. A feed
turns the identifiers of its source into text (an ObjectId into its 24 hex digits), so that a collection, its dump and
an export of it as text hold the same values.

Source: docs/how-to/ingest.md#values.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "bool",
    int: "integer",
    float: "double",
    Decimal: "decimal",
    str: "string",
    bytes: "binary",
    datetime: "timestamp",
    date: "date",
    time: "time",
    timedelta: "duration",
    list: "list",
    dict: "struct",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A value of a kind that no type holds."""

    kind: str
    """What it is, in the words of its source, e.g. ``regex``."""
    text: str
    """The value, for people."""


def kind_of(value: Any) -> str:
    """Return the kind of a value as messages name it."""
    if isinstance(value, Unsupported):
        return value.kind
    if isinstance(value, int) and not isinstance(value, bool):
        return "integer"
    return _KINDS.get(type(value), type(value).__name__)


def json_text(value: Any) -> str:
    """Return a value as one line of JSON; what JSON lacks is written as MongoDB's extended JSON writes it."""
    text = json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode()


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case bytes():
            return {"$binary": base64.b64encode(value).decode()}
        case datetime():
            return {"$date": value.isoformat()}
        case Decimal():
            return {"$numberDecimal": str(value)}
        case float() if not math.isfinite(value):
            return {"$numberDouble": str(value)}
        case Unsupported():
            return {f"${value.kind}": value.text}
        case None | bool() | int() | float() | str():
            return value
        case _:
            return {f"${kind_of(value)}": str(value)}


def version_text(value: Any) -> str | None:
    """Return a producer's version as text; None for a value that is no version."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return str(value)
    return None


# -- order ----------------------------------------------------------------------------------------------------------


def order_key(value: Any) -> bytes:
    """Return bytes that sort as values do: by kind (null first), then by value.

    Kinds are ordered as MongoDB orders them, numbers of all kinds compare by value, and tuples item by item. No key
    begins another, so that keys can be joined.
    """
    writer = _ORDERS.get(type(value))
    if writer is not None:
        return writer(value)
    if isinstance(value, int):
        return _order_int(value)
    if value is None or isinstance(value, Unsupported):
        return b"\x01"
    if isinstance(value, tuple):
        return b"".join(map(order_key, value))
    return b"\x04" + _order_text(json_text(value))


def _order_text(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").replace(b"\0", b"\0\xff") + b"\0\0"


def _order_double(value: float) -> bytes:
    if math.isnan(value):
        return bytes(8)
    (bits,) = struct.unpack(">Q", struct.pack(">d", value + 0.0))
    return struct.pack(">Q", bits ^ (0xFFFF_FFFF_FFFF_FFFF if bits >> 63 else 1 << 63))


def _order_int(value: int) -> bytes:
    """Order by the nearest double, then by the distance from it, so that integers and doubles mix."""
    if -(2**53) <= value <= 2**53:
        return b"\x02" + _order_double(float(value)) + b"\x80\0\0\0\0\0\0\0"
    near = max(min(value, 2**1000), -(2**1000))
    distance = max(min(near - int(float(near)), 2**63 - 1), -(2**63))
    return b"\x02" + _order_double(float(near)) + struct.pack(">Q", distance + 2**63)


def _order_float(value: float) -> bytes:
    return b"\x02" + _order_double(value) + b"\x80\0\0\0\0\0\0\0"


def _order_decimal(value: Decimal) -> bytes:
    if value.is_nan():
        return _order_float(math.nan)
    if value == value.to_integral_value():
        return _order_int(int(value)) if value.is_finite() else _order_float(float(value))
    return _order_float(float(value))


def _order_datetime(value: datetime) -> bytes:
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return b"\x09" + struct.pack(">Q", (aware - _EPOCH) // _MICROSECOND + 2**63)


_ORDERS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"\x01",
    int: _order_int,
    float: _order_float,
    Decimal: _order_decimal,
    str: lambda value: b"\x03" + _order_text(value),
    bytes: lambda value: b"\x06" + value.replace(b"\0", b"\0\xff") + b"\0\0",
    bool: lambda value: b"\x08\x01" if value else b"\x08\x00",
    datetime: _order_datetime,
}


# -- keys -----------------------------------------------------------------------------------------------------------


def key_text(value: Any) -> str | None:
    """Return the text under which documents of two feeds meet; None for a value that is no key.

    It is tagged by kind: the number 5 and the text "5" are two keys; 5 and 5.0 are one, as they are to MongoDB.
    """
    if type(value) is str:
        return f"s{value}"
    if isinstance(value, bool):
        return f"b{int(value)}"
    if isinstance(value, int):
        return f"i{int(value)}"
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            return None
        return f"i{int(value)}" if value == int(value) else f"f{value!s}"
    if isinstance(value, bytes):
        return f"x{value.hex()}"
    if isinstance(value, datetime):
        return f"t{int.from_bytes(_order_datetime(value)[1:]) - 2**63}"
    return None


def key_value(text: str) -> Any:
    """Return the value whose `key_text` is `text`."""
    tag, body = text[0], text[1:]
    match tag:
        case "s":
            return body
        case "b":
            return body == "1"
        case "i":
            return int(body)
        case "f":
            return float(body)
        case "x":
            return bytes.fromhex(body)
        case _:
            return _EPOCH + int(body) * _MICROSECOND
