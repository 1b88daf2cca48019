"""Values as Label Studio's results, and back, without a loss: percent of the image there, the 1/16 px grid here.

A number of the grid becomes a percentage as a double, whose error is below 1e-13 of the image, and the nearest point of
the grid is the one that it was. Label Studio validates nothing, so everything that comes back is looked at: a result
that the form does not explain makes the whole answer one with a problem.

A box keeps the name of its region while an annotator only moves it. By it boxes keep labels that the form does not
have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dsvc.annotation.answers.payloads import AnswerType, answer_type
from dsvc.annotation.platforms.exchange import on_grid
from dsvc.annotation.platforms.label_studio_form import (
    IMAGE,
    ITEM,
    NOTE,
    REASONS,
    UNLABELLED,
    VALUE,
    VERDICT,
    box_names,
    point_names,
)
from dsvc.errors import AnswerFormatError
from dsvc.plugins.platforms import TaskForm

Result = dict[str, Any]
_GEOMETRY = ("boxes", "keypoints")


class ResultError(ValueError):
    """A result that the form does not explain; the message says why."""


def to_results(form: TaskForm, value: Any, width: int | None, height: int | None) -> list[Result]:
    """Return a value as results, to be shown.

    Raises:
        AnswerFormatError: If it is no value of the form's type, or boxes of an image whose size is not known.
    """
    type_ = answer_type(form.type)
    value = on_grid(type_, value)
    if type_.shape in _GEOMETRY:
        if not width or not height:
            reason = "boxes and points can be shown only on an image whose size is known"
            raise AnswerFormatError(type=form.type, reason=reason)
        return (
            _boxes_out(form, value, width, height)
            if type_.shape == "boxes"
            else _points_out(form, type_, value, width, height)
        )
    kind, content = {
        "class": ("choices", [value]),
        "rating": ("rating", value),
        "text": ("textarea", [value]),
    }[type_.shape]
    return [_result("value", VALUE, kind, {"text" if kind == "textarea" else kind: content})]


def shown_labels(form: TaskForm, value: Any) -> dict[str, str]:
    """Return the labels of a shown value that the form does not have, by region."""
    if answer_type(form.type).shape != "boxes" or not value:
        return {}
    labels = {f"r{place}": box.get("label") for place, box in enumerate(value)}
    return {region: label for region, label in labels.items() if label is not None and label not in form.labels}


def from_results(form: TaskForm, results: Any, size: tuple[int | None, int | None], labels: Mapping[str, str]) -> Any:
    """Return the value that results say; None where they say none.

    Args:
        form: Of the task.
        results: What came.
        size: Width and height of the image shown, None where they are not known.
        labels: Region -> label, as `shown_labels` gave it.

    Raises:
        ResultError: If they are no value of the form.
    """
    type_ = answer_type(form.type)
    found = [result for result in _checked(results) if result["from_name"] in (VALUE, ITEM)]
    try:
        if type_.shape == "boxes":
            value: Any = [_box_in(form, result, size, labels) for result in found]
        elif type_.shape == "keypoints":
            value = _points_in(form, type_, found, size)
        else:
            value = _single(type_, found)
        return None if value is None else on_grid(type_, value)
    except AnswerFormatError as err:
        raise ResultError(err.reason) from err


def verdict(results: Any) -> tuple[str | None, tuple[str, ...]]:
    """Return the verdict of results, None where there is none, and its reasons.

    Raises:
        ResultError: If they cannot be read.
    """
    said: list[str] = []
    reasons: list[str] = []
    for result in _checked(results):
        if result["from_name"] == VERDICT:
            said += _texts(result, "choices")
        elif result["from_name"] == REASONS:
            reasons += _texts(result, "choices")
        elif result["from_name"] == NOTE:
            reasons += [text.strip() for text in _texts(result, "text") if text.strip()]
    if len(set(said)) > 1 or not set(said) <= {"accept", "reject"}:
        raise ResultError(f"expected accept or reject, found {', '.join(said):.60}")
    return (said[0] if said else None), tuple(sorted(set(reasons)))


def verdict_results(outcome: str, reasons: Sequence[str] = (), note: str = "") -> list[Result]:
    """Return a verdict as results."""
    results = [_result("verdict", VERDICT, "choices", {"choices": [outcome]})]
    if reasons:
        results.append(_result("reasons", REASONS, "choices", {"choices": list(reasons)}))
    if note:
        results.append(_result("note", NOTE, "textarea", {"text": [note]}))
    return results


def _checked(results: Any) -> list[Result]:
    if not isinstance(results, list):
        raise ResultError(f"expected a list of results, found {results!r:.60}")
    for result in results:
        if not isinstance(result, dict) or not isinstance(result.get("value"), dict):
            raise ResultError(f"expected results with values, found {result!r:.60}")
        if result.get("from_name") not in (VALUE, ITEM, VERDICT, REASONS, NOTE):
            raise ResultError(f"there is no control {result.get('from_name')!r:.60}")
    return results


def _result(region: str, name: str, kind: str, value: Mapping[str, Any], size: tuple[int, int] | None = None) -> Result:
    result: Result = {"id": region, "from_name": name, "to_name": IMAGE, "type": kind, "value": dict(value)}
    if size is not None:
        result |= {"original_width": size[0], "original_height": size[1], "image_rotation": 0}
    return result


def _boxes_out(form: TaskForm, value: Any, width: int, height: int) -> list[Result]:
    names = box_names(form)
    results = []
    for place, box in enumerate(value):
        where = {
            "x": box["x"] / width * 100,
            "y": box["y"] / height * 100,
            "width": box["w"] / width * 100,
            "height": box["h"] / height * 100,
            "rotation": 0,
        }
        kind = "rectangle"
        if names:
            kind = "rectanglelabels"
            where["rectanglelabels"] = [box["label"] if box["label"] in form.labels else UNLABELLED]
        results.append(_result(f"r{place}", VALUE, kind, where, (width, height)))
    return results


def _points_out(form: TaskForm, type_: AnswerType, value: Any, width: int, height: int) -> list[Result]:
    names = point_names(form, type_)
    results = []
    for place, item in enumerate(value):
        for name, point in zip(names, item, strict=True):
            if point is None:
                continue
            region = f"p{place}-{names.index(name)}"
            where = {"x": point["x"] / width * 100, "y": point["y"] / height * 100, "width": 0.5}
            results.append(
                _result(region, VALUE, "keypointlabels", where | {"keypointlabels": [name]}, (width, height))
            )
            results.append(_result(region, ITEM, "number", where | {"number": place + 1}, (width, height)))
    return results


def _size_of(result: Result, size: tuple[int | None, int | None]) -> tuple[int, int]:
    """Return the size of the image that a result was drawn on, which must be that of the image shown."""
    there = result.get("original_width"), result.get("original_height")
    for name, expected, found in zip(("wide", "high"), size, there, strict=True):
        if not isinstance(found, int) or isinstance(found, bool) or found <= 0:
            raise ResultError(f"expected the size of the image, found {found!r:.60}")
        if expected is not None and found != expected:
            raise ResultError(f"it is about an image {found} {name}, and the one shown is {expected} {name}")
    if result.get("image_rotation"):
        raise ResultError("the image was rotated")
    return int(str(there[0])), int(str(there[1]))


def _pixels(result: Result, name: str, size: int) -> float:
    percent = result["value"].get(name)
    if isinstance(percent, bool) or not isinstance(percent, (int, float)):
        raise ResultError(f"expected a number as {name}, found {percent!r:.60}")
    return percent * size / 100


def _box_in(
    form: TaskForm, result: Result, size: tuple[int | None, int | None], labels: Mapping[str, str]
) -> dict[str, Any]:
    if result.get("type") not in ("rectangle", "rectanglelabels"):
        raise ResultError(f"expected a rectangle, found {result.get('type')!r:.60}")
    if result["value"].get("rotation"):
        raise ResultError("a box is rotated")
    width, height = _size_of(result, size)
    named = result["value"].get("rectanglelabels")
    label = named[0] if isinstance(named, list) and len(named) == 1 else None
    if form.labels and label not in box_names(form):
        raise ResultError(f"expected one of {', '.join(form.labels)}, found {named!r:.60}")
    if not form.labels or label == UNLABELLED:
        label = labels.get(str(result.get("id")))
    return {
        "x": _pixels(result, "x", width),
        "y": _pixels(result, "y", height),
        "w": _pixels(result, "width", width),
        "h": _pixels(result, "height", height),
        "label": label,
    }


def _points_in(
    form: TaskForm, type_: AnswerType, results: Sequence[Result], size: tuple[int | None, int | None]
) -> list[list[Any]]:
    names = point_names(form, type_)
    numbers = {result.get("id"): result["value"].get("number") for result in results if result["from_name"] == ITEM}
    items: dict[int, list[Any]] = {}
    for result in results:
        if result["from_name"] == ITEM:
            continue
        number = numbers.get(result.get("id"), 1)
        if isinstance(number, bool) or not isinstance(number, (int, float)) or number != int(number) or number < 1:
            raise ResultError(f"expected 1, 2, 3, ... as {ITEM}, found {number!r:.60}")
        named = result["value"].get("keypointlabels")
        if not isinstance(named, list) or len(named) != 1 or named[0] not in names:
            raise ResultError(f"expected one of {', '.join(names)}, found {named!r:.60}")
        width, height = _size_of(result, size)
        item = items.setdefault(int(number), [None] * type_.count)
        if item[names.index(named[0])] is not None:
            raise ResultError(f"there are two points {named[0]!r} in {ITEM} {int(number)}")
        item[names.index(named[0])] = {"x": _pixels(result, "x", width), "y": _pixels(result, "y", height)}
    return [items[number] for number in sorted(items)]


def _single(type_: AnswerType, results: Sequence[Result]) -> Any:
    values: list[Any] = []
    for result in results:
        if type_.shape == "rating":
            values.append(result["value"].get("rating"))
        else:
            values += _texts(result, "choices" if type_.shape == "class" else "text")
    if len(values) > 1:
        raise ResultError(f"expected one value, found {values!r:.60}")
    return values[0] if values else None


def _texts(result: Result, name: str) -> list[str]:
    found = result["value"].get(name)
    found = [found] if isinstance(found, str) else found
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise ResultError(f"expected texts as {name}, found {found!r:.60}")
    return found
