"""Which answers count for an item, and what auditors say of a value."""

from dataclasses import replace
from decimal import Decimal

import pytest

from dsvc.annotation.answers.evidence import Answered, Member, evidence_of
from dsvc.annotation.answers.payloads import answer_type
from dsvc.annotation.answers.records import make_answer, make_ask
from dsvc.annotation.judging.hearing import Heard, Item, decide_member
from dsvc.objects.oid import Oid
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import AuditSpec, Nearness, TaskSpec
from dsvc.recipe.versions import VersionRange

AUDIT = AuditSpec(Decimal("0.1"), Decimal("0.1"), Nearness("within", Decimal(1)))
TASK = TaskSpec("t", parse_type("rating(9)"), InputPath("q"), "adjust", audit=AUDIT)
LOT, LATER = Oid(b"\x01" * 32), Oid(b"\x02" * 32)


def said(outcome, payload=None, judged="3", mode="audit", form="adjust", who="a", at=1, **more):
    """Return one answer with its ask."""
    told = {"source": "s", "content_id": "e", "task": "t", "version": "1", "type": "rating(9)", "round": 0, **more}
    ask = make_ask(**told, mode=mode, form=form, judged=judged)
    return Answered(ask, make_answer(ask, annotator=who, submitted_us=at, outcome=outcome, payload=payload))


def heard(*answered, task=TASK, members=(), content="e"):
    """Return what was said of one item."""
    evidence = evidence_of(answered, members)
    return Heard(task, answer_type("rating(9)"), Item("s", content, "3", evidence=evidence))


@pytest.mark.parametrize(
    ("answer", "value", "state"),
    [
        (said("accept"), "3", "right"),
        (said("value", "4"), "3", "right"),
        (said("value", "6"), "3", "wrong"),
        (said("reject"), "3", "wrong"),
        (said("reject", "4"), "3", "wrong"),
        (said("skip"), "3", "open"),
        (said("accept"), "7", "known"),
        (said("value", "7"), "7", "right"),
        (said("value", "7"), "8", "wrong"),
        (said("reject"), "7", "open"),
    ],
)
def test_what_one_auditor_says(answer, value, state):
    """Of the value that was shown, or of a later one."""
    assert state == heard(answer).decide(0, value).state


def test_a_later_value_may_agree_with_a_correction():
    """The correction stays, and is no error of the later model."""
    decision = heard(said("value", "7")).decide(0, "8")

    assert ("7", True) == (decision.value, decision.agrees)


def test_the_first_auditor_who_can_tell_decides():
    """One who skips does not, and two who skip are enough."""
    assert (
        "right"
        == heard(said("skip"), said("accept", who="b", at=2), said("reject", who="c", at=3)).decide(0, "3").state
    )
    assert "unclear" == heard(said("skip"), said("skip", who="b")).decide(0, "3").state


@pytest.mark.parametrize(
    ("change", "answers"),
    [({}, 1), ({"content_id": "old"}, 0), ({"version": "0"}, 0), ({"round": 1}, 0)],
)
def test_answers_about_something_else_do_not_count(change, answers):
    """Other bytes, a version that is not accepted, another round."""
    assert answers == len(heard(said("value", "4", mode="adjust", **change)).first(0))
    mild = replace(TASK, accept=VersionRange.parse(">=0"))
    assert 1 == len(heard(said("value", "4", mode="adjust", version="0"), task=mild).first(0))


def test_voices_are_of_what_is_shown_now():
    """A value of a person's counts whatever was shown, a rejection only of that."""
    both = heard(said("value", "5", mode="adjust"), said("reject", mode="verify", form="verify", who="b"))

    assert ["value", "reject"] == [voice.says for voice in both.voices(0, "3")]
    assert ["value"] == [voice.says for voice in both.voices(0, "8")]
    assert ["value"] == [voice.says for voice in both.voices(0, "8") if voice.value == "5"]


def test_of_two_lots_the_first_counts():
    """Two clones that closed lots at once are united."""
    members = [
        Member(LATER, 0, "3", True, 9, "e"),
        Member(LOT, 0, "3", False, 5, "e"),
        Member(LOT, 0, "3", False, 5, "x"),
    ]

    assert [LOT, LATER] == [member.lot for member in heard(members=members).members(0, "3")]


def test_a_member_is_judged_as_it_was():
    """However the value is now."""
    evidence = evidence_of([said("value", "8")])

    assert "wrong" == decide_member(TASK, "s", Member(LOT, 0, "3", True, 1, "e"), evidence).state
    assert "open" == decide_member(TASK, "s", Member(LOT, 0, "3", True, 1, "other"), evidence).state


def test_whoever_was_asked_meanwhile_has_judged_a_member():
    """Where the condition came to select it: the lot would wait for an auditor for ever."""
    member = Member(LOT, 0, "3", True, 1, "e")
    by_people = evidence_of([said("value", "8", mode="adjust")])

    assert "wrong" == decide_member(TASK, "s", member, by_people).state
    assert "right" == decide_member(TASK, "s", member, evidence_of([said("value", "4", mode="adjust")])).state
    assert "open" == decide_member(replace(TASK, audit=replace(AUDIT, people=True)), "s", member, by_people).state
