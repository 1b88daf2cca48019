"""BSON, as a server sends it and as mongodump writes it: documents back to back, each beginning with its length.

Both are decoded by the same rules, so that a collection and its dump give the same documents:

| BSON | becomes |
| --- | --- |
| ObjectId | text, its 24 hex digits |
| date | datetime in UTC, whole milliseconds; outside the years 1-9999 no type holds it |
| decimal128 | Decimal |
| int32, int64 / double | int / float |
| binary, generic | bytes |
| binary, UUID (subtype 4) | text, as UUIDs are written |
| other binary subtypes, regex, JavaScript, timestamp, DBRef, min and max key | `Unsupported`: no type holds it |
| symbol / undefined | text / null |

Source: docs/how-to/ingest.md#values.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO

from dsvc.errors import PluginError
from dsvc.feeds.documents import Unsupported

if TYPE_CHECKING:
    from bson.codec_options import CodecOptions

BATCH_BYTES = 4 << 20
"""How much of a dump is read at a time; a document of MongoDB has at most 16 MiB."""
_UUID_SUBTYPE = 4
_LENGTH_BYTES = 4


def need_pymongo(plugin: str) -> None:
    """Make sure that pymongo, which is no part of a plain installation, can be imported.

    Raises:
        PluginError: If it cannot.
    """
    try:
        import pymongo  # noqa: F401 - only whether it is there
    except ImportError as err:
        raise PluginError(
            plugin=plugin, hook="read", reason="needs the package pymongo", hint="pip install 'dsvc[mongodb]'"
        ) from err


@cache
def codec_options() -> CodecOptions[dict[str, Any]]:
    """Return how BSON becomes values."""
    from bson.binary import Binary
    from bson.code import Code
    from bson.codec_options import CodecOptions, DatetimeConversion, TypeDecoder, TypeRegistry
    from bson.datetime_ms import DatetimeMS
    from bson.dbref import DBRef
    from bson.decimal128 import Decimal128
    from bson.max_key import MaxKey
    from bson.min_key import MinKey
    from bson.objectid import ObjectId
    from bson.regex import Regex
    from bson.timestamp import Timestamp

    def decoder(kind: type, convert: Any) -> TypeDecoder:
        members = {"bson_type": kind, "transform_bson": lambda _, value: convert(value)}
        return type(f"{kind.__name__}Decoder", (TypeDecoder,), members)()  # type: ignore[no-any-return]

    def binary(value: Any) -> Any:
        if value.subtype == _UUID_SUBTYPE and len(value) == 16:
            return str(uuid.UUID(bytes=bytes(value)))
        return Unsupported(f"binary subtype {value.subtype}", value.hex())

    def unsupported(kind: str) -> Any:
        return lambda value: Unsupported(kind, str(value))

    decoders = [
        decoder(ObjectId, str),
        decoder(Decimal128, lambda value: value.to_decimal()),
        decoder(Binary, binary),
        decoder(Code, unsupported("javascript")),
        decoder(DatetimeMS, unsupported("date outside the years 1-9999")),
        decoder(DBRef, unsupported("dbref")),
        decoder(MaxKey, unsupported("maxkey")),
        decoder(MinKey, unsupported("minkey")),
        decoder(Regex, unsupported("regex")),
        decoder(Timestamp, unsupported("internal timestamp")),
    ]
    return CodecOptions(
        tz_aware=True,
        tzinfo=UTC,
        datetime_conversion=DatetimeConversion.DATETIME_AUTO,
        type_registry=TypeRegistry(decoders),
    )


def decode(data: bytes) -> list[dict[str, Any]]:
    """Return the documents that lie back to back in `data`.

    Raises:
        ValueError: If they are none.
    """
    from bson import decode_all
    from bson.errors import InvalidBSON

    try:
        return decode_all(data, codec_options())
    except InvalidBSON as err:
        raise ValueError(f"it is no BSON: {err}") from err


def last_document(data: bytes) -> bytes:
    """Return the bytes of the last of several documents."""
    start = at = 0
    while at < len(data):
        start = at
        at += _length(data, at)
    return data[start:]


def _length(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + _LENGTH_BYTES], "little")


def read_dump(file: BinaryIO) -> Iterator[bytes]:
    """Yield a dump in runs of whole documents.

    Raises:
        EOFError: If the file ends within a document.
        ValueError: If a length cannot be one.
    """
    rest = b""
    while block := file.read(BATCH_BYTES):
        data = rest + block
        end = 0
        while end + _LENGTH_BYTES <= len(data):
            length = _length(data, end)
            if length < _LENGTH_BYTES + 1:
                raise ValueError(f"a document cannot be {length} bytes long")
            if end + length > len(data):
                break
            end += length
        rest = data[end:]
        if end:
            yield data[:end]
    if rest:
        raise EOFError
