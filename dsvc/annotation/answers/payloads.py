"""Canonical payloads: a value of a task's type as one text, equal for equal answers from any browser or platform.

Coordinates are integers on a grid of 1/16 pixel, texts are in NFC, the items of a list are sorted, a model's scores are
left out: what is asked and answered is where and what, not how sure a model was.

| type | canonical JSON, no blanks |
| --- | --- |
| ``boxes`` | ``[[x,y,w,h,label],...]``, label a text or null, sorted |
| ``keypoints(N)`` | ``[[[x,y],null,...],...]``, N points an item, null for one that is not visible, sorted |
| ``class(...)``, ``text`` | a text |
| ``rating(N)`` | an integer from 1 to N |

Source: docs/format.md#asks-and-answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Literal, NoReturn
from unicodedata import normalize

import msgspec

from dsvc.errors import AnswerFormatError

GRID = 16
"""Steps of the grid in a pixel."""
MAX_PIXELS = 1 << 24
"""No coordinate is further from the origin."""
MAX_ITEMS = 10_000
"""Regions of one answer."""

Shape = Literal["boxes", "keypoints", "class", "rating", "text"]
Box = tuple[int, int, int, int, str | None]
"""x, y, w, h on the grid, and the label."""
Point = tuple[int, int] | None
Points = tuple[Point, ...]

_SPELLING = re.compile(r"(boxes|keypoints|class|rating|text)(?:\((.*)\))?")
_encoder = msgspec.json.Encoder()


class AnswerType(msgspec.Struct, frozen=True):
    """What kind of answer a type text asks for."""

    text: str
    shape: Shape
    count: int = 0
    """N of keypoints(N) and rating(N)."""
    names: tuple[str, ...] = ()
    """Of class(a, b, ...)."""


@lru_cache(maxsize=256)
def answer_type(text: str) -> AnswerType:
    """Return what a type's text asks for.

    Raises:
        AnswerFormatError: If people cannot be asked for such values.
    """
    match = _SPELLING.fullmatch(text)
    counted = match is not None and match[1] in ("keypoints", "rating")
    if match is None or (counted and not (match[2] or "").isdecimal()):
        reason = "people can be asked for boxes, keypoints(N), class(a, b, ...), rating(N) and text"
        raise AnswerFormatError(type=text, reason=reason)
    shape: Any = match[1]
    items = tuple(item.strip() for item in match[2].split(",")) if match[2] else ()
    if shape in ("keypoints", "rating"):
        return AnswerType(text, shape, count=int(items[0]))
    return AnswerType(text, shape, names=items)


UNKNOWN_DOUBT: Final = 0.5
"""How unsure a model is of a value that does not say."""


def doubt_of(type_: AnswerType, value: Any) -> float:
    """Return how unsure a model is of its value, from 0 to 1: as it is of the box that it is least sure of."""
    boxes = value if type_.shape == "boxes" and value else ()
    scores = [score for box in boxes if (score := box.get("score")) is not None and 0 <= score <= 1]
    return 1.0 - float(min(scores)) if scores else UNKNOWN_DOUBT


def canonical_payload(type_: AnswerType, value: Any) -> str:
    """Return the canonical text of a value in pixels, as signals and platforms hold it.

    Args:
        type_: The task's.
        value: Boxes as mappings of x, y, w, h, and where there is one label; keypoints as lists of points, each a
            mapping of x and y, or None; a text; an integer.

    Raises:
        AnswerFormatError: If it is no value of the type.
    """
    return _encoder.encode(_canonical(type_, value)).decode()


def _canonical(type_: AnswerType, value: Any) -> Any:
    if type_.shape == "boxes":
        return sorted((_box(type_, item) for item in _items(type_, value)), key=_box_key)
    if type_.shape == "keypoints":
        return sorted((_points(type_, item) for item in _items(type_, value)), key=_points_key)
    if type_.shape == "rating":
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= type_.count:
            _refuse(type_, f"expected an integer from 1 to {type_.count}, found {_told(value)}")
        return value
    if not isinstance(value, str):
        _refuse(type_, f"expected a text, found {_told(value)}")
    if type_.shape == "text":
        return _text(type_, value)
    if value in type_.names:
        return value
    named = {_text(type_, name): name for name in type_.names}
    if _text(type_, value) not in named:
        _refuse(type_, f"expected one of {', '.join(type_.names)}, found {_told(value)}")
    return named[_text(type_, value)]


def read_boxes(payload: str) -> tuple[Box, ...]:
    """Return the boxes of a canonical payload, on the grid."""
    return tuple((x, y, w, h, label) for x, y, w, h, label in msgspec.json.decode(payload))


def read_keypoints(payload: str) -> tuple[Points, ...]:
    """Return the keypoints of a canonical payload, on the grid."""
    items = msgspec.json.decode(payload)
    return tuple(tuple(None if point is None else (point[0], point[1]) for point in item) for item in items)


def write_boxes(boxes: Sequence[Box]) -> str:
    """Return the canonical payload of boxes on the grid."""
    return _encoder.encode(sorted(boxes, key=_box_key)).decode()


def write_keypoints(items: Sequence[Points]) -> str:
    """Return the canonical payload of keypoints on the grid."""
    return _encoder.encode(sorted(items, key=_points_key)).decode()


def read_payload(type_: AnswerType, payload: str) -> Any:
    """Return the value of a canonical payload in pixels, as a signal of the type holds it; scores are null."""
    if type_.shape == "boxes":
        return [
            {"x": x / GRID, "y": y / GRID, "w": w / GRID, "h": h / GRID, "score": None, "label": label}
            for x, y, w, h, label in read_boxes(payload)
        ]
    if type_.shape == "keypoints":
        return [
            [None if p is None else {"x": p[0] / GRID, "y": p[1] / GRID, "score": None} for p in item]
            for item in read_keypoints(payload)
        ]
    return msgspec.json.decode(payload)


def check_payload(type_: AnswerType, payload: str) -> None:
    """Check that a text is the canonical payload of some value of the type.

    Raises:
        AnswerFormatError: If it is not.
    """
    try:
        again = canonical_payload(type_, read_payload(type_, payload))
    except (msgspec.DecodeError, TypeError, ValueError, IndexError) as err:
        if isinstance(err, AnswerFormatError):
            raise
        raise AnswerFormatError(type=type_.text, reason=f"{_told(payload)} is not how one is written") from err
    if again != payload:
        _refuse(type_, f"{_told(payload)} is another way to write {_told(again)}")


def is_payload(type_: AnswerType, payload: str) -> bool:
    """Tell whether a text is the canonical payload of some value of the type."""
    try:
        check_payload(type_, payload)
    except AnswerFormatError:
        return False
    return True


def shape_of(payload: str) -> str:
    """Return a type that a canonical payload of an unknown type can be read by: what it looks like tells."""
    value = msgspec.json.decode(payload)
    if isinstance(value, (str, int)):
        return "text" if isinstance(value, str) else f"rating({value})"
    is_boxes = not value or isinstance(value[0][0], int)
    return "boxes" if is_boxes else f"keypoints({len(value[0])})"


def _items(type_: AnswerType, value: Any) -> Sequence[Any]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        _refuse(type_, f"expected a list, found {_told(value)}")
    if len(value) > MAX_ITEMS:
        _refuse(type_, f"{len(value):,} regions, at most {MAX_ITEMS:,} are taken")
    return value


def _box(type_: AnswerType, item: Any) -> Box:
    if not isinstance(item, Mapping):
        _refuse(type_, f"expected a box of x, y, w and h, found {_told(item)}")
    x, y, w, h = (_on_grid(type_, item.get(name), name) for name in ("x", "y", "w", "h"))
    if w < 0 or h < 0:
        _refuse(type_, f"a box is {item.get('w')} wide and {item.get('h')} high")
    label = item.get("label")
    if label is not None and not isinstance(label, str):
        _refuse(type_, f"expected a text as label, found {_told(label)}")
    return x, y, w, h, None if label is None else _text(type_, label)


def _text(type_: AnswerType, value: str) -> str:
    """Return a text as every browser and system would have typed it."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        _refuse(type_, f"expected a text, found half a character in {_told(value)}")
    return normalize("NFC", value)


def _points(type_: AnswerType, item: Any) -> Points:
    if not isinstance(item, Sequence) or isinstance(item, str) or len(item) != type_.count:
        _refuse(type_, f"expected {type_.count} points, found {_told(item)}")
    return tuple(_point(type_, point) for point in item)


def _point(type_: AnswerType, point: Any) -> Point:
    if point is None or (isinstance(point, Mapping) and point.get("x") is None and point.get("y") is None):
        return None
    if not isinstance(point, Mapping):
        _refuse(type_, f"expected a point of x and y, found {_told(point)}")
    return _on_grid(type_, point.get("x"), "x"), _on_grid(type_, point.get("y"), "y")


def _on_grid(type_: AnswerType, value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= MAX_PIXELS:
        _refuse(type_, f"expected a number of pixels as {name}, found {_told(value)}")
    return math.floor(value * GRID + 0.5)


def _box_key(box: Box) -> tuple[Any, ...]:
    return (*box[:4], box[4] is not None, box[4] or "")


def _points_key(item: Points) -> tuple[Any, ...]:
    return tuple((False, 0, 0) if point is None else (True, *point) for point in item)


def _told(value: Any) -> str:
    """Return the beginning of how a value is written."""
    try:
        return f"{value!r:.60}"
    except ValueError:
        return "a number of thousands of digits"


def _refuse(type_: AnswerType, reason: str) -> NoReturn:
    raise AnswerFormatError(type=type_.text, reason=reason)
