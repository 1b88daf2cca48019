"""What is on its way to people as a plan sees it: which asks somebody waits for, and how long work would take them.

A plan tells what follows from versions and the ledger; an op store knows besides what was sent for none of them, and
how fast the team is. It is disposable, and so is what is said here: where it is lost or out of reach, nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dsvc.annotation.opstores.base import Doc, OpRecord, OpStore
from dsvc.annotation.outfit import STATE, open_ops, platform_of, read_day
from dsvc.annotation.turns import controller
from dsvc.annotation.turns.calendar import ALWAYS, Calendar
from dsvc.annotation.turns.controller import Control
from dsvc.annotation.turns.requests import SPACE, Request
from dsvc.errors import ConfigError, StoreError
from dsvc.recipe.spec import Recipe
from dsvc.recipe.task_spec import TaskSpec

DAY_S = 86_400
_AT_ONCE = 1000
"""Asks that are looked up in one go."""


class UnderWay:
    """What one op store says.

    Args:
        ops: The op store; None where there is none.
        recipe: Says where tasks are asked, and when people work there.
        clock: Microseconds UTC.
    """

    def __init__(self, ops: OpStore | None, recipe: Recipe, clock: Callable[[], int]) -> None:
        self._ops, self._recipe, self._clock = ops, recipe, clock

    def remembered(self, key: str) -> Doc | None:
        """Return what passes of the loop remember under a name; None where nothing is."""
        record = self._read("control", [key]).get(key)
        return None if record is None else record.doc

    def subscribers(self, ask_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return who wants some asks, by their ids in hex; those that nobody was ever sent are left out."""
        records = self._read(SPACE, ask_ids).items()
        return {key: frozenset(msgspec.convert(record.doc, Request).subscribers) for key, record in records}

    def days(self, task: TaskSpec, seconds: float) -> float | None:
        """Return in how many days a task's team has so much work done, if it does nothing else.

        At its present pace and in its hours; None where there was no pass with its platform yet, or it takes years.
        """
        try:
            spec = platform_of(self._recipe, task)
            place = f"platform.{spec.name}"
            calendar = Calendar(spec.hours or ALWAYS, [read_day(day, place) for day in spec.holidays])
        except ConfigError:
            return None  # `annotate check` says what is wrong
        record = self._read("control", [spec.name]).get(spec.name)
        if record is None:
            return None
        now = self._clock()
        done = controller.finish_us(msgspec.convert(record.doc, Control).pace, seconds, now, calendar)
        return None if done is None else (done - now) / 1e6 / DAY_S

    def _read(self, space: str, keys: Sequence[str]) -> dict[str, OpRecord]:
        found: dict[str, OpRecord] = {}
        try:
            ops = self._ops
            for start in range(0, len(keys), _AT_ONCE):
                found |= {} if ops is None else ops.get_many(space, keys[start : start + _AT_ONCE])
        except StoreError:
            self._ops = None  # of a plan, nothing waits for it
        return found


@contextmanager
def open_under_way(
    directory: Path, address: str | None, recipe: Recipe, clock: Callable[[], int]
) -> Iterator[UnderWay]:
    """Look at an op store; none is made where there is none.

    Args:
        directory: The repository's own, in which the op store of one machine is.
        address: That of a team, if it has one.
        recipe: The recipe.
        clock: Microseconds UTC.
    """
    ops = None
    try:
        if recipe.tasks and (address is not None or (directory / STATE).exists()):
            ops = open_ops(directory / STATE, address)
    except StoreError:
        pass
    try:
        yield UnderWay(ops, recipe, clock)
    finally:
        if ops is not None:
            ops.close()
