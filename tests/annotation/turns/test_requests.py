"""What is known of an ask on its way."""

import pytest

from dsvc.annotation.answers.records import make_ask
from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.annotation.turns.requests import Requests


@pytest.fixture
def requests():
    """Return no requests, on a clock that goes on by itself."""
    times = iter(range(1, 10_000))
    return Requests(MemoryOpStore(), lambda: next(times))


def make(number=1, **fields):
    """Return an ask."""
    given = {"task": "quality", "version": "1", "type": "rating(5)", "mode": "label", "form": "label", "round": 0}
    return make_ask(source=f"s3://faces/{number}.png", content_id="e", **{**given, **fields})


def test_subscribing_is_idempotent_and_shared(requests):
    """The most answers, the most value and the most urgent need of all who want it count."""
    requests.subscribe(make(), "team", "a", want=1, need="new", level=8)
    requests.subscribe(make(), "team", "b", want=3, need="audit", level=2)
    found = requests.subscribe(make(), "team", "a", want=1, need="new", level=8)

    assert (("a", "b"), 3, "audit", 8) == (found.subscribers, found.want, found.need, found.level)
    assert found == requests.get(make().ask_id.hex())


def test_who_wants_less_takes_nothing_from_others(requests):
    """And what one alone wanted is not asked any more once they want less."""
    requests.subscribe(make(), "team", "a", want=3, need="audit", level=9)
    requests.subscribe(make(), "team", "b", want=2, level=4)
    found = requests.subscribe(make(), "team", "a", want=1, level=1)

    assert (2, "new", 4) == (found.want, found.need, found.level)
    assert found == requests.get(make().ask_id.hex())


def test_what_is_answered_already_is_no_request(requests):
    """Nor is anything kept of it."""
    assert requests.subscribe(make(), "team", "a", want=2, answered_by=["x", "y"]) is None
    assert requests.get(make().ask_id.hex()) is None
    assert 1 == requests.subscribe(make(2), "team", "a", want=2, answered_by=["x"]).missing


def test_a_closed_ask_is_opened_again_for_more(requests):
    """Where more answers are wanted than before; its old task is remembered."""
    found = requests.subscribe(make(), "team", "a")
    requests.move(found, ["WANTED"], state="CLOSED", task_id="7", by=("x",))
    again = requests.subscribe(make(), "team", "a", want=2, answered_by=["x"])

    assert ("WANTED", 1, ("7",), "") == (again.state, again.missing, again.old_tasks, again.task_id)


def test_the_line_is_in_the_order_of_release(requests):
    """By need, then by value, then by age."""
    wanted = [(1, "new", 5), (2, "new", 9), (3, "audit", 0), (4, "adjudicate", 0), (5, "new", 9), (6, "rework", 3)]
    for number, need, level in wanted:
        requests.subscribe(make(number), "team", "a", need=need, level=level)
    requests.subscribe(make(7), "elsewhere", "a")

    sources = [found.ask.source for found in requests.iter_state("team", "WANTED")]
    assert [f"s3://faces/{number}.png" for number in (4, 3, 6, 2, 5, 1)] == sources
    assert 3 == len(list(requests.iter_need("team", "new")))
    assert 7 == len(list(requests.iter_project("quality@1")))
    assert requests.has_any("team", "WANTED")
    assert not requests.has_any("team", "OPEN")


def test_a_move_of_another_attempt_changes_nothing(requests):
    """Who was slow finds what has happened meanwhile."""
    found = requests.subscribe(make(), "team", "a")
    requests.move(found, ["WANTED"], state="STAGING", attempt=1)

    assert "STAGING" == requests.move(found, ["STAGING"], state="OPEN").state
    assert "STAGING" == requests.move(found, ["WANTED"], state="OPEN").state


def test_what_nobody_wants_is_forgotten(requests):
    """At once where nothing is under way."""
    for name in ("a", "b"):
        requests.subscribe(make(), "team", name)
    key = make().ask_id.hex()

    assert ("b",) == requests.unsubscribe(key, "a").subscribers
    assert requests.unsubscribe(key, "b") is None
    assert requests.unsubscribe(key, "b") is None


def test_parked_is_revived_by_hand_alone(requests):
    """Wanting it once more is not enough."""
    found = requests.subscribe(make(), "team", "a")
    requests.move(found, ["WANTED"], state="PARKED", n_expired=5, reason="five times")

    assert "PARKED" == requests.subscribe(make(), "team", "b").state
    revived = requests.revive(make().ask_id.hex())
    assert ("WANTED", 0, "") == (revived.state, revived.n_expired, revived.reason)
