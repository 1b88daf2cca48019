"""What identifies an ask and an answer, and what does not."""

import msgspec
import pytest

from dsvc.annotation.answers.records import Ask, Context, hash_payload, make_answer, make_answer_id, make_ask

BASE = {
    "source": "s3://faces/1.jpg",
    "content_id": "e1",
    "task": "face_boxes",
    "version": "2",
    "type": "boxes",
    "mode": "adjust",
    "form": "adjust",
    "round": 0,
    "judged": "[[16,32,160,160,null]]",
}
PINNED_ASK = "872cf5a4fd0e85b2b1eb591bebb4de316fe0a7831857ece05dcc3a0fbed63348"
PINNED_ANSWER = "3c00f33b3cb951552a071e7df014509381130a5113751fd014730ef2b158dcf9"


def test_the_id_of_an_ask_is_pinned():
    """Ids of asks are forever: every answer names one."""
    ask = make_ask(**BASE)

    assert PINNED_ASK == ask.ask_id.hex()


def test_the_id_of_an_answer_is_pinned():
    """So are those of answers."""
    answer = make_answer(make_ask(**BASE), annotator="ann-1", submitted_us=7, outcome="value", payload="[]")

    assert PINNED_ANSWER == answer.answer_id.hex()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", "s3://faces/2.jpg"),
        ("content_id", "e2"),
        ("task", "eyes"),
        ("version", "3"),
        ("type", "rating(5)"),
        ("form", "verify"),
        ("mode", "adjudicate"),
        ("mode", "audit"),
        ("round", 1),
        ("judged", "[]"),
        ("region", "0,0,16,16"),
    ],
)
def test_another_question_is_another_ask(field, value):
    """Each of these changes what is asked."""
    assert make_ask(**BASE).ask_id != make_ask(**{**BASE, field: value}).ask_id


def test_what_is_told_beside_takes_no_part():
    """Reasons and people to avoid may grow while an ask is open."""
    told = make_ask(**BASE, context=Context(("too loose",), None, ("ann-1",)))

    assert make_ask(**BASE).ask_id == told.ask_id


def test_a_label_is_asked_without_what_is_judged():
    """Where nothing is shown, a new model value is no new question."""
    asks = {make_ask(**{**BASE, "form": "label", "judged": judged}).ask_id for judged in ("[]", None)}

    assert 1 == len(asks)


def test_retries_are_one_answer():
    """Time and the platform's own id are not in the id of an answer; annotator and payload are."""
    ask = make_ask(**BASE)
    first = make_answer(ask, annotator="a", submitted_us=1, outcome="value", payload="[]", platform_id="7")
    again = make_answer(ask, annotator="a", submitted_us=9, outcome="value", payload="[]", platform_id="8")

    assert first.answer_id == again.answer_id
    assert 3 == len(
        {first.answer_id, make_answer_id(ask.ask_id, "b", "value", "[]"), make_answer_id(ask.ask_id, "a", "skip", None)}
    )


def test_an_answer_says_what_was_shown():
    """So that a pre-label that was sent back unchanged can be told from work."""
    answer = make_answer(make_ask(**BASE), annotator="a", submitted_us=1, outcome="accept")

    assert hash_payload(BASE["judged"]) == answer.shown


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -float("inf")])
def test_seconds_that_are_no_number_are_none(seconds):
    """They have no order, and a union of answers needs one."""
    told = {"annotator": "a", "submitted_us": 1, "outcome": "skip"}
    odd, plain = (make_answer(make_ask(**BASE), **told, lead_s=lead) for lead in (seconds, 5.0))

    assert (None, 5.0) == (odd.lead_s, plain.lead_s)


def test_asks_travel_as_json():
    """Platforms and the operational store keep them so."""
    ask = make_ask(**BASE, context=Context(("r",)))

    assert ask == msgspec.json.decode(msgspec.json.encode(ask), type=Ask)
