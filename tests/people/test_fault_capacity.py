"""Too few people, too many asks, and time: almost nothing expires, nobody starves, and a pass stays small."""

import os
import random
import tracemalloc
from collections import Counter
from datetime import UTC, datetime

import pytest

from dsvc.annotation.staging.expiry import DAY_US, HOUR_US, Expiry
from dsvc.annotation.turns.calendar import Calendar
from dsvc.annotation.turns.controller import Policy
from dsvc.testing.annotation_lab import START_US, AnnotationLab, CrashError
from dsvc.testing.simulated_team import HOURS, SimulatedTeam
from tests.people.fault_world import FaultWorld, a_place

N_MANY = 50_000
N_DAYS = int(os.environ.get("DSVC_TEST_SOAK_DAYS", "60"))
MOST_EXPIRED = 0.02
TURN_US = HOUR_US // 2


class Office:
    """A team with shifts on a virtual clock, and questions that come as they are told to."""

    def __init__(self, *, model="rolling", n_people=10, holidays=(), seed=0, **team):
        self.lab = AnnotationLab(
            Expiry(model, limit_us=DAY_US - HOUR_US),
            calendar=Calendar(HOURS, holidays),
            policy=Policy(),
            n_attempts=20,
        )
        prefix, keys = len("memory://"), self.lab.store

        def is_alive(image):
            return image[prefix:] in keys.keys_now

        self.team = SimulatedTeam(START_US, is_alive, n_people=n_people, mean_s=360.0, seed=seed, **team)
        self.lab.platform = self.team
        self.lab.restart()
        self.n_asked = self.n_expired = 0
        self.oldest_us = 0
        self._chance = random.Random(seed)

    def work(self, days, per_hour):
        """Let days pass with so many new questions an hour, around the clock."""
        lab = self.lab
        end_us = lab.now_us + round(days * DAY_US)
        while lab.now_us < end_us:
            self.team.live_until(lab.now_us)
            lab.store.sweep()
            self.oldest_us = max([self.oldest_us, *lab.store.ages_us])
            for _ in range(int(per_hour / 2) + (self._chance.random() < per_hour / 2 % 1)):
                lab.want(self.n_asked)
                self.n_asked += 1
            self.n_expired += lab.turn().n_expired
            lab.now_us += TURN_US

    @property
    def expired_share(self):
        """Share of uploads that expired."""
        return self.n_expired / max(1, self.lab.store.n_puts)


@pytest.mark.parametrize("model", ["rolling", "daily sweep", "lifecycle"])
def test_four_of_five_leave_and_almost_nothing_expires(model):
    """On a Wednesday at noon: what is staged is more than who is left can do; from then on it is what they can."""
    office = Office(model=model, leaves_us=START_US + round(2.5 * DAY_US), n_leave=8)
    office.work(12, per_hour=20)

    assert office.expired_share < MOST_EXPIRED
    assert len(office.lab.log.answers) > 700
    assert office.oldest_us < DAY_US


def test_weekends_and_holidays_stage_nothing_that_nobody_sees():
    """A Tuesday is a holiday, and nobody comes; the product was told, as it was of the weekend."""
    holiday = datetime(2026, 3, 10, tzinfo=UTC).date()
    office = Office(holidays=[holiday])
    works = office.team.works
    day_us = int(datetime(2026, 3, 10, tzinfo=UTC).timestamp()) * 10**6
    office.team.works = lambda person, at_us: 0 if day_us <= at_us < day_us + DAY_US else works(person, at_us)
    office.work(11, per_hour=22)

    assert office.expired_share < MOST_EXPIRED
    assert len(office.lab.log.answers) > 2_500


def test_ten_times_as_many_questions_for_a_day_starve_nobody():
    """All are answered in the end; those of before the surge are not the last, and urgent ones come through at once."""
    office = Office()
    office.work(1, per_hour=12)
    n_before = office.n_asked
    office.work(1, per_hour=120)
    n_surge = office.n_asked
    lab = office.lab
    for _ in range(20):
        lab.want(office.n_asked, need="adjudicate")
        office.n_asked += 1
    office.work(1, per_hour=12)
    answered = {answer.source for answer in lab.log.answers.values()}

    assert {lab.ask(number).source for number in range(n_surge, n_surge + 20)} <= answered
    office.work(11, per_hour=12)
    answered = {answer.source for answer in lab.log.answers.values()}
    waiting = [number for number in range(n_surge) if lab.ask(number).source not in answered]
    assert [] == waiting
    assert office.expired_share < MOST_EXPIRED
    assert n_before > 200


class CountedOps:
    """An op store that counts what it hands out."""

    def __init__(self, inner):
        self._inner = inner
        self.largest = self.n_scanned = 0

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def scan(self, *args, **kwargs):
        """Count what a scan gives."""
        found = self._inner.scan(*args, **kwargs)
        self.largest = max(self.largest, len(found))
        self.n_scanned += len(found)
        return found


def peak_of_a_turn(lab):
    """Return the most memory that a turn had at once, in bytes."""
    tracemalloc.start()
    try:
        lab.turn()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def want_many(lab):
    """Subscribe to as many asks as there are."""
    for number in range(N_MANY):
        lab.want(number)


def test_fifty_thousand_asks_at_once_make_no_turn_larger():
    """They are subscribed to in parts, though cut short; a turn sees what it releases, and not what waits."""
    small, large = AnnotationLab(), AnnotationLab()
    for number in range(2_000):
        small.want(number)
    large.ops.crash_in = N_MANY // 3
    with pytest.raises(CrashError):
        want_many(large)
    large.restart()
    n_half = sum(large.states().values())
    want_many(large)
    counted = CountedOps(large.ops)
    large.ops = counted
    large.restart()

    assert N_MANY // 3 == n_half
    assert {"WANTED": N_MANY} == large.states()
    counted.largest = counted.n_scanned = 0
    assert peak_of_a_turn(large) < 1.2 * peak_of_a_turn(small)
    assert counted.largest <= 500
    assert counted.n_scanned < 5_000
    assert large.server.n_posted == small.server.n_posted > 0


def test_many_questions_are_posted_in_batches_and_resumed():
    """Of 5,000 that set out at once, each import has as many as the platform takes; one that is cut is made up for."""
    lab = AnnotationLab(policy=Policy(people=100_000.0))
    for number in range(5_000):
        lab.want(number)
    posted, post = [], lab.platform.post

    def counted(form, questions):
        posted.append(len(questions))
        if len(posted) == 4:
            lab.server.faults.cut_imports = 1
        return post(form, questions)

    lab.platform.post = counted
    first = lab.turn()
    n_first = len(lab.server.tasks)
    lab.turn()
    keys = Counter(task.key for task in lab.server.tasks.values())

    assert ["platform 'fake': no answer"] == first.notes
    assert lab.platform.capabilities.batch == max(posted) == 500
    assert 1_501 == n_first
    assert (5_000, {1}) == (len(keys), set(keys.values()))
    assert {"OPEN": 5_000} == lab.states()


def test_a_platform_away_for_a_day_loses_nothing():
    """No hint comes, no poll goes through, copies expire; the first poll afterwards has all that was answered."""
    lab = AnnotationLab()
    for number in range(20):
        lab.want(number)
    lab.turn()
    while lab.answer("ada"):
        pass
    lab.server.webhooks, lab.server.faults.refused = "dropped", 10**6
    for _ in range(24):
        lab.wait(1)
        assert lab.turn().notes
    lab.server.faults.refused = 0
    report = lab.turn()

    assert len(lab.acknowledged) == report.taken.n_answers >= 20
    assert [] == lab.broken_promises(is_quiet=True)


def test_sixty_days_of_three_rounds_keep_every_promise():
    """New images, people who err, skip and are late, a lost op store now and then; all holds after each pass."""
    chance = random.Random(60)
    with a_place() as place, FaultWorld(place / "a", lot=4, n=4) as world:
        n_passes = 0
        for day in range(N_DAYS):
            if day % 4 == 0:
                world.add_image(chance.choice([0.5, 0.95, 0.95]))
                world.repo.ingest()
            report = world.turn(close_lots=day % 7 == 6)
            assert [] == world.broken_promises(report), day
            n_passes += 1
            for person in ("ann", "ben", "cleo", "dan"):
                world.answer(person, chance.choices(["right", "wrong", "skip"], [8, 4, 1])[0], limit=2)
            world.wait(24)
            if day % 13 == 12:
                world.wipe()
        for _ in range(40):
            world.turn()
            world.wait(0.5)
            if not sum(world.answer(person) for person in ("eva", "fay", "gus")) and not world.repo.asks():
                break
        report = world.turn()
        rounds = {one.ask.round for one in world.answered()["faces"]}

        assert [] == world.broken_promises(report)
        assert {0, 1, 2} <= rounds
        assert set(world.values("faces")[1]) <= {"final", "unaudited", "contested", "unusable"}
        assert N_DAYS == n_passes
