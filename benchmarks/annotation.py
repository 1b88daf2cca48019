"""Simulate a quarter of annotation through dsvc's own code, on a virtual clock, and print the table.

usage: python benchmarks/annotation.py [--days N] [--people N] [--mean-s S] [--seed N] [--json FILE]

Ten people with shifts, lunch and weekends, of whom four leave half-way; questions that come at 0.9 and 1.5 of what
the team of the first day can answer; a staging store that expires by each of the three models. The controller is told
the working hours, nothing else. Requests, turns, staging rules and the controller are the product's; the staging
store, the platform with its people, the ledger and the op store are in memory, on the clock of the simulation.

*Everything at once* is the same team with every question at hand as soon as it comes, which no store that expires
allows: the most that these people could have answered.
"""

import argparse
import json
import random
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

from dsvc.annotation.staging.expiry import DAY_US, HOUR_US, MODELS, Expiry, Model
from dsvc.annotation.turns.calendar import Calendar
from dsvc.annotation.turns.controller import Policy
from dsvc.plugins.platforms import Question
from dsvc.testing.annotation_lab import FORM, START_US, AnnotationLab
from dsvc.testing.simulated_team import HOURS, SimulatedTeam

LOADS = (0.9, 1.5)
WEEK_HOURS = 42.0
"""Full hours of a person's week: nine a day, less what of lunch is lunch for three of five."""
MOST_UPLOADS = 1.02
LEAST_THROUGHPUT = 0.98
MOST_EXPIRED: dict[Model, float] = {"rolling": 0.005, "daily sweep": 0.01, "lifecycle": 0.005}
TURN_US = HOUR_US // 4
NIGHT_TURN_US = HOUR_US


@dataclass
class Quarter:
    """What one simulation showed."""

    model: Model
    load: float
    asked: int
    answered: int
    at_once: int
    uploads: int
    expired: int
    peak_staged: int
    oldest_h: float
    seconds: float

    @property
    def expired_share(self) -> float:
        """Share of uploads that expired."""
        return self.expired / max(1, self.uploads)

    @property
    def uploads_per_answer(self) -> float:
        """Uploads for each answer."""
        return self.uploads / max(1, self.answered)

    @property
    def throughput(self) -> float:
        """Answers, as a share of those that everything at once would have brought."""
        return self.answered / max(1, self.at_once)

    @property
    def is_within(self) -> bool:
        """Whether every figure is within its bar."""
        return (
            self.expired_share <= MOST_EXPIRED[self.model]
            and self.uploads_per_answer <= MOST_UPLOADS
            and self.throughput >= LEAST_THROUGHPUT
        )


def arrivals(days: int, load: float, people: int, mean_s: float, seed: int) -> list[int]:
    """Return when questions come: around the clock, at random."""
    rng = random.Random(seed)
    per_hour = people * 3600 / mean_s * WEEK_HOURS / 168 * load
    times, at = [], 0.0
    while True:
        at += rng.expovariate(per_hour)
        if at >= days * 24:
            return times
        times.append(START_US + round(at * HOUR_US))


def make_team(days: int, people: int, mean_s: float, seed: int, alive: Callable[[str], bool]) -> SimulatedTeam:
    """Return the team, of which two fifths leave half-way."""
    return SimulatedTeam(
        START_US,
        alive,
        n_people=people,
        mean_s=mean_s,
        leaves_us=START_US + days // 2 * DAY_US,
        n_leave=people * 2 // 5,
        seed=seed,
    )


def answer_at_once(times: list[int], days: int, people: int, mean_s: float, seed: int) -> int:
    """Return how many answers the team gives when every question is at hand as soon as it comes."""
    team = make_team(days, people, mean_s, seed, lambda _: True)
    number = 0
    for at_us in range(START_US, START_US + days * DAY_US, TURN_US):
        team.live_until(at_us)
        fresh = []
        while number < len(times) and times[number] <= at_us:
            fresh.append(Question(str(number), "label", str(number)))
            number += 1
        team.post(FORM, fresh)
    return team.n_answers


def simulate(model: Model, load: float, *, days: int, people: int, mean_s: float, seed: int) -> Quarter:
    """Run one quarter."""
    begin = perf_counter()
    times = arrivals(days, load, people, mean_s, seed)
    expiry = Expiry(model, limit_us=DAY_US - NIGHT_TURN_US)  # nobody looks more often than this at night
    lab = AnnotationLab(expiry, calendar=Calendar(HOURS), policy=Policy(), n_attempts=10)
    prefix = len("memory://")
    team = make_team(days, people, mean_s, seed, lambda image: image[prefix:] in lab.store.keys_now)
    lab.platform = team
    lab.restart()
    number = expired = peak = oldest_us = 0
    at_us = START_US
    while at_us < START_US + days * DAY_US:
        team.live_until(at_us)
        lab.now_us = at_us
        lab.store.sweep()
        oldest_us = max([oldest_us, *lab.store.ages_us])
        while number < len(times) and times[number] <= at_us:
            lab.want(number)
            number += 1
        expired += lab.turn().n_expired
        peak = max(peak, len(lab.store.keys))
        is_day = lab.calendar.open_us(at_us - HOUR_US, at_us + 5 * HOUR_US) > 0
        at_us += TURN_US if is_day else NIGHT_TURN_US
    return Quarter(
        model=model,
        load=load,
        asked=number,
        answered=len(lab.log.answers),
        at_once=answer_at_once(times, days, people, mean_s, seed),
        uploads=lab.store.n_puts,
        expired=expired,
        peak_staged=peak,
        oldest_h=oldest_us / HOUR_US,
        seconds=perf_counter() - begin,
    )


def render_table(quarters: list[Quarter]) -> str:
    """Return the Markdown table."""
    figures = ("of everything at once", "uploads per answer", "expired", "most staged", "oldest copy")
    lines = [
        f"| expiry | load | asked | answers | {' | '.join(figures)} | |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one.model} | {one.load} | {one.asked:,} | {one.answered:,} | {one.throughput:.1%} "
        f"| {one.uploads_per_answer:.4f} | {one.expired_share:.2%} | {one.peak_staged:,} "
        f"| {one.oldest_h:.2f} h | {'ok' if one.is_within else '**over**'} |"
        for one in quarters
    ]
    return "\n".join(lines)


def main() -> None:
    """Simulate all quarters and print the table; exit 1 if a figure is not within its bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=91, help="days to simulate (default: 91)")
    parser.add_argument("--people", type=int, default=10, help="people of the team at first (default: 10)")
    parser.add_argument("--mean-s", type=float, default=360.0, help="seconds that an answer takes (default: 360)")
    parser.add_argument("--seed", type=int, default=0, help="of arrivals and times (default: 0)")
    parser.add_argument("--model", choices=MODELS, action="append", help="one expiry model (can be repeated)")
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    options = parser.parse_args()
    quarters = []
    for model in options.model or MODELS:
        for load in LOADS:
            quarters.append(
                simulate(
                    model, load, days=options.days, people=options.people, mean_s=options.mean_s, seed=options.seed
                )
            )
            print(f"{model} at {load}: {quarters[-1].seconds:.0f} s", file=sys.stderr, flush=True)
    print(render_table(quarters))
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in quarters], indent=1))
    sys.exit(not all(one.is_within for one in quarters))


if __name__ == "__main__":
    main()
