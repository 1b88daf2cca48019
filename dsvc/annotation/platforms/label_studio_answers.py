"""Answers as Label Studio keeps them, read by what their task was when it was posted.

What an answer is read by stands in the task's data, so that a client that knows nothing but the server can read it. An
answer that does not fit has a problem and counts for nothing; the server took it all the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dsvc.annotation.answers.payloads import answer_type, canonical_payload
from dsvc.annotation.platforms.exchange import MAX_SECONDS, RAW_CHARACTERS, read_time
from dsvc.annotation.platforms.label_studio_values import ResultError, from_results, shown_labels, verdict
from dsvc.errors import AnswerFormatError
from dsvc.plugins.platforms import PlatformAnswer, Question, TaskForm

ANNOTATION_FIELDS = ("id", "completed_by", "was_cancelled", "created_at", "updated_at", "lead_time", "result")
"""What of an annotation is read, and kept as it came."""
_LISTS = ("boxes", "keypoints")


def shown_data(form: TaskForm, question: Question) -> dict[str, Any]:
    """Return what a task's data says for reading its answers."""
    data: dict[str, Any] = {"form": question.form, "round": question.round}
    if question.width and question.height:
        data |= {"width": question.width, "height": question.height}
    if question.form != "label" and question.shown is not None:
        try:
            data["shown"] = canonical_payload(answer_type(form.type), question.shown)
        except AnswerFormatError:
            return data  # said where it is to be drawn
        if labels := shown_labels(form, question.shown):
            data["labels"] = labels
    return data


def answer_of(form: TaskForm, task: Mapping[str, Any], annotation: Mapping[str, Any]) -> PlatformAnswer:
    """Return an annotation as an answer."""
    ours = task.get("data") or {}
    about: Any = ours.get("dsvc") if isinstance(ours.get("dsvc"), dict) else {}
    said: dict[str, Any]
    try:
        said = _said(form, about, annotation)
    except ResultError as err:
        said = {"outcome": "skip", "problem": str(err)}
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as err:  # the server checks no result
        said = {"outcome": "skip", "problem": f"its result has another shape ({type(err).__name__})"}
    raw = json.dumps({name: annotation.get(name) for name in ANNOTATION_FIELDS}, sort_keys=True)
    return PlatformAnswer(
        key=str(ours.get("dsvc_key", "")),
        task_id=str(task["id"]),
        platform_id=str(annotation["id"]),
        annotator=_person(annotation.get("completed_by")),
        submitted_us=read_time(datetime.fromisoformat(annotation["updated_at"])),
        lead_s=_lead_s(annotation.get("lead_time")),
        raw=raw[:RAW_CHARACTERS],
        **said,
    )


def _lead_s(value: Any) -> float | None:
    """Return the seconds that a person took; None of what nobody can have taken."""
    return float(value) if isinstance(value, (int, float)) and 0 <= value <= MAX_SECONDS else None


def _person(completed_by: Any) -> str:
    """Return the account's number; its mail address stays where it is."""
    return str(completed_by.get("id") if isinstance(completed_by, dict) else completed_by)


def _said(form: TaskForm, about: Mapping[str, Any], annotation: Mapping[str, Any]) -> dict[str, Any]:
    """Return outcome, payload and reasons.

    Raises:
        ResultError: If the annotation is no answer to its question.
    """
    results = annotation.get("result")
    outcome, reasons = verdict(results)
    if annotation.get("was_cancelled"):
        return {"outcome": "skip", "reasons": reasons}
    value = from_results(form, results, (about.get("width"), about.get("height")), about.get("labels") or {})
    if about.get("form") != "verify":
        if value is None:
            raise ResultError("there is no value")
        return {"outcome": "value", "payload": value}
    if outcome is None:
        raise ResultError("there is no verdict: neither accept nor reject was chosen")
    type_ = answer_type(form.type)
    is_changed = value not in (None, []) and canonical_payload(type_, value) != about.get("shown")
    if outcome == "accept" and is_changed:
        raise ResultError("it was accepted, and changed as well")
    if outcome == "accept":
        return {"outcome": "accept"}
    # Without any region nobody can tell a correction to nothing from a form that was not filled in.
    return {"outcome": "reject", "payload": value if is_changed else None, "reasons": reasons}
