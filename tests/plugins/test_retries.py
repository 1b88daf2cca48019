"""Trying again: how often, for how long, with which waits, and what is told in the end."""

import threading

import pytest

from dsvc.plugins.retries import GivenUpError, Retries, TransientError


class Time:
    """A clock that only waiting moves."""

    def __init__(self):
        self.now = 0.0
        self.waits = []

    def __call__(self):
        return self.now

    def wait(self, seconds, given_up):
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def time():
    """A clock that only waiting moves."""
    return Time()


def failing(times, result="done"):
    """Return work that fails `times` times with a fault that passes."""
    calls = []

    def work(deadline):
        calls.append(deadline)
        if len(calls) <= times:
            raise TransientError(f"fault {len(calls)}")
        return result

    return work


def test_work_is_done_once_where_it_succeeds(time):
    """No wait, and it is told when its time is over."""
    told = []
    policy = Retries(time_s=7, clock=time, wait=time.wait)

    assert "x" == policy.call(lambda deadline: told.append(deadline) or "x")
    assert ([7], []) == (told, time.waits)


def test_waits_double_up_to_a_bound(time):
    """With the greatest jitter the waits are their bounds."""
    policy = Retries(6, first_wait_s=1, most_wait_s=5, clock=time, wait=time.wait, jitter=lambda: 1.0)

    assert "done" == policy.call(failing(5))
    assert [1, 2, 4, 5, 5] == time.waits


def test_each_wait_is_a_random_share_of_its_bound(time):
    """So that many readers do not come back at once."""
    shares = iter([0.5, 0.0, 0.25])
    policy = Retries(4, first_wait_s=1, clock=time, wait=time.wait, jitter=lambda: next(shares))
    policy.call(failing(3))

    assert [0.5, 0.0, 1.0] == time.waits


def test_tries_are_bounded(time):
    """The last fault is told, with how often and how long; nothing is tried once more."""
    policy = Retries(3, first_wait_s=1, clock=time, wait=time.wait, jitter=lambda: 1.0)

    with pytest.raises(GivenUpError, match=r"^fault 3; tried 3 times in 3\.0 s$"):
        policy.call(failing(9))
    assert [1, 2] == time.waits


def test_time_is_bounded(time):
    """No wait reaches beyond the end."""
    policy = Retries(100, first_wait_s=4, time_s=10, clock=time, wait=time.wait, jitter=lambda: 1.0)

    with pytest.raises(GivenUpError, match="tried 2 times"):
        policy.call(failing(99))
    assert time.now < 10


def test_who_gave_up_is_not_kept_waiting(time):
    """A batch that is over tries nothing again, and wakes up who waits to."""
    over = threading.Event()
    over.set()
    with pytest.raises(GivenUpError, match="tried once"):
        Retries(clock=time, wait=time.wait).call(failing(1), over)

    over.clear()
    threading.Timer(0.05, over.set).start()
    with pytest.raises(GivenUpError, match="tried once"):
        Retries(first_wait_s=60, most_wait_s=60, jitter=lambda: 1.0).call(failing(1), over)
    assert over.is_set()


def test_other_errors_pass_at_once(time):
    """What will not be better the next time is not tried again."""
    calls = []

    def work(_):
        calls.append(1)
        raise LookupError("no such object")

    with pytest.raises(LookupError, match="no such object"):
        Retries(clock=time, wait=time.wait).call(work)
    assert [1] == calls
