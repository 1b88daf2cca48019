"""What is held: values that nothing accepts, kept whole, counted, and shown with the line that takes them in.

Source: docs/how-to/ingest.md#held.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
import pyarrow as pa

from dsvc.feeds.column import has_image
from dsvc.feeds.documents import json_text
from dsvc.objects.chunk import MAX_RECORD_BYTES
from dsvc.objects.types import Type
from dsvc.recipe.spec import SignalSpec
from dsvc.recipe.versions import VersionRange

REASON = "held"
WAITING_TYPE = Type(("struct", (("detail", ("string",)), ("reason", ("string",)))))
"""Of the records in a signal's waiting tree."""


class Cause(StrEnum):
    """Why a value is held, by what would take it in."""

    VERSION = "version"
    """No range accepts its version."""
    FORMAT = "format"
    """It does not fit the signal's type."""
    ADAPTER = "adapter"
    """The function that should adapt it failed."""
    REFUSED = "refused"
    """It can be no record whatever the recipe says."""


@dataclass(frozen=True, slots=True)
class Held:
    """One value that is held."""

    version: str
    cause: Cause
    why: str
    value: Any
    is_kept: bool = True
    """Whether the value may be kept."""

    @classmethod
    def of(cls, version: str, cause: Cause, why: str, value: Any) -> Held:
        """Return what is held of a value: all of it, or nothing where an encoded image is within it."""
        if not has_image(value):
            return cls(version, cause, why, value)
        if cause is not Cause.VERSION:  # whose words are not about the value
            why = "something in it looks like an encoded image, which never leaves its bucket"
        return cls(version, cause, why, None, is_kept=False)

    def detail(self) -> str:
        """Return the JSON text that the waiting tree keeps: version, why and, unless it must not be kept, value."""
        head = {"version": self.version, "why": self.why}
        if not self.is_kept:
            return json_text(head)
        text = json_text({**head, "value": self.value})
        size = len(text.encode())
        if size > MAX_RECORD_BYTES - 1024:
            return json_text({**head, "bytes": size})
        return text


class HeldCount(msgspec.Struct, frozen=True):
    """How many values of one signal are held for one reason, and what to do about it."""

    version: str
    why: str
    """Of several reasons that differ in the value found alone, one."""
    count: int
    pointer: str
    """A source that has one."""
    line: str
    """The line to add to, or change in, the signal's section; empty where none helps."""


def count_held(spec: SignalSpec, held: Iterable[tuple[str, Held]]) -> tuple[HeldCount, ...]:
    """Return the counts of what a signal holds, most first.

    Args:
        spec: The signal's section of the recipe.
        held: Sources and what is held of each.
    """
    groups: dict[tuple[str, Cause, str], list[tuple[str, Held]]] = {}
    for pointer, item in held:
        kind = re.sub(r", found .*", "", item.why, flags=re.DOTALL)
        groups.setdefault((item.version, item.cause, kind), []).append((pointer, item))
    counts = [
        HeldCount(version, items[0][1].why, len(items), items[0][0], line_to_add(spec, version, cause))
        for (version, cause, _), items in groups.items()
    ]
    return tuple(sorted(counts, key=lambda count: (-count.count, count.version, count.why)))


def line_to_add(spec: SignalSpec, version: str, cause: Cause) -> str:
    """Return the line of the recipe that would take values of a version in; empty where none would."""
    if cause is Cause.VERSION:
        return f'accept = "{widen(spec.accept, version)}"'
    if cause is Cause.FORMAT:
        formats = {f"=={version}": "my_formats:to_today", **{str(range_): name for range_, name in spec.formats}}
        items = ", ".join(f'"{range_}" = "{name}"' for range_, name in formats.items())
        return f"formats = {{ {items} }}"
    return ""


def widen(accept: VersionRange, version: str) -> str:
    """Return a range that has the versions of `accept` and `version`, and little else."""
    clauses = []
    for sign, bound in accept.clauses:
        if version in VersionRange(((sign, bound),)):
            clauses.append(sign + bound)
        elif sign in (">", ">="):
            clauses.append(f">={version}")
        elif sign in ("<", "<="):
            major = re.match(r"v?(\d+)", version)
            clauses.append(f"<{int(major[1]) + 1}" if major else f"<={version}")
        elif sign == "==":
            return "*"
    text = ",".join(clauses) or "*"
    return text if version in VersionRange.parse(text) else "*"


def waiting_values(details: Iterable[str]) -> pa.Array:
    """Return the records of a waiting tree for what is held."""
    return pa.array([{"detail": text, "reason": REASON} for text in details], WAITING_TYPE.arrow)
