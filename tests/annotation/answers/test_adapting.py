"""Old answers are read as today's, and what cannot be is told."""

from dataclasses import replace
from decimal import Decimal

import pytest

from dsvc.annotation.answers.adapting import adapt_evidence, adapt_member, adapter_of
from dsvc.annotation.answers.evidence import Answered, Member, evidence_of, unite
from dsvc.annotation.answers.records import make_answer, make_ask
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.lots import Lot, LotMember
from dsvc.annotation.judging.rounds import resolve
from dsvc.annotation.judging.verdicts import judge_lot
from dsvc.objects.oid import Oid
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import AuditSpec, Nearness, TaskSpec
from dsvc.recipe.versions import VersionRange

LOT = Oid(b"\x01" * 32)
TASK = TaskSpec("t", parse_type("class(a, b, c)"), version="2", accept=VersionRange.parse(">=1"))
RATING = replace(TASK, type=parse_type("rating(10)"), formats=((VersionRange.parse("<2"), "m:double"),))


def double(reference, value):
    """Read a rating of five as one of ten."""
    assert "m:double" == reference
    return value * 2


def said(type_, payload, outcome="value", judged=None, version="1"):
    """Return evidence of one answer."""
    form = "label" if judged is None else "verify"
    ask = make_ask(
        source="s", content_id="", task="t", version=version, type=type_, mode=form, form=form, round=0, judged=judged
    )
    return evidence_of(
        [Answered(ask, make_answer(ask, annotator="a", submitted_us=1, outcome=outcome, payload=payload))]
    )


def test_a_class_that_was_added_keeps_the_old_answers():
    """They are values of today's type."""
    found, unreadable = adapt_evidence(TASK, said("class(a, b)", '"b"'))

    assert (["class(a, b, c)"], ()) == ([ask.type for ask in found.asks], tuple(unreadable))
    assert '"b"' == resolve(TASK, Item("s", asked=True, evidence=said("class(a, b)", '"b"'))).value


def test_a_class_that_is_gone_is_told():
    """The answer does not count, and is asked again."""
    evidence = said("class(a, z)", '"z"')
    found, unreadable = adapt_evidence(TASK, evidence)

    assert (0, ["1"]) == (len(found.answers), [item.version for item in unreadable])
    assert resolve(TASK, Item("s", asked=True, evidence=evidence)).is_pending


def test_an_adapter_reads_old_values():
    """As the recipe says for their versions; those of today are left alone."""
    assert ("m:double", None) == (adapter_of(RATING, "1"), adapter_of(RATING, "2"))
    old, _ = adapt_evidence(RATING, said("rating(5)", "4"), double)
    new, _ = adapt_evidence(RATING, said("rating(10)", "4", version="2"), double)

    assert ("8", "4") == (old.answers[0].payload, new.answers[0].payload)
    assert old.answers[0].answer_id == said("rating(5)", "4").answers[0].answer_id


@pytest.mark.parametrize(("judged", "value"), [("4", "8"), (None, None)])
def test_what_was_shown_is_read_too(judged, value):
    """An old `right` is about today's form of the value."""
    spec = replace(RATING, of=InputPath("q"), mode="verify")
    found, _ = adapt_evidence(spec, said("rating(5)", None, "accept", judged), double)

    assert value == found.asks[0].judged


def test_right_of_a_value_that_is_lost_says_nothing():
    """An old `right` about a class that is gone is no answer, and no rejection either."""
    spec = replace(TASK, of=InputPath("q"), mode="verify")
    evidence = said("class(a, z)", None, "accept", '"z"')
    found = resolve(spec, Item("s", judged='"a"', asked=True, evidence=evidence))

    assert (True, "verify", 0) == (found.is_pending, found.needs[0].mode, found.needs[0].round)


def test_evidence_of_today_is_itself():
    """Nothing is copied."""
    evidence = said("class(a, b, c)", '"b"', version="2")

    assert evidence is adapt_evidence(TASK, evidence)[0]


def in_lot(value, version="1"):
    """Return a value in a lot."""
    return Member(LOT, 0, value, True, 1, "", version)


def test_a_value_in_a_lot_is_read_as_an_answer_is():
    """By the adapter of its version, whatever it is a value of; one that is no value of today's is left out."""
    known = evidence_of([], [in_lot("4"), in_lot("3", "2"), in_lot('"a"', "2")])

    assert {"8", "3"} == {member.value for member in adapt_evidence(RATING, known, double)[0].members}
    assert {"4", "3"} == {member.value for member in adapt_evidence(RATING, known)[0].members}
    boxes, points = "[[0,0,16,16,null]]", "[[[0,0],null]]"
    for value in (boxes, points, "[]", '"a"', "7"):
        member = adapt_member(RATING, in_lot(value), lambda _, found: len(str(found)) % 10 + 1)
        assert member is not None
        assert member.value.isdigit()


@pytest.mark.parametrize(
    ("before", "value", "today", "now"),
    [
        ("keypoints(1)", "[[[0,0]]]", "keypoints(2)", "[[[0,0],[16,16]]]"),
        ("boxes", "[[0,0,16,16,null]]", "keypoints(1)", "[[[0,0]]]"),
        ("class(a, b)", '"a"', "rating(5)", "3"),
    ],
)
def test_a_type_that_was_edited_leaves_old_lots_behind(before, value, today, now):
    """Their values are none of today's: today's is in no lot, and nothing that is said today is said of theirs."""
    metric = {"keypoints": "oks", "rating": "within"}[today.partition("(")[0]]
    near = Nearness(metric, Decimal("0.5") if metric == "oks" else Decimal(1), (Decimal("0.09"),))
    audit = AuditSpec(Decimal(1), Decimal(0), near)
    task = replace(TASK, type=parse_type(today), of=InputPath("d"), mode="adjust", same=near, audit=audit)
    known = unite([said(before, value, judged=value), evidence_of([], [in_lot(value)])])

    found = resolve(task, Item("s", judged=now, evidence=known), lambda _: "passed")

    assert ("unaudited", True) == (found.standing, found.awaits_lot)
    lot = Lot(LOT, 0, "k", 1, 0, (LotMember("s", value, "", sampled=True),))
    assert "pending" == judge_lot(task, lot, {"s": known}).state


def test_a_lot_is_judged_by_its_values_as_they_are_read_today():
    """What an auditor confirmed of an old one is confirmed of what it has become."""
    task = replace(RATING, of=InputPath("d"), audit=AuditSpec(Decimal(1), Decimal(0), Nearness("equal")))
    ask = make_ask(
        source="s",
        content_id="",
        task="t",
        version="1",
        type="rating(5)",
        mode="audit",
        form="adjust",
        round=0,
        judged="4",
    )
    said_so = Answered(ask, make_answer(ask, annotator="a", submitted_us=2, outcome="accept"))
    lot = Lot(LOT, 0, "k", 1, 0, (LotMember("s", "4", "", sampled=True),))
    known, _ = adapt_evidence(task, evidence_of([said_so], [in_lot("4")]), double)

    assert ("passed", 1) == (judge_lot(task, lot, {"s": known}).state, judge_lot(task, lot, {"s": known}).right)
    assert "final" == resolve(task, Item("s", judged="8", evidence=known)).standing
