"""Filters on documents, in the part of MongoDB's query language that a recipe may use.

A feed with a server behind it sends its filter there; for files we answer it, as MongoDB would: a path steps through
lists, a list matches where one of its items does, null matches what is missing, and values of different kinds are
never less or greater than each other.

Source: docs/how-to/ingest.md#filters.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from dsvc.errors import FeedError

Predicate = Callable[[Any], bool]


class _Missing(Enum):
    """One value that no document holds."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing.MISSING
"""What a path gives in a document that has nothing there."""

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
_JOIN: dict[str, Callable[[list[Predicate], Any], bool]] = {
    "$and": lambda parts, document: all(part(document) for part in parts),
    "$or": lambda parts, document: any(part(document) for part in parts),
    "$nor": lambda parts, document: not any(part(document) for part in parts),
}


def compile_filter(feed: str, wanted: Mapping[str, Any]) -> Predicate:
    """Return a function that tells whether a document matches a filter.

    Args:
        feed: The feed's name, for messages.
        wanted: The filter; an empty one matches everything.

    Raises:
        FeedError: If the filter uses an operator that files do not answer; it is named.
    """
    parts: list[Predicate] = []
    for key, condition in wanted.items():
        if key in _JOIN:
            parts.append(_joined(_JOIN[key], [compile_filter(feed, item) for item in condition]))
        elif key.startswith("$"):
            raise _unknown(feed, key)
        else:
            parts.append(_on_path(tuple(key.split(".")), _condition(feed, condition)))
    return parts[0] if len(parts) == 1 else _joined(_JOIN["$and"], parts)


def _joined(join: Callable[[list[Predicate], Any], bool], parts: list[Predicate]) -> Predicate:
    return lambda document: join(parts, document)


def _on_path(path: tuple[str, ...], condition: Predicate) -> Predicate:
    return lambda document: condition(list(_found(document, path)))


def _unknown(feed: str, name: str) -> FeedError:
    known = "$eq $ne $gt $gte $lt $lte $in $nin $exists $not $all $size $elemMatch $regex $and $or $nor"
    return FeedError(feed=feed, reason=f"filter uses {name}, which files do not answer", hint=f"use {known}")


def _found(value: Any, path: tuple[str, ...]) -> Any:
    """Yield what stands at a path; a list on the way is stepped through, and by position too."""
    if not path:
        yield value
    elif isinstance(value, dict):
        yield from _found(value.get(path[0], MISSING), path[1:])
    elif isinstance(value, list):
        if path[0].isdecimal() and int(path[0]) < len(value):
            yield from _found(value[int(path[0])], path[1:])
        for item in value:
            if isinstance(item, dict):
                yield from _found(item, path)
    else:
        yield MISSING


# Conditions take the list of values found at a path.


def _condition(feed: str, condition: Any) -> Predicate:
    condition = _as_documents_hold_it(condition)
    if not (isinstance(condition, dict) and any(name.startswith("$") for name in condition)):
        return _any_of(lambda value: _equal(value, condition))
    parts = [_operator(feed, name, operand, condition) for name, operand in condition.items() if name != "$options"]
    return lambda values: all(part(values) for part in parts)


def _as_documents_hold_it(operand: Any) -> Any:
    """Return what is compared with: an identifier written as such is text in documents."""
    if isinstance(operand, list):
        return [_as_documents_hold_it(item) for item in operand]
    return operand["$oid"] if isinstance(operand, dict) and set(operand) == {"$oid"} else operand


def _operator(feed: str, name: str, operand: Any, condition: Mapping[str, Any]) -> Predicate:
    operand = _as_documents_hold_it(operand)
    match name:
        case "$eq":
            return _any_of(lambda value: _equal(value, operand))
        case "$ne":
            return _not(_any_of(lambda value: _equal(value, operand)))
        case "$in":
            return _any_of(lambda value: any(_equal(value, item) for item in operand))
        case "$nin":
            return _not(_any_of(lambda value: any(_equal(value, item) for item in operand)))
        case "$gt" | "$gte" | "$lt" | "$lte":
            compare = _COMPARE[name]
            return _any_of(lambda value: _comparable(value, operand) and compare(_number(value), _number(operand)))
        case "$exists":
            return lambda values: any(value is not MISSING for value in values) is bool(operand)
        case "$not":
            return _not(_condition(feed, operand))
        case "$size":
            return lambda values: any(isinstance(value, list) and len(value) == operand for value in values)
        case "$all":
            each = [_condition(feed, item) for item in operand]
            return lambda values: bool(each) and all(part(values) for part in each)
        case "$elemMatch":
            return _element(
                _condition(feed, operand) if _is_condition(operand) else None, compile_filter, feed, operand
            )
        case "$regex":
            flags = re.IGNORECASE if "i" in condition.get("$options", "") else 0
            pattern = re.compile(operand, flags)
            return _any_of(lambda value: isinstance(value, str) and pattern.search(value) is not None)
        case _:
            raise _unknown(feed, name)


def _is_condition(operand: Mapping[str, Any]) -> bool:
    return any(name.startswith("$") and name not in _JOIN for name in operand)


def _element(
    on_value: Predicate | None, compile_: Callable[[str, Mapping[str, Any]], Predicate], feed: str, operand: Any
) -> Predicate:
    """Match a list of which one item meets the whole condition."""
    if on_value is not None:
        return lambda values: any(
            isinstance(value, list) and any(on_value([item]) for item in value) for value in values
        )
    on_document = compile_(feed, operand)
    return lambda values: any(
        isinstance(value, list) and any(isinstance(item, dict) and on_document(item) for item in value)
        for value in values
    )


def _any_of(test: Predicate) -> Predicate:
    """Lift a test of one value: a list meets it by itself or by one of its items."""
    return lambda values: any(
        test(value) or (isinstance(value, list) and any(test(item) for item in value)) for value in values
    )


def _not(condition: Predicate) -> Predicate:
    return lambda values: not condition(values)


def _bracket(value: Any) -> str:
    """Return the group of kinds within which values are compared."""
    if value is None or value is MISSING:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float | Decimal):
        return "number"
    return type(value).__name__


def _comparable(value: Any, operand: Any) -> bool:
    return value is not MISSING and value is not None and _bracket(value) == _bracket(operand)


def _number(value: Any) -> Any:
    """Return a value that compares; a time without a zone is UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _equal(value: Any, operand: Any) -> bool:
    bracket = _bracket(value)
    return bracket == _bracket(operand) and (bracket == "null" or _number(value) == _number(operand))
