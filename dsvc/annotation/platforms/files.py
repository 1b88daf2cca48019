"""The platform `files`, which is always there: questions go out as JSONL, and answers come in as JSONL.

    annotation/face_boxes@2/asks.jsonl           what is open, one question a line, those first that come first
    annotation/face_boxes@2/form.json            type, labels, reasons and guideline
    annotation/face_boxes@2/answers/*.jsonl      dropped by whoever answers; to be appended to, never edited
    annotation/face_boxes@2/malformed.jsonl      what of these could not be read, with file and line

`asks.jsonl` appears whole or not at all. It is changed under a lock, so that processes may post side by side.

Source: docs/how-to/platforms.md#files.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from dsvc.annotation.platforms.answer_files import (
    Line,
    Places,
    decode_places,
    encode_places,
    place_after,
    read_lines,
)
from dsvc.annotation.platforms.exchange import form_document, question_document
from dsvc.errors import PlatformError
from dsvc.plugins.options import Option
from dsvc.plugins.platforms import (
    AnswerPage,
    Capabilities,
    Finding,
    Platform,
    PlatformAnswer,
    PlatformTask,
    Posted,
    Question,
    TaskForm,
    Withdrawal,
)

PAGE = 500
ASKS, FORM, ANSWERS, MALFORMED = "asks.jsonl", "form.json", "answers", "malformed.jsonl"
_UNSAFE = re.compile(r"[^A-Za-z0-9._@-]")


class FilesPlatform(Platform):
    """Hands questions out and takes answers in as files."""

    options = {
        "path": Option(str, "the folder, from the recipe's directory", "annotation"),
        "image": Option(
            str, "what is shown: the source's own pointer, or a staged copy", "pointer", ("pointer", "url")
        ),
    }

    def __init__(self, name: str, options: Mapping[str, Any], base_dir: Path) -> None:
        super().__init__(name, options, base_dir)
        self.root = base_dir / str(options.get("path", "annotation"))
        self._counted: dict[str, tuple[Places, Counter[str]]] = {}

    @property
    def capabilities(self) -> Capabilities:
        """Nothing is signed, enforced or sent."""
        image: Literal["url", "pointer"] = "url" if self.values.get("image") == "url" else "pointer"
        return Capabilities(image, keeps_revisions=True, honours_avoid=True, batch=5000)

    def folder(self, form: TaskForm) -> Path:
        """Return where the files of a version of a task are."""
        return self.root / _UNSAFE.sub("_", form.project)

    def post(self, form: TaskForm, questions: Sequence[Question]) -> list[Posted]:
        """Add what `asks.jsonl` does not have yet."""
        if not questions:
            return []
        with self._changing(form) as asks:
            there = set(asks)
            for question in questions:
                asks.setdefault(question.key, _line(question_document(form, question)))
            folder = self.folder(form)
            (folder / ANSWERS).mkdir(exist_ok=True)
            _replace(folder / FORM, json.dumps(form_document(form), ensure_ascii=False, indent=2) + "\n")
        return [Posted(question.key, question.key, is_adopted=question.key in there) for question in questions]

    def poll(self, form: TaskForm, cursor: bytes | None = None) -> Iterator[AnswerPage]:
        """Yield the lines of all files of answers behind the cursor; what is malformed is listed beside them."""
        with self._reading():
            places = decode_places(cursor)
            answers: list[PlatformAnswer] = []
            malformed: list[Line] = []
            ends: dict[str, Line] = {}
            folder = self.folder(form) / ANSWERS
            for line in read_lines(folder, form, places):
                ends[line.file_id] = line
                if line.answer is not None:
                    answers.append(line.answer)
                else:
                    malformed.append(line)
                if len(answers) + len(malformed) == PAGE:
                    yield self._page(form, places, ends, answers, malformed)
                    answers, malformed, ends = [], [], {}
            yield self._page(form, places, ends, answers, malformed)

    def _page(
        self,
        form: TaskForm,
        places: Places,
        ends: Mapping[str, Line],
        answers: list[PlatformAnswer],
        malformed: list[Line],
    ) -> AnswerPage:
        folder = self.folder(form)
        places |= {name: place_after(folder / ANSWERS, line) for name, line in ends.items()}
        if malformed:
            _note(folder / MALFORMED, malformed)
        notes = [f"{folder / ANSWERS / line.file}:{line.number}: {line.problem}" for line in malformed]
        return AnswerPage(answers, encode_places(places), len(malformed), notes)

    def iter_tasks(self, form: TaskForm) -> Iterator[PlatformTask]:
        """Yield the questions that are out, with the number of lines that answer them."""
        with self._reading():
            asks, counts = self._asks(form), self._counts(form)
        for key in asks:
            yield PlatformTask(key, key, counts[key])

    def withdraw(self, form: TaskForm, task_id: str) -> Withdrawal:
        """Take a question back that no line answers."""
        with self._reading():
            if self._counts(form)[task_id]:
                return "answered" if task_id in self._asks(form) else "gone"
        return self._take(form, task_id)

    def discard(self, form: TaskForm, task_id: str) -> Withdrawal:
        """Take a question back; the lines that answer it stay where they are."""
        return self._take(form, task_id)

    def _take(self, form: TaskForm, task_id: str) -> Withdrawal:
        if not (self.folder(form) / ASKS).exists():
            return "gone"
        with self._changing(form) as asks:
            return "gone" if asks.pop(task_id, None) is None else "deleted"

    def check(self) -> Sequence[Finding]:
        """Tell whether the folder can be written to."""
        place = self.root
        while not place.exists():
            place = place.parent
        is_well = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
        advice = None if is_well else f"make {self.root} a folder that can be written to"
        return [Finding("folder", is_well, str(self.root) if is_well else f"{place} cannot be written to", advice)]

    def _counts(self, form: TaskForm) -> Counter[str]:
        """Return how many lines answer each key; only what is new since the last call is read."""
        places, counts = self._counted.get(form.project, ({}, Counter()))
        folder = self.folder(form) / ANSWERS
        ends: dict[str, Line] = {}
        for line in read_lines(folder, form, places):
            is_again = line.offset == 0 and line.file_id in places
            if is_again and line.file_id not in ends:  # another file under the same name: count all anew
                self._counted.pop(form.project)
                return self._counts(form)
            ends[line.file_id] = line
            if line.answer is not None:
                counts[line.answer.key] += 1
        places = places | {name: place_after(folder, line) for name, line in ends.items()}
        self._counted[form.project] = places, counts
        return counts

    def _asks(self, form: TaskForm) -> dict[str, str]:
        """Return the lines of `asks.jsonl` by key."""
        path = self.folder(form) / ASKS
        asks: dict[str, str] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for number, line in enumerate(lines, start=1):
            try:
                asks[str(json.loads(line)["key"])] = line
            except (ValueError, TypeError, KeyError) as err:
                raise PlatformError(
                    platform=self.name,
                    reason=f"{path}:{number} is no question of ours",
                    hint=f"delete {path}: it is written again",
                ) from err
        return asks

    @contextmanager
    def _changing(self, form: TaskForm) -> Iterator[dict[str, str]]:
        """Give the questions that are out, to be changed, to one process at a time; write them if they were."""
        folder = self.folder(form)
        with self._reading():
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / ".lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                asks = self._asks(form)
                before = dict(asks)
                yield asks
                if asks != before:
                    # Where addresses are signed, whoever reads them may fetch: people of the group, and nobody else.
                    mode = 0o640 if self.capabilities.image == "url" else 0o644
                    _replace(folder / ASKS, "".join(f"{line}\n" for line in asks.values()), mode)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (OSError, UnicodeDecodeError) as err:
            raise PlatformError(platform=self.name, reason=str(err)) from err


def _line(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=True)


def _replace(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that it is there whole or as it was."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=".", suffix=".part", delete=False
    ) as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(mode)
            Path(file.name).rename(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _note(path: Path, lines: Sequence[Line]) -> None:
    """List malformed lines, each once."""
    known = set()
    if path.exists():
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                listed = json.loads(text)
                known.add((listed["file"], listed["line"], listed["text"]))
            except (ValueError, KeyError, TypeError):
                continue
    with path.open("a", encoding="utf-8") as file:
        for line in lines:
            if (line.file, line.number, line.text) not in known:
                listed = {"file": line.file, "line": line.number, "problem": line.problem, "text": line.text}
                file.write(_line(listed) + "\n")
