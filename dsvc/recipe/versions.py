"""Ranges of producer versions: `>=1.4,<3`, `==1.0`, `!=2.1`, `*`.

Versions are compared part by part. A version is cut at `.`, `-`, `_` and between digits and other characters; what
follows a `+` is left out, and so is a `v` before the first digit. Parts of digits compare as numbers, others as
lower-case text, and text comes before any number: `2.0-rc1` is before `2.0`. A part that is missing counts as 0, so
`1.4`, `1.4.0` and `v1.4` are one version. Any text is a version; one without parts equals `0`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from operator import eq, ge, gt, le, lt, ne
from typing import Final

_PART = re.compile(r"[0-9]+|[^0-9.\-_]+")
_CLAUSE = re.compile(r"(>=|<=|==|!=|>|<)\s*([^\s,<>=!*]+)")
_HOLDS: Final[dict[str, Callable[[int, int], bool]]] = {"<": lt, "<=": le, "==": eq, "!=": ne, ">=": ge, ">": gt}

Part = tuple[int, int, str]


@lru_cache(maxsize=1024)
def compare_versions(left: str, right: str) -> int:
    """Return a negative number, 0 or a positive number as `left` is before, equal to or after `right`."""
    zero: Part = (1, 0, "")
    for ours, theirs in zip_longest(_parts(left), _parts(right), fillvalue=zero):
        if ours != theirs:
            return -1 if ours < theirs else 1
    return 0


def _parts(version: str) -> list[Part]:
    text = re.sub(r"^v(?=[0-9])", "", version.strip().lower().partition("+")[0])
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in _PART.findall(text)]


@dataclass(frozen=True)
class VersionRange:
    """A set of versions: all that every clause holds for; no clauses is every version.

    Attributes:
        clauses: (operator, version) pairs in the order written.
    """

    clauses: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> VersionRange:
        """Return the range that a text like `>=1.4,<3` or `*` means.

        Raises:
            ValueError: If it means none; the message says what was expected.
        """
        if text.strip() == "*":
            return cls()
        matches = [_CLAUSE.fullmatch(clause.strip()) for clause in text.split(",")]
        if not all(matches):
            raise ValueError("a range like '>=1.4,<3', '==1.0' or '*'")
        return cls(tuple((match[1], match[2]) for match in matches if match))

    def __contains__(self, version: str) -> bool:
        return all(_HOLDS[sign](compare_versions(version, bound), 0) for sign, bound in self.clauses)

    def contains(self, version: str) -> bool:
        """Tell whether a version is in the range."""
        return version in self

    def __str__(self) -> str:
        return ",".join(sign + version for sign, version in self.clauses) or "*"


EVERY_VERSION: Final = VersionRange()
