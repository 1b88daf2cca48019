"""Questions and answers as documents."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from dsvc.annotation.answers.payloads import answer_type
from dsvc.annotation.platforms.exchange import (
    MalformedAnswerError,
    form_document,
    on_grid,
    question_document,
    read_answer,
    read_time,
    time_text,
    without_signatures,
)
from dsvc.plugins.platforms import Question, TaskForm

FORM = TaskForm("face_boxes", "2", "boxes", labels=("face",), reasons=("too large",), guideline="Draw it.")


def read(document, form=FORM):
    """Return the answer that a document is."""
    return read_answer(form, document, task_id="7", platform_id="x", annotator=None, at_us=5)


def test_a_question_says_only_what_there_is():
    """Fields that are empty are left out; times are text."""
    bare = question_document(FORM, Question("0a#0", "label", "s3://b/k"))
    full = question_document(
        FORM,
        Question("0a#1", "verify", "s3://b/k", "audit", 640, 480, [], ("too large",), 1, 2, 1_500_000, (("age", "7"),)),
    )

    assert {"key", "task", "version", "type", "form", "mode", "round", "want", "image"} == set(bare)
    assert {"width", "height", "shown", "reasons", "expires_at", "context"} == set(full) - set(bare)
    assert ("1970-01-01T00:00:01.500000+00:00", {"age": "7"}) == (full["expires_at"], full["context"])
    assert {"task", "version", "type", "labels", "reasons", "guideline"} == set(form_document(FORM))


def test_an_answer_is_read():
    """With its value on the grid, and what the document says of when and how long."""
    box = {"x": 1.04, "y": 2, "w": 3, "h": 4.51, "label": "face", "score": 0.5}
    answer = read({"key": "0a#0", "annotator": "ann", "value": [box], "at": "2026-01-01T00:00:00Z", "seconds": 3})

    assert [{"x": 1.0625, "y": 2, "w": 3, "h": 4.5, "label": "face"}] == answer.payload
    assert ("0a#0", "7", "x", "ann", "value", 3.0, None) == (
        answer.key,
        answer.task_id,
        answer.platform_id,
        answer.annotator,
        answer.outcome,
        answer.lead_s,
        answer.problem,
    )
    assert 1_767_225_600_000_000 == answer.submitted_us


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"value": "x"}, "expected a list"),
        ({"value": [{"x": 1}]}, "number of pixels"),
        ({"value": [{"x": float("nan"), "y": 1, "w": 1, "h": 1}]}, "number of pixels"),
        ({}, "expected a `value`, found none"),
        ({"outcome": "perhaps"}, "expected one of value, skip, accept, reject"),
        ({"outcome": ["value"]}, "expected one of value"),
        ({"outcome": "accept", "value": []}, "'accept' comes without a `value`"),
        ({"value": [], "reasons": [1]}, "list of texts"),
        ({"value": [], "seconds": "long"}, "number as `seconds`"),
        ({"value": [], "at": "yesterday"}, "time as `at`"),
        ({"value": [], "at": 1_767_225_600_000_000_000}, "microseconds since 1970"),  # nanoseconds
        ({"value": [], "at": 10**20}, "microseconds since 1970"),
        ({"value": [], "seconds": 10**400}, "number as `seconds`"),
        ({"value": [], "seconds": float("inf")}, "number as `seconds`"),
        ({"value": [{"x": 10**400, "y": 1, "w": 1, "h": 1}]}, "number of pixels"),
        ({"value": [], "annotator": " "}, "person as `annotator`"),
        ({"value": [], "annotator": True}, "person as `annotator`"),
        ({"value": [], "annotator": "\ud800"}, "not Unicode"),
    ],
)
def test_what_does_not_fit_is_an_answer_with_a_problem(document, why):
    """It says why, keeps what came, and counts for nothing."""
    answer = read({"key": "0a#0", "annotator": "ann", **document})

    assert why in answer.problem
    assert ("0a#0", "skip", None) == (answer.key, answer.outcome, answer.payload)
    assert "0a#0" in answer.raw
    assert answer.annotator.encode() is not None


@pytest.mark.parametrize("document", [7, [], {}, {"key": 7}, {"key": ""}, {"key": "x" * 101}, {"key": "ä"}])
def test_without_a_key_it_is_malformed(document):
    """Nobody knows what it is about."""
    with pytest.raises(MalformedAnswerError):
        read(document)


def test_verdicts_may_carry_a_correction():
    """A rejection alone may; one reason may be a text."""
    answer = read({"key": "a", "annotator": 7, "outcome": "reject", "value": [], "reasons": "too large"})

    assert ("reject", [], ("too large",), "7", 5) == (
        answer.outcome,
        answer.payload,
        answer.reasons,
        answer.annotator,
        answer.submitted_us,
    )


def test_values_of_every_type_are_put_on_the_grid():
    """The half goes up, as in canonical payloads; a point that is not there is none."""
    points = [[{"x": 0.03125, "y": 1}, {"x": None, "y": None}]]

    assert [[{"x": 0.0625, "y": 1.0}, None]] == on_grid(answer_type("keypoints(2)"), points)
    assert 3 == on_grid(answer_type("rating(5)"), 3.0)
    assert "a" == on_grid(answer_type("class(a, b)"), "a")


def test_times_are_microseconds():
    """From texts with and without a zone, from datetimes, from microseconds."""
    moment = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    same = [moment, datetime(2026, 1, 1), "2026-01-01", "2026-01-01T01:00+01:00", 1_767_225_600_000_000]  # noqa: DTZ001

    assert {1_767_225_600_000_000} == {read_time(value) for value in same}
    assert 7 == read_time(datetime(1970, 1, 1, microsecond=7, tzinfo=UTC))
    assert 1_767_225_600_000_001 == read_time(time_text(1_767_225_600_000_001))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://b.s3/k?X-Amz-Date=1&X-Amz-Signature=ab", "https://b.s3/k?..."),
        (
            '{"image": "https://b/k?AWSAccessKeyId=a&Signature=b", "value": 3}',
            '{"image": "https://b/k?...", "value": 3}',
        ),
        ("https://b/k?sig=b and https://c/d?page=2", "https://b/k?... and https://c/d?page=2"),
        ("is it a face? signature=none", "is it a face? signature=none"),
    ],
)
def test_no_signed_address_is_kept(text, expected):
    """A tool may write the question back beside its answer."""
    assert expected == without_signatures(text)
    assert "ignature=ab" not in read({"key": "0a#0", "annotator": "ann", "value": "x", "image": text}).raw
