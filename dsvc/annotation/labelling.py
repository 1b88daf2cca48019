"""Answering questions of the platform `files` at a terminal: ratings, classes, and whether a shown value is right.

What can be typed is part of the question; regions need a picture to draw on, and are left to other tools.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from dsvc.annotation.payloads import AnswerType, answer_type
from dsvc.annotation.platform_files import ANSWERS, ASKS, FilesPlatform
from dsvc.plugins.platforms import TaskForm

SKIP: Final = "s"
ACCEPT: Final = "y"
REJECT: Final = "n"
TYPED: Final = ("class", "rating", "text")
"""Shapes of values that can be typed."""


class OpenQuestion(msgspec.Struct, frozen=True):
    """A question that somebody has not answered yet."""

    key: str
    form: str
    image: str
    type: str
    mode: str
    round: int = 0
    shown: Any = None
    reasons: tuple[str, ...] = ()

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be typed as a value; empty for any text."""
        type_ = answer_type(self.type)
        return tuple(str(level) for level in range(1, type_.count + 1)) if type_.shape == "rating" else type_.names

    @property
    def is_verdict(self) -> bool:
        """Whether it is asked whether the shown value is right."""
        return self.form == "verify"


def can_label(type_text: str, form: str) -> bool:
    """Tell whether questions of a type and form can be answered by typing."""
    return form == "verify" or answer_type(type_text).shape in TYPED


def open_questions(platform: FilesPlatform, form: TaskForm, who: str) -> Iterator[OpenQuestion]:
    """Yield the questions that a person may answer and has not answered, those that go first first."""
    folder = platform.folder(form)
    done = {document.get("key") for document in _documents(answer_file(platform, form, who))}
    for document in _documents(folder / ASKS):
        is_theirs = document.get("key") not in done and who not in document.get("avoid", ())
        if is_theirs and can_label(form.type, document.get("form", "label")):
            yield msgspec.convert(document, OpenQuestion)


def answer_file(platform: FilesPlatform, form: TaskForm, who: str) -> Path:
    """Return the file that a person's answers are appended to; its name begins with no dot, which would hide it."""
    plain = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in who)
    plain = f"_{plain[1:]}" if plain.startswith(".") else plain
    return platform.folder(form) / ANSWERS / f"{plain}.jsonl"


def read_typed(question: OpenQuestion, typed: str) -> dict[str, Any] | None:
    """Return what typed text answers, as the fields of an answer; None where it answers nothing."""
    text = typed.strip()
    type_: AnswerType = answer_type(question.type)
    if text == SKIP and SKIP not in question.choices:
        return {"outcome": "skip"}
    if question.is_verdict:
        if text in (ACCEPT, REJECT):
            return {"outcome": "accept" if text == ACCEPT else "reject"}
        if type_.shape not in TYPED:
            return None
    if type_.shape == "rating":
        value: Any = int(text) if text in question.choices else None
    elif type_.shape == "class":
        named = [name for name in type_.names if name == text]
        named = named or [name for name in type_.names if text and name.startswith(text)]
        value = named[0] if len(named) == 1 else None
    else:
        value = text or None
    if value is None:
        return None
    if question.is_verdict and value == question.shown:
        return {"outcome": "accept"}
    return {"outcome": "reject" if question.is_verdict else "value", "value": value}


def write_answer(
    platform: FilesPlatform,
    form: TaskForm,
    who: str,
    question: OpenQuestion,
    said: dict[str, Any],
    seconds: float,
    at: str,
) -> None:
    """Append an answer to the person's file; durable on return."""
    path = answer_file(platform, form, who)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"key": question.key, "annotator": who, **said, "seconds": round(seconds, 1), "at": at})
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
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
