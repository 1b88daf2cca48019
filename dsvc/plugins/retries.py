"""Trying again what failed for a passing reason: a bounded number of times, for a bounded time, ever further apart.

The waits grow by doubling, and each is a random share of its bound ("full jitter"): many readers that were refused at
once do not come back at once.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


class TransientError(Exception):
    """A fault that may be gone the next time.

    Args:
        reason: What happened, for people.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class GivenUpError(Exception):
    """It failed again and again; `reason` says how, how often and for how long."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _sleep(seconds: float, given_up: threading.Event | None) -> None:
    if given_up is None:
        time.sleep(seconds)
    else:
        given_up.wait(seconds)


@dataclass(frozen=True)
class Retries:
    """How often and for how long something is tried.

    Attributes:
        tries: At most so many, the first included.
        first_wait_s: Bound of the wait after the first try; it doubles with each.
        most_wait_s: No wait is longer.
        time_s: No try begins later than this after the first began, and work that asks is told when it is over.
        clock: Seconds.
        wait: Sleeps so many seconds, or until the event that may be given is set.
        jitter: Gives a number from 0 to 1.
    """

    tries: int = 6
    first_wait_s: float = 0.2
    most_wait_s: float = 10.0
    time_s: float = 120.0
    clock: Callable[[], float] = field(default=time.monotonic, compare=False)
    wait: Callable[[float, threading.Event | None], object] = field(default=_sleep, compare=False)
    jitter: Callable[[], float] = field(default=random.random, compare=False)

    def call(self, work: Callable[[float], T], given_up: threading.Event | None = None) -> T:
        """Return what `work` returns, trying again after each `TransientError`.

        Args:
            work: Called with the moment, of `clock`, when it is over; anything else that it raises passes through.
            given_up: Once set, nothing is tried again.

        Raises:
            GivenUpError: If the last try failed too.
        """
        began = self.clock()
        tries = 0
        while True:
            tries += 1
            try:
                return work(began + self.time_s)
            except TransientError as err:
                spent = self.clock() - began
                wait_s = min(self.most_wait_s, self.first_wait_s * 2 ** (tries - 1)) * self.jitter()
                is_over = tries >= self.tries or spent + wait_s >= self.time_s
                if not is_over:
                    self.wait(wait_s, given_up)
                if is_over or (given_up is not None and given_up.is_set()):
                    often = "once" if tries == 1 else f"{tries} times"
                    raise GivenUpError(f"{err.reason}; tried {often} in {spent:.1f} s") from err
