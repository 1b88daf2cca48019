"""The questions of the platform `files` that a person may answer, and the file that takes what they answer.

`dsvc.annotation.platforms.labeller` asks them at a terminal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dsvc.annotation.platforms.files import ANSWERS, ASKS, FilesPlatform
from dsvc.plugins.platforms import TaskForm


def open_questions(platform: FilesPlatform, form: TaskForm, who: str) -> Iterator[dict[str, Any]]:
    """Yield the questions that a person may answer and has not answered, those that go first first."""
    done = {document.get("key") for document in _documents(answer_file(platform, form, who))}
    for document in _documents(platform.folder(form) / ASKS):
        if document.get("key") not in done and who not in document.get("avoid", ()):
            yield document


def count_for_others(platform: FilesPlatform, form: TaskForm, who: str) -> int:
    """Return how many questions are out that a person must leave to others: they are about what they made."""
    return sum(who in document.get("avoid", ()) for document in _documents(platform.folder(form) / ASKS))


def answer_file(platform: FilesPlatform, form: TaskForm, who: str) -> Path:
    """Return the file that a person's answers are appended to; its name begins with no dot, which would hide it."""
    plain = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in who)
    plain = f"_{plain[1:]}" if plain.startswith(".") else plain
    return platform.folder(form) / ANSWERS / f"{plain}.jsonl"


def keep_line(path: Path, line: str) -> None:
    """Append a line to a person's file; durable on return. One that was cut short before it takes nothing with it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(line.encode())
        file.flush()
        os.fsync(file.fileno())


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict):
            yield document
