"""What a run did, step by step."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

ProgressCall = Callable[[str, int, int | None], None]
"""Told what is under way, how many of its records are done, and of how many; None where nobody knows."""

UNCHANGED, MADE, TAKEN, REMOVED = "unchanged", "made", "taken", "removed"
STOPPED = "stopped"


class StepReport(msgspec.Struct, frozen=True):
    """What a run did for one step."""

    name: str
    status: str
    """``unchanged``; ``taken`` whole from what was made before; ``made``; ``removed`` as the recipe has it no more;
    ``stopped`` where the limit came first: the signal is as it was, and the next run goes on with what was made."""
    records: int = 0
    """Records of the signal now."""
    ran: int = 0
    """Records that the transform was called for, counted by its call, failed ones too."""
    reused: int = 0
    """Records that traces of other drafts answered instead."""
    cut_off: int = 0
    """Records that ran or were reused and came out with the value there was: nothing downstream sees them."""
    removed: int = 0
    """Records that went because an input went or the transform failed."""
    failed: int = 0
    """Records that ran and failed."""
    waiting: int = 0
    """Sources without a record: it failed, now or before, with the inputs they have; of a task, people are asked."""
    seconds: float = 0.0
    groups: int = 0
    """Groups that the function was called for, in a step of groups; 1 in one of all records that ran."""


class DatasetReport(msgspec.Struct, frozen=True):
    """What a run did for one dataset."""

    name: str
    status: str
    """``unchanged``, ``taken``, ``made`` or ``removed``."""
    evaluated: int = 0
    """Sources for which `where` and the split were evaluated."""
    changed: int = 0
    """Sources that came, went, or are selected otherwise than before."""
    seconds: float = 0.0


class RunReport(msgspec.Struct, frozen=True):
    """What a run did."""

    steps: tuple[StepReport, ...] = ()
    datasets: tuple[DatasetReport, ...] = ()
    seconds: float = 0.0

    @property
    def did_nothing(self) -> bool:
        """Whether everything was current."""
        return {step.status for step in self.steps} | {dataset.status for dataset in self.datasets} <= {UNCHANGED}

    @property
    def is_stopped(self) -> bool:
        """Whether the limit came before everything was made."""
        return any(step.status == STOPPED for step in self.steps)

    @property
    def ran(self) -> int:
        """Records that any transform was called for."""
        return sum(step.ran for step in self.steps)

    @property
    def failed(self) -> int:
        """Records that ran and failed."""
        return sum(step.failed for step in self.steps)
