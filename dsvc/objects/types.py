"""Types of signals: our own encoding of the Arrow types we store, and the named types of the field.

The encoding of a physical type is a nested list that begins with its name; docs/format.md lists all of them.
``large_``, view, dictionary and run-end forms are the plain type; every field is nullable; list children have no
name; metadata is dropped; the fields of a struct keep their order.

Source: docs/format.md#types.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property
from typing import Any

import msgspec
import pyarrow as pa

from dsvc.errors import ObjectFormatError, SchemaError, UnsupportedTypeError
from dsvc.objects.encoding import hash_encoded
from dsvc.objects.oid import Kind, Oid

Physical = tuple[Any, ...]
"""``("int32",)``, ``("list", child)``, ``("struct", (("x", child), ...))`` and so on."""

_FIXED: dict[str, tuple[int, pa.DataType]] = {
    "int8": (1, pa.int8()),
    "int16": (2, pa.int16()),
    "int32": (4, pa.int32()),
    "int64": (8, pa.int64()),
    "uint8": (1, pa.uint8()),
    "uint16": (2, pa.uint16()),
    "uint32": (4, pa.uint32()),
    "uint64": (8, pa.uint64()),
    "float16": (2, pa.float16()),
    "float32": (4, pa.float32()),
    "float64": (8, pa.float64()),
    "date32": (4, pa.date32()),
    "date64": (8, pa.date64()),
}
_PLAIN: dict[str, pa.DataType] = {
    "null": pa.null(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "binary": pa.binary(),
    **{name: arrow for name, (_, arrow) in _FIXED.items()},
}
_PLAIN_BY_ARROW = {arrow: name for name, arrow in _PLAIN.items()}
_MAX_DEPTH = 64
"""Levels of lists and structs within each other, at most: walks over a type are recursive."""
_MALFORMED = (TypeError, ValueError, KeyError, IndexError, OverflowError, RecursionError, pa.ArrowException)
"""What Arrow and the walks below raise for a description that is no type."""


@dataclass(frozen=True)
class Type:
    """The type of a signal: how its values are stored, and, where it has one, its name.

    The name fixes fields, units (pixels of the stored image, origin top left, EXIF rotation not applied), agreement
    metric, labelling form and export mapping; it takes no part in the ids of chunks.
    """

    physical: Physical
    name: str | None = None

    @cached_property
    def arrow(self) -> pa.DataType:
        """The Arrow type that `read` returns."""
        return _to_arrow(self.physical)

    @cached_property
    def id(self) -> Oid:
        """The type id in the header of column objects: a hash of the physical type."""
        return hash_encoded(Kind.TYPE, self.physical)

    @cached_property
    def encoded(self) -> bytes:
        """The type as a signal object stores it: msgpack of [name or "", physical]."""
        return msgspec.msgpack.encode([self.name or "", self.physical])

    @classmethod
    def decode(cls, encoded: bytes) -> Type:
        """Return the type that `encoded` stores.

        Raises:
            ObjectFormatError: If it stores none.
        """
        return _decode(encoded)

    @classmethod
    def from_arrow(cls, arrow: pa.DataType) -> Type:
        """Return the type that values of an Arrow type are stored as.

        Raises:
            UnsupportedTypeError: If we do not store such values.
        """
        return cls(_from_arrow(arrow, ""))

    def __str__(self) -> str:
        return self.name or format_physical(self.physical)


@cache
def _decode(encoded: bytes) -> Type:
    try:
        name, physical = msgspec.msgpack.decode(encoded, type=tuple[str, list[Any]])
        type_ = Type(_tuples(physical), name or None)
        canonical = Type(Type.from_arrow(type_.arrow).physical, type_.name)
    except (msgspec.DecodeError, *_MALFORMED, SchemaError) as err:
        raise ObjectFormatError(kind="type", reason=str(err)) from err
    if canonical.encoded != encoded:
        raise ObjectFormatError(kind="type", reason=f"{encoded.hex()} is not how {type_} is encoded")
    return type_


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _to_arrow(physical: Physical) -> pa.DataType:
    kind, *rest = physical
    if kind in _PLAIN and not rest:
        return _PLAIN[kind]
    if kind == "fixed_binary" and rest[0] >= 0:
        return pa.binary(rest[0])
    if kind in ("time32", "time64", "duration"):
        return getattr(pa, kind)(rest[0])
    if kind == "timestamp":
        return pa.timestamp(rest[0], tz=rest[1] or None)
    if kind in ("decimal128", "decimal256"):
        return getattr(pa, kind)(rest[0], rest[1])
    if kind == "list":
        return pa.list_(pa.field("item", _to_arrow(rest[0])))
    if kind == "fixed_list":
        return pa.list_(pa.field("item", _to_arrow(rest[1])), rest[0])
    if kind == "struct":
        return pa.struct([pa.field(name, _to_arrow(child)) for name, child in rest[0]])
    raise ValueError(f"unknown type {kind!r}")


def _from_arrow(arrow: pa.DataType, path: str, depth: int = 0) -> Physical:
    """Return the physical type; `path` names the field for the error."""
    if depth > _MAX_DEPTH:
        raise UnsupportedTypeError(type=f"nested deeper than {_MAX_DEPTH} levels", where=path)
    is_ = pa.types
    if is_.is_dictionary(arrow) or str(arrow).startswith("run_end_encoded<"):
        return _from_arrow(arrow.value_type, path, depth)
    if is_.is_large_string(arrow) or str(arrow) == "string_view":
        return ("string",)
    if is_.is_large_binary(arrow) or str(arrow) == "binary_view":
        return ("binary",)
    if arrow in _PLAIN_BY_ARROW:
        return (_PLAIN_BY_ARROW[arrow],)
    if is_.is_fixed_size_binary(arrow):
        return ("fixed_binary", arrow.byte_width)
    if is_.is_time(arrow):
        return ("time32" if is_.is_time32(arrow) else "time64", arrow.unit)
    if is_.is_timestamp(arrow):
        return ("timestamp", arrow.unit, arrow.tz or "")
    if is_.is_duration(arrow):
        return ("duration", arrow.unit)
    if is_.is_decimal(arrow):
        # 32- and 64-bit decimals of newer Arrow hold no value that decimal128 does not.
        return ("decimal256" if is_.is_decimal256(arrow) else "decimal128", arrow.precision, arrow.scale)
    if is_.is_fixed_size_list(arrow):
        return ("fixed_list", arrow.list_size, _from_arrow(arrow.value_type, f"{path}[]", depth + 1))
    if is_.is_map(arrow):
        hint = "use a list of structs with key and value"
        raise UnsupportedTypeError(type=str(arrow), where=path or "value", hint=hint)
    if is_.is_list(arrow) or is_.is_large_list(arrow) or str(arrow).startswith(("list_view<", "large_list_view<")):
        return ("list", _from_arrow(arrow.value_type, f"{path}[]", depth + 1))
    if is_.is_struct(arrow):
        return ("struct", _struct_fields(arrow, path, depth))
    raise UnsupportedTypeError(type=str(arrow), where=path or "value")


def _struct_fields(arrow: pa.StructType, path: str, depth: int) -> tuple[tuple[str, Physical], ...]:
    fields = [arrow.field(i) for i in range(arrow.num_fields)]
    seen: dict[str, str] = {}
    for name in (field.name for field in fields):
        if name.lower() in seen:
            names = f"{seen[name.lower()]!r} and {name!r}"
            raise SchemaError(
                message=f"struct {path or 'value'} has fields {names}, which differ by case at most",
                hint="rename one of them",
            )
        seen[name.lower()] = name
    return tuple((f.name, _from_arrow(f.type, f"{path}.{f.name}" if path else f.name, depth + 1)) for f in fields)


def format_physical(physical: Physical) -> str:
    """Return a type as people read and write it, e.g. ``list<struct<x: float32>>``."""
    kind, *rest = physical
    if kind == "list":
        return f"list<{format_physical(rest[0])}>"
    if kind == "fixed_list":
        return f"fixed_list<{format_physical(rest[1])}, {rest[0]}>"
    if kind == "struct":
        return "struct<" + ", ".join(f"{name}: {format_physical(child)}" for name, child in rest[0]) + ">"
    arguments = ", ".join(str(item) for item in rest if item != "")
    return f"{kind}({arguments})" if arguments else str(kind)


def fixed_width(physical: Physical) -> int | None:
    """Return the bytes of one value in its data buffer; None where there is no single fixed-width data buffer."""
    kind = physical[0]
    if kind in _FIXED:
        return _FIXED[kind][0]
    if kind == "fixed_binary":
        return int(physical[1])
    return {"time32": 4, "time64": 8, "timestamp": 8, "duration": 8, "decimal128": 16, "decimal256": 32}.get(kind)


_DOUBLE: Physical = ("float64",)
_BOX: Physical = ("struct", (*((name, _DOUBLE) for name in ("x", "y", "w", "h", "score")), ("label", ("string",))))
_POINT: Physical = ("struct", tuple((name, _DOUBLE) for name in ("x", "y", "score")))
_NAMED: dict[str, Callable[[str], Physical]] = {
    "boxes": lambda _: ("list", _BOX),
    "keypoints": lambda count: ("list", ("fixed_list", int(count), _POINT)),
    "class": lambda _: ("string",),
    "rating": lambda _: ("int8",),
    "score": lambda _: ("float64",),
    "text": lambda _: ("string",),
}
_WITHOUT_ARGUMENTS = {"boxes", "score", "text"}
_SPELLING = re.compile(r"\s*([a-z_0-9]+)\s*(?:\((.*)\))?\s*")


def parse_type(text: str) -> Type:
    """Return the type that a recipe names, e.g. ``boxes``, ``class(a, b)``, ``rating(5)`` or ``list<float32>``.

    Raises:
        SchemaError: If there is no such type; the hint gives the nearest spelling.
    """
    match = _SPELLING.fullmatch(text)
    if match and match[1] in _NAMED:
        return _parse_named(match[1], match[2], text)
    try:
        physical, rest = _parse_physical(text.strip())
        type_ = Type.from_arrow(_to_arrow(physical))
    except _MALFORMED as err:
        raise _no_such_type(text) from err
    if rest or type_.physical != physical:
        raise _no_such_type(text)
    return type_


def _no_such_type(text: str) -> SchemaError:
    word = re.split(r"[<( ]", text.strip(), maxsplit=1)[0]
    near = get_close_matches(word, [*_NAMED, *_PLAIN, "list", "struct", "timestamp", "duration"], 1)
    near = [name for name in near if name != word]
    hint = f"did you mean {near[0]!r}?" if near else "types are listed in docs/format.md#types"
    return SchemaError(message=f"there is no type {text!r}", hint=hint)


def _parse_named(name: str, arguments: str | None, text: str) -> Type:
    items = [item.strip() for item in arguments.split(",")] if arguments else []
    if name in _WITHOUT_ARGUMENTS:
        expected, good = f"{name} without arguments", arguments is None
    elif name == "class":
        expected, good = "class(a, b, ...) with distinct names", bool(items) and all(items)
        good = good and len(set(items)) == len(items)
    else:
        least, most = (1, 10_000) if name == "keypoints" else (2, 127)
        expected = f"{name}(N) with N from {least} to {most}"
        good = len(items) == 1 and re.fullmatch(r"[1-9][0-9]{0,4}", items[0]) is not None
        good = good and least <= int(items[0]) <= most
    if not good:
        raise SchemaError(message=f"type {text!r}: expected {expected}", hint=f"write {expected}")
    spelled = f"{name}({', '.join(items)})" if items else name
    return Type(_NAMED[name](items[0] if items else ""), spelled)


def _parse_physical(text: str) -> tuple[Physical, str]:
    """Parse a type at the start of `text`; return it and what follows."""
    match = re.match(r"[a-z_0-9]+", text)
    if match is None:
        raise ValueError(text)
    kind, rest = match[0], text[match.end() :]
    if kind == "list" and rest.startswith("<"):
        child, rest = _parse_physical(rest[1:].lstrip())
        return ("list", child), _expect(">", rest)
    if kind == "fixed_list" and rest.startswith("<"):
        child, rest = _parse_physical(rest[1:].lstrip())
        count = re.match(r"\s*,\s*(\d+)\s*", rest)
        if count is None:
            raise ValueError(rest)
        return ("fixed_list", int(count[1]), child), _expect(">", rest[count.end() :])
    if kind == "struct" and rest.startswith("<"):
        return _parse_struct(rest[1:].lstrip())
    arguments = re.match(r"\(([^)]*)\)", rest)
    if arguments is None:
        return (kind,), rest
    words = [word.strip() for word in arguments[1].split(",")]
    items = [int(word) if re.fullmatch(r"-?[0-9]+", word) else word for word in words]
    if kind == "timestamp" and len(items) == 1:
        items.append("")
    return (kind, *items), rest[arguments.end() :]


def _parse_struct(rest: str) -> tuple[Physical, str]:
    fields: list[tuple[str, Physical]] = []
    while not rest.startswith(">"):
        if fields:
            rest = _expect(",", rest)
        name = re.match(r"([^\s:<>,]+)\s*:\s*", rest)
        if name is None:
            raise ValueError(rest)
        child, rest = _parse_physical(rest[name.end() :])
        fields.append((name[1], child))
        rest = rest.lstrip()
    return ("struct", tuple(fields)), rest[1:].lstrip()


def _expect(sign: str, text: str) -> str:
    if not text.lstrip().startswith(sign):
        raise ValueError(text)
    return text.lstrip()[len(sign) :].lstrip()
