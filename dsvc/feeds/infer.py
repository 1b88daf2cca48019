"""The least type that holds every document without loss, found without knowing the order of documents.

A `Profile` counts what stands at each place of the values seen. Profiles add up, so that batches can come in any
order and size; the type is read off the sum. Where one place holds kinds that no type holds together (text and
numbers), the kind of most values wins and the others do not fit: they are kept and counted, as later misfits are.

    null < anything;  integer < double, where the double is exact;  integer < decimal
    list and struct by item and field, a struct's fields sorted by name;  timestamps in ms, in us where one needs it

Source: docs/how-to/ingest.md#types.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

from dsvc.objects.types import Physical, Type

_SIMPLE: dict[type, str] = {
    bool: "bool",
    int: "integer",
    float: "double",
    Decimal: "decimal",
    str: "string",
    bytes: "binary",
    date: "date",
    time: "time",
    timedelta: "duration",
    list: "list",
    dict: "struct",
}
_PLAIN: dict[str, Physical] = {
    "bool": ("bool",),
    "integer": ("int64",),
    "double": ("float64",),
    "string": ("string",),
    "binary": ("binary",),
    "date": ("date32",),
    "time": ("time64", "us"),
    "duration": ("duration", "us"),
}
_INT64_DIGITS = 19
_DECIMAL_DIGITS = 38  # what decimal128 holds


class Profile:
    """What stands at one place of many documents."""

    __slots__ = ("_counts", "_digits", "_fields", "_fine", "_items", "_scale")

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._items: Profile | None = None
        self._fields: dict[str, Profile] = {}
        self._digits = 0  # before the point, of decimals
        self._scale = 0  # after it
        self._fine = False  # some timestamp needs microseconds

    def add(self, values: Sequence[Any]) -> None:
        """Count values, which may hold nulls."""
        found = Counter(map(type, values))
        n_nulls = found.pop(type(None), 0)
        for kind, count in found.items():
            if kind is datetime:
                self._add_times([value for value in values if type(value) is datetime])
                continue
            # pymongo gives 64-bit integers as a class of their own.
            name = _SIMPLE.get(kind) or ("integer" if issubclass(kind, int) else None)
            if name is None:
                continue  # no type holds it
            self._counts[name] += count
            if len(found) == 1 and not n_nulls:
                same: Sequence[Any] = values
            elif kind in (list, dict, Decimal):
                same = [value for value in values if type(value) is kind]
            else:
                continue
            if kind is list:
                self._items = self._items or Profile()
                self._items.add(list(chain.from_iterable(same)))
            elif kind is dict:
                self._add_structs(same)
            elif kind is Decimal:
                self._add_decimals(same)

    def _add_structs(self, structs: Sequence[dict[str, Any]]) -> None:
        for name in set(chain.from_iterable(structs)):
            self._fields.setdefault(name, Profile()).add([value[name] for value in structs if name in value])

    def _add_times(self, times: Sequence[datetime]) -> None:
        naive = sum(value.tzinfo is None for value in times)
        self._counts["naive"] += naive
        self._counts["aware"] += len(times) - naive
        self._fine = self._fine or any(value.microsecond % 1000 for value in times)

    def _add_decimals(self, decimals: Iterable[Decimal]) -> None:
        for value in decimals:
            _, digits, exponent = value.as_tuple()
            if isinstance(exponent, int):
                self._scale = max(self._scale, min(-exponent, _DECIMAL_DIGITS))
                self._digits = max(self._digits, len(digits) + exponent)

    def least_type(self) -> Type:
        """Return the least type that holds what was counted, or most of it where none holds all."""
        return Type(self.least())

    def least(self) -> Physical:
        """Return the physical type of `least_type`."""
        counts = +self._counts
        if not counts:
            return ("null",)
        integers = counts.get("integer", 0)
        for wider in ("double", "decimal"):  # which hold integers
            if counts.get(wider):
                counts[wider] += integers
        kind = max(sorted(counts), key=lambda name: counts[name])
        match kind:
            case "list":
                return ("list", self._items.least() if self._items else ("null",))
            case "struct":
                return ("struct", tuple((name, self._fields[name].least()) for name in self._field_names()))
            case "decimal":
                whole = max(self._digits, _INT64_DIGITS if integers else 0)
                return ("decimal128", max(1, min(whole + self._scale, _DECIMAL_DIGITS)), self._scale)
            case "aware" | "naive":
                return ("timestamp", "us" if self._fine else "ms", "UTC" if kind == "aware" else "")
            case _:
                return _PLAIN[kind]

    def _field_names(self) -> list[str]:
        """Return the fields of the struct, sorted; of names that differ by case alone, the one met most often."""
        kept: dict[str, str] = {}
        for name in sorted(self._fields, key=lambda name: (-self._fields[name].n_values(), name)):
            kept.setdefault(name.lower(), name)
        return sorted(kept.values())

    def n_values(self) -> int:
        """Return how many values were counted."""
        return self._counts.total()


def fills(known: Physical, value: Any) -> bool:
    """Tell whether a value fits a type once places of which only nulls were seen become what it has there.

    False where it fits already, and where it would not fit then either.
    """
    profile = Profile()
    profile.add([value])
    grown = _grow(known, profile.least())
    return grown is not None and grown != known


def _grow(known: Physical, found: Physical) -> Physical | None:
    """Return the type that holds both if only places of nulls and empty lists differ, else None."""
    if found in (("null",), known):
        return known
    if known == ("null",):
        return found
    if known[0] == found[0] == "list":
        item = _grow(known[1], found[1])
        return None if item is None else ("list", item)
    if known[0] == found[0] == "struct":
        fields = dict(found[1])
        grown = [(name, _grow(child, fields.pop(name, ("null",)))) for name, child in known[1]]
        return None if fields or any(child is None for _, child in grown) else ("struct", tuple(grown))
    holds = (known, found) in ((("float64",), ("int64",)), (("timestamp", "us", "UTC"), ("timestamp", "ms", "UTC")))
    return known if holds else None
