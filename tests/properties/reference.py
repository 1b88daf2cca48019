"""Canonical bytes of columns and weights of records, written down once more from docs/format.md, value by value.

It shares no code with `dsvc.objects`: what both agree on is what the page says.
"""

import math
import struct

from blake3 import blake3

NAN = {"float16": 0x7E00, "float32": 0x7FC00000, "float64": 0x7FF8000000000000}
FLOAT_FORMAT = {"float16": "<e", "float32": "<f", "float64": "<d"}
WIDTH = {
    **{f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "float16": 2,
    "float32": 4,
    "float64": 8,
    "date32": 4,
    "date64": 8,
    "time32": 4,
    "time64": 8,
    "timestamp": 8,
    "duration": 8,
    "decimal128": 16,
    "decimal256": 32,
}


def type_id(physical) -> bytes:
    """Return the type id: a hash of the type as msgpack."""
    return blake3(b"dsv1\x21" + _msgpack(physical), derive_key_context="dsvc/v1/type").digest()


def value_object(physical, values) -> bytes:
    """Return the canonical bytes of a value object."""
    header = b"dsv1\x02\0\0\0" + struct.pack("<Q", len(values)) + type_id(physical)
    return header + b"".join(_padded(buffer) for buffer in _buffers(physical, values))


def key_object(keys) -> bytes:
    """Return the canonical bytes of a key object."""
    header = b"dsv1\x01\0\0\0" + struct.pack("<Q", len(keys)) + bytes(32)
    return header + b"".join(_padded(buffer) for buffer in (_offsets(keys), b"".join(keys)))


def weight(physical, value) -> int:
    """Return the weight of one record."""
    kind = physical[0]
    if kind == "null":
        return 0
    if kind == "bool":
        return 1
    if kind in ("string", "binary"):
        return 4 + len(_bytes(value))
    if kind == "list":
        return 4 + sum(weight(physical[1], item) for item in value or ())
    if kind == "fixed_list":
        return sum(weight(physical[2], item) for item in value or [None] * physical[1])
    if kind == "struct":
        return sum(weight(child, None if value is None else value[name]) for name, child in physical[1])
    return _width(physical)


def _width(physical):
    return physical[1] if physical[0] == "fixed_binary" else WIDTH[physical[0]]


def _padded(buffer):
    return struct.pack("<Q", len(buffer)) + buffer + bytes(-len(buffer) % 8)


def _bits(bits):
    number = sum(bit << i for i, bit in enumerate(bits))
    return number.to_bytes((len(bits) + 7) // 8, "little")


def _offsets(items):
    ends = [0]
    for item in items:
        ends.append(ends[-1] + len(item))
    return struct.pack(f"<{len(ends)}i", *ends)


def _bytes(value):
    return b"" if value is None else value.encode() if isinstance(value, str) else value


def _buffers(physical, values):
    """Yield the buffers of a column, depth first."""
    kind = physical[0]
    if kind == "null":
        return
    valid = [value is not None for value in values]
    yield b"" if all(valid) else _bits(valid)
    if kind == "bool":
        yield _bits([bool(value) for value in values])
    elif kind in ("string", "binary"):
        items = [_bytes(value) for value in values]
        yield _offsets(items)
        yield b"".join(items)
    elif kind == "list":
        yield _offsets([value or () for value in values])
        yield from _buffers(physical[1], [item for value in values for item in value or ()])
    elif kind == "fixed_list":
        nothing = [None] * physical[1]
        yield from _buffers(physical[2], [item for value in values for item in (nothing if value is None else value)])
    elif kind == "struct":
        for name, child in physical[1]:
            yield from _buffers(child, [None if value is None else value[name] for value in values])
    else:
        yield b"".join(_fixed(kind, _width(physical), value) for value in values)


def _fixed(kind, width, value):
    if value is None:
        return bytes(width)
    if kind == "fixed_binary":
        return value
    if kind in NAN:
        return NAN[kind].to_bytes(width, "little") if math.isnan(value) else struct.pack(FLOAT_FORMAT[kind], value)
    return value.to_bytes(width, "little", signed=not kind.startswith("uint"))


def _msgpack(value):
    """Return msgpack of short arrays, short strings and integers."""
    if isinstance(value, tuple):
        return bytes([0x90 | len(value)]) + b"".join(map(_msgpack, value))
    if isinstance(value, str):
        return bytes([0xA0 | len(value)]) + value.encode()
    return bytes([value])
