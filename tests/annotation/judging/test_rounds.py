"""One item on its way: who is asked, what it comes to, and what changes nothing."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsvc.annotation.answers.evidence import (
    CANCELLED,
    NOTHING,
    WITHDRAWN,
    Answered,
    Evidence,
    Member,
    Stop,
    evidence_of,
    unite,
)
from dsvc.annotation.answers.records import WHOLE, make_answer
from dsvc.annotation.judging.asks import asks_of
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.rounds import LOT_FAILED, resolve
from dsvc.objects.oid import Oid
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import AuditSpec, Nearness, OverlapSpec, TaskSpec

BOXES = parse_type("boxes")
IOU = Nearness("iou", Decimal("0.8"))
PLAIN = TaskSpec("t", BOXES, InputPath("d"), "adjust", same=Nearness("iou", Decimal("0.95")))
AUDITED = replace(PLAIN, audit=AuditSpec(Decimal("0.1"), Decimal("0.02"), IOU, rounds=2))
MODEL = "[[0,0,160,160,null]]"
CLOSE = "[[1,0,160,160,null]]"
OTHER = "[[320,0,160,160,null]]"
THIRD = "[[640,0,160,160,null]]"
LOT, NEXT = Oid(b"\x01" * 32), Oid(b"\x02" * 32)


class Story:
    """One item, and the people who answer what it asks."""

    def __init__(self, task=AUDITED, judged=MODEL, *, asked=False, content="e"):
        self.task, self.verdicts, self.time = task, {}, 0
        self.item = Item("s", content, judged, asked=asked)

    def see(self, **changes):
        """Change what is known beside the answers."""
        fields = {name: getattr(self.item, name) for name in ("content_id", "judged", "asked", "evidence")}
        self.item = Item("s", **{**fields, **changes})
        return self

    def now(self):
        """Return what became of it."""
        return resolve(self.task, self.item, lambda lot: self.verdicts.get(lot, "pending"))

    def asks(self):
        """Return what is asked."""
        return asks_of(self.task, self.item, self.now())

    def answer(self, who, outcome="value", payload=None, reasons=()):
        """Answer the ask that is open."""
        (wanted,) = self.asks()
        self.time += 1
        answer = make_answer(
            wanted.ask, annotator=who, submitted_us=self.time, outcome=outcome, payload=payload, reasons=reasons
        )
        evidence = unite([self.item.evidence, evidence_of([Answered(wanted.ask, answer)])])
        return self.see(evidence=evidence)

    def lot(self, lot=LOT, *, sampled=False):
        """Take the value into a lot."""
        found = self.now()
        assert found.awaits_lot
        member = Member(lot, found.round, found.value, sampled, self.time, self.item.content_id, self.task.version)
        return self.see(evidence=unite([self.item.evidence, evidence_of([], [member])]))

    def judge(self, state, lot=LOT):
        """Say what became of a lot."""
        self.verdicts[lot] = state
        return self

    @property
    def short(self):
        """Return standing, value and origin."""
        found = self.now()
        return found.standing, found.value, found.origin


def asked(story):
    """Return mode, form, round and judged value of the one ask."""
    (wanted,) = story.asks()
    return wanted.ask.mode, wanted.ask.form, wanted.ask.round, wanted.ask.judged


def test_what_nobody_doubts_is_final_without_audit():
    """The judged value itself, with its own provenance."""
    assert ("final", MODEL, "judged") == Story(PLAIN).short


def test_what_is_asked_waits_for_a_person():
    """And is theirs then, whatever the condition or the model says later."""
    story = Story(PLAIN, asked=True)
    assert (None, True) == (story.now().standing, story.now().is_pending)
    assert ("adjust", "adjust", 0, MODEL) == asked(story)

    story.answer("ann", payload=OTHER)
    assert ("final", OTHER, "human") == story.short
    assert ("final", OTHER, "human") == story.see(asked=False, judged=THIRD).short
    assert ("final", OTHER, "human") == story.see(judged=None).short
    assert (None, ()) == (story.see(content_id="new", judged=MODEL, asked=True).now().standing, story.now().annotators)


def test_the_last_word_of_a_person_counts_though_it_was_their_first():
    """They gave a value, then another, and went back: in whatever order it is heard of."""
    story = Story(PLAIN, asked=True)
    (wanted,) = story.asks()
    said = [
        evidence_of(
            [Answered(wanted.ask, make_answer(wanted.ask, annotator="a", submitted_us=at, outcome="value", payload=v))]
        )
        for at, v in enumerate((OTHER, THIRD, OTHER))
    ]

    for found in (said, said[::-1], [said[2], said[0], said[1]]):
        assert ("final", OTHER, "human") == story.see(evidence=unite(found)).short
    assert ("final", THIRD, "human") == story.see(evidence=unite(said[:2])).short


def test_from_nothing_people_are_asked_about_everything():
    """Without `of`, the first value is a person's."""
    story = Story(TaskSpec("t", BOXES), None, asked=True)

    assert ("label", "label", 0, None) == asked(story)
    assert ("final", OTHER, "human") == story.answer("ann", payload=OTHER).short


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ("[0,0,160,160]", "[3200,3200,160,160]", False),
        ("[0,0,160,160]", "[16,0,160,160]", True),
        ("[0,0,160,160]", "[80,0,160,160]", False),
        ("[0,0,160,160]", WHOLE, True),
        (WHOLE, "[0,0,160,160]", True),
    ],
)
def test_an_answer_counts_for_the_part_of_the_image_that_was_shown(before, after, counts):
    """The crop of another box is another question; one that is moved a little is not."""
    task = TaskSpec("t", parse_type("class(real, spoof)"))
    item = Item("s", "e", None, asked=True, region=before)
    (wanted,) = asks_of(task, item, resolve(task, item))
    answer = make_answer(wanted.ask, annotator="ann", submitted_us=1, outcome="value", payload='"spoof"')
    later = Item("s", "e", None, True, evidence_of([Answered(wanted.ask, answer)]), after)

    assert counts == resolve(task, later).has_record


def test_where_there_is_nothing_there_is_nothing_to_say():
    """A judged signal without a record is neither asked nor waiting."""
    found = Story(PLAIN, None, asked=True).now()

    assert (False, False, ()) == (found.has_record, found.is_pending, found.needs)


def test_people_who_cannot_agree_go_to_an_expert():
    """Whose word ends it; who finds that nobody can say, says so too."""
    task = replace(PLAIN, overlap=OverlapSpec(2, 2))
    story = Story(task, asked=True)
    story.see(evidence=_two_answers(story))
    assert ("adjudicate", "adjust", 0) == asked(story)[:3]
    assert ("a", "b") == story.asks()[0].ask.context.avoid

    expert = Story(task, asked=True).see(evidence=story.item.evidence).answer("x", payload=THIRD)
    assert ("final", THIRD, "human") == expert.short
    assert ("contested", "human") == (story.answer("x", "skip").short[0], story.short[2])


def test_an_expert_who_cannot_tell_takes_nothing_from_one_who_could():
    """Whoever of them is heard first; of two who can, the last counts."""
    task = replace(PLAIN, overlap=OverlapSpec(2, 2))
    story = Story(task, asked=True)
    story.see(evidence=_two_answers(story))
    (wanted,), before = story.asks(), story.item.evidence

    def says(*found):
        answers = [
            make_answer(wanted.ask, annotator=who, submitted_us=at, outcome=outcome, payload=payload)
            for at, (who, outcome, payload) in enumerate(found, 10)
        ]
        story.see(evidence=unite([before, evidence_of([Answered(wanted.ask, answer) for answer in answers])]))
        return story.short[:2]

    assert ("final", THIRD) == says(("x", "value", THIRD), ("y", "skip", None))
    assert ("final", THIRD) == says(("y", "skip", None), ("x", "value", THIRD))
    assert ("final", OTHER) == says(("x", "value", THIRD), ("z", "value", OTHER))
    assert "contested" == says(("x", "skip", None), ("y", "skip", None))[0]


def _two_answers(story):
    (wanted,) = story.asks()
    answers = [
        make_answer(wanted.ask, annotator=who, submitted_us=i, outcome="value", payload=payload)
        for i, (who, payload) in enumerate((("a", OTHER), ("b", THIRD)))
    ]
    return evidence_of([Answered(wanted.ask, answer) for answer in answers])


def test_what_cannot_be_labelled_is_unusable():
    """Two people who skip are enough."""
    story = Story(PLAIN, asked=True).answer("a", "skip", reasons=("blurred",)).answer("b", "skip")

    assert ("unusable", None, "human") == story.short


# --- audits -------------------------------------------------------------------------------------------------------


def test_a_value_waits_for_its_lot():
    """It is there, unaudited; a member of the sample is asked about; a lot that passes makes it final."""
    story = Story()
    assert ("unaudited", MODEL, "judged") == story.short

    assert ("unaudited", ()) == (story.lot().short[0], story.asks())
    assert ("final", MODEL, "judged") == story.judge("passed").short
    sampled = Story().lot(sampled=True)
    assert ("audit", "adjust", 0, MODEL) == asked(sampled)
    assert ("final", MODEL, "judged") == sampled.answer("aud", payload=CLOSE).short
    assert ("final", MODEL, "judged") == Story().lot(sampled=True).answer("aud", "accept").short


def test_a_found_error_takes_the_auditors_value_and_is_audited_again():
    """After the last audit, an expert decides."""
    story = Story().lot(sampled=True).answer("aud", payload=OTHER)
    assert ("unaudited", OTHER, "human", 1) == (*story.short, story.now().round)

    story.lot(NEXT, sampled=True)
    assert ("audit", "adjust", 1, OTHER) == asked(story)
    assert ("aud",) == story.asks()[0].ask.context.avoid
    right = Story().see(evidence=story.item.evidence).answer("other", "accept")
    assert ("final", OTHER, "human") == right.short
    story.answer("other", payload=THIRD)
    assert ("adjudicate", "adjust", 1, THIRD) == asked(story)
    assert ("final", THIRD, "human") == story.answer("expert", "accept").short


def test_a_rejected_value_goes_round_with_its_reasons():
    """To people, who see what was wrong; theirs is audited again."""
    story = Story().lot(sampled=True).answer("aud", "reject", reasons=("cut off",))
    assert (None, ("adjust", "adjust", 1, MODEL)) == (story.now().standing, asked(story))
    assert ("cut off",) == story.asks()[0].ask.context.reasons

    story.answer("ann", payload=OTHER)
    assert ("unaudited", OTHER, "human", True) == (*story.short, story.now().awaits_lot)
    assert ("final", OTHER, "human") == story.lot(NEXT).judge("passed", NEXT).short


def test_a_rejection_after_the_last_audit_goes_to_an_expert():
    """There is no further round."""
    task = replace(AUDITED, audit=replace(AUDITED.audit, rounds=1))
    story = Story(task).lot(sampled=True).answer("aud", "reject", reasons=("cut off",))

    assert "adjudicate" == asked(story)[0]
    assert ("contested", MODEL, "human") == story.answer("x", "reject").short


@pytest.mark.parametrize(
    ("on_fail", "standing", "modes"), [("lot", None, ["adjust"]), ("found", "final", []), ("hold", "unaudited", [])]
)
def test_the_rest_of_a_failed_lot_goes_by_on_fail(on_fail, standing, modes):
    """To people, nowhere, or nowhere until somebody decides."""
    task = replace(AUDITED, audit=replace(AUDITED.audit, on_fail=on_fail))
    story = Story(task).lot().judge("failed")

    assert (standing, modes) == (story.now().standing, [wanted.ask.mode for wanted in story.asks()])
    if modes:
        assert (LOT_FAILED,) == story.asks()[0].ask.context.reasons
        assert ("unaudited", OTHER, "human") == story.answer("ann", payload=OTHER).short


def test_what_an_auditor_confirmed_survives_a_failed_lot():
    """A person has seen it."""
    story = Story().lot(sampled=True).answer("aud", "accept").judge("failed")

    assert ("final", MODEL, "judged") == story.short


def test_auditors_who_cannot_tell_end_it():
    """Two of them."""
    story = Story().lot(sampled=True).answer("a", "skip")
    assert ("audit", "unaudited") == (asked(story)[0], story.short[0])

    assert ("unusable", None, "human") == story.answer("b", "skip").short


def test_what_a_person_gave_first_is_final():
    """Unless the task has it audited too; what is given in a later round always is."""
    story = Story(asked=True).answer("ann", payload=OTHER)
    assert ("final", OTHER, "human") == story.short

    story.task = replace(AUDITED, audit=replace(AUDITED.audit, people=True))
    assert ("unaudited", OTHER, "human") == story.short


def test_a_value_in_two_lots_has_both_samples_judged():
    """Two clones may close lots at once: the first says what becomes of it, and the second is not left hanging."""
    story = Story().lot(LOT)
    second = Member(NEXT, 0, MODEL, True, 9, "e", "1")
    story.see(evidence=unite([story.item.evidence, evidence_of([], [second])])).judge("passed", LOT)

    assert ("final", "audit") == (story.now().standing, asked(story)[0])
    assert ("final", ()) == (story.answer("aud", "accept").now().standing, story.asks())


@pytest.mark.parametrize(
    ("void", "waits"), [(WITHDRAWN, True), (CANCELLED, False), ("the image cannot be read", False)]
)
def test_a_value_that_comes_back_waits_for_another_lot(void, waits):
    """Once its lot is judged without it, since nobody asked any more; not where nobody can be asked."""
    story = Story().lot(LOT, sampled=True)
    (member,), (wanted,) = story.item.evidence.members, story.asks()
    story.see(evidence=unite([story.item.evidence, Evidence(members=(msgspec.structs.replace(member, void=void),))]))

    assert ("unaudited", waits, LOT) == (story.now().standing, story.now().awaits_lot, story.now().lot)
    for at_us, is_on in ((1, True), (2, False)):
        stop = Stop(wanted.ask.ask_id, at_us, is_on=is_on)
        story.see(evidence=unite([story.item.evidence, Evidence(stops=(stop,))]))
        assert (waits or (void == CANCELLED and not is_on)) == story.now().awaits_lot
    if story.now().awaits_lot:
        assert ("audit", "adjust", 0, MODEL) == asked(story.lot(NEXT, sampled=True))


# --- a later model --------------------------------------------------------------------------------------------------


def test_a_verdict_covers_a_later_value_that_is_near():
    """By `same`: nothing is asked, and the later value is kept."""
    passed = Story().lot().judge("passed").see(judged=CLOSE)
    assert ("final", CLOSE, "judged") == passed.short

    assert ("final", CLOSE, "judged") == Story().lot(sampled=True).answer("aud", "accept").see(judged=CLOSE).short


def test_a_later_value_is_judged_by_what_people_said():
    """Where an auditor gave or confirmed a value, a far one is wrong without asking; elsewhere it waits for a lot."""
    confirmed = Story().lot(sampled=True).answer("aud", "accept").see(judged=OTHER)
    assert ("final", MODEL, "human") == confirmed.short
    corrected = Story().lot(sampled=True).answer("aud", payload=OTHER).lot(NEXT).judge("passed", NEXT)
    assert ("final", OTHER, "human") == corrected.short == corrected.see(judged="[[321,0,160,160,null]]").short

    passed = Story().lot().judge("passed").see(judged=OTHER)
    assert ("unaudited", OTHER, "judged", True) == (*passed.short, passed.now().awaits_lot)
    rejected = Story().lot(sampled=True).answer("aud", "reject").see(judged=OTHER)
    assert ("unaudited", OTHER, "judged") == rejected.short


def _without_audit(story):
    story.task = replace(story.task, audit=None)


def _audited_as(**changes):
    def edit(story):
        story.task = replace(story.task, audit=replace(story.task.audit, **changes))

    return edit


CHANGES = {
    "another model": lambda story: story.see(judged=THIRD),
    "no model": lambda story: story.see(judged=None),
    "the condition": lambda story: story.see(asked=True),
    "the first lot passes": lambda story: story.judge("passed", LOT),
    "the first lot fails": lambda story: story.judge("failed", LOT),
    "no audit": _without_audit,
    "on_fail = found": _audited_as(on_fail="found"),
    "on_fail = hold": _audited_as(on_fail="hold"),
    "fewer rounds": _audited_as(rounds=1),
    "people = true": _audited_as(people=True),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("begins", ["lot failed", "rejected", "corrected"])
def test_what_a_person_gave_in_a_later_round_stays(begins, change):
    """Once audited it is final, whatever the model, the condition, the first lot or the recipe's audit says later."""
    story = Story().lot(LOT, sampled=begins != "lot failed")
    if begins == "lot failed":
        story.judge("failed", LOT).answer("ann", payload=OTHER)
    elif begins == "rejected":
        story.answer("aud", "reject").answer("ann", payload=OTHER)
    else:
        story.answer("aud", payload=OTHER)
    story.lot(NEXT).judge("passed", NEXT)
    assert ("final", OTHER, "human") == story.short

    CHANGES[change](story)

    assert (("final", OTHER, "human"), ()) == (story.short, story.asks())


def test_what_an_auditor_gave_of_a_persons_value_stays_without_the_audit():
    """Of a task that judges nothing, and where `people` is taken back."""
    task = replace(AUDITED, of=None, mode="label", audit=replace(AUDITED.audit, people=True, mode="adjust"))
    story = Story(task, None, asked=True).answer("ann", payload=OTHER).lot(LOT, sampled=True)
    story.answer("aud", payload=THIRD).lot(NEXT).judge("passed", NEXT)
    assert ("final", THIRD, "human") == story.short

    _without_audit(story)

    assert ("final", THIRD, "human") == story.short
    task = replace(AUDITED, audit=replace(AUDITED.audit, people=True))
    of = Story(task, asked=True).answer("ann", payload=OTHER).lot(LOT, sampled=True)
    of.answer("aud", payload=THIRD).lot(NEXT).judge("passed", NEXT)
    assert ("final", THIRD, "human") == of.short
    _audited_as(people=False)(of)
    assert ("final", THIRD, "human") == of.short


def test_a_rejected_value_is_judged_by_nobody_once_there_is_no_audit():
    """Nobody gave another: it is what there is."""
    story = Story().lot(sampled=True).answer("aud", "reject")
    _without_audit(story)

    assert ("final", MODEL, "judged") == story.short


def test_verify_covers_only_what_was_shown():
    """A rejection of one value is none of another."""
    task = replace(PLAIN, mode="verify")
    story = Story(task, asked=True).answer("a", "reject", reasons=("no",))
    assert ("adjudicate", "adjust", 0, MODEL) == asked(story)

    assert ("verify", "verify", 0, OTHER) == asked(story.see(judged=OTHER))
    assert ("final", OTHER, "human") == story.answer("a", "accept").short


def test_who_is_shown_nothing_judges_what_is_in_a_lot_then():
    """Not what was in one that is judged without it by now."""
    story = Story(replace(AUDITED, audit=replace(AUDITED.audit, mode="label"))).lot(LOT, sampled=True)
    (member,) = story.item.evidence.members
    void = Evidence(members=(msgspec.structs.replace(member, void=WITHDRAWN),))
    story.see(judged=OTHER, evidence=unite([story.item.evidence, void]))
    story.time = 50
    story.lot(NEXT, sampled=True).answer("aud", payload="[[321,0,160,160,null]]")

    assert ("final", OTHER, "judged") == story.short


# --- nothing else takes part --------------------------------------------------------------------------------------

events = st.lists(
    st.tuples(
        st.sampled_from(["lot", "sample", "value", "accept", "reject", "skip", "model", "pass", "fail", "ask"]),
        st.sampled_from("abcd"),
        st.sampled_from([MODEL, CLOSE, OTHER, THIRD]),
    ),
    max_size=10,
)


def play(task, found):
    """Let things happen as far as they can, and return the story."""
    story = Story(task)
    for what, who, payload in found:
        lot = Oid(bytes([story.now().round]) * 32)
        if what in ("lot", "sample"):
            if story.now().awaits_lot:
                story.lot(lot, sampled=what == "sample")
        elif what == "model":
            story.see(judged=payload)
        elif what == "ask":
            story.see(asked=not story.item.asked)
        elif what in ("pass", "fail"):
            story.judge({"pass": "passed", "fail": "failed"}[what], lot)
        elif story.asks():
            story.answer(who, what, payload if what == "value" else None)
    return story


LATER = ["another model", "no model", "the condition", "no audit", "on_fail = hold", "fewer rounds"]
judged_later = st.sampled_from([MODEL, CLOSE, OTHER, THIRD, None])


@settings(max_examples=150, deadline=None)
@given(events, st.integers(1, 3), judged_later, st.sampled_from(LATER))
def test_no_later_model_and_no_later_condition_takes_a_persons_final_value(found, rounds, judged, change):
    """However it came about: another model, none at all, another condition, fewer rounds."""
    story = play(replace(AUDITED, audit=replace(AUDITED.audit, rounds=rounds)), found)
    before = story.short
    if before[0] != "final" or before[2] != "human":
        return

    for step in (lambda: story.see(judged=judged), lambda: CHANGES[change](story)):
        step()
        standing, value, _ = story.short
        assert "final" == standing
        assert value in ((MODEL, CLOSE) if before[1] in (MODEL, CLOSE) else (before[1],))  # one near it is the same


@settings(max_examples=150, deadline=None)
@given(events, st.integers(1, 3), st.sampled_from(["lot", "found", "hold"]), st.randoms())
def test_a_resolution_follows_from_what_is_known(found, rounds, on_fail, random):
    """In any order, delivered twice, united in any grouping; and it never asks for nothing or for ever."""
    task = replace(AUDITED, audit=replace(AUDITED.audit, rounds=rounds, on_fail=on_fail))
    story = play(task, found)
    before = story.now()
    evidence = story.item.evidence
    parts = [evidence_of([Answered(evidence.ask(a.ask_id), a)]) for a in evidence.answers]
    parts += [evidence_of([], [member]) for member in evidence.members]
    random.shuffle(parts)
    middle = len(parts) // 2
    again = unite([unite([*parts[:middle], NOTHING]), unite(parts[middle:]), *parts[:3]])

    assert evidence == again
    assert before == story.see(evidence=again).now()
    assert before.round < rounds
    assert before.has_record != before.is_pending
    assert all(need.people > 0 and need.form in ("label", "adjust", "verify") for need in before.needs)


@settings(max_examples=100, deadline=None)
@given(events)
def test_an_answered_ask_is_never_asked_again_of_nobody_new(found):
    """An ask that is open names whoever has answered it, and a complete one is closed."""
    story = play(AUDITED, found)
    for wanted in story.asks():
        gave = {a.annotator for a in story.item.evidence.answers if a.ask_id == wanted.ask.ask_id}
        assert gave <= set(wanted.ask.context.avoid)


def test_nobody_audits_what_they_made():
    """Their answer is kept, and somebody else is asked; a correction has a maker too."""
    story = Story().lot(sampled=True).answer("ann", payload=OTHER).lot(NEXT, sampled=True)
    before = story.asks()
    own = story.answer("ann", payload=OTHER)

    assert [("audit", ("ann",), 1)] == [(one.ask.mode, one.ask.context.avoid, one.people) for one in before]
    assert [one.ask.ask_id for one in before] == [one.ask.ask_id for one in own.asks()]
    assert ("final", OTHER, ("ann", "bob")) == (
        (found := own.answer("bob", payload=OTHER).now()).standing,
        found.value,
        found.annotators,
    )


def test_the_values_of_people_are_audited_by_others():
    """Where their first answers are audited too; a model's value is judged by whoever comes."""
    task = replace(AUDITED, audit=replace(AUDITED.audit, people=True))
    theirs = Story(task, asked=True).answer("ann", payload=OTHER).lot(sampled=True)
    models = Story(task).lot(sampled=True)

    assert [("ann",)] == [one.ask.context.avoid for one in theirs.asks()]
    assert "unaudited" == theirs.answer("ann", payload=OTHER).now().standing
    assert "final" == theirs.answer("bob", payload=OTHER).now().standing
    assert [()] == [one.ask.context.avoid for one in models.asks()]


def test_an_expert_has_said_nothing_before():
    """Whoever answered or audited the same is no expert for it."""
    task = replace(AUDITED, audit=replace(AUDITED.audit, rounds=1))
    story = Story(task).lot(sampled=True).answer("ann", payload=OTHER)
    mode, avoid = story.asks()[0].ask.mode, story.asks()[0].ask.context.avoid
    own = story.answer("ann", payload=OTHER)

    assert ("adjudicate", ("ann",)) == (mode, avoid)
    assert (None, ["adjudicate"]) == (own.now().standing, [one.ask.mode for one in own.asks()])
    assert ("final", THIRD) == ((found := own.answer("eve", payload=THIRD).now()).standing, found.value)
