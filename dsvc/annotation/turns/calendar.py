"""When people work: `Mon-Fri 08:00-18:00 Europe/Berlin`, days and hours on the wall clock of a zone.

Several ranges are joined by `;` and share the zone at the end: `Mon-Thu 08:00-17:00; Fri 08:00-14:00 Europe/Berlin`.
A range past midnight ends on the next day. `always` is every hour of every day. Single days without work are given
beside it. Where clocks change, an hour that does not exist is not worked, and one that comes twice is worked twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dsvc.errors import ConfigError

ALWAYS: Final = "always"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RANGE = re.compile(r"(?P<days>[A-Za-z]{3}(?:[-,][A-Za-z]{3})*)\s+(?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d)")
_DAY_MINUTES = 24 * 60
_US = 10**6
_CHUNK_DAYS = 32
_EXAMPLE = 'write hours = "Mon-Fri 08:00-18:00 Europe/Berlin"'
_Hours = tuple[int, int, int]  # weekday, first minute, minute to stop before


class Calendar:
    """The hours in which people work.

    Example:
        >>> monday = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()) * 10**6
        >>> Calendar("Mon-Fri 08:00-18:00").open_us(monday, monday + 86_400_000_000) / 3_600_000_000
        10.0
    """

    def __init__(self, text: str = ALWAYS, holidays: Iterable[date] = ()) -> None:
        """Read the hours.

        Args:
            text: Days, hours and zone; UTC where no zone is named.
            holidays: Days on which nobody works.

        Raises:
            ConfigError: If the text is not understood.
        """
        self.text = text
        self._holidays = frozenset(holidays)
        self._hours, self._zone = _parse(text)
        self._chunks: dict[int, list[tuple[int, int]]] = {}

    def is_open(self, at_us: int) -> bool:
        """Tell whether people work at a time."""
        return self.open_us(at_us, at_us + 1) > 0

    def open_us(self, start_us: int, end_us: int) -> int:
        """Return how many microseconds are worked from one time to before another."""
        total, at = 0, start_us
        while at < end_us:
            chunk = self._chunk_of(at)
            stop = min(end_us, (chunk + 1) * _CHUNK_DAYS * _DAY_MINUTES * 60 * _US)
            for begin, end in self._intervals(chunk):
                if begin >= stop:
                    break
                total += max(0, min(end, stop) - max(begin, at))
            at = stop
        return total

    def next_open(self, at_us: int) -> int | None:
        """Return the first time from `at_us` on at which people work; None if there is none within a year."""
        chunk = self._chunk_of(at_us)
        for number in range(chunk, chunk + 13):
            for begin, end in self._intervals(number):
                if end > at_us:
                    return max(begin, at_us)
        return None

    def after_work(self, start_us: int, work_us: int) -> int | None:
        """Return when so much time will have been worked; None if not within ten years."""
        left, chunk = work_us, self._chunk_of(start_us)
        for number in range(chunk, chunk + 115):
            for begin, end in self._intervals(number):
                usable = end - max(begin, start_us)
                if usable >= left and usable > 0:
                    return max(begin, start_us) + left
                left -= max(0, usable)
        return None

    def _chunk_of(self, at_us: int) -> int:
        return at_us // (_CHUNK_DAYS * _DAY_MINUTES * 60 * _US)

    def _intervals(self, chunk: int) -> list[tuple[int, int]]:
        """Return what is worked within a chunk of days, as disjoint intervals in order."""
        found = self._chunks.get(chunk)
        if found is None:
            found = self._chunks[chunk] = self._find_intervals(chunk)
        return found

    def _find_intervals(self, chunk: int) -> list[tuple[int, int]]:
        first = datetime.fromtimestamp(chunk * _CHUNK_DAYS * 86400, UTC)
        low, high = (int(x.timestamp()) * _US for x in (first, first + timedelta(days=_CHUNK_DAYS)))
        raw: list[tuple[int, int]] = []
        for offset in range(-2, _CHUNK_DAYS + 2):
            day = (first + timedelta(days=offset)).date()
            if day in self._holidays:
                continue
            for weekday, start, end in self._hours:
                if day.weekday() == weekday:
                    raw.append((self._instant(day, start), self._instant(day, end)))
        clipped = sorted((max(a, low), min(b, high)) for a, b in raw if a < high and b > low and a < b)
        merged: list[tuple[int, int]] = []
        for begin, end in clipped:
            if merged and begin <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((begin, end))
        return merged

    def _instant(self, day: date, minute: int) -> int:
        days, minute = divmod(minute, _DAY_MINUTES)
        local = datetime(day.year, day.month, day.day, minute // 60, minute % 60) + timedelta(days=days)  # noqa: DTZ001
        # The first of two, for a begin; zoneinfo maps an hour that does not exist to the same time after it.
        return int(local.replace(tzinfo=self._zone).timestamp()) * _US


def _parse(text: str) -> tuple[list[_Hours], tzinfo]:
    words = text.strip()
    if words.lower() == ALWAYS:
        return [(weekday, 0, _DAY_MINUTES) for weekday in range(7)], UTC
    hours: list[_Hours] = []
    zone: tzinfo = UTC
    parts = [part.strip() for part in words.split(";")]
    for number, part in enumerate(parts):
        match = _RANGE.match(part)
        if match is None:
            raise _wrong(text, f"{part!r} is no range of hours")
        rest = part[match.end() :].strip()
        if rest:
            if number < len(parts) - 1:
                raise _wrong(text, "the zone comes at the end")
            try:
                zone = ZoneInfo(rest)
            except (ZoneInfoNotFoundError, ValueError, OSError) as err:
                raise _wrong(text, f"{rest!r} is no zone that this machine knows") from err
        start, end = _minute(text, match["start"]), _minute(text, match["end"])
        end += _DAY_MINUTES if end <= start else 0
        hours += [(weekday, start, end) for weekday in _weekdays(text, match["days"])]
    return hours, zone


def _weekdays(text: str, days: str) -> list[int]:
    found: set[int] = set()
    for group in days.split(","):
        names = group.lower().split("-")
        if not set(names) <= set(_DAYS) or len(names) > 2:
            raise _wrong(text, f"{group!r} is no day or range of days")
        first, last = _DAYS.index(names[0]), _DAYS.index(names[-1])
        found |= {(first + step) % 7 for step in range((last - first) % 7 + 1)}
    return sorted(found)


def _minute(text: str, clock: str) -> int:
    hour, minute = (int(part) for part in clock.split(":"))
    if hour * 60 + minute > _DAY_MINUTES or minute > 59:
        raise _wrong(text, f"{clock} is no time of a day")
    return hour * 60 + minute


def _wrong(text: str, reason: str) -> ConfigError:
    return ConfigError(
        file="a platform", key="hours", expected=f"working hours ({reason})", found=repr(text), hint=_EXAMPLE
    )
