"""Canonical bytes of every object that is not a column: a magic, a kind byte, and msgpack.

| offset | bytes | meaning |
| --- | --- | --- |
| 0 | 4 | ``dsv1`` |
| 4 | 1 | kind |
| 5 | - | msgpack of arrays, integers, strings, byte strings, booleans and nil; no maps, no floats |

Structures are arrays of their fields in declaration order, each field written, each integer in its shortest form: a
value has one encoding, and bytes that are another one are refused, as are fields that we do not know.

Fields that an object got after it was first stored stand at its end, and its class counts them in `N_LATER`. They are
left out from the last one on that is not at its default: an object that has nothing to say in them keeps its bytes
and its id.

Source: docs/format.md#plain-objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import lt
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from dsvc.errors import ObjectFormatError
from dsvc.objects.oid import Buffer, Kind, Oid, hash_object

if TYPE_CHECKING:
    from dsvc.objects.access import Reader, Writer

MAGIC = b"dsv1"
HEADER_BYTES = 5

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()
_HEADERS = {kind: MAGIC + bytes([kind]) for kind in Kind}
_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


def encode_object(kind: Kind, value: object) -> bytes:
    """Return the canonical bytes of a plain object.

    Args:
        kind: What the object is.
        value: A struct declared ``array_like``, or nested tuples and lists of integers, strings and bytes; `N_LATER`
            counts for the struct itself, not for those inside it.
    """
    return _HEADERS[kind] + _encoder.encode(_laid_out(value))


def _laid_out(value: object) -> object:
    """Return a value without those of its later fields, at the end, that are at their default."""
    n_later = getattr(type(value), "N_LATER", 0)
    if not n_later or not isinstance(value, msgspec.Struct):
        return value
    fields = [getattr(value, name) for name in value.__struct_fields__]
    defaults = value.__struct_defaults__
    first_later = len(fields) - n_later
    while len(fields) > first_later and fields[-1] == defaults[len(fields) - 1 - len(value.__struct_fields__)]:
        fields.pop()
    return fields


def decode_object(data: Buffer, kind: Kind, type_: type[T]) -> T:
    """Return the value whose canonical bytes are `data`.

    Raises:
        ObjectFormatError: If the header is of another kind, or the payload is not the encoding of a `type_`.
    """
    check_header(data, kind)
    try:
        decoder = _decoders.get(type_)
        if decoder is None:
            decoder = _decoders[type_] = msgspec.msgpack.Decoder(type_)
        payload = bytes(memoryview(data)[HEADER_BYTES:])  # a memoryview is compared byte by byte
        value: T = decoder.decode(payload)
        canonical = _encoder.encode(_laid_out(value)) == payload
    except (msgspec.DecodeError, UnicodeError) as err:
        raise ObjectFormatError(kind=kind.name.lower(), reason=str(err)) from err
    if not canonical:
        raise ObjectFormatError(kind=kind.name.lower(), reason="the value it holds is encoded in another way")
    return value


def check_header(data: Buffer, kind: Kind) -> None:
    """Check that canonical bytes begin with the magic and the byte of `kind`.

    Raises:
        ObjectFormatError: If they do not.
    """
    found = bytes(data[:HEADER_BYTES])
    if found != _HEADERS[kind]:
        raise ObjectFormatError(
            kind=kind.name.lower(), reason=f"header is {found.hex()}, expected {_HEADERS[kind].hex()}"
        )


def kind_of(data: Buffer) -> Kind:
    """Return the kind that canonical bytes claim to be.

    Raises:
        ObjectFormatError: If the bytes have no such header.
    """
    if len(data) >= HEADER_BYTES and bytes(data[:4]) == MAGIC:
        try:
            return Kind(data[4])
        except ValueError:
            pass
    raise ObjectFormatError(kind="object", reason=f"header is {bytes(data[:HEADER_BYTES]).hex()}")


def hash_encoded(kind: Kind, value: object) -> Oid:
    """Return the id of a plain value, without storing it."""
    return hash_object(kind, encode_object(kind, value))


def put_object(writer: Writer, kind: Kind, value: object) -> Oid:
    """Hand a plain object to a writer and return its id."""
    return writer.put(kind, [encode_object(kind, value)])


def get_object(reader: Reader, oid: Oid, kind: Kind, type_: type[T]) -> T:
    """Read a plain object.

    Raises:
        ObjectNotFoundError: If the reader has no such object.
        ObjectFormatError: If the object is not a `type_`; the error names it.
    """
    try:
        return decode_object(reader.get(oid, kind), kind, type_)
    except ObjectFormatError as err:
        raise ObjectFormatError(kind=err.kind, reason=err.reason, oid=oid) from err


def check_ascending(names: Sequence[Any]) -> None:
    """Check that names, all text or all bytes, are in strictly ascending order, as those of a stored tuple must be.

    Raises:
        ValueError: If they are not; within a decoder it becomes an `ObjectFormatError`.
    """
    if not all(map(lt, names, names[1:])):
        raise ValueError(f"{len(names)} names are not in ascending order")
