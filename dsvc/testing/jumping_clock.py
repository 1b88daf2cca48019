"""A clock that runs with the machine's and can jump ahead of it, and says what stamps of the machine's clock mean.

Servers of a test may be real processes, which sign and stamp by the machine's time. A jump moves the test's world on
without them; `from_wall` says which moment of the world a stamp of theirs was, also one from before a jump.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from typing import Final

SECOND_US: Final = 1_000_000


class JumpingClock:
    """Microseconds UTC of a test's world; calling it tells the time. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since = [0]
        """The machine's second from which each offset holds."""
        self._offsets = [0]

    def __call__(self) -> int:
        """Return the time."""
        return self.from_wall(time.time_ns() // 1000)

    def advance(self, hours: float = 0.0, *, seconds: float = 0.0) -> None:
        """Jump ahead.

        It waits for the machine's next whole second: a stamp in seconds then is from before the jump or after it.
        """
        with self._lock:
            second = time.time_ns() // 10**9 + 1
            time.sleep(second - time.time())
            while time.time_ns() // 10**9 < second:  # a sleep may end a little early
                time.sleep(0.001)
            self._since.append(second * SECOND_US)
            self._offsets.append(self._offsets[-1] + round((hours * 3600 + seconds) * SECOND_US))

    def from_wall(self, wall_us: int) -> int:
        """Return which moment it was when the machine's clock said so."""
        offsets = self._offsets  # it grows first in `_since`, so an index is never beyond it
        at = min(bisect_right(self._since, wall_us), len(offsets)) - 1
        return wall_us + offsets[at]
