"""How far people agree."""

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dsvc.annotation.answers.evidence import Answered, evidence_of, unite
from dsvc.annotation.answers.records import make_answer, make_ask
from dsvc.annotation.judging.concord import against, among_people, near_of, votes_of, with_shown
from dsvc.objects.types import parse_type
from dsvc.recipe.task_spec import Nearness, TaskSpec

TASK = TaskSpec("quality", parse_type("rating(5)"))


def said(source, votes, *, judged=None):
    """Return the evidence of a source: what each person said."""
    ask = make_ask(
        source=source,
        content_id="",
        task="quality",
        version="1",
        type="rating(5)",
        mode="label" if judged is None else "verify",
        form="label" if judged is None else "verify",
        round=0,
        judged=judged,
    )
    answers = []
    for at, (who, value) in enumerate(votes.items()):
        outcome = "skip" if value is None else "accept" if value == "yes" else "value"
        payload = value if outcome == "value" else None
        answers.append(
            Answered(ask, make_answer(ask, annotator=who, submitted_us=at, outcome=outcome, payload=payload))
        )
    return source, evidence_of(answers, ())


def test_people_are_compared_where_several_answered():
    """Each pair once; a person is compared with all others."""
    found = [
        said("s3://f/1", {"a": "4", "b": "4"}),
        said("s3://f/2", {"a": "1", "b": "3"}),
        said("s3://f/3", {"a": "2"}),
    ]
    everybody, first, second = among_people(TASK, found)

    assert ("", 2, 1) == (everybody.who, everybody.sources, everybody.near)
    assert [("a", 2), ("b", 2)] == [(item.who, item.sources) for item in (first, second)]
    assert everybody.kappa is not None


def test_who_leaves_what_is_shown_without_looking_is_told():
    """Of the same answer in half a second and in ten, the first is hasty; another value never is."""
    source, evidence = said("s3://f/1", {"a": "yes", "b": "yes", "c": "2"}, judged="3")
    took = {"a": 0.5, "b": 10.0, "c": 0.5}
    answers = tuple(msgspec.structs.replace(answer, lead_s=took[answer.annotator]) for answer in evidence.answers)
    found = with_shown(TASK, [(source, msgspec.structs.replace(evidence, answers=answers))])

    assert [("", 3, 2, 1), ("a", 1, 1, 1), ("b", 1, 1, 0), ("c", 1, 0, 0)] == [
        (item.who, item.sources, item.near, item.hasty) for item in found
    ]
    assert [] == with_shown(TASK, [said("s3://f/1", {"a": "4"})])


def test_people_are_compared_with_other_values():
    """Sources without one are left out."""
    found = [said("s3://f/1", {"a": "4", "b": "5"}), said("s3://f/2", {"a": "1"})]
    everybody, first, second = against(TASK, found, {"s3://f/1": "4"}, "model")

    assert [("model", 2, 1), ("model", 1, 1), ("model", 1, 0)] == [
        (item.against, item.sources, item.near) for item in (everybody, first, second)
    ]


def test_accepting_is_saying_what_was_shown_and_skipping_says_nothing():
    """A vote is a value."""
    _, evidence = said("s3://f/1", {"a": "yes", "b": None}, judged="3")

    assert {"a": "3"} == votes_of(TASK, evidence)[-1]


def test_nearness_is_that_of_the_type_without_an_audit():
    """Boxes by IoU, ratings exactly."""
    assert Nearness("iou", Decimal("0.8")) == near_of(TaskSpec("boxes", parse_type("boxes")))
    assert Nearness("within") == near_of(TASK)


def answered(type_, who, payload, content_id="e", at=1):
    """Return evidence of one answer."""
    told = {"source": "s", "content_id": content_id, "task": "quality", "version": "1", "type": type_}
    ask = make_ask(**told, mode="label", form="label", round=0)
    return evidence_of(
        [Answered(ask, make_answer(ask, annotator=who, submitted_us=at, outcome="value", payload=payload))]
    )


@given(st.lists(st.tuples(*[st.integers(1, 5)] * 3), min_size=1, max_size=6), st.permutations("abc"))
def test_what_people_are_called_takes_no_part(rows, names):
    """Of everybody together; a kappa has two sides, and neither of a pair is the first."""
    found = [
        [said(f"s{i}", dict(zip(called, map(str, row), strict=True))) for i, row in enumerate(rows)]
        for called in ("abc", names)
    ]

    first, second = (among_people(TASK, one)[0] for one in found)
    assert first == second


def test_what_was_said_of_other_bytes_is_compared_with_nothing():
    """An image was replaced under its name; of values of now, what was said last counts."""
    both = unite([answered("rating(5)", "a", "1", "old", 1), answered("rating(5)", "b", "5", "new", 2)])

    assert [0] == [one.sources for one in among_people(TASK, [("s", both)])]
    assert [("", 1, 1), ("b", 1, 1)] == [
        (one.who, one.sources, one.near) for one in against(TASK, [("s", both)], {"s": "5"}, "other")
    ]


def test_answers_of_an_edited_type_are_left_out():
    """But for those that are values of today's."""
    old = unite([answered("class(a, b)", who, '"a"') for who in "ab"])
    few = unite([answered("rating(4)", who, "4") for who in "ab"])

    assert [0] == [one.sources for one in among_people(TASK, [("s", old)])]
    assert ["", "a", "b"] == [one.who for one in among_people(TASK, [("s", few)])]
    assert [] == with_shown(TASK, [("s", old)])
