"""Annotators on a virtual clock."""

from dsvc.plugins.platforms import Question
from dsvc.testing.annotation_lab import FORM, START_US
from dsvc.testing.simulated_team import DAY_US, HOUR_US, SimulatedTeam


def make(alive=lambda image: True, **fields):
    """Return a team of five."""
    return SimulatedTeam(START_US, alive, **{"n_people": 5, "mean_s": 600.0, **fields})


def questions(n, first=0, **fields):
    """Return questions."""
    return [Question(str(number), "label", str(number), **fields) for number in range(first, first + n)]


def answers(team):
    """Return all answers so far."""
    [page] = team.poll(FORM)
    return page.answers


def test_people_work_in_their_hours():
    """Not before nine, not after six but for what they have begun, not at the weekend; few at lunch."""
    team = make()
    team.post(FORM, questions(5000))
    team.live_until(START_US + 9 * HOUR_US)
    assert 0 == team.n_answers
    team.live_until(START_US + 7 * DAY_US)
    hours = [(answer.submitted_us - START_US) % DAY_US / HOUR_US for answer in answers(team)]

    assert 9 <= min(hours)
    assert max(hours) < 19
    lunch = sum(12.5 <= hour < 13 for hour in hours)
    assert lunch < 0.7 * sum(11 <= hour < 11.5 for hour in hours)
    assert 0.9 < team.n_answers / (5 * 5 * 8.4 * 6) < 1.1


def test_people_leave():
    """Two of five: about so much less is answered."""
    team = make(leaves_us=START_US + DAY_US, n_leave=2)
    team.post(FORM, questions(5000))
    team.live_until(START_US + DAY_US)
    first = team.n_answers
    team.live_until(START_US + 2 * DAY_US)

    assert 0.5 < (team.n_answers - first) / first < 0.7


def test_what_goes_first_is_answered_first_and_what_is_gone_is_passed_over():
    """By when its image goes; nobody answers about an image that cannot be seen."""
    team = make(alive=lambda image: image != "1", n_people=1)
    late, early = questions(1, expires_us=START_US + DAY_US), questions(2, first=1, expires_us=START_US + 20 * HOUR_US)
    team.post(FORM, [*late, *early])
    team.live_until(START_US + DAY_US)

    assert ["2", "0"] == [answer.key for answer in answers(team)]


def test_it_does_as_a_platform_does():
    """Posting twice is once; only what has no answer is withdrawn."""
    team = make(n_people=1)
    first, again = team.post(FORM, questions(1)), team.post(FORM, questions(2))
    assert first[0].task_id == again[0].task_id
    team.live_until(START_US + 10 * HOUR_US)

    assert "answered" == team.withdraw(FORM, first[0].task_id)
    assert "deleted" == team.discard(FORM, first[0].task_id)
    assert "gone" == team.withdraw(FORM, first[0].task_id)
