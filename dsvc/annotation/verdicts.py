"""Verdicts: whether a lot passes, by what was said of its sample. They follow from the evidence and are not stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from dsvc.annotation.evidence import NOTHING, Evidence, Member
from dsvc.annotation.hearing import decide_member
from dsvc.annotation.lots import Lot
from dsvc.annotation.rounds import LotState
from dsvc.objects.oid import Oid
from dsvc.recipe.task_spec import TaskSpec


class Verdict(msgspec.Struct, frozen=True):
    """What became of a lot."""

    lot: Oid
    state: LotState
    size: int
    sample: int
    accept: int
    right: int
    wrong: int

    @property
    def open(self) -> int:
        """Members of the sample that nobody has judged."""
        return self.sample - self.right - self.wrong


def judge_lot(task: TaskSpec, lot: Lot, evidence: Mapping[str, Evidence]) -> Verdict:
    """Return what becomes of a lot: it fails as soon as too many are wrong, and passes once all are judged.

    Args:
        task: The task.
        lot: The lot.
        evidence: By source, of its sample at least; a source that is not there has none.
    """
    right = wrong = 0
    for m in lot.sample:
        member = Member(lot.lot_id, lot.round, m.value, m.sampled, lot.closed_us, m.content_id, lot.version)
        decision = decide_member(task, m.source, member, evidence.get(m.source, NOTHING))
        if decision.state in ("right", "unclear") or decision.agrees:  # what cannot be labelled is nobody's error
            right += 1
        elif decision.state in ("wrong", "known"):
            wrong += 1
    judged = right + wrong
    state_now: LotState = "failed" if wrong > lot.accept else "passed" if judged == len(lot.sample) else "pending"
    return Verdict(lot.lot_id, state_now, len(lot.members), len(lot.sample), lot.accept, right, wrong)


def judge_lots(task: TaskSpec, lots: Iterable[Lot], evidence: Mapping[str, Evidence]) -> dict[Oid, Verdict]:
    """Return what becomes of each lot."""
    return {lot.lot_id: judge_lot(task, lot, evidence) for lot in lots}
