"""JSON lines as documents: numbers are what they are written as, 2 an integer and 2.0 a double."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

BLOCK_BYTES = 4 << 20
"""How much of a file is parsed at a time."""

_decoder = msgspec.json.Decoder()


def read_json_lines(file: BinaryIO) -> Iterator[list[dict[str, Any]]]:
    """Yield the documents of a file, one a line; blank lines are passed over.

    Raises:
        ValueError: If a line is no JSON object, or a number is too large for a double; the message names the line.
    """
    rest = b""
    line = 1
    while block := file.read(BLOCK_BYTES):
        whole, newline, rest = (rest + block).rpartition(b"\n")
        if newline:
            yield _parse(whole, line)
            line += whole.count(b"\n") + 1
    if rest.strip():
        yield _parse(rest, line)


def _parse(lines: bytes, first: int) -> list[dict[str, Any]]:
    try:
        documents: list[Any] = _decoder.decode_lines(lines)
    except (msgspec.DecodeError, UnicodeDecodeError):
        documents = [_parse_line(line, number) for number, line in enumerate(lines.split(b"\n"), first) if line.strip()]
    if set(map(type, documents)) - {dict}:
        for number, line in enumerate(lines.split(b"\n"), first):
            if line.strip() and not isinstance(value := _parse_line(line, number), dict):
                raise ValueError(f"line {number}: expected an object, found {type(value).__name__}")
    return documents


def _parse_line(line: bytes, number: int) -> Any:
    """Parse one line that a strict parser may have refused: NaN, Infinity and lone surrogates are read."""

    def exact(text: str) -> float:
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise ValueError(f"the number {text} is too large for a double")
        return value

    try:
        return json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"), parse_float=exact)
    except ValueError as err:
        raise ValueError(f"line {number}: {err}") from err
