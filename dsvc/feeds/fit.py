"""Document values as Arrow arrays of a given type, exactly or not at all.

A value fits a type when the type holds it without loss: a null fits everything, an integer fits `double` only if the
double is that integer, 3.0 fits `int8`, 300 does not; an object fits a struct if it has no further field but null ones
(a missing one is null); a named type adds its own rule (a rating is 1 to N, a class one of its names).  Nothing is
rounded, cut, parsed or dropped.

A column is built level by level in C loops; only where that finds something odd is each value looked at on its own,
which tells the rows that do not fit, and why.

Source: docs/how-to/ingest.md#types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.feeds.documents import kind_of
from dsvc.objects.types import Physical, Type, format_physical
from dsvc.repo.named import find_rule_breakers

Misfits = list[tuple[int, str]]
"""(row, why) of each value that does not fit."""

_INTEGERS = {f"{sign}int{bits}": (bits, sign == "") for sign in ("", "u") for bits in (8, 16, 32, 64)}
_EXACT: dict[str, type] = {
    "bool": bool,
    "string": str,
    "binary": bytes,
    "fixed_binary": bytes,
    "date32": date,
    "date64": date,
    "time32": time,
    "time64": time,
    "timestamp": datetime,
    "duration": timedelta,
}
_FLOATS = ("float64", "float32", "float16")
_NOTHING: dict[str, Any] = {}
_FEW = 8  # rows that are looked at one by one
_Check = Callable[[Any], Any]


class MisfitError(ValueError):
    """A value does not fit a type; the message says why. It never leaves this room."""


_ODD = (MisfitError, pa.ArrowException, OverflowError, UnicodeError, TypeError, ValueError)


def to_array(values: Sequence[Any], type_: Type) -> tuple[pa.Array, Misfits]:
    """Return document values as an array.

    Args:
        values: Values as `dsvc.feeds.documents` defines them.
        type_: What they must fit.

    Returns:
        An array as long as `values` with a null where one does not fit, and the rows that do not, ascending.
    """
    misfits: Misfits = []
    array = _convert(values, type_.physical, _checker(type_.physical), 0, misfits)
    return _keep_named_rule(array, type_, misfits)


def _convert(values: Sequence[Any], physical: Physical, check: _Check, start: int, misfits: Misfits) -> pa.Array:
    """Build a column; where that fails, halve it until what is odd is found, so that one odd value costs little."""
    try:
        return _build(values, physical)
    except _ODD:
        if len(values) > _FEW:
            half = len(values) // 2
            first = _convert(values[:half], physical, check, start, misfits)
            return pa.concat_arrays([first, _convert(values[half:], physical, check, start + half, misfits)])
    kept: list[Any] = []
    for row, value in enumerate(values, start):
        try:
            kept.append(check(value))
        except MisfitError as err:
            kept.append(None)
            misfits.append((row, str(err)))
    return _build(kept, physical)


def _keep_named_rule(array: pa.Array, type_: Type, misfits: Misfits) -> tuple[pa.Array, Misfits]:
    """Null what the rule of a named type refuses."""
    breakers, rule = find_rule_breakers(array, type_)
    rows = breakers.tolist()
    if not rows:
        return array, misfits
    found = array.take(pa.array(rows, pa.int64())).to_pylist()
    misfits.extend((row, f"expected {rule}, found {value!r}") for row, value in zip(rows, found, strict=True))
    refused = np.zeros(len(array), np.bool_)
    refused[breakers] = True
    return pc.if_else(pa.array(refused), pa.scalar(None, array.type), array), sorted(misfits)


# -- a column at a time ---------------------------------------------------------------------------------------------


def _build(values: Sequence[Any], physical: Physical) -> pa.Array:
    """Return an array, or raise where a value is not plainly of the type."""
    kinds = set(map(type, values))
    kinds.discard(type(None))
    kind = physical[0]
    if kind == "list":
        return _build_list(values, kinds, physical)
    if kind == "fixed_list":
        return _build_fixed_list(values, kinds, physical)
    if kind == "struct":
        return _build_struct(values, kinds, physical)
    arrow = Type(physical).arrow
    if kind == "null":
        _only(good=not kinds)
        return pa.nulls(len(values))
    if kind in _INTEGERS:
        _only(good=all(issubclass(found, int | float) and found is not bool for found in kinds))
        if float in kinds:
            return pa.array(values, pa.float64()).cast(arrow)
    elif kind in _FLOATS:
        _only(good=all(issubclass(found, int | float) and found is not bool for found in kinds))
        return _narrow(pa.array(values, pa.float64()), arrow)
    elif kind.startswith("decimal"):
        _only(good=all(issubclass(found, int | Decimal) and found is not bool for found in kinds))
    else:
        _only(good=kinds <= {_EXACT[kind]})
    if kind == "timestamp":
        zones = {value.tzinfo is None for value in values if value is not None}
        _only(good=zones <= {physical[2] == ""})
        return pa.array(values, pa.timestamp("us", "UTC" if physical[2] else None)).cast(arrow)
    if kind in ("time32", "time64"):
        return pa.array(values, pa.time64("us")).cast(arrow)
    if kind == "duration":
        return pa.array(values, pa.duration("us")).cast(arrow)
    if kind == "date64":
        return pa.array(values, pa.date32()).cast(arrow)
    return pa.array(values, arrow)


def _only(*, good: bool) -> None:
    if not good:
        raise MisfitError


def _narrow(array: pa.Array, arrow: pa.DataType) -> pa.Array:
    """Return doubles as a narrower type that holds each of them."""
    if array.type == arrow:
        return array
    narrow = array.cast(arrow, safe=False)
    back = narrow.cast(pa.float64()).to_numpy(zero_copy_only=False)
    _only(good=np.array_equal(array.to_numpy(zero_copy_only=False), back, equal_nan=True))
    return narrow


def _nulls(values: Sequence[Any], kinds: set[type], wanted: type) -> pa.Array | None:
    """Return the null mask of a nested column, None where it has no null."""
    _only(good=kinds <= {wanted})
    return pa.array([value is None for value in values], pa.bool_()) if None in values else None


def _build_list(values: Sequence[Any], kinds: set[type], physical: Physical) -> pa.Array:
    mask = _nulls(values, kinds, list)
    lists = values if mask is None else [value or () for value in values]
    items = _build(list(chain.from_iterable(lists)), physical[1])
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, lists), np.int64, len(lists)), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), items, type=Type(physical).arrow, mask=mask)


def _build_fixed_list(values: Sequence[Any], kinds: set[type], physical: Physical) -> pa.Array:
    size, child = physical[1], physical[2]
    mask = _nulls(values, kinds, list)
    filler = [None] * size
    lists = values if mask is None else [filler if value is None else value for value in values]
    _only(good=set(map(len, lists)) <= {size})
    items = _build(list(chain.from_iterable(lists)), child)
    return pa.FixedSizeListArray.from_arrays(items, type=Type(physical).arrow, mask=mask)


def _build_struct(values: Sequence[Any], kinds: set[type], physical: Physical) -> pa.Array:
    mask = _nulls(values, kinds, dict)
    rows = values if mask is None else [_NOTHING if value is None else value for value in values]
    _only(good=set(chain.from_iterable(rows)) <= {name for name, _ in physical[1]})
    children = [_build([row.get(name) for row in rows], child) for name, child in physical[1]]
    arrow = Type(physical).arrow
    if not children:
        return pa.array(values, arrow)
    return pa.StructArray.from_arrays(children, fields=list(arrow), mask=mask)


# -- a value at a time ----------------------------------------------------------------------------------------------


def _checker(physical: Physical, where: str = "") -> _Check:
    """Return a function that gives a value as `_build` takes it, or raises `MisfitError`."""
    kind = physical[0]
    if kind == "list":
        check_item = _checker(physical[1], f"{where}[]")
        return _nullable(physical, where, list, lambda value: [check_item(item) for item in value])
    if kind == "fixed_list":
        return _fixed_list_checker(physical, where)
    if kind == "struct":
        return _struct_checker(physical, where)

    def check(value: Any) -> Any:
        if value is None:
            return None
        if (plain := _as_number(value, kind)) is not None:
            value = plain
        try:
            _build((value,), physical)
        except _ODD as err:
            raise _misfit(physical, where, value) from err
        return value

    return check


def _as_number(value: Any, kind: str) -> Any:
    """Return a number as the kind of number wanted if that is exact, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        if kind in _INTEGERS:
            number: Any = int(value)
        elif kind in _FLOATS:
            number = float(value)
        elif kind.startswith("decimal"):
            number = Decimal(value)
        else:
            return None
    except (ValueError, OverflowError, InvalidOperation):
        return None
    return number if number == value else None


def _nullable(physical: Physical, where: str, wanted: type, check: _Check) -> _Check:
    def checked(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not wanted:
            raise _misfit(physical, where, value)
        return check(value)

    return checked


def _fixed_list_checker(physical: Physical, where: str) -> _Check:
    size = physical[1]
    check_item = _checker(physical[2], f"{where}[]")

    def check(value: list[Any]) -> list[Any]:
        if len(value) != size:
            raise MisfitError(f"{_at(where)}expected {size} items, found {len(value)}")
        return [check_item(item) for item in value]

    return _nullable(physical, where, list, check)


def _struct_checker(physical: Physical, where: str) -> _Check:
    checks = {name: _checker(child, f"{where}.{name}" if where else name) for name, child in physical[1]}

    def check(value: dict[str, Any]) -> dict[str, Any]:
        if extra := [name for name, item in value.items() if name not in checks and item is not None]:
            known = ", ".join(checks)
            raise MisfitError(f"{_at(where)}expected fields {known}, found {', '.join(extra)} too")
        return {name: checks[name](item) for name, item in value.items() if name in checks}

    return _nullable(physical, where, dict, check)


def _at(where: str) -> str:
    return f"{where}: " if where else ""


def _misfit(physical: Physical, where: str, value: Any) -> MisfitError:
    found = kind_of(value)
    if isinstance(value, bool | int | float | Decimal | str | datetime | date):
        shown = str(value).encode("utf-8", "backslashreplace").decode()
        found = f"{found} {shown if len(shown) <= 40 else f'{shown[:40]}...'}"
    return MisfitError(f"{_at(where)}expected {format_physical(physical)}, found {found}")
