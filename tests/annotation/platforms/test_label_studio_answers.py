"""Annotations as answers."""

import json

import pytest

from dsvc.annotation.platforms.label_studio_answers import answer_of, shown_data
from dsvc.annotation.platforms.label_studio_values import to_results, verdict_results
from dsvc.plugins.platforms import Question, TaskForm

FORM = TaskForm("faces", "1", "boxes")
SHOWN = [{"x": 1, "y": 2, "w": 3, "h": 4, "label": "face"}]
BETTER = [{"x": 1, "y": 2, "w": 3, "h": 4.5, "label": None}]


def answer(form, shown, results, **annotation):
    """Return the answer that results are, to a question in a form."""
    question = Question("a#0", form, "s3://b/k", width=100, height=100, shown=shown)
    task = {"id": 7, "data": {"dsvc_key": "a#0", "dsvc": json.loads(json.dumps(shown_data(FORM, question)))}}
    made = {"id": 8, "completed_by": 3, "updated_at": "2026-01-01T00:00:00.000001Z", "lead_time": 2.5}
    return answer_of(FORM, task, made | {"result": results, "was_cancelled": False} | annotation)


def out(value):
    """Return a value as results."""
    return to_results(FORM, value, 100, 100)


@pytest.mark.parametrize(
    ("form", "results", "expected"),
    [
        ("label", out(BETTER), ("value", BETTER)),
        ("label", [], ("value", [])),
        ("adjust", out(SHOWN), ("value", SHOWN)),
        ("verify", [*out(SHOWN), *verdict_results("accept")], ("accept", None)),
        ("verify", verdict_results("accept"), ("accept", None)),
        ("verify", [*out(SHOWN), *verdict_results("reject")], ("reject", None)),
        ("verify", [*out(BETTER), *verdict_results("reject")], ("reject", [{**BETTER[0], "label": "face"}])),
        ("verify", verdict_results("reject"), ("reject", None)),
    ],
)
def test_what_fits_is_read(form, results, expected):
    """A value; a verdict, and a correction where the value differs from the one shown."""
    found = answer(form, SHOWN, results)

    assert (*expected, None) == (found.outcome, found.payload, found.problem)
    assert ("a#0", "7", "8", "3", 1_767_225_600_000_001, 2.5) == (
        found.key,
        found.task_id,
        found.platform_id,
        found.annotator,
        found.submitted_us,
        found.lead_s,
    )


@pytest.mark.parametrize(
    ("form", "results", "why"),
    [
        ("verify", out(SHOWN), "neither accept nor reject"),
        ("verify", [*out(BETTER), *verdict_results("accept")], "accepted, and changed as well"),
        ("label", None, "expected a list"),
        ("label", [{"from_name": "nobody", "value": {}}], "no control"),
        ("label", [{**out(BETTER)[0], "value": {"x": 10**400, "y": 1, "width": 1, "height": 1}}], "another shape"),
    ],
)
def test_what_does_not_fit_has_a_problem(form, results, why):
    """And counts for nothing, but what came is kept."""
    found = answer(form, SHOWN, results)

    assert why in found.problem
    assert ("skip", None, True) == (found.outcome, found.payload, '"id": 8' in found.raw)


def test_a_skip_has_no_value():
    """Whatever was drawn before."""
    found = answer("label", None, out(SHOWN), was_cancelled=True)

    assert ("skip", None, None) == (found.outcome, found.payload, found.problem)


def test_a_task_of_somebody_else_has_no_key():
    """Its answers are read as far as that goes."""
    made = {"id": 8, "completed_by": {"id": 3}, "updated_at": "2026-01-01T00:00:00Z", "result": []}
    found = answer_of(FORM, {"id": 7, "data": {"image": "x", "dsvc": 7}}, made)

    assert ("", "3", []) == (found.key, found.annotator, found.payload)


def test_a_mail_address_is_nowhere():
    """The account's number is enough."""
    found = answer("label", None, [], created_username=" ann@example.com, 3")

    assert "ann@example.com" not in repr(found)
