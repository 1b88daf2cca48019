"""The clock that jumps."""

import time

from dsvc.testing.jumping_clock import SECOND_US, JumpingClock

HOUR_US = 3600 * SECOND_US


def test_it_runs_with_the_machine():
    """Until it jumps."""
    clock = JumpingClock()
    before = time.time_ns() // 1000
    now = clock()

    assert before <= now <= time.time_ns() // 1000


def test_it_jumps_ahead_and_stamps_keep_their_moment():
    """What the machine stamped before a jump stays before it; each jump adds to those before."""
    clock = JumpingClock()
    first = time.time_ns() // 10**9 * SECOND_US
    clock.advance(2)
    second = time.time_ns() // 10**9 * SECOND_US
    clock.advance(seconds=90)
    third = time.time_ns() // 10**9 * SECOND_US

    assert first < second < third
    assert first == clock.from_wall(first)
    assert second + 2 * HOUR_US == clock.from_wall(second)
    assert third + 2 * HOUR_US + 90 * SECOND_US == clock.from_wall(third)
    assert 0 <= clock() - clock.from_wall(third) < HOUR_US
