"""Objects as S3 keeps them, on a clock of the test's: made once if asked so, gone when the store's own rule says.

| rule | an object put at t is gone |
| --- | --- |
| `LIFECYCLE` | at the first midnight UTC a day after t or later, as in S3 with `Days: 1`; never without such a rule |
| `ROLLING` | at t + 24 h |
| `daily_sweep(minute)` | at the next time of the day, however young it is |
| None | never |

A bucket forgets nothing of when an object came and went, and by whose hand, so that a test can ask how long any lived.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

DAY_US: Final = 86_400_000_000
_MINUTE_US: Final = 60_000_000

Rule = Callable[[int, int], int]
"""(when it was put, days of the lifecycle rule that covers it, 0 for none) -> when it goes; 0 for never."""


def LIFECYCLE(put_us: int, days: int) -> int:  # noqa: N802 - a constant to whoever names it
    """Return the midnight at which S3's lifecycle deletes."""
    return -(-(put_us + days * DAY_US) // DAY_US) * DAY_US if days else 0


def ROLLING(put_us: int, _days: int) -> int:  # noqa: N802 - as above
    """Return the same time of the next day."""
    return put_us + DAY_US


def daily_sweep(minute: int = 0) -> Rule:
    """Return the rule of a store that is emptied each day at a minute (UTC)."""

    def rule(put_us: int, _days: int) -> int:
        today = put_us // DAY_US * DAY_US + minute * _MINUTE_US
        return today if put_us < today else today + DAY_US

    return rule


@dataclass(frozen=True)
class Held:
    """An object.

    Attributes:
        data: Its bytes.
        put_us: When it was put.
        headers: What it is served with.
    """

    data: bytes
    put_us: int
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        """The MD5 of its bytes, in quotes."""
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'


@dataclass(frozen=True)
class Lived:
    """One life of an object, for what tests ask afterwards.

    Attributes:
        key: Its key.
        put_us: When it came.
        gone_us: When it went; None while it is there.
        by: Whose hand it was.
    """

    key: str
    put_us: int
    gone_us: int | None = None
    by: Literal["", "delete", "overwrite", "rule"] = ""

    def age_us(self, now_us: int) -> int:
        """Return how long it lived, or lives already."""
        return (now_us if self.gone_us is None else self.gone_us) - self.put_us


class PreconditionError(Exception):
    """An object is not as the request demands; the status says how."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Bucket:
    """Objects by key. Safe for threads.

    Args:
        clock: Microseconds UTC.
        rule: When objects go by themselves.
    """

    def __init__(self, clock: Callable[[], int], rule: Rule | None = None) -> None:
        self._clock, self._rule = clock, rule
        self._objects: dict[str, Held] = {}
        self._lock = threading.RLock()
        self.lives: list[Lived] = []
        """Of all objects that ever were, in the order in which they went; those that are there are not among them."""
        self.lifecycle: list[tuple[str, int]] = []
        """(prefix, days) of the rules that the owner set."""

    def put(
        self,
        key: str,
        data: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        is_new: bool = False,
        match: str | None = None,
    ) -> Held:
        """Put an object, in the place of one that is there.

        Args:
            key: Its key.
            data: Its bytes.
            headers: What it is served with.
            is_new: Refuse where there is one.
            match: The ETag of the one that must be there.

        Raises:
            PreconditionError: If it is not as demanded.
        """
        with self._lock:
            self._sweep()
            there = self._objects.get(key)
            if is_new and there is not None:
                raise PreconditionError(412, "PreconditionFailed")
            self._demand(there, match)
            if there is not None:
                self._end(key, self._clock(), "overwrite")
            held = self._objects[key] = Held(data, self._clock(), dict(headers or {}))
            return held

    def get(self, key: str) -> Held | None:
        """Return an object, None if there is none."""
        with self._lock:
            self._sweep()
            return self._objects.get(key)

    def delete(self, key: str, match: str | None = None) -> None:
        """Remove an object, if there is one.

        Raises:
            PreconditionError: If it is not as demanded.
        """
        with self._lock:
            self._sweep()
            there = self._objects.get(key)
            if match is not None:
                self._demand(there, match)
            if there is not None:
                self._end(key, self._clock(), "delete")

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that begin so, sorted by their bytes."""
        with self._lock:
            self._sweep()
            return sorted((key for key in self._objects if key.startswith(prefix)), key=str.encode)

    def due(self, key: str, put_us: int) -> int:
        """Return when an object goes by itself; 0 for never."""
        days = min((days for prefix, days in self.lifecycle if key.startswith(prefix)), default=0)
        return 0 if self._rule is None else self._rule(put_us, days)

    def all_lives(self) -> list[Lived]:
        """Return every life there was, and those that go on."""
        with self._lock:
            self._sweep()
            return [*self.lives, *(Lived(key, held.put_us) for key, held in self._objects.items())]

    def oldest_us(self) -> int:
        """Return how long the one that lived longest did, whoever deleted it."""
        now = self._clock()
        return max((life.age_us(now) for life in self.all_lives()), default=0)

    def _demand(self, there: Held | None, match: str | None) -> None:
        if match is None:
            return
        if there is None:
            raise PreconditionError(404, "NoSuchKey")
        if match not in ("*", there.etag):
            raise PreconditionError(412, "PreconditionFailed")

    def _sweep(self) -> None:
        now = self._clock()
        for key, held in list(self._objects.items()):
            due = self.due(key, held.put_us)
            if due and due <= now:
                self._end(key, due, "rule")

    def _end(self, key: str, gone_us: int, by: Literal["delete", "overwrite", "rule"]) -> None:
        held = self._objects.pop(key)
        self.lives.append(Lived(key, held.put_us, gone_us, by))
