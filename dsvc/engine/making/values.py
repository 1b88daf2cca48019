"""What a transform returned, as values of the signal's type: exactly, or the record failed.

A value fits when the type holds it without loss: 3.0 fits `int8`, 300 and 2.5 do not; a missing field of a struct is
null; a rating is 1 to N and a class one of its names.  Nothing is rounded, cut or parsed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.chunk import MAX_RECORD_BYTES
from dsvc.objects.column import Column, concat, differing_rows, null_column
from dsvc.objects.types import Physical, Type
from dsvc.repo.images import find_encoded_image
from dsvc.repo.named import find_rule_breakers

Failures = dict[int, str]
"""Row -> why it has no value."""

_SHOWN = 60  # characters of a value that a failure tells
_EXACT: Mapping[str, set[type]] = {
    "float64": {float, int, type(None)},
    "int64": {int, type(None)},
    "string": {str, type(None)},
    "bool": {bool, type(None)},
    "binary": {bytes, type(None)},
}
"""Python types that Arrow takes without loss, or refuses."""


def fit(values: pa.Array[Any] | pa.ChunkedArray[Any] | Sequence[Any], type_: Type) -> tuple[Column, Failures]:
    """Return a transform's values as a column of its type.

    Args:
        values: Arrow, or plain Python values; numpy scalars and arrays and tuples count as plain.
        type_: What they must fit.

    Returns:
        A column as long as `values`, null where one does not fit, and why those do not.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    column, failures = _fit_arrow(values, type_) if isinstance(values, pa.Array) else _fit_plain(values, type_)
    _keep_named_rule(column, type_, failures)
    _keep_weight(column, failures)
    column = without(column, failures)
    if find_encoded_image(column) is not None:
        for row in range(column.length):
            found = find_encoded_image(column.slice(row, row + 1))
            if found is not None:
                failures[row] = f"the value looks like an encoded {found[1]} image, which stays in its own bucket"
        column = without(column, failures)
    return column, failures


def without(column: Column, failures: Failures) -> Column:
    """Return a column with null for the rows that failed."""
    if not failures:
        return column
    rows = np.arange(column.length)
    rows[[*failures]] = -1
    return column.take(rows)


def _fit_arrow(values: pa.Array[Any], type_: Type) -> tuple[Column, Failures]:
    found = Type.from_arrow(values.type)
    if found.physical == type_.physical:
        return normalise(values, type_.physical), {}
    try:
        cast = values.cast(type_.arrow)
        lost = differing_rows(normalise(values), normalise(cast.cast(found.arrow, safe=False)))
    except pa.ArrowException:
        if len(values) == 1:
            return null_column(type_.physical, 1), {0: f"expected {type_}, found {_show(values[0].as_py())}"}
        return _fit_halves(values, type_)
    rows = np.flatnonzero(lost).tolist()
    return normalise(cast), {row: f"expected {type_}, found {_show(values[row].as_py())}" for row in rows}


def _fit_halves(values: pa.Array[Any], type_: Type) -> tuple[Column, Failures]:
    """Fit each half, so that one value that cannot be cast fails alone."""
    half = len(values) // 2
    first, failed = _fit_arrow(values.slice(0, half), type_)
    second, failed_later = _fit_arrow(values.slice(half), type_)
    return concat([first, second]), failed | {row + half: why for row, why in failed_later.items()}


def _fit_plain(values: Sequence[Any], type_: Type) -> tuple[Column, Failures]:
    arrow = type_.arrow
    kinds = set(map(type, values))
    if kinds <= _EXACT.get(type_.physical[0], set()):
        try:
            return normalise(pa.array(values, arrow), type_.physical), {}
        except (pa.ArrowException, OverflowError, UnicodeError):
            pass  # one of them is out of range: find it
    fitted: list[Any] = []
    failures: Failures = {}
    for row, value in enumerate(values):
        try:
            made = pa.array([_plain(value, type_.physical)], arrow)[0].as_py()
            fits = _is_same(value, made)
        except (pa.ArrowException, OverflowError, UnicodeError, TypeError, ValueError):
            made, fits = None, False
        if not fits:
            failures[row] = f"expected {type_}, found {_show(value)}"
        fitted.append(made if fits else None)
    return normalise(pa.array(fitted, arrow), type_.physical), failures


def _plain(value: Any, physical: Physical) -> Any:
    """Return a value as Arrow takes it."""
    if isinstance(value, np.generic):
        value = value.item()
    elif isinstance(value, np.ndarray):
        value = value.tolist()
    kind = physical[0]
    if kind == "struct" and isinstance(value, Mapping):
        children = dict(physical[1])
        return {name: _plain(item, children[name]) if name in children else item for name, item in value.items()}
    if kind in ("list", "fixed_list") and isinstance(value, (list, tuple)):
        return [_plain(item, physical[-1]) for item in value]
    if "int" in kind and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _is_same(given: Any, made: Any) -> bool:
    """Return whether what Arrow made of a value is that value."""
    if isinstance(given, (np.generic, np.ndarray)):
        given = given.tolist()
    if given is None or made is None:
        return given is made
    if isinstance(given, Mapping):
        extra = [name for name, item in given.items() if name not in made and item is not None]
        return not extra and all(_is_same(given.get(name), item) for name, item in made.items())
    if isinstance(given, (list, tuple)):
        return len(given) == len(made) and all(map(_is_same, given, made))
    if isinstance(given, bool) != isinstance(made, bool) or isinstance(given, str) != isinstance(made, str):
        return False
    if isinstance(given, float) and math.isnan(given):
        return isinstance(made, float) and math.isnan(made)
    return bool(given == made)


def _keep_named_rule(column: Column, type_: Type, failures: Failures) -> None:
    """Fail what the rule of a named type refuses."""
    array = to_arrow(column)
    rows, rule = find_rule_breakers(array, type_)
    for row in rows.tolist():
        failures.setdefault(row, f"expected {rule}, found {_show(array[row].as_py())}")


def _keep_weight(column: Column, failures: Failures) -> None:
    """Fail records that weigh more than one may."""
    weights = column.weights()
    if isinstance(weights, int):
        weights = np.full(column.length, weights) if weights > MAX_RECORD_BYTES else np.empty(0, np.int64)
    for row in np.flatnonzero(weights > MAX_RECORD_BYTES).tolist():
        failures.setdefault(row, f"the value weighs {int(weights[row]):,} bytes, a record at most {MAX_RECORD_BYTES:,}")


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
