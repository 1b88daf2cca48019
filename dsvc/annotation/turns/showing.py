"""The key of a question at a platform, and coordinates between an image and what is shown of it.

A key says all that is needed to make use of an answer, should everything else be forgotten: which ask, which attempt,
when the copy goes, and where what is shown lies in the image:

    <64 hex of the ask>#<attempt>-<expiry in minutes, 0 for none>-<left>-<top>-<factor>      numbers in base 36
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from dsvc.annotation.answers.payloads import AnswerType, canonical_payload
from dsvc.objects.oid import Oid

MINUTE_US: Final = 60_000_000
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_KEY = re.compile(r"([0-9a-f]{64})#([0-9a-z]+)-([0-9a-z]+)-([0-9a-z]+)-([0-9a-z]+)-([0-9a-z]+)")


@dataclass(frozen=True)
class Showing:
    """One attempt to have an ask answered.

    Attributes:
        ask_id: The ask's.
        attempt: Which attempt.
        expires_us: When the copy goes, to the minute before; None where nothing is staged.
        left: Where what is shown begins in the image.
        top: As `left`.
        factor: Pixels of the image for one that is shown.
    """

    ask_id: Oid
    attempt: int
    expires_us: int | None = None
    left: int = 0
    top: int = 0
    factor: int = 1

    @property
    def key(self) -> str:
        """The question's key."""
        minutes = 0 if self.expires_us is None else self.expires_us // MINUTE_US
        numbers = (self.attempt, minutes, self.left, self.top, self.factor)
        return f"{self.ask_id.hex()}#{'-'.join(map(_base36, numbers))}"


def read_key(key: str) -> Showing | None:
    """Return what a key says; None if it is none of ours."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    attempt, minutes, left, top, factor = (int(text, 36) for text in match.groups()[1:])
    return Showing(Oid(bytes.fromhex(match[1])), attempt, minutes * MINUTE_US or None, left, top, factor)


def to_shown(type_: AnswerType, value: Any, showing: Showing) -> Any:
    """Return a value in pixels of the image as one in pixels of what is shown."""
    return _moved(type_, value, lambda x, y: ((x - showing.left) / showing.factor, (y - showing.top) / showing.factor))


def to_image(type_: AnswerType, value: Any, showing: Showing, judged: Any = None) -> Any:
    """Return a value in pixels of what is shown as one in pixels of the image.

    Args:
        type_: The value's.
        value: What somebody answered.
        showing: What was shown.
        judged: The value that was shown, in pixels of the image. Of a region that was left as it was shown it is the
            answer: what is made smaller is shown on a grid that is coarser than the image's.
    """
    moved = _moved(type_, value, lambda x, y: (x * showing.factor + showing.left, y * showing.factor + showing.top))
    if not judged or not value or type_.shape not in ("boxes", "keypoints"):
        return moved
    shown = to_shown(type_, judged, showing)
    before = {canonical_payload(type_, [one]): there for one, there in zip(shown, judged, strict=True)}
    return [before.get(canonical_payload(type_, [one]), there) for one, there in zip(value, moved, strict=True)]


def _moved(type_: AnswerType, value: Any, move: Any) -> Any:
    if value is None:
        return None
    if type_.shape == "boxes":
        moved = []
        for box in value:
            (x, y), (right, bottom) = move(box["x"], box["y"]), move(box["x"] + box["w"], box["y"] + box["h"])
            moved.append({**box, "x": x, "y": y, "w": right - x, "h": bottom - y})
        return moved
    if type_.shape == "keypoints":
        return [[_point(point, move) for point in item] for item in value]
    return value


def _point(point: Any, move: Any) -> Any:
    if point is None:
        return None
    x, y = move(point["x"], point["y"])
    return {**point, "x": x, "y": y}


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"
