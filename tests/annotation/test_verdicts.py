"""Whether a lot passes."""

from decimal import Decimal

import pytest

from dsvc.annotation.evidence import Answered, evidence_of
from dsvc.annotation.lots import Lot, LotMember
from dsvc.annotation.records import make_answer, make_ask
from dsvc.annotation.verdicts import judge_lot, judge_lots
from dsvc.objects.oid import Oid
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import AuditSpec, Nearness, TaskSpec

AUDIT = AuditSpec(Decimal("0.5"), Decimal("0.1"), Nearness("within", Decimal(1)))
TASK = TaskSpec("t", parse_type("rating(5)"), InputPath("q"), "adjust", audit=AUDIT)
LOT = Lot(Oid(b"\x01" * 32), 0, "k", 1, 1, tuple(LotMember(f"s{i}", "3", "e", sampled=i < 4) for i in range(8)), "1")


def said(text):
    """Return evidence of what auditors say of the first sources: right, wrong, near, or cannot tell."""
    found = {}
    for i, sign in enumerate(text):
        ask = make_ask(
            source=f"s{i}",
            content_id="e",
            task="t",
            version="1",
            type="rating(5)",
            mode="audit",
            form="adjust",
            round=0,
            judged="3",
        )
        outcome, payload = {"r": ("accept", None), "w": ("value", "1"), "n": ("value", "4"), "x": ("reject", None)}.get(
            sign, ("skip", None)
        )
        answers = [
            Answered(ask, make_answer(ask, annotator=who, submitted_us=1, outcome=outcome, payload=payload))
            for who in ("ab" if sign == "." else "a")
        ]
        found[f"s{i}"] = evidence_of(answers)
    return found


@pytest.mark.parametrize(
    ("text", "state", "right", "wrong"),
    [
        ("", "pending", 0, 0),
        ("rrr", "pending", 3, 0),
        ("rrrr", "passed", 4, 0),
        ("rnrw", "passed", 3, 1),
        ("ww", "failed", 0, 2),
        ("wx", "failed", 0, 2),
        ("r.rr", "passed", 4, 0),
    ],
)
def test_a_lot_passes_with_as_many_errors_as_it_may_have(text, state, right, wrong):
    """It fails at once with one more; what nobody can tell is nobody's error."""
    verdict = judge_lot(TASK, LOT, said(text))

    assert (state, right, wrong, 4 - right - wrong) == (verdict.state, verdict.right, verdict.wrong, verdict.open)
    assert (8, 4, 1) == (verdict.size, verdict.sample, verdict.accept)


def test_what_is_no_member_of_the_sample_takes_no_part():
    """A lot is judged by its sample."""
    assert "passed" == judge_lots(TASK, [LOT], said("rrrrww"))[LOT.lot_id].state
