"""How much to release now: enough that nobody waits for work, so little that almost nothing expires unanswered.

Work is counted in seconds of a person: so many answers times what one takes. The pace of a team is work per working
time, which is a number of people, whatever mix of questions they answer. It is measured only while there was work
left over: an interval in which it ran out says how much there was, not how fast they are.

The window is the smaller of two. What will be answered before a copy released now expires, less a standard
deviation, times a gain that falls when copies do expire and rises slowly when they do not; and what keeps everybody
busy for the next hours, with some to spare, so that work is released late and its copies live on past a quiet night.
Outside working hours, with none of them near, both are nothing.

Everything here is a pure function of what it is given; `dsvc.annotation.turns.dispatch` keeps the state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from dsvc.annotation.staging.expiry import DAY_US, HOUR_US, Expiry, Life
from dsvc.annotation.turns.calendar import Calendar

Need = Literal["adjudicate", "audit", "rework", "new"]
"""Why something is asked. Finishing comes before beginning: this is the order in which they are released."""
NEEDS: Final[tuple[Need, ...]] = ("adjudicate", "audit", "rework", "new")


class Policy(msgspec.Struct, frozen=True):
    """What can be set; the rule is to set nothing.

    Attributes:
        margin_us: A copy must live for so much longer than it takes until somebody opens it.
        lead_us: Release what keeps everybody busy for so long.
        spare: How much more than that.
        caution: Standard deviations by which fewer answers are expected.
        memory: Answers over which the pace is averaged, but not less than one hour of work, nor more than a day's.
        tolerated: Share of a day's answers that may expire before the gain falls.
        people: The pace that is believed before anything was measured.
        reserved: Need -> the share of every release that is its own while it has work waiting.
    """

    margin_us: int = HOUR_US
    lead_us: int = 2 * HOUR_US
    spare: float = 1.3
    caution: float = 1.0
    memory: int = 50
    tolerated: float = 0.005
    people: float = 1.0
    reserved: dict[Need, float] = msgspec.field(default_factory=lambda: {"audit": 0.2, "new": 0.1})


class Hour(msgspec.Struct, frozen=True):
    """What came in and what expired in one hour."""

    start_us: int
    answered: int = 0
    expired: int = 0


class Pace(msgspec.Struct, frozen=True):
    """What is known of a team.

    Attributes:
        people: Work per working time.
        gain: Factor of the window.
        until_us: Up to when everything was counted; 0 before the first turn.
        measured_us: Working time that was measured.
        turn_us: Working time between two turns, averaged.
        hours: The last day.
        since: What happened since the pace was last measured; None where that was at the last turn.
    """

    people: float
    gain: float = 1.0
    until_us: int = 0
    measured_us: int = 0
    turn_us: int = 0
    hours: tuple[Hour, ...] = ()
    since: Since | None = None


class Since(msgspec.Struct, frozen=True):
    """What happened in several turns that were too close together to tell a pace of any.

    Attributes:
        start_us: Up to when the pace was measured.
        answered: Answers that came in since.
        answered_s: The work in them.
        left_s: Work that was open when least was.
    """

    start_us: int
    answered: int = 0
    answered_s: float = 0.0
    left_s: float = math.inf


class Control(msgspec.Struct, frozen=True):
    """What is remembered of a platform from turn to turn.

    Attributes:
        pace: Of its team.
        is_held_back: Whether more could have been released at the last turn.
        effort_s: Task -> what an answer takes.
        surveyed_us: When stores and platform were last listed.
        lives: What was seen lately of the staging store's own deleting.
        owed_s: Need -> what is left to it of reserved shares that were too small for an ask.
    """

    pace: Pace
    is_held_back: bool = False
    effort_s: dict[str, float] = {}
    surveyed_us: int = 0
    lives: tuple[Life, ...] = ()
    owed_s: dict[Need, float] = {}


class Turn(msgspec.Struct, frozen=True):
    """What happened since the last turn.

    Attributes:
        now_us: The time.
        answered: Answers that came in.
        answered_s: The work in them.
        expired: Copies that expired with answers missing.
        left_s: Work that was still open before this turn released any.
        is_held_back: Whether there was more that could have been released.
    """

    now_us: int
    answered: int = 0
    answered_s: float = 0.0
    expired: int = 0
    left_s: float = 0.0
    is_held_back: bool = False


class Window(msgspec.Struct, frozen=True):
    """How much may be open.

    Attributes:
        work_s: Work that may be open at once.
        release_s: How much of it is to be released now.
        answerable_s: Work expected to be done before a copy released now expires.
        busy_s: Work that keeps everybody busy for the lead.
    """

    work_s: float
    release_s: float
    answerable_s: float
    busy_s: float


def begin(policy: Policy) -> Pace:
    """Return what is believed of a team that was never seen."""
    return Pace(people=policy.people)


_RAN_OUT = 0.25
"""Less work left than this share of what a turn takes: somebody had none."""
_PROVEN_US = 8 * HOUR_US
_LEAST = 0.1
"""People, at least: after passes in which nobody had time to answer there is still something sent at once."""
_BOLD, _CAREFUL = 1.5, 1.1
_SHORTEST_US = HOUR_US // 12
"""Working time from which a pace can be told: what came in within seconds was done before."""


def observe(pace: Pace, turn: Turn, calendar: Calendar, policy: Policy) -> Pace:
    """Return what is known of a team after a turn."""
    if pace.until_us == 0:
        return msgspec.structs.replace(pace, until_us=turn.now_us, hours=_counted(pace.hours, turn))
    people, measured_us, turn_us = pace.people, pace.measured_us, pace.turn_us
    passed_us = calendar.open_us(pace.until_us, turn.now_us)
    if passed_us > 0:
        turn_us = passed_us if turn_us == 0 else round(0.8 * turn_us + 0.2 * passed_us)
    now_us, hours = turn.now_us, _counted(pace.hours, turn)
    gain = _next_gain(pace, hours, now_us, policy)
    since = _add(pace.since or Since(pace.until_us), turn)
    open_us = calendar.open_us(since.start_us, now_us)
    if 0 < open_us < _SHORTEST_US:
        return Pace(people, gain, now_us, measured_us, turn_us, hours, since)
    if open_us > 0:
        turn = msgspec.structs.replace(turn, answered=since.answered, answered_s=since.answered_s, left_s=since.left_s)
        seen = turn.answered_s * 1e6 / open_us
        if turn.left_s < _RAN_OUT * people * open_us / 1e6:
            # It ran out. Who was as fast as believed, while there was more to give, is likely to be faster.
            if seen > people or (turn.is_held_back and seen >= 0.9 * people):
                growth = _CAREFUL if measured_us > _PROVEN_US else _BOLD
                people = max(people, seen) * (growth if turn.is_held_back else 1.0)
        else:
            # What was measured first counts fully, then as an average over the memory.
            memory_us = min(_memory_us(turn, open_us, policy), measured_us + open_us)
            weight = 1 - math.exp(-open_us / memory_us) if measured_us else 1.0
            people += weight * (seen - people)
            measured_us += open_us
    return Pace(max(people, _LEAST), gain, now_us, measured_us, turn_us, hours)


def _add(since: Since, turn: Turn) -> Since:
    work_s = since.answered_s + turn.answered_s
    return Since(since.start_us, since.answered + turn.answered, work_s, min(since.left_s, turn.left_s))


def _memory_us(turn: Turn, open_us: int, policy: Policy) -> int:
    """Return over how much working time the pace is averaged: a large team shows sooner that it has changed."""
    return min(8 * HOUR_US, max(HOUR_US, policy.memory * open_us // max(1, turn.answered)))


def _counted(hours: Sequence[Hour], turn: Turn) -> tuple[Hour, ...]:
    start_us = turn.now_us // HOUR_US * HOUR_US
    kept = [hour for hour in hours if hour.start_us > turn.now_us - DAY_US]
    if not kept or kept[-1].start_us != start_us:
        kept.append(Hour(start_us))
    last = kept[-1]
    kept[-1] = Hour(last.start_us, last.answered + turn.answered, last.expired + turn.expired)
    return tuple(kept)


def _next_gain(pace: Pace, hours: Sequence[Hour], now_us: int, policy: Policy) -> float:
    """Move the gain once an hour: down by a tenth while too much expires, up by a fiftieth while not."""
    if now_us // HOUR_US == pace.until_us // HOUR_US:
        return pace.gain
    answered, expired = sum(hour.answered for hour in hours), sum(hour.expired for hour in hours)
    factor = 0.9 if expired > policy.tolerated * max(answered, 1) and expired else 1.02
    return min(1.0, max(0.3, pace.gain * factor))


def decide(
    pace: Pace, *, now_us: int, open_s: float, mean_s: float, calendar: Calendar, expiry: Expiry | None, policy: Policy
) -> Window:
    """Return how much may be open now, and how much of it is to be released.

    Args:
        pace: What is known of the team.
        now_us: The time.
        open_s: Work that is open already.
        mean_s: What one answer takes, on average over what waits.
        calendar: When people work.
        expiry: How long copies live; None where nothing is staged, and only the lead counts.
        policy: What was set.
    """
    lead_us = max(policy.lead_us, round(1.5 * pace.turn_us))
    busy_s = policy.spare * pace.people * calendar.open_us(now_us, now_us + lead_us) / 1e6
    if expiry is None:
        answerable_s = math.inf
        work_s = busy_s
    else:
        dead_us = expiry.expires(now_us) - policy.margin_us
        answerable_s = pace.people * calendar.open_us(now_us, max(now_us, dead_us)) / 1e6
        n_answers = answerable_s / mean_s
        sure_s = max(0.0, n_answers - policy.caution * math.sqrt(n_answers)) * mean_s
        work_s = min(pace.gain * sure_s, busy_s)
    return Window(work_s, max(0.0, work_s - open_s), answerable_s, busy_s)


def share_out(work_s: float, waiting_s: Mapping[Need, float], reserved: Mapping[Need, float]) -> dict[Need, float]:
    """Return how much of a release goes to each need: in their order, but for what is reserved.

    Nothing is given that does not wait, and nothing is kept back while anything waits.
    """
    given = {need: min(waiting_s.get(need, 0.0), reserved.get(need, 0.0) * work_s, work_s) for need in NEEDS}
    left = work_s - sum(given.values())
    for need in NEEDS:
        more = max(0.0, min(waiting_s.get(need, 0.0) - given[need], left))
        given[need] = min(given[need] + more, waiting_s.get(need, 0.0))
        left -= more
    return given


def value_level(unblocked: float, uncertainty: float, effort_s: float, slack_us: int | None = None) -> int:
    """Return how much an answer is worth for its time, as one of 16 levels, 15 the most.

    Args:
        unblocked: Rows of datasets that wait for it.
        uncertainty: From 0 to 1: how likely it is that an answer changes anything.
        effort_s: What it takes.
        slack_us: Time until it is needed, None where it never is.
    """
    urgency = 0.0 if slack_us is None else DAY_US / max(slack_us, HOUR_US)
    worth = (max(unblocked, 0.0) + max(uncertainty, 0.0) + urgency) * 60.0 / max(effort_s, 1.0)
    return min(15, max(0, 8 + math.floor(math.log2(worth)))) if worth > 0 else 0


def finish_us(pace: Pace, backlog_s: float, now_us: int, calendar: Calendar) -> int | None:
    """Return when all that waits will be answered at the present pace; None if not within ten years."""
    return calendar.after_work(now_us, round(backlog_s / pace.people * 1e6))
