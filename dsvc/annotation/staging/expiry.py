"""When a staged image goes away: three readings of "deleted every 24 hours", and our own limit on all of them.

| model | an object put at t is gone |
| --- | --- |
| rolling | at t + 24 h |
| daily sweep | at the next sweep, however young it is |
| lifecycle | at the midnight UTC after t + 24 h, as S3 counts days: it lives for 24 to 48 h |

Whatever the store does, dsvc deletes at 24 h; so under lifecycle the limit is ours. What can be seen of a store that
does otherwise than was said is copies that go too early: from these `learn_expiry` tells when it really deletes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
Model = Literal["rolling", "daily sweep", "lifecycle"]
MODELS: Final[tuple[Model, ...]] = ("rolling", "daily sweep", "lifecycle")


@dataclass(frozen=True)
class Expiry:
    """How long staged images live.

    Attributes:
        model: Which reading.
        sweep_minute: Minute of the day of a daily sweep, in `zone`.
        zone: Of the sweep.
        limit_us: The age at which dsvc deletes; less than a day by the time that may pass between two looks.
    """

    model: Model = "rolling"
    sweep_minute: int = 0
    zone: tzinfo = UTC
    limit_us: int = DAY_US - HOUR_US // 4

    @property
    def told(self) -> str:
        """What a person is told of it."""
        if self.model == "daily sweep":
            return f"swept daily at {self.sweep_minute // 60:02}:{self.sweep_minute % 60:02}"
        if self.limit_us < DAY_US - HOUR_US // 4:
            return f"gone after {self.limit_us / HOUR_US:.1f} h"
        return "rolling, 24 h each" if self.model == "rolling" else "at the midnight after 24 h"

    def store_expires(self, put_us: int) -> int:
        """Return when the store deletes what was put at a time."""
        if self.model == "rolling":
            return put_us + DAY_US
        if self.model == "lifecycle":
            return (put_us + DAY_US) // DAY_US * DAY_US + (DAY_US if (put_us + DAY_US) % DAY_US else 0)
        return self._next_sweep(put_us)

    def expires(self, put_us: int) -> int:
        """Return when it is gone at the latest, by the store's hand or by ours."""
        return min(self.store_expires(put_us), put_us + self.limit_us)

    def _next_sweep(self, put_us: int) -> int:
        local = datetime.fromtimestamp(put_us / 1e6, self.zone)
        for days in (0, 1, 2):
            day = (local + timedelta(days=days)).date()
            hour, minute = divmod(self.sweep_minute, 60)
            # fold=0: where the clock is set back, the first of the two; a sweep taken too early harms nobody.
            sweep_us = int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone).timestamp()) * 10**6
            if sweep_us > put_us:
                return sweep_us
        raise AssertionError("a sweep comes every day")


@dataclass(frozen=True)
class Life:
    """What was seen of one object: put, seen alive last, seen gone first; nobody of ours deleted it."""

    put_us: int
    alive_us: int
    gone_us: int


FORGET_US: Final = 7 * DAY_US
"""What was seen so long ago tells nothing of today: a rule may have been set right."""
_ENOUGH = 3
_APART_US = DAY_US // 2
_MINUTE_US = 60_000_000
_LEAST_US = 2 * HOUR_US
"""Where copies live for less, nobody can be asked; to believe that would be to send nothing, and see nothing more."""


def learn_expiry(lives: Sequence[Life], declared: Expiry, *, slack_us: int = HOUR_US // 2) -> Expiry:
    """Return when a store really deletes, as far as what was seen speaks against what was said.

    A few copies that went at once may have been somebody's hand; it takes several, at least half a day apart. Where all
    went at one time of day it is swept then; where all went at one age they live for so long; else no copy is believed
    to live for longer than the shortest did.

    Args:
        lives: What was seen.
        declared: What was said.
        slack_us: How much earlier than promised a store may be.
    """
    early = [life for life in lives if life.gone_us + slack_us < declared.expires(life.put_us)]
    gone = [life.gone_us for life in early]
    if len(early) < _ENOUGH or max(gone) - min(gone) < _APART_US:
        return declared
    for minute in sorted({(life.alive_us // _MINUTE_US + 1) % 1440 for life in early}):
        sweep = Expiry("daily sweep", minute, limit_us=declared.limit_us)
        if all(life.alive_us <= sweep.store_expires(life.put_us) <= life.gone_us for life in early):
            return sweep
    shortest_us = min(life.gone_us - life.put_us for life in early)
    return Expiry("rolling", limit_us=max(_LEAST_US, shortest_us - 2 * slack_us))


def fitting_models(lives: Sequence[Life], expiry: Expiry, *, slack_us: int = HOUR_US // 2) -> tuple[Model, ...]:
    """Return the models that are consistent with what was seen: each object gone within its interval.

    Args:
        lives: What was seen.
        expiry: Gives the time of the sweep.
        slack_us: How much earlier or later than promised a store may be.
    """

    def fits(model: Model, life: Life) -> bool:
        due = Expiry(model, expiry.sweep_minute, expiry.zone).store_expires(life.put_us)
        return life.alive_us - slack_us <= due <= life.gone_us + slack_us

    return tuple(model for model in MODELS if all(fits(model, life) for life in lives))
