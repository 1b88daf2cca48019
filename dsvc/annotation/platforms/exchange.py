"""Questions and answers as plain documents: what `files` and `mongo-queue` hand out and take in.

A question is one document with the fields of `Question`, and `task`, `version` and `type` of its form. An answer is one
document that the label system writes:

| field | meaning |
| --- | --- |
| ``key`` | the question's, as it was given |
| ``annotator`` | who answered |
| ``outcome`` | ``value`` (where there is none), ``skip``, ``accept``, ``reject`` |
| ``value`` | the value, in pixels of the image shown; with ``reject`` a correction, if any |
| ``reasons`` | why it was rejected or skipped: a list of texts, or one |
| ``at`` | when: a datetime, or ISO 8601 as text, UTC where it names no zone; or microseconds UTC |
| ``seconds`` | how long the person took |

A document without a readable key is malformed: nobody knows what it is about. One with a key whose rest does not fit
is an answer with a problem. Other fields are let be.

Source: docs/how-to/platforms.md#documents.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

from dsvc.annotation.answers.payloads import GRID, AnswerType, answer_type, canonical_payload
from dsvc.errors import AnswerFormatError
from dsvc.plugins.platforms import Outcome, PlatformAnswer, Question, TaskForm

OUTCOMES = get_args(Outcome)
MAX_KEY = 100
RAW_CHARACTERS = 20_000
"""How much of what came is kept of an answer that does not fit."""
_QUERY = re.compile(r"""(?<=[^\s"'<>?])\?(?=[^\s"'<>]*(?:[Ss]ignature|[Tt]oken|sig)=)[^\s"'<>]*""")
MAX_SECONDS = 10_000_000
"""Nobody takes longer for an answer."""
_EARLIEST_US, _LATEST_US = 946_684_800_000_000, 4_102_444_800_000_000
"""2000 and 2100: what is beyond them is counted in another unit."""


class MalformedAnswerError(ValueError):
    """A document that cannot be read as an answer; its message says why."""


def question_document(form: TaskForm, question: Question) -> dict[str, Any]:
    """Return a question as a document; fields that say nothing are left out."""
    document: dict[str, Any] = {
        "key": question.key,
        "task": form.task,
        "version": form.version,
        "type": form.type,
        "form": question.form,
        "mode": question.mode,
        "round": question.round,
        "want": question.want,
        "image": question.image,
    }
    more = {
        "width": question.width,
        "height": question.height,
        "shown": question.shown,
        "reasons": list(question.reasons) or None,
        "avoid": list(question.avoid) or None,
        "expires_at": None if question.expires_us is None else time_text(question.expires_us),
        "context": dict(question.context) or None,
    }
    return document | {name: value for name, value in more.items() if value is not None}


def form_document(form: TaskForm) -> dict[str, Any]:
    """Return what all questions of a task have in common."""
    return {
        "task": form.task,
        "version": form.version,
        "type": form.type,
        "labels": list(form.labels),
        "reasons": list(form.reasons),
        "guideline": form.guideline,
    }


def read_answer(
    form: TaskForm, document: Any, *, task_id: str, platform_id: str, annotator: str | None, at_us: int
) -> PlatformAnswer:
    """Return the answer that a document is.

    Args:
        form: Of which task.
        document: What came.
        task_id: Passed on; of an answer to a key that is not known, the key itself.
        platform_id: Passed on.
        annotator: Who it was where the document does not say; None where it must.
        at_us: When it was where the document does not say.

    Raises:
        MalformedAnswerError: If nobody can say what it is about.
    """
    if not isinstance(document, Mapping):
        raise MalformedAnswerError(f"expected an object with key, annotator and value, found {document!r:.60}")
    key = document.get("key")
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY or not key.isascii():
        raise MalformedAnswerError(f"expected the question's key as `key`, found {key!r:.60}")
    raw = without_signatures(json.dumps(document, default=str, sort_keys=True))
    who = document.get("annotator", annotator)
    common: dict[str, Any] = {"key": key, "task_id": task_id or key, "platform_id": platform_id, "raw": raw}
    try:
        common |= {
            "submitted_us": read_time(document["at"]) if document.get("at") is not None else at_us,
            "lead_s": _seconds(document.get("seconds")),
        }
        name, said = _name(who), _said(answer_type(form.type), document)
        for text in (name, *said["reasons"]):
            text.encode()
        return PlatformAnswer(annotator=name, **said, **common)
    except (_DoesNotFitError, AnswerFormatError, UnicodeEncodeError, OverflowError) as err:
        told = ascii(who)[1:-1] if isinstance(who, str) else ""
        common["raw"] = raw[:RAW_CHARACTERS]
        common.setdefault("submitted_us", at_us)
        return PlatformAnswer(annotator=told, outcome="skip", problem=_problem(err), **common)


def _problem(err: Exception) -> str:
    if isinstance(err, UnicodeEncodeError):
        return "a text is not Unicode"
    return "a number is too large" if isinstance(err, OverflowError) else str(err)


class _DoesNotFitError(Exception):
    """Why an answer counts for nothing."""


def _name(who: Any) -> str:
    if not isinstance(who, (str, int)) or isinstance(who, bool) or not str(who).strip():
        raise _DoesNotFitError(f"expected the person as `annotator`, found {who!r:.60}")
    return str(who)


def _said(type_: AnswerType, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the answer says."""
    outcome, value = document.get("outcome", "value"), document.get("value")
    if outcome not in OUTCOMES:
        raise _DoesNotFitError(f"expected one of {', '.join(OUTCOMES)} as `outcome`, found {outcome!r:.60}")
    if outcome == "value" and value is None:
        raise _DoesNotFitError("expected a `value`, found none")
    if outcome in ("skip", "accept") and value is not None:
        raise _DoesNotFitError(f"{outcome!r} comes without a `value`, found {value!r:.60}")
    reasons = document.get("reasons") or ()
    reasons = (reasons,) if isinstance(reasons, str) else reasons
    if not isinstance(reasons, Sequence) or not all(isinstance(reason, str) for reason in reasons):
        raise _DoesNotFitError(f"expected a list of texts as `reasons`, found {reasons!r:.60}")
    payload = None if value is None else on_grid(type_, value)
    return {"outcome": outcome, "payload": payload, "reasons": tuple(reasons)}


def on_grid(type_: AnswerType, value: Any) -> Any:
    """Return a value with its coordinates on the grid, as `PlatformAnswer.payload` holds it.

    Raises:
        AnswerFormatError: If it is no value of the type.
    """
    canonical_payload(type_, value)
    if type_.shape == "boxes":
        return [{name: _snap(box[name]) for name in "xywh"} | {"label": box.get("label")} for box in value]
    if type_.shape == "keypoints":
        return [[_point(point) for point in item] for item in value]
    return int(value) if type_.shape == "rating" else value


def _point(point: Any) -> dict[str, float] | None:
    if point is None or point.get("x") is None:
        return None
    return {"x": _snap(point["x"]), "y": _snap(point["y"])}


def _snap(value: float) -> float:
    """Return the nearest point of the grid; the half goes up, as in canonical payloads."""
    return math.floor(value * GRID + 0.5) / GRID


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_SECONDS:
        raise _DoesNotFitError(f"expected a number as `seconds`, found {value!r:.60}")
    return float(value)


def read_time(value: Any) -> int:
    """Return microseconds UTC of a datetime, of ISO 8601 as text, or of microseconds."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not _EARLIEST_US <= value < _LATEST_US:
            raise _DoesNotFitError(f"expected microseconds since 1970 as `at`, found {value!r:.60}")
        return value
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise _DoesNotFitError(f"expected a time as `at`, found {value!r:.60}")
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def without_signatures(text: str) -> str:
    """Return text in which no address has a query: a tool may hand a signed one back with its answer."""
    return _QUERY.sub("?...", text)


def time_text(at_us: int) -> str:
    """Return ISO 8601 of microseconds UTC."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).replace(microsecond=at_us % 1_000_000).isoformat()
