"""Finds values that are encoded images: those never leave their own bucket, so no signal may hold one.

A binary value, or a list of bytes, is taken for an image by the first bytes that its format prescribes; a text by the
same bytes in base64, or as a ``data:image/`` URI. The tests are exact enough that noise does not pass for an image:
of a million random values of 64 bytes, fewer than one in a hundred runs finds one.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from dsvc.objects.column import Bytes, Column, Index

Words = npt.NDArray[np.uint32]
_Test = tuple[int, str, str]
"""Where four bytes begin, what they are (hex), and which bits of them count (hex)."""

_ALL = "ffffffff"
# Source: the formats' own specifications; for a JPEG the byte after SOI and FF is a marker from C0 on.
_BINARY: tuple[tuple[str, tuple[_Test, ...]], ...] = (
    ("JPEG", ((0, "ffd8ffc0", "ffffffc0"), (4, "00000000", "f0000000"))),
    ("JPEG", ((0, "ffd8ffe1", _ALL),)),  # a camera's own segment may be long
    ("PNG", ((0, "89504e47", _ALL), (4, "0d0a1a0a", _ALL))),
    ("GIF", ((0, "47494638", _ALL), (4, "00610000", "00ff0000"))),
    ("WebP", ((0, "52494646", _ALL), (8, "57454250", _ALL))),
    ("BMP", ((0, "424d0000", "ffff0000"), (6, "00000000", _ALL), (10, "00000000", "0000ffff"))),
    ("TIFF", ((0, "49492a00", _ALL),)),
    ("TIFF", ((0, "4d4d002a", _ALL),)),
    ("HEIF", ((0, "00000000", "ffffff00"), (4, "66747970", _ALL))),
    ("JPEG 2000", ((0, "0000000c", _ALL), (4, "6a502020", _ALL))),
)


def _text(at: int, text: str) -> tuple[_Test, ...]:
    """Return the tests of a text that begins `at` some byte."""
    tests = []
    for start in range(0, len(text), 4):
        part = text[start : start + 4].encode()
        tests.append((at + start, part.hex().ljust(8, "0"), ("ff" * len(part)).ljust(8, "0")))
    return tuple(tests)


_TEXT: tuple[tuple[str, tuple[_Test, ...]], ...] = (
    ("data URI", _text(0, "data:image/")),
    ("JPEG", _text(0, "/9j/")),
    ("JPEG", _text(0, "_9j_")),
    ("PNG", _text(0, "iVBORw0KGgo")),
    ("GIF", _text(0, "R0lGOD")),
    ("WebP", (*_text(0, "UklGR"), *_text(12, "RUJQ"))),
    ("BMP", (*_text(0, "Qk"), *_text(8, "AAAAA"))),
    ("TIFF", _text(0, "SUkqA")),
    ("TIFF", _text(0, "TU0AK")),
)
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=\r\n")
_BASE64_JPEG_MARKER = frozenset(b"wxyz0123456789+/-_")
"""What the fifth character of a JPEG in base64 can be, its fourth byte being C0 or more."""
_LOOKED_AT_BYTES = 64


def find_encoded_image(column: Column) -> tuple[int, str] | None:
    """Return the row of the first value found that looks like an encoded image, and the format; None if none does."""
    kind = column.physical[0]
    if kind in ("string", "binary", "fixed_binary") or column.physical == ("list", ("uint8",)):
        starts, lengths, data = _items(column)
        tests = _TEXT if kind == "string" else _BINARY
        return _first(_find_items(starts, lengths, data, tests, is_text=kind == "string"))
    found = (_in_child(column, child) for child in column.children)
    return _first(hit for hit in found if hit is not None)


def _first(hits: Iterable[tuple[int, str]]) -> tuple[int, str] | None:
    return min(hits, default=None)


def _in_child(column: Column, child: Column) -> tuple[int, str] | None:
    hit = find_encoded_image(child)
    if hit is None:
        return None
    row, name = hit
    if column.offsets is not None:
        return int(np.searchsorted(column.offsets, row, side="right")) - 1, name
    return row // column.items_per_row, name


def _items(column: Column) -> tuple[Index, Index, Bytes]:
    """Return where the items of a column of bytes begin, how long they are, and the bytes."""
    data = column.children[0].data if column.children else column.data
    if data is None:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8)
    if column.offsets is not None:
        return column.offsets[:-1], np.diff(column.offsets), data.reshape(-1)
    n, width = data.shape
    return np.arange(n, dtype=np.int64) * width, np.full(n, width, np.int64), data.reshape(-1)


def _find_items(
    starts: Index, lengths: Index, data: Bytes, formats: tuple[tuple[str, tuple[_Test, ...]], ...], *, is_text: bool
) -> Iterable[tuple[int, str]]:
    long_enough = np.flatnonzero(lengths >= 8)
    if len(long_enough) == 0:
        return
    padded = np.concatenate([data, np.zeros(16, np.uint8)])
    words = np.ndarray(len(padded) - 3, dtype=">u4", buffer=padded, strides=(1,))
    first = words[starts[long_enough]]
    for name, ((_, value, bits), *rest) in formats:
        rows = long_enough[(first & _word(bits)) == _word(value)]
        for at, more_value, more_bits in rest:
            rows = rows[lengths[rows] >= at + len(more_bits.rstrip("0")) // 2]
            rows = rows[(words[starts[rows] + at] & _word(more_bits)) == _word(more_value)]
        for row in rows.tolist():
            start = int(starts[row])
            if not is_text or _is_image_text(data[start : start + min(int(lengths[row]), _LOOKED_AT_BYTES)].tobytes()):
                yield row, name
                break


def _word(hexadecimal: str) -> np.uint32:
    return np.uint32(int(hexadecimal, 16))


def _is_image_text(head: bytes) -> bool:
    """Tell whether a text that begins like an image goes on like base64."""
    if head.startswith(b"data:"):
        return True
    if head[1:3] == b"9j" and (len(head) < 16 or head[4] not in _BASE64_JPEG_MARKER):
        return False
    return all(character in _BASE64 for character in head)
