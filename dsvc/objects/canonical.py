"""Canonical bytes of columns.

A column object is a 48-byte header and then the buffers of its type, depth first:

| offset | bytes | meaning |
| --- | --- | --- |
| 0 | 4 | ``dsv1`` |
| 4 | 1 | kind: 1 keys, 2 values |
| 5 | 3 | zero |
| 8 | 8 | number of rows n, u64 little endian |
| 16 | 32 | type id; zero for keys |
| 48 | - | buffers, each: u64 length, the bytes, zeros to a multiple of 8 |

| type | buffers |
| --- | --- |
| null | none |
| bool | validity, bits |
| fixed width | validity, data |
| string, binary | validity, offsets (i32, from 0), data |
| list | validity, offsets (i32, from 0), then the child |
| fixed list | validity, then the child |
| struct | validity, then each child |

Validity has one bit a row, least significant first, and is empty when all rows of that object are valid.  Keys have
offsets and data only.  Everything is little endian.  `dsvc.objects.column` says what normal form is.

Source: docs/format.md#columns.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsvc.errors import ObjectFormatError, SchemaError
from dsvc.objects.column import Bytes, Column, Mask
from dsvc.objects.encoding import MAGIC
from dsvc.objects.oid import ZERO, Buffer, Kind, Oid
from dsvc.objects.types import Physical, Type, fixed_width

HEADER = struct.Struct("<4sB3xQ32s")
KEY_TYPE: Physical = ("string",)
_LENGTH = struct.Struct("<Q")
_PADDING = [bytes(-size % 8) for size in range(8)]
_EMPTY = bytes(8)
_MAX_BYTES = 2**31 - 1


def value_parts(column: Column, type_id: Oid, start: int, stop: int) -> list[Buffer]:
    """Return the canonical bytes of a value object of rows start to stop, in parts."""
    out: list[Buffer] = [HEADER.pack(MAGIC, Kind.VALUE, stop - start, type_id)]
    _write(column, start, stop, out)
    return out


def key_parts(keys: Column, start: int, stop: int) -> list[Buffer]:
    """Return the canonical bytes of a key object of rows start to stop, in parts."""
    out: list[Buffer] = [HEADER.pack(MAGIC, Kind.KEY, stop - start, ZERO)]
    _write_items(keys, start, stop, out)
    return out


def _write(column: Column, start: int, stop: int, out: list[Buffer]) -> None:
    """Append the buffers of rows start to stop to `out`, each with its length and padding."""
    if column.physical[0] == "null":
        return
    valid = None if column.valid is None else column.valid[start:stop]
    if valid is None or valid.all():
        out.append(_EMPTY)
    else:
        _append(out, np.packbits(valid, bitorder="little").data)
    if column.offsets is not None:
        _write_items(column, start, stop, out)
    elif column.data is not None:
        rows = column.data[start:stop]
        flat = np.packbits(rows, bitorder="little") if rows.ndim == 1 else rows.reshape(-1)
        _append(out, flat.data)
    else:
        size = column.items_per_row
        for child in column.children:
            _write(child, start * size, stop * size, out)


def _write_items(column: Column, start: int, stop: int, out: list[Buffer]) -> None:
    assert column.offsets is not None
    offsets = column.offsets[start : stop + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    if last - first > _MAX_BYTES:
        raise SchemaError(message=f"{last - first:,} items in one object pass the 32-bit offsets of a column")
    _append(out, (offsets - first).astype("<i4").tobytes())
    if column.data is not None:
        _append(out, column.data[first:last].data)
    else:
        _write(column.children[0], first, last, out)


def _append(out: list[Buffer], data: Buffer) -> None:
    size = len(data)
    out.append(_LENGTH.pack(size))
    if size:
        out.append(data)
        if size % 8:
            out.append(_PADDING[size % 8])


def read_values(objects: Sequence[Buffer], type_: Type, counts: Sequence[int]) -> Column:
    """Return the values of several value objects of one type, joined in order; at least one object.

    Args:
        objects: Canonical bytes. That they are well formed is checked, not that the values are in normal form.
        type_: Their type.
        counts: Rows of each.

    Raises:
        ObjectFormatError: If one is no value object of that type and length.
    """
    dense = _read_dense(objects, type_, counts)
    return _read(objects, type_.physical, Kind.VALUE, type_.id, counts) if dense is None else dense


def read_keys(objects: Sequence[Buffer], counts: Sequence[int]) -> Column:
    """Return the keys of several key objects, joined in order; at least one object.

    Args:
        objects: Canonical bytes.
        counts: Rows of each.

    Raises:
        ObjectFormatError: If one is no key object of that length.
    """
    return _read(objects, KEY_TYPE, Kind.KEY, ZERO, counts)


class _Dense(NamedTuple):
    """How a value object of fixed width without nulls lies; its type and number of rows alone tell."""

    form: struct.Struct
    expected: tuple[Any, ...]
    """Everything in it but the data: header, lengths, padding."""
    spans: tuple[tuple[int, int], ...]
    """Where the data buffers are."""


@lru_cache(maxsize=4096)
def _dense(physical: Physical, type_id: Oid, n: int) -> _Dense | None:
    sizes = _dense_sizes(physical, n)
    if sizes is None:
        return None
    form, at = "<48s", HEADER.size
    expected: list[Any] = [HEADER.pack(MAGIC, Kind.VALUE, n, type_id)]
    spans = []
    for size in sizes:
        at += 8
        if size is None:  # the validity of a level without nulls
            form += "Q"
            expected.append(0)
            continue
        form += f"Q{size}x{-size % 8}s"
        expected += [size, _PADDING[size % 8]]
        spans.append((at, at + size))
        at += size + -size % 8
    return _Dense(struct.Struct(form), tuple(expected), tuple(spans))


def _dense_sizes(physical: Physical, n: int) -> list[int | None] | None:
    """Return the length of each buffer of n rows, None for a validity; None if data decide on it."""
    if (width := fixed_width(physical)) is not None:
        return [None, n * width]
    if physical[0] == "fixed_list":
        child = _dense_sizes(physical[2], n * physical[1])
        return None if child is None else [None, *child]
    if physical[0] != "struct":
        return None
    sizes: list[int | None] = [None]
    for _, field in physical[1]:
        child = _dense_sizes(field, n)
        if child is None:
            return None
        sizes += child
    return sizes


def _read_dense(objects: Sequence[Buffer], type_: Type, counts: Sequence[int]) -> Column | None:
    """Return values that are all of fixed width and valid, found by one comparison an object; else None."""
    if not objects:
        return None
    parts: list[list[memoryview]] = []
    for data, n in zip(objects, counts, strict=True):
        layout = _dense(type_.physical, type_.id, n)
        if layout is None or layout.form.size != len(data) or layout.form.unpack(data) != layout.expected:
            return None
        view = memoryview(data)
        parts.append([view[start:stop] for start, stop in layout.spans])
    columns = iter([_join(list(buffers)) for buffers in zip(*parts, strict=True)])
    return _dense_column(type_.physical, sum(counts), columns)


def _dense_column(physical: Physical, n: int, data: Iterator[Bytes]) -> Column:
    if (width := fixed_width(physical)) is not None:
        return Column(physical, n, None, next(data).reshape(n, width))
    if physical[0] == "fixed_list":
        return Column(physical, n, None, children=[_dense_column(physical[2], n * physical[1], data)])
    return Column(physical, n, None, children=[_dense_column(field, n, data) for _, field in physical[1]])


def _read(objects: Sequence[Buffer], physical: Physical, kind: Kind, type_id: Oid, counts: Sequence[int]) -> Column:
    try:
        readers = [_Buffers(data, kind, type_id, n) for data, n in zip(objects, counts, strict=True)]
        if kind is Kind.KEY:
            column = _read_items(readers, list(counts), physical, None)
        else:
            column = _read_level(readers, list(counts), physical)
        for reader in readers:
            reader.expect_end()
    except (struct.error, ValueError, OverflowError) as err:
        raise ObjectFormatError(kind=kind.name.lower(), reason=str(err)) from err
    return column


class _Buffers:
    """Walks the buffers of one column object."""

    __slots__ = ("at", "data", "size")

    def __init__(self, data: Buffer, kind: Kind, type_id: Oid, n: int) -> None:
        self.data = memoryview(data)
        self.at = HEADER.size
        self.size = len(self.data)
        expected = HEADER.pack(MAGIC, kind, n, type_id)
        found = bytes(self.data[: HEADER.size])
        if found != expected:
            raise ValueError(f"header is {found.hex()}, expected {expected.hex()}")

    def take(self) -> memoryview:
        (size,) = _LENGTH.unpack_from(self.data, self.at)
        start = self.at + 8
        stop = start + size
        self.at = stop + -size % 8
        if self.at > len(self.data):
            raise ValueError(f"buffer of {size} bytes at {start} ends after the object's {len(self.data)} bytes")
        if self.data[stop : self.at] != _PADDING[size % 8]:
            raise ValueError(f"padding at {stop} is not zero")
        return self.data[start:stop]

    def take_exactly(self, size: int) -> memoryview:
        data, at = self.data, self.at
        (found,) = _LENGTH.unpack_from(data, at)
        if found != size:
            raise ValueError(f"buffer has {found} bytes, expected {size}")
        start = at + 8
        stop = start + size
        self.at = end = stop + -size % 8
        if end > self.size:
            raise ValueError(f"buffer of {size} bytes at {start} ends after the object's {self.size} bytes")
        if end != stop and data[stop:end] != _PADDING[size % 8]:
            raise ValueError(f"padding at {stop} is not zero")
        return data[start:stop]

    def take_bits(self, n: int) -> memoryview:
        found = self.take_exactly((n + 7) // 8)
        if n % 8 and found[-1] >> n % 8:
            raise ValueError(f"bits after the last of {n} are not zero")
        return found

    def take_validity(self, n: int) -> memoryview | None:
        if not _LENGTH.unpack_from(self.data, self.at)[0]:
            self.at += 8
            return None
        found = self.take_bits(n)
        if bytes(found) == _all_ones(n):
            raise ValueError(f"validity of {n} valid rows is not empty")
        return found

    def expect_end(self) -> None:
        if self.at != len(self.data):
            raise ValueError(f"{len(self.data) - self.at} bytes after the last buffer")


def _read_level(readers: list[_Buffers], lengths: list[int], physical: Physical) -> Column:
    """Join one level of several objects; `lengths` are its rows in each."""
    kind, n = physical[0], sum(lengths)
    if kind == "null":
        return Column(physical, n)
    valid = _read_validity(readers, lengths)
    if (width := fixed_width(physical)) is not None:
        parts = [reader.take_exactly(size * width) for reader, size in zip(readers, lengths, strict=True)]
        return Column(physical, n, valid, _join(parts).reshape(n, width))
    if kind == "bool":
        bits = [reader.take_bits(size) for reader, size in zip(readers, lengths, strict=True)]
        return Column(physical, n, valid, _join_bits(bits, lengths))
    if kind in ("string", "binary", "list"):
        return _read_items(readers, lengths, physical, valid)
    if kind == "fixed_list":
        child = _read_level(readers, [size * physical[1] for size in lengths], physical[2])
        return Column(physical, n, valid, children=[child])
    children = [_read_level(readers, lengths, child) for _, child in physical[1]]
    return Column(physical, n, valid, children=children)


def _read_validity(readers: list[_Buffers], lengths: list[int]) -> Mask | None:
    found = [reader.take_validity(size) for reader, size in zip(readers, lengths, strict=True)]
    if all(bits is None for bits in found):
        return None
    return _join_bits(found, lengths).astype(np.bool_)


def _read_items(readers: list[_Buffers], lengths: list[int], physical: Physical, valid: Mask | None) -> Column:
    n = sum(lengths)
    offsets = np.zeros(n + 1, np.int64)
    sizes: list[int] = []
    row = base = 0
    for reader, size in zip(readers, lengths, strict=True):
        own = np.frombuffer(reader.take_exactly((size + 1) * 4), "<i4")
        if own[0] != 0 or bool((own[1:] < own[:-1]).any()):
            raise ValueError("offsets do not ascend from 0")
        np.add(own[1:], base, out=offsets[row + 1 : row + size + 1])
        sizes.append(int(own[-1]))
        row, base = row + size, base + sizes[-1]
    if physical[0] == "list":
        return Column(physical, n, valid, offsets=offsets, children=[_read_level(readers, sizes, physical[1])])
    data = _join([reader.take_exactly(size) for reader, size in zip(readers, sizes, strict=True)])
    return Column(physical, n, valid, data, offsets)


def _join(parts: list[memoryview]) -> Bytes:
    """Return the bytes of all parts, in order."""
    if len(parts) == 1:
        return np.frombuffer(parts[0], np.uint8)
    # Arrow's memory pool keeps pages that were let go: reading again costs a copy, not fresh memory.
    joined = pa.allocate_buffer(sum(map(len, parts)))
    into = memoryview(joined).cast("B")
    at = 0
    for part in parts:
        stop = at + len(part)
        into[at:stop] = part
        at = stop
    return np.frombuffer(joined, np.uint8)


def _all_ones(n: int) -> bytes:
    return b"\xff" * (n // 8) + (bytes([(1 << n % 8) - 1]) if n % 8 else b"")


def _join_bits(parts: Sequence[memoryview | None], lengths: list[int]) -> Bytes:
    """Return one byte a row from bit maps; None stands for all ones."""
    rows: list[npt.NDArray[np.uint8]] = [
        np.ones(size, np.uint8)
        if bits is None
        else np.unpackbits(np.frombuffer(bits, np.uint8), count=size, bitorder="little")
        for bits, size in zip(parts, lengths, strict=True)
    ]
    return rows[0] if len(rows) == 1 else np.concatenate(rows)
