"""Working hours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.turns.calendar import Calendar
from dsvc.errors import ConfigError

HOUR = 3_600_000_000
BERLIN = ZoneInfo("Europe/Berlin")
WEEK = "Mon-Fri 08:00-18:00 Europe/Berlin"


def at(text, zone=BERLIN):
    """Return a time of a zone in microseconds UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 10**6


def test_a_week_has_its_hours():
    """Fifty of them, from Monday to Friday, in the zone's own time."""
    calendar = Calendar(WEEK)

    assert 50 * HOUR == calendar.open_us(at("2026-03-02 00:00"), at("2026-03-09 00:00"))
    assert calendar.is_open(at("2026-03-02 08:00"))
    assert not calendar.is_open(at("2026-03-02 18:00"))
    assert not calendar.is_open(at("2026-03-07 12:00"))


def test_hours_follow_the_wall_clock():
    """Eight in the morning is another instant after the clocks change; the working day is as long."""
    calendar = Calendar(WEEK)

    assert datetime(2026, 3, 27, 7, tzinfo=UTC).timestamp() * 1e6 == calendar.next_open(at("2026-03-27 00:00"))
    assert datetime(2026, 3, 30, 6, tzinfo=UTC).timestamp() * 1e6 == calendar.next_open(at("2026-03-28 00:00"))
    assert 10 * HOUR == calendar.open_us(at("2026-03-30 00:00"), at("2026-03-31 00:00"))


def test_a_night_shift_is_as_long_as_the_night():
    """An hour that comes twice is worked twice, one that is left out is not worked."""
    calendar = Calendar("Sat 22:00-06:00 Europe/Berlin")

    assert 8 * HOUR == calendar.open_us(at("2026-03-07 12:00"), at("2026-03-08 12:00"))
    assert 7 * HOUR == calendar.open_us(at("2026-03-28 12:00"), at("2026-03-29 12:00"))
    assert 9 * HOUR == calendar.open_us(at("2026-10-24 12:00"), at("2026-10-25 12:00"))


def test_ranges_and_days():
    """Several ranges, lists of days, ranges over the weekend; what overlaps counts once."""
    calendar = Calendar("Mon-Thu 08:00-17:00; Fri 08:00-14:00; Fri-Mon 12:00-13:00; Sun,Sat 10:00-12:00 Europe/Berlin")

    assert (36 + 6 + 2 + 4) * HOUR == calendar.open_us(at("2026-03-02 00:00"), at("2026-03-09 00:00"))


def test_holidays_are_not_worked():
    """Nor is the night that begins on one."""
    calendar = Calendar(WEEK, [date(2026, 3, 3)])

    assert 40 * HOUR == calendar.open_us(at("2026-03-02 00:00"), at("2026-03-09 00:00"))
    assert at("2026-03-04 08:00") == calendar.next_open(at("2026-03-02 18:00"))


def test_work_ends_when_it_is_done():
    """So many hours later, counted in hours that are worked."""
    calendar = Calendar(WEEK)

    assert at("2026-03-03 09:00") == calendar.after_work(at("2026-03-02 09:00"), 10 * HOUR)
    assert at("2026-03-09 08:30") == calendar.after_work(at("2026-03-06 17:00"), 3 * HOUR // 2)
    assert (
        Calendar("Mon 08:00-09:00", [date(2026, 3, 2) + timedelta(days=n) for n in range(9999)]).after_work(
            at("2026-03-02 00:00"), HOUR
        )
        is None
    )


def test_always_is_always():
    """The default: every hour of every day."""
    assert 24 * 400 * HOUR == Calendar().open_us(at("2026-01-01 00:00", UTC), at("2026-01-01 00:00", UTC) + 9600 * HOUR)


@given(st.lists(st.integers(1_700_000_000, 1_800_000_000), min_size=3, max_size=3))
def test_time_adds_up(seconds):
    """What is worked from a to c is what is worked from a to b and from b to c, whatever is remembered."""
    calendar = Calendar("Mon-Fri 07:30-19:00; Sat 22:00-03:00 America/New_York")
    a, b, c = (second * 10**6 for second in sorted(seconds))

    assert calendar.open_us(a, c) == calendar.open_us(a, b) + calendar.open_us(b, c)
    end = calendar.after_work(a, calendar.open_us(a, c))
    assert end is not None
    assert calendar.open_us(a, max(a, end)) == calendar.open_us(a, c)


@pytest.mark.parametrize(
    "text",
    ["", "Mon", "Mon-Fri", "Mon-Fry 08:00-18:00", "Mon 08:00-25:00", "Mon 08:00-18:00 Europe/Berlyn", "Mon 8-18"],
)
def test_what_is_not_understood_is_refused(text):
    """With an example of how to write it."""
    with pytest.raises(ConfigError) as caught:
        Calendar(text)
    assert "Mon-Fri 08:00-18:00" in str(caught.value.hint)
