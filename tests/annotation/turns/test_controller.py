"""How much to release."""

from datetime import UTC, datetime
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.staging.expiry import DAY_US, HOUR_US, Expiry
from dsvc.annotation.turns.calendar import Calendar
from dsvc.annotation.turns.controller import (
    NEEDS,
    Pace,
    Policy,
    Turn,
    begin,
    decide,
    finish_us,
    observe,
    share_out,
    value_level,
)

CALENDAR = Calendar("Mon-Fri 08:00-18:00")
POLICY = Policy()
MEAN_S = 36.0


def at(text):
    """Return a time in microseconds UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**6


def decided(text, pace=None, *, open_s=0.0, expiry=Expiry()):  # noqa: B008 - frozen
    """Return the window at a time."""
    return decide(
        pace or Pace(people=1.0),
        now_us=at(text),
        open_s=open_s,
        mean_s=MEAN_S,
        calendar=CALENDAR,
        expiry=expiry,
        policy=POLICY,
    )


def run_turns(pace, start, n, *, minutes=15, **turn):
    """Return the pace after some equal turns."""
    """Return the window at a time."""
    now = at(start)
    for _ in range(n):
        pace = observe(pace, Turn(now_us=now, **turn), CALENDAR, POLICY)
        now += minutes * 60 * 10**6
    return pace


def test_the_pace_is_measured_while_there_is_work():
    """Three people who each work all the time are three people, after some hours."""
    pace = run_turns(begin(POLICY), "2026-03-02 08:00", 40, answered=75, answered_s=2700.0, left_s=9000.0)

    assert pytest.approx(3.0, rel=0.02) == pace.people


def test_an_interval_without_work_says_nothing():
    """Neither a night, nor an hour in which nothing was left to do."""
    pace = Pace(people=3.0, until_us=at("2026-03-02 18:00"), measured_us=20 * HOUR_US)

    assert 3.0 == run_turns(pace, "2026-03-02 19:00", 20, left_s=9000.0).people
    assert 3.0 == run_turns(pace, "2026-03-03 08:00", 20, answered=3, answered_s=100.0, left_s=0.0).people


def test_who_uses_up_all_that_is_given_is_given_more():
    """From one person to thirty within a morning, while more is waiting."""
    pace, now = begin(POLICY), at("2026-03-02 08:00")
    for _ in range(16):
        pace = observe(
            pace,
            Turn(now_us=now, answered=1, answered_s=min(30.0, pace.people) * 900, left_s=0.0, is_held_back=True),
            CALENDAR,
            POLICY,
        )
        now += 900 * 10**6

    assert 30.0 <= pace.people < 50


def test_a_loss_of_people_is_seen_within_hours():
    """Of ten, four leave: after a working day the pace is six."""
    pace = Pace(people=10.0, until_us=at("2026-03-02 08:00"), measured_us=99 * HOUR_US)
    pace = run_turns(pace, "2026-03-02 08:15", 38, answered=150, answered_s=5400.0, left_s=90_000.0)

    assert pytest.approx(6.0, rel=0.05) == pace.people


def test_what_expires_lowers_the_gain_and_quiet_raises_it():
    """By a tenth an hour, and a fiftieth; between 0.3 and 1."""
    pace = Pace(people=1.0, until_us=at("2026-03-02 08:00"))
    lower = run_turns(pace, "2026-03-02 09:00", 3, minutes=60, expired=5, left_s=9e9)
    assert pytest.approx(0.9**3) == lower.gain
    assert 0.3 == run_turns(pace, "2026-03-02 09:00", 40, minutes=60, expired=5, left_s=9e9).gain
    assert 1.0 == run_turns(lower, "2026-03-04 09:00", 60, minutes=60, answered=100, left_s=9e9).gain


def test_nothing_is_released_that_would_expire_unseen():
    """On a Friday evening, on a Saturday, at night long before anybody comes."""
    for text in ("2026-03-06 17:59", "2026-03-07 12:00", "2026-03-02 22:00", "2026-03-03 03:59"):
        assert decided(text).work_s < 36

    assert decided("2026-03-09 07:00").work_s > 0


def test_the_window_ends_with_the_day_under_a_sweep():
    """What is open at midnight is lost: less and less may be open towards the evening."""
    sizes = [decided(f"2026-03-02 {hour:02}:00", expiry=Expiry("daily sweep")).work_s for hour in range(12, 19)]

    assert sorted(sizes, reverse=True) == sizes
    assert 0.0 == sizes[-1]


def test_what_is_open_counts():
    """Only what is missing is released; too much is taken back by nobody."""
    window = decided("2026-03-02 09:00")

    assert window.work_s == window.release_s
    assert window.work_s - 100 == decided("2026-03-02 09:00", open_s=100.0).release_s
    assert 0.0 == decided("2026-03-02 09:00", open_s=1e9).release_s


def test_rare_turns_release_more():
    """Who looks in once a day must leave work for a day."""
    often, daily = Pace(people=1.0, turn_us=HOUR_US // 4), Pace(people=1.0, turn_us=10 * HOUR_US)

    assert decided("2026-03-02 08:00", daily).work_s > 1.5 * decided("2026-03-02 08:00", often).work_s


def test_without_staging_only_the_lead_counts():
    """Nothing expires."""
    window = decided("2026-03-06 17:00", expiry=None)

    assert (inf, window.busy_s) == (window.answerable_s, window.work_s)


@given(
    st.floats(0.01, 1000),
    st.floats(0.3, 1),
    st.integers(at("2026-01-01 00:00"), at("2027-01-01 00:00")),
    st.sampled_from(["rolling", "daily sweep", "lifecycle"]),
    st.floats(1, 3600),
)
def test_a_window_is_never_more_than_will_be_done(people, gain, now_us, model, mean_s):
    """Whatever the hour: not more than can be answered before it expires, nor than keeps people busy."""
    window = decide(
        Pace(people=people, gain=gain),
        now_us=now_us,
        open_s=0.0,
        mean_s=mean_s,
        calendar=CALENDAR,
        expiry=Expiry(model),
        policy=POLICY,
    )

    assert 0 <= window.release_s == window.work_s <= min(window.answerable_s, window.busy_s)
    assert window.busy_s <= POLICY.spare * people * 2 * 3600 * 1.000001


@given(
    st.floats(0, 1e5),
    st.dictionaries(st.sampled_from(NEEDS), st.floats(0, 1e5)),
    st.dictionaries(st.sampled_from(NEEDS), st.floats(0, 0.25)),
)
def test_a_release_is_shared_out_in_order(work_s, waiting, reserved):
    """All of it while anything waits; a need gets its share, or all it has, and the first get the rest."""
    given_ = share_out(work_s, waiting, reserved)

    assert sum(given_.values()) == pytest.approx(min(work_s, sum(waiting.values())), rel=1e-6, abs=1e-6)
    for number, need in enumerate(NEEDS):
        has, got = waiting.get(need, 0.0), given_[need]
        assert got <= has
        assert got >= min(has, reserved.get(need, 0.0) * work_s) - 1e-6
        if got < has - 1e-6:  # those behind have nothing but their share
            for later in NEEDS[number + 1 :]:
                assert given_[later] <= reserved.get(later, 0.0) * work_s + 1e-6


def test_value_is_worth_for_time():
    """More rows, more doubt, less effort and less time left are worth more; levels are bounded."""
    base = value_level(1, 0.5, 60)

    assert value_level(10, 0.5, 60) > base
    assert value_level(1, 0.5, 600) < base
    assert value_level(1, 0.5, 60, slack_us=HOUR_US) > base == value_level(1, 0.5, 60, slack_us=1000 * DAY_US)
    assert (0, 15) == (value_level(0, 0, 60), value_level(1e9, 1, 1))


def test_a_backlog_has_an_end():
    """In working hours, at the present pace."""
    assert at("2026-03-03 10:00") == finish_us(Pace(people=2.0), 24 * 3600.0, at("2026-03-02 08:00"), CALENDAR)
    assert finish_us(Pace(people=0.001), 1e9, at("2026-03-02 08:00"), CALENDAR) is None


@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.integers(0, 5))
def test_turns_close_together_are_one(seconds, n_answers):
    """However often somebody looks, the pace is that of what was done in the time that it took."""
    start = at("2026-03-02 09:00")
    pace = often = observe(begin(POLICY), Turn(now_us=start), CALENDAR, POLICY)
    now = start
    for one in [*seconds, 1800 - sum(seconds)] if sum(seconds) < 300 else [1800]:
        now += one * 10**6
        turn = Turn(now_us=now, answered=n_answers, answered_s=30.0 * n_answers, left_s=9000.0)
        often = observe(often, turn, CALENDAR, POLICY)
    n = n_answers * (len(seconds) + 1 if sum(seconds) < 300 else 1)
    pace = observe(pace, Turn(now_us=now, answered=n, answered_s=30.0 * n, left_s=9000.0), CALENDAR, POLICY)

    assert (pytest.approx(pace.people), pace.measured_us, None) == (often.people, often.measured_us, often.since)


def test_a_heap_of_answers_within_seconds_is_no_large_team():
    """They were given before: nothing is said of a pace until five minutes have passed."""
    start = at("2026-03-02 09:00")
    pace = observe(begin(POLICY), Turn(now_us=start), CALENDAR, POLICY)
    for n in range(1, 40):
        turn = Turn(now_us=start + n * 6 * 10**6, answered=12, answered_s=360.0, left_s=3600.0, is_held_back=True)
        pace = observe(pace, turn, CALENDAR, POLICY)

    assert (1.0, 0) == (pace.people, pace.measured_us)
