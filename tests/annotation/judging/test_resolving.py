"""What the answers to one question come to, and when more people are asked."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.answers.payloads import answer_type
from dsvc.annotation.answers.records import make_answer, make_ask
from dsvc.annotation.judging.resolving import Voice, effective, settle
from dsvc.objects.types import parse_type
from dsvc.recipe.task_spec import OverlapSpec, TaskSpec

CLASS = answer_type("class(a, b)")
BOXES = answer_type("boxes")


def task(type_="class(a, b)", **overlap):
    """Return a task with some overlap."""
    return TaskSpec("t", parse_type(type_), overlap=OverlapSpec(**overlap))


def say(text, type_=CLASS, reference=None, **overlap):
    """Return what voices come to: a letter is a class, - a rejection, . a skip."""
    kinds = {"-": ("reject", None), ".": ("skip", None)}
    voices = [Voice(str(i), *kinds.get(sign, ("value", f'"{sign}"'))) for i, sign in enumerate(text)]
    settled = settle(task(**overlap), type_, voices, reference)
    return settled.state, settled.value, settled.needed


@pytest.mark.parametrize(
    ("voices", "overlap", "expected"),
    [
        ("", {}, ("open", None, 1)),
        ("a", {}, ("value", '"a"', 0)),
        ("a", {"min": 3, "max": 3}, ("open", None, 2)),
        ("aab", {"min": 3, "max": 3}, ("value", '"a"', 0)),
        ("ab", {"min": 2, "max": 3}, ("open", None, 1)),
        ("ab", {"min": 2, "max": 2}, ("disputed", '"a"', 0)),
        ("aab", {"min": 3, "max": 5, "until": Decimal("0.9")}, ("open", None, 1)),
        ("aab", {"min": 3, "max": 5, "until": Decimal("0.6")}, ("value", '"a"', 0)),
        ("aaabb", {"min": 5, "max": 7, "until": Decimal("0.6")}, ("value", '"a"', 0)),
        ("aaabb", {"min": 5, "max": 7, "until": Decimal("0.6000001")}, ("open", None, 1)),
        ("aab", {"min": 3, "max": 5, "until": Decimal(2) / 3}, ("value", '"a"', 0)),
        ("aabbb", {"min": 3, "max": 5, "until": Decimal("0.9")}, ("value", '"b"', 0)),
        (".", {}, ("open", None, 1)),
        ("..", {}, ("unusable", None, 0)),
        (".a", {}, ("value", '"a"', 0)),
        ("..a", {"min": 1, "max": 2}, ("unusable", None, 0)),
        ("..", {"min": 1, "max": 3}, ("open", None, 1)),
        ("..", {"min": 3, "max": 3}, ("open", None, 2)),
        (".", {"min": 3, "max": 3}, ("open", None, 3)),
        ("-", {}, ("rejected", None, 0)),
        ("-a", {"min": 2, "max": 2}, ("disputed", '"a"', 0)),
        ("-a-", {"min": 3, "max": 3}, ("rejected", None, 0)),
    ],
)
def test_people_are_asked_until_it_is_clear(voices, overlap, expected):
    """Never fewer than min, never more than max; who skips makes room for one more."""
    assert expected == say(voices, **overlap)


def test_one_person_confirms_what_was_shown():
    """Whoever leaves a model's box nearly as it is ends it; a far one asks somebody else."""
    shown, near, far = "[[0,0,160,160,null]]", "[[0,0,161,160,null]]", "[[80,0,160,160,null]]"
    spec = task("boxes", min=1, max=3, until=Decimal("0.9"))

    assert "value" == settle(spec, BOXES, [Voice("a", "value", near)], shown).state
    assert ("open", 1) == ((s := settle(spec, BOXES, [Voice("a", "value", far)], shown)).state, s.needed)
    assert "value" == settle(spec, BOXES, [Voice("a", "value", far), Voice("b", "value", far)], shown).state
    assert "value" == settle(spec, BOXES, [Voice("a", "value", far)], None).state


@given(st.lists(st.sampled_from("ab-."), max_size=6), st.randoms(), st.integers(1, 3), st.integers(0, 3))
def test_the_order_of_voices_takes_no_part(signs, random, least, more):
    """Nor does anything else but who says what; and nobody is asked beyond max but for one who takes a skip's place."""
    spec = task(min=least, max=least + more)
    kinds = {"-": ("reject", None), ".": ("skip", None)}
    voices = [Voice(str(i), *kinds.get(sign, ("value", f'"{sign}"'))) for i, sign in enumerate(signs)]
    settled = settle(spec, CLASS, voices)
    random.shuffle(voices)

    assert settled == settle(spec, CLASS, voices)
    if settled.state == "open":
        assert len(voices) + settled.needed <= least + more + ("." in signs) + least


@given(st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from("12"), st.integers(0, 3)), max_size=6), st.randoms())
def test_of_each_person_the_last_answer_counts(given_answers, random):
    """In whatever order they arrive, and however often."""
    ask = make_ask(
        source="s", content_id="", task="t", version="1", type="rating(5)", mode="label", form="label", round=0
    )
    answers = [
        make_answer(ask, annotator=who, submitted_us=at, outcome="value", payload=payload)
        for who, payload, at in given_answers
    ]
    expected = effective(answers)
    random.shuffle(answers)

    assert expected == effective([*answers, *answers])
    for answer in expected:
        assert answer.submitted_us == max(a.submitted_us for a in answers if a.annotator == answer.annotator)
