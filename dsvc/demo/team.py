"""Images with one bright face each, a model that finds most of them, and people who find all, for the demo.

Everything follows from the number of an image, so that the demo says the same every time.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

N_IMAGES: Final = 24
SIDE: Final = 128
_UNSURE: Final = (2, 7, 11, 16, 20, 23)
"""Images whose box the model is unsure of."""
_VERY_UNSURE: Final = (2, 11, 20)
_WRONG: Final = (4, 5, 7, 9, 13, 14, 16, 18, 21, 22)
"""Images whose box is beside the face; of so many of them the model is sure that every sample has one."""
Box = dict[str, float]


def face_of(number: int) -> Box:
    """Return where the face of an image is."""
    return {"x": 10.0 + 3 * (number % 8), "y": 12.0 + 2 * (number % 5), "w": 30.0 + number % 20, "h": 40.0}


def detected(number: int) -> Box:
    """Return what the model says, with its score."""
    beside = 40.0 if number in _WRONG else 0.0
    score = 0.45 if number in _VERY_UNSURE else 0.7 if number in _UNSURE else 0.95
    box = face_of(number)
    return {**box, "x": box["x"] + beside, "score": score}


def write_images(directory: Path) -> Path:
    """Write the images and one file of documents about them; return that file."""
    folder = directory / "images"
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(N_IMAGES):
        path = (folder / f"{number:02}.png").resolve()
        path.write_bytes(_png(face_of(number), number))
        lines.append(json.dumps({"uri": f"file://{path}", "boxes": [detected(number)]}) + "\n")
    documents = directory / "documents" / "2026-03.jsonl"
    documents.parent.mkdir(parents=True, exist_ok=True)
    documents.write_text("".join(lines), encoding="utf-8")
    return documents


def number_of(source: str) -> int:
    """Return which image a pointer names."""
    return int(Path(source).stem)


def answer(folder: Path, sources: Mapping[str, str], who: str, at_us: int, limit: int | None = None) -> int:
    """Let a person answer what is out and nobody has answered; return how many that were.

    Args:
        folder: Of a task's version, as the platform `files` has it.
        sources: Id of an ask in hex -> its source.
        who: Their name.
        at_us: When they do it.
        limit: They stop after so many.
    """
    path = folder / "answers" / f"{who}.jsonl"
    done = {item["key"] for file in sorted(path.parent.glob("*.jsonl")) for item in _documents(file)}
    todo = [item for item in _documents(folder / "asks.jsonl") if item["key"] not in done]
    lines = []
    for question in todo[:limit]:
        source = sources.get(question["key"].partition("#")[0])
        if source is not None:
            said = _say(question, number_of(source))
            lines.append(json.dumps({"key": question["key"], "annotator": who, **said, "at": at_us}) + "\n")
    if lines:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(lines)
    return len(lines)


def _say(question: Mapping[str, Any], number: int) -> dict[str, Any]:
    if question["type"].startswith("rating"):
        return {"value": 1 + number % 5, "seconds": 4 + number % 3}
    return {"value": [face_of(number)], "seconds": 15 + number % 10}


def _documents(path: Path) -> Iterable[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _png(face: Box, shade: int) -> bytes:
    """Return a grey image with a bright face, as PNG."""
    rows = bytearray()
    left, right = int(face["x"]), int(face["x"] + face["w"])
    for y in range(SIDE):
        row = bytearray([40 + shade]) * SIDE
        if face["y"] <= y < face["y"] + face["h"]:
            row[left:right] = bytes([220]) * (right - left)
        rows += b"\0" + row
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
