"""Whether a lot passes."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.answers.evidence import NOTHING, Answered, Evidence, Member, evidence_of, unite
from dsvc.annotation.answers.records import make_answer, make_ask
from dsvc.annotation.judging.acceptance import PASSES, SLIPS, Plan, passing_probability, plan_lot
from dsvc.annotation.judging.lots import Candidate, Lot, LotMember, freeze, shares_of
from dsvc.annotation.judging.verdicts import judge_lot, judge_lots
from dsvc.objects.oid import Oid
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import AuditSpec, Nearness, TaskSpec

AUDIT = AuditSpec(Decimal("0.5"), Decimal("0.1"), Nearness("within", Decimal(1)))
TASK = TaskSpec("t", parse_type("rating(5)"), InputPath("q"), "adjust", audit=AUDIT)
LOT = Lot(
    Oid(b"\x01" * 32),
    0,
    "k",
    1,
    1,
    tuple(LotMember(f"s{i}", "3", "e", sampled=i < 4) for i in range(8)),
    "1",
    shares_of(AUDIT),
)


def answered(source, sign, who="a"):
    """Return what an auditor says of a source: right, wrong, near, that it is wrong alone, or that they cannot tell."""
    ask = make_ask(
        source=source,
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
    return Answered(ask, make_answer(ask, annotator=who, submitted_us=1, outcome=outcome, payload=payload))


def said(text):
    """Return evidence of what auditors say of the first sources; two cannot tell of one with a dot."""
    return {
        f"s{i}": evidence_of([answered(f"s{i}", sign, who) for who in ("ab" if sign == "." else "a")])
        for i, sign in enumerate(text)
    }


def test_a_lot_is_judged_as_it_was_closed_whatever_the_audit_says_by_now():
    """Also where a member is void, so that another plan is needed."""
    shares = AuditSpec(Decimal("0.2"), Decimal("0.10"), Nearness("equal"))
    task = replace(TASK, audit=shares)
    lot = freeze(task, "k", [Candidate(f"s{i}", "3", "e", 0, "k") for i in range(100)], 1)
    gone = lot.sample[0]
    member = Member(lot.lot_id, 0, "3", True, 1, "e", "1", "gone")
    known = {gone.source: Evidence(members=(member,))}
    edited = replace(task, audit=replace(shares, sample=Decimal("0.5"), max_error=Decimal("0.01")))

    assert judge_lot(task, lot, known) == judge_lot(edited, lot, known)
    assert plan_lot(99, sample=Decimal("0.2"), max_error=Decimal("0.10"), at_least=20) == Plan(
        judge_lot(edited, lot, known).sample, judge_lot(edited, lot, known).accept
    )


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


def void(evidence, members):
    """Return evidence that says as well that nobody can be asked about some members."""
    found = dict(evidence)
    for m in members:
        member = Member(LOT.lot_id, 0, m.value, m.sampled, 1, m.content_id, "1", "gone")
        found[m.source] = unite([found.get(m.source, NOTHING), Evidence(members=(member,))])
    return found


def test_the_next_is_drawn_for_one_that_is_void():
    """As many are looked at as before, in the order of the hashes, and it is told that it was drawn."""
    order = [m for m in LOT.in_order() if m != LOT.sample[1]]
    verdict = judge_lot(TASK, LOT, void(said("r"), LOT.sample[1:2]))
    drawn = [m for m in verdict.looked_at if verdict.state_of(m) == "drawn"]

    assert (7, 4, tuple(order[:4])) == (verdict.size, verdict.sample, verdict.looked_at)
    assert [m for m in order[:4] if not m.sampled] == drawn
    assert "pending" == verdict.state_of(LOT.sample[1])


def test_who_answers_all_the_same_is_looked_at():
    """Nobody could be asked, it was thought: the lot is what it was before."""
    assert judge_lot(TASK, LOT, said("rwrr")) == judge_lot(TASK, LOT, void(said("rwrr"), LOT.sample))


def test_a_lot_of_which_nobody_can_be_asked_about_anything_is_not_open():
    """It says nothing of any value."""
    verdict = judge_lot(TASK, LOT, void({}, LOT.members))

    assert ("passed", 0, 0, 0) == (verdict.state, verdict.size, verdict.sample, verdict.open)


@given(st.sets(st.integers(0, 39)), st.sets(st.integers(0, 39)), st.sets(st.integers(0, 39)))
def test_a_lot_without_some_is_judged_as_one_that_never_had_them(gone, wrong, silent):
    """Against an account of its own: the plan of so many values, and the first of the order that are left."""
    audit = replace(AUDIT, sample=Decimal("0.2"), max_error=Decimal("0.1"), reject_error=Decimal("0.4"))
    task = replace(TASK, audit=audit)
    lot = freeze(task, "k", [Candidate(f"s{i}", "3", "e", 0, "k") for i in range(40)], 1)
    order = lot.in_order()
    said_of = {m: "" if i in silent else "w" if i in wrong else "r" for i, m in enumerate(order)}
    evidence = {m.source: evidence_of([answered(m.source, sign)]) for m, sign in said_of.items() if sign}
    for i in gone:
        m = order[i]
        member = Member(lot.lot_id, 0, m.value, m.sampled, 1, m.content_id, "1", "gone")
        evidence[m.source] = unite([evidence.get(m.source, NOTHING), Evidence(members=(member,))])
    verdict = judge_lot(task, lot, evidence)

    is_void = {m: i in gone and not said_of[m] for i, m in enumerate(order)}
    left = [m for m in order if not is_void[m]] if any(is_void[m] for m in lot.sample) else order
    shares = {"sample": audit.sample, "max_error": audit.max_error, "reject_error": audit.reject_error}
    n = len(lot.sample)
    plan = plan_lot(len(left), **shares) if left else Plan(0, 0)
    while left and plan.sample < min(n, len(left)):  # by hand: as many as before, and still as promised
        plan = plan_lot(len(left), **{**shares, "sample": Decimal(n) / len(left)})
    signs = [said_of[m] for m in left[: plan.sample]]
    expected = "failed" if signs.count("w") > plan.accept else "pending" if "" in signs else "passed"
    assert (expected, plan.sample, plan.accept) == (verdict.state, verdict.sample, verdict.accept)
    if left:
        bad = -(-len(left) * 4 // 10)
        assert plan.sample == len(left) or passing_probability(len(left), bad, plan) <= SLIPS
        assert passing_probability(len(left), len(left) // 10, plan) >= PASSES
