"""Verdicts: whether a lot passes, by what was said of its sample. They follow from the evidence and are not stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from dsvc.annotation.answers.evidence import NOTHING, Evidence, Member
from dsvc.annotation.judging.acceptance import Plan
from dsvc.annotation.judging.hearing import Decision, decide_member
from dsvc.annotation.judging.lots import Lot, LotMember
from dsvc.annotation.judging.rounds import LotState
from dsvc.objects.oid import Oid
from dsvc.recipe.task_spec import TaskSpec


class Verdict(msgspec.Struct, frozen=True):
    """What became of a lot."""

    lot: Oid
    state: Literal["pending", "passed", "failed"]
    size: int
    """Members, those that are void left out."""
    sample: int
    accept: int
    right: int
    wrong: int
    looked_at: tuple[LotMember, ...] = ()
    """The sample; with those that are drawn in place of void ones."""
    undecided: tuple[LotMember, ...] = ()
    """Of these, those that nobody has judged."""

    @property
    def open(self) -> int:
        """Members of the sample that nobody has judged."""
        return self.sample - self.right - self.wrong

    def state_of(self, member: LotMember) -> LotState:
        """Return what a member learns of it: also whether it is looked at in place of another."""
        is_drawn = self.state == "pending" and not member.sampled and member in self.looked_at
        return "drawn" if is_drawn else self.state


def judge_lot(task: TaskSpec, lot: Lot, evidence: Mapping[str, Evidence]) -> Verdict:
    """Return what becomes of a lot: it fails as soon as too many are wrong, and passes once all are judged.

    A member of the sample that is void and that nobody judged is taken out, and others too that are; what is left is
    judged by the plan of so small a lot, with a sample of the same size at least, whatever the audit says by now.

    Args:
        task: The task.
        lot: The lot.
        evidence: By source, of its sample at least, and of all members where `has_void`; a source that is not there has
            none.
    """
    decisions = {
        m: decide_member(task, m.source, _membership(lot, m, evidence), evidence.get(m.source, NOTHING))
        for m in lot.sample
    }
    looked_at, plan, size = lot.sample, Plan(len(lot.sample), lot.accept), len(lot.members)
    if has_void(lot, evidence):
        for m in lot.members:
            if m not in decisions and m.source in evidence:
                decisions[m] = decide_member(task, m.source, _membership(lot, m, evidence), evidence[m.source])
        out = {m for m in decisions if is_void(lot, m, evidence) and not _says(decisions[m])}
        left = [m for m in lot.in_order() if m not in out] if out & set(lot.sample) else None
        if left is not None:
            plan = lot.shares.plan(len(left), len(lot.sample)) if left else Plan(0, 0)
            looked_at, size = tuple(left[: plan.sample]), len(left)
    said = [_says(decisions[m]) if m in decisions else "" for m in looked_at]
    right, wrong = said.count("right"), said.count("wrong")
    is_done = right + wrong == plan.sample
    state: Literal["pending", "passed", "failed"] = (
        "failed" if wrong > plan.accept else "passed" if is_done else "pending"
    )
    undecided = tuple(m for m, word in zip(looked_at, said, strict=True) if not word)
    return Verdict(lot.lot_id, state, size, plan.sample, plan.accept, right, wrong, looked_at, undecided)


def has_void(lot: Lot, evidence: Mapping[str, Evidence]) -> bool:
    """Tell whether a member of the sample is void: then others may be looked at in its place."""
    return any(is_void(lot, m, evidence) for m in lot.sample)


def is_void(lot: Lot, member: LotMember, evidence: Mapping[str, Evidence]) -> bool:
    """Tell whether it was found that nobody can be asked about a member."""
    return bool(_membership(lot, member, evidence).void)


def _membership(lot: Lot, m: LotMember, evidence: Mapping[str, Evidence]) -> Member:
    """Return what is known of a member: its value may be read as one of today's there."""
    known = evidence.get(m.source, NOTHING).members
    found = [one for one in known if (one.lot, one.content_id) == (lot.lot_id, m.content_id)]
    frozen = Member(lot.lot_id, lot.round, m.value, m.sampled, lot.closed_us, m.content_id, lot.version)
    return next((one for one in found if one.value == m.value), found[0] if found else frozen)


def _says(decision: Decision) -> Literal["right", "wrong", ""]:
    """Return what a decision says of the lot's value, as it was when the lot was closed."""
    if decision.state in ("right", "unclear") or decision.agrees:  # what cannot be labelled is nobody's error
        return "right"
    return "wrong" if decision.state in ("wrong", "known") else ""


def judge_lots(task: TaskSpec, lots: Iterable[Lot], evidence: Mapping[str, Evidence]) -> dict[Oid, Verdict]:
    """Return what becomes of each lot."""
    return {lot.lot_id: judge_lot(task, lot, evidence) for lot in lots}
