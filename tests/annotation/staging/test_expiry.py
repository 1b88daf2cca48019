"""When staged images go away."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.staging.expiry import DAY_US, HOUR_US, MODELS, Expiry, Life, fitting_models, learn_expiry


def at(text, zone=UTC):
    """Return a time of a zone in microseconds UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 10**6


@pytest.mark.parametrize(
    ("model", "put", "gone"),
    [
        ("rolling", "2026-03-02 09:00", "2026-03-03 09:00"),
        ("daily sweep", "2026-03-02 09:00", "2026-03-03 00:00"),
        ("daily sweep", "2026-03-02 00:00", "2026-03-03 00:00"),
        ("daily sweep", "2026-03-01 23:59", "2026-03-02 00:00"),
        ("lifecycle", "2026-03-02 09:00", "2026-03-04 00:00"),
        ("lifecycle", "2026-03-02 00:00", "2026-03-03 00:00"),
        ("lifecycle", "2026-03-02 00:01", "2026-03-04 00:00"),
    ],
)
def test_the_three_readings(model, put, gone):
    """A day later, at the next sweep, at the midnight after a day."""
    assert at(gone) == Expiry(model).store_expires(at(put))


def test_a_sweep_has_an_hour_and_a_zone():
    """Also on the days on which clocks change."""
    berlin = ZoneInfo("Europe/Berlin")
    expiry = Expiry("daily sweep", sweep_minute=3 * 60 + 30, zone=berlin)

    assert at("2026-03-29 03:30", berlin) == expiry.store_expires(at("2026-03-29 01:30", berlin))
    assert at("2026-10-25 03:30", berlin) == expiry.store_expires(at("2026-10-24 03:30", berlin))
    assert at("2026-10-26 03:30", berlin) == expiry.store_expires(at("2026-10-25 03:30", berlin))


@given(st.sampled_from(MODELS), st.integers(0, 2**51), st.integers(0, 1439))
def test_nothing_lives_for_a_day(model, put_us, sweep_minute):
    """Whatever the store does, our own limit is below 24 hours, and a life is longer than nothing."""
    expiry = Expiry(model, sweep_minute)

    assert put_us < expiry.expires(put_us) < put_us + DAY_US
    assert put_us < expiry.store_expires(put_us) <= put_us + 2 * DAY_US


@given(st.sampled_from(MODELS), st.lists(st.integers(0, 2**51), max_size=8))
def test_a_model_fits_what_it_makes(model, puts):
    """Objects that were looked at just before and just after they went do not speak against their own model."""
    expiry = Expiry(model)
    lives = [Life(put, expiry.store_expires(put) - 1, expiry.store_expires(put) + 1) for put in puts]

    assert model in fitting_models(lives, expiry)


def test_what_was_seen_tells_models_apart():
    """An object gone after ten minutes was swept; one alive after 30 hours is the lifecycle's."""
    expiry = Expiry()
    put = at("2026-03-02 23:00")

    assert ("daily sweep",) == fitting_models([Life(put, put + HOUR_US // 2, put + 2 * HOUR_US)], expiry)
    assert ("lifecycle",) == fitting_models([Life(put, put + 24 * HOUR_US + HOUR_US, put + 26 * HOUR_US)], expiry)
    assert MODELS == fitting_models([], expiry)


def watched(real, n_days, declared=Expiry(), first=0):  # noqa: B008 - frozen
    """Return what is seen by hourly looks of copies that are put every five hours, and what is made of it."""
    lives, start = [], at("2026-03-02 00:07") + first
    for put in range(start, start + n_days * DAY_US, 5 * HOUR_US):
        gone = real.expires(put)
        if gone < declared.expires(put):
            looks = [put, *range(start, gone + 2 * HOUR_US, HOUR_US)]
            alive, seen_gone = max(t for t in looks if put <= t < gone), min(t for t in looks if t >= gone)
            lives.append(Life(put, alive, seen_gone))
    return learn_expiry(lives, declared)


@given(st.integers(0, 1439), st.integers(0, 59))
def test_a_sweep_that_nobody_declared_is_learned(minute, first):
    """To the hour in which it comes: nothing that is put before is believed to live past it."""
    learned = watched(Expiry("daily sweep", minute), 3, first=first * 60 * 10**6)

    assert "daily sweep" == learned.model
    assert 0 <= (minute - learned.sweep_minute) % 1440 <= 61


@given(st.integers(3, 20))
def test_a_shorter_life_is_learned(hours):
    """No copy is believed to live for longer than it does."""
    learned = watched(Expiry(limit_us=hours * HOUR_US), 4)
    put = at("2026-03-09 11:11")

    assert (hours - 1) * HOUR_US <= learned.expires(put) - put <= (hours + 1) * HOUR_US


def test_one_hand_is_no_rule():
    """Somebody emptied the store; or everything is as it was said."""
    put = at("2026-03-02 09:00")
    emptied = [Life(put + n, put + n, put + HOUR_US) for n in range(20)]

    assert Expiry() == learn_expiry(emptied, Expiry()) == watched(Expiry(), 5)
    assert Expiry("daily sweep", 120) == watched(Expiry("daily sweep", 120), 5, Expiry("daily sweep", 120))


def test_people_are_told_when_copies_go():
    """In words."""
    told = [Expiry(), Expiry("lifecycle"), Expiry("daily sweep", 150), Expiry(limit_us=5 * HOUR_US)]

    assert ["rolling, 24 h each", "at the midnight after 24 h", "swept daily at 02:30", "gone after 5.0 h"] == [
        expiry.told for expiry in told
    ]
