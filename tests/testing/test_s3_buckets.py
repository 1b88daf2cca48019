"""Buckets on a clock of the test's."""

import contextlib
import threading

import pytest

from dsvc.testing.s3_buckets import DAY_US, LIFECYCLE, ROLLING, Bucket, Lived, PreconditionError, daily_sweep

HOUR_US = DAY_US // 24
MONDAY_US = 1_772_409_600_000_000
"""Midnight UTC."""


class Clock:
    """A clock that stands still."""

    def __init__(self, now_us=MONDAY_US):
        self.now_us = now_us

    def __call__(self):
        """Return the time."""
        return self.now_us


@pytest.mark.parametrize(
    ("rule", "days", "put_hour", "gone_hour"),
    [
        pytest.param(ROLLING, 0, 9, 33, id="rolling"),
        pytest.param(daily_sweep(0), 0, 9, 24, id="sweep-at-midnight"),
        pytest.param(daily_sweep(9 * 60 + 10), 0, 9, 9 + 1 / 6, id="sweep-ten-minutes-later"),
        pytest.param(daily_sweep(8 * 60), 0, 8, 32, id="sweep-of-the-next-day"),
        pytest.param(LIFECYCLE, 1, 9, 48, id="lifecycle-of-a-day"),
        pytest.param(LIFECYCLE, 1, 0, 24, id="lifecycle-at-midnight"),
        pytest.param(LIFECYCLE, 0, 9, None, id="lifecycle-without-a-rule"),
        pytest.param(None, 1, 9, None, id="no-rule"),
    ],
)
def test_objects_go_by_the_rule(rule, days, put_hour, gone_hour):
    """At that moment, not before it, and by nobody's hand."""
    clock = Clock(MONDAY_US + put_hour * HOUR_US)
    bucket = Bucket(clock, rule)
    bucket.lifecycle = [("dsvc/", days)] if days else []
    bucket.put("dsvc/0a", b"pixels")
    if gone_hour is None:
        clock.now_us += 90 * DAY_US
        assert bucket.get("dsvc/0a") is not None
        return
    gone_us = MONDAY_US + round(gone_hour * HOUR_US)
    clock.now_us = gone_us - 1

    assert ["dsvc/0a"] == bucket.keys()
    clock.now_us = gone_us + HOUR_US
    assert bucket.get("dsvc/0a") is None
    assert [Lived("dsvc/0a", MONDAY_US + put_hour * HOUR_US, gone_us, "rule")] == bucket.all_lives()


def test_a_lifecycle_rule_is_of_a_prefix():
    """What is outside of it stays."""
    clock = Clock()
    bucket = Bucket(clock, LIFECYCLE)
    bucket.lifecycle = [("dsvc/", 1)]
    bucket.put("dsvc/0a", b"")
    bucket.put("raw/0a", b"")
    clock.now_us += 3 * DAY_US

    assert ["raw/0a"] == bucket.keys()


def test_conditions_hold():
    """Only one of many who create wins; who expects another object, or one that is not there, is refused."""
    bucket = Bucket(Clock())
    won = []

    def create(number):
        with contextlib.suppress(PreconditionError):
            won.append(bucket.put("0a", str(number).encode(), is_new=True))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (first,) = won
    with pytest.raises(PreconditionError, match="PreconditionFailed"):
        bucket.put("0a", b"other", match='"stale"')
    with pytest.raises(PreconditionError, match="NoSuchKey"):
        bucket.put("0b", b"other", match=first.etag)
    with pytest.raises(PreconditionError, match="PreconditionFailed"):
        bucket.delete("0a", '"stale"')

    assert first == bucket.get("0a")
    assert b"other" == bucket.put("0a", b"other", match=first.etag).data


def test_lives_are_remembered():
    """Of what was deleted, of what was overwritten, and of what is there."""
    clock = Clock()
    bucket = Bucket(clock)
    bucket.put("0a", b"1")
    clock.now_us += HOUR_US
    bucket.put("0a", b"2")
    clock.now_us += 2 * HOUR_US
    bucket.delete("0a")
    bucket.delete("0a")
    bucket.put("0b", b"3")
    clock.now_us += HOUR_US

    ends = [(life.key, life.age_us(clock.now_us) // HOUR_US, life.by) for life in bucket.all_lives()]
    assert [("0a", 1, "overwrite"), ("0a", 2, "delete"), ("0b", 1, "")] == ends
    assert 2 * HOUR_US == bucket.oldest_us()
