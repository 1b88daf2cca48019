"""The text format of `wider_face_*_bbx_gt.txt`, read line by line. Nothing here knows of dsvc.

For each image a line with its path, a line with the number of its faces, and a line of ten whole numbers for each:

    0--Parade/0_Parade_marchingband_1_849.jpg
    1
    449 330 122 149 0 0 0 0 0 0

These are x, y, width and height in pixels, then blur, expression, illumination, invalid, occlusion and pose.
An image with 0 faces has one line of ten zeros all the same, which is no face.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

N_NUMBERS = 10
"""Numbers in the line of a face."""

CODES: Mapping[str, tuple[str, ...]] = {
    "blur": ("clear", "normal", "heavy"),
    "expression": ("typical", "exaggerated"),
    "illumination": ("normal", "extreme"),
    "invalid": ("no", "yes"),
    "occlusion": ("none", "partial", "heavy"),
    "pose": ("typical", "atypical"),
}
"""What the numbers after the box stand for, in their order."""


class AnnotationError(ValueError):
    """A line is not what it must be there.

    Args:
        line: Its number, from 1.
        reason: What was expected, and what was found.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line:,}: {reason}")
        self.line = line


@dataclass(frozen=True)
class Face:
    """One line of a face."""

    x: int
    y: int
    w: int
    h: int
    attributes: Mapping[str, str]
    """Keys of `CODES`, with the word for what the line says."""

    @property
    def is_invalid(self) -> bool:
        """Whether its annotators called it so: too small or too unclear to count."""
        return self.attributes["invalid"] == "yes"

    @property
    def is_of_zero_size(self) -> bool:
        """Whether it has no width or no height; the published files have some such."""
        return self.w == 0 or self.h == 0

    @property
    def is_of_negative_size(self) -> bool:
        """Whether its width or height is less than nothing; the published files have such, too."""
        return self.w < 0 or self.h < 0


@dataclass(frozen=True)
class Image:
    """One image, with its faces in the order of the file."""

    path: str
    line: int
    """Number of the line with the path, from 1."""
    faces: tuple[Face, ...]


def read_images(lines: Iterable[str]) -> Iterator[Image]:
    """Yield the images of a file.

    Raises:
        AnnotationError: At the first line that is not what it must be.
    """
    reader = _Reader(lines)
    while (path := reader.next_path()) is not None:
        line = reader.number
        count = reader.next_count()
        if count == 0:
            reader.skip_dummy()
        yield Image(path, line, tuple(reader.next_face(at + 1, count, path) for at in range(count)))


class _Reader:
    """Gives lines one by one and knows where it is; it can look at the next one first."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._ahead: str | None = None
        self.number = 0

    def _next(self) -> str | None:
        found, self._ahead = self._ahead, None
        if found is None:
            found = next(self._lines, None)
        if found is not None:
            self.number += 1
            found = found.strip()
        return found

    def next_path(self) -> str | None:
        """Return the path that the next image begins with; None at the end, before which lines may be empty."""
        text = self._next()
        while text == "":
            if (text := self._next()) not in {"", None}:
                raise AnnotationError(self.number - 1, "expected the path of an image, found an empty line")
        if text is not None and _numbers(text) is not None:
            raise AnnotationError(self.number, f"expected the path of an image, found {text!r}: one face too many?")
        return text

    def next_count(self) -> int:
        text = self._next()
        numbers = None if text is None else _numbers(text)
        if numbers is None or len(numbers) != 1 or numbers[0] < 0:
            raise AnnotationError(self._at(text), f"expected the number of faces, found {_shown(text)}")
        return numbers[0]

    def next_face(self, place: int, count: int, path: str) -> Face:
        text = self._next()
        numbers = None if text is None else _numbers(text)
        if numbers is None or len(numbers) != N_NUMBERS:
            expected = f"expected face {place:,} of {count:,} of {path}: {N_NUMBERS} whole numbers"
            raise AnnotationError(self._at(text), f"{expected}, found {_shown(text)}")
        words = {}
        for (name, meanings), code in zip(CODES.items(), numbers[4:], strict=True):
            if not 0 <= code < len(meanings):
                expected = ", ".join(f"{at} ({word})" for at, word in enumerate(meanings))
                raise AnnotationError(self.number, f"{name} is {code}: expected {expected}")
            words[name] = meanings[code]
        return Face(*numbers[:4], attributes=words)

    def skip_dummy(self) -> None:
        """Pass over the line of zeros of an image without faces, where it is there."""
        self._ahead = next(self._lines, None)
        numbers = None if self._ahead is None else _numbers(self._ahead.strip())
        if numbers is not None:
            text = self._next()
            if any(numbers):
                raise AnnotationError(self.number, f"expected no face of an image with 0, found {_shown(text)}")

    def _at(self, text: str | None) -> int:
        """Return the line to name: where something is missing, the one after the last."""
        return self.number + (text is None)


def _numbers(text: str) -> list[int] | None:
    """Return the whole numbers that a line consists of; None where it is anything else."""
    try:
        return [int(word) for word in text.split()] or None
    except ValueError:
        return None


def _shown(text: str | None) -> str:
    return "the end of the file" if text is None else repr(text if len(text) <= 60 else f"{text[:57]}...")
