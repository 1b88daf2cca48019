"""Reading answers from JSONL files that people or programs drop into a folder, each line once.

A file may grow while it is read: a last line that is not whole yet waits. Lines are read from where the last poll
ended, which is kept by file: how far, and a check sum of what stands just before. A file that is shorter than that, or
whose bytes there are others, is another file under the same name and is read from its beginning.

A line that cannot be read as an answer is malformed: counted, noted with file and line, and left where it is.

Files may be named after people, and cursors and ids of answers are kept for good: there a file is called by a hash.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsvc.annotation.platforms.exchange import MalformedAnswerError, read_answer, without_signatures
from dsvc.plugins.platforms import PlatformAnswer, TaskForm

SUFFIX = ".jsonl"
MAX_LINE = 1 << 20
"""Bytes of one answer."""
_TAIL = 256

Places = dict[str, tuple[int, int]]
"""Id of a file -> how far it was read, and the check sum of what stands before."""


@dataclass(frozen=True)
class Line:
    """A line of a file: an answer, or why it is none.

    Attributes:
        file: The file's name.
        number: Of the line, 1 first.
        offset: Of its first byte.
        end: Behind its last byte.
        answer: What it says, None where it is malformed.
        problem: Why it is malformed, None where it is not.
        text: What stands there, where it is malformed.
    """

    file: str
    number: int
    offset: int
    end: int
    answer: PlatformAnswer | None = None
    problem: str | None = None
    text: str = ""

    @property
    def file_id(self) -> str:
        """What stands for the file's name in places."""
        return file_id(self.file)


def file_id(name: str) -> str:
    """Return what stands for a file's name where that must not be told."""
    return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:16]


def read_lines(folder: Path, form: TaskForm, places: Mapping[str, tuple[int, int]]) -> Iterator[Line]:
    """Yield the lines of all files of a folder behind the places given, by name of the file and place.

    A blank line is nothing. A missing folder has no files. A link is no file: it may lead to what nobody dropped here.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []:
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            yield from _read_file(path, form, places.get(file_id(path.name)))


def place_after(folder: Path, line: Line) -> tuple[int, int]:
    """Return where to go on behind a line."""
    with (folder / line.file).open("rb") as file:
        return line.end, _check_sum(file, line.end)


def encode_places(places: Mapping[str, tuple[int, int]]) -> bytes:
    """Return places as a cursor."""
    return json.dumps({name: list(place) for name, place in sorted(places.items())}).encode()


def decode_places(cursor: bytes | None) -> Places:
    """Return the places of a cursor; none of one that is not ours."""
    try:
        found = json.loads(cursor) if cursor else {}
        return {str(name): (int(place[0]), int(place[1])) for name, place in found.items()}
    except (ValueError, TypeError, AttributeError, IndexError):
        return {}


def _read_file(path: Path, form: TaskForm, place: tuple[int, int] | None) -> Iterator[Line]:
    written_us = path.stat().st_mtime_ns // 1000
    with path.open("rb") as file:
        offset, number = 0, 0
        if place is not None and _check_sum(file, place[0]) == place[1]:
            offset = place[0]
            number = _count_lines(file, offset)
        file.seek(offset)
        while data := file.readline(MAX_LINE + 1):
            end = offset + len(data)
            if len(data) > MAX_LINE:
                end += _skip_line(file)
            number += 1
            is_whole = data.endswith(b"\n") or end > offset + len(data)
            # Who does not say when: each line is after those before it, whenever the file is read.
            line = _read_line(path, form, data, written_us + number - 1, (number, offset, end))
            if line is not None and line.problem is not None and not is_whole:
                return  # somebody is writing it
            if line is not None:
                yield line
            offset = end


def _read_line(path: Path, form: TaskForm, data: bytes, at_us: int, where: tuple[int, int, int]) -> Line | None:
    text = data.decode("utf-8", "replace").strip("\ufeff \t\r\n")
    if not text:
        return None
    number, offset, end = where
    try:
        document = _decode(data.decode("utf-8").strip("\ufeff \t\r\n"))
        answer = read_answer(
            form, document, task_id="", platform_id=f"{file_id(path.name)}:{offset}", annotator=path.stem, at_us=at_us
        )
    except (MalformedAnswerError, UnicodeDecodeError) as err:
        reason = str(err) if isinstance(err, MalformedAnswerError) else "this is not UTF-8"
        return Line(path.name, number, offset, end, problem=reason, text=without_signatures(text)[:2000])
    return Line(path.name, number, offset, end, answer)


def _decode(text: str) -> Any:
    if len(text) > MAX_LINE:
        raise MalformedAnswerError(f"a line has at most {MAX_LINE:,} bytes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as err:
        raise MalformedAnswerError(f"this is not JSON: {err}") from err


def _skip_line(file: Any) -> int:
    """Read on to the end of a line that is too long; return how much it was."""
    n_bytes = 0
    while data := file.readline(MAX_LINE):
        n_bytes += len(data)
        if data.endswith(b"\n"):
            break
    return n_bytes


def _count_lines(file: Any, end: int) -> int:
    file.seek(0)
    n_lines, left = 0, end
    while left and (data := file.read(min(left, 1 << 20))):
        n_lines += data.count(b"\n")
        left -= len(data)
    return n_lines


def _check_sum(file: Any, end: int) -> int:
    """Return a check sum of the bytes just before `end`; one that nothing has where the file ends before."""
    start = max(0, end - _TAIL)
    file.seek(start)
    data = file.read(end - start)
    return zlib.crc32(data) if len(data) == end - start else -1
