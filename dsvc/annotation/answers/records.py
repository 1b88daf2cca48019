"""Asks and answers: one question about one source, what a person returned, and what identifies each.

| id | hash kind | of |
| --- | --- | --- |
| an ask's | ``ask`` | source, content id, region, task, version, type, form, purpose, round, judged value |
| an answer's | ``answer`` | ask id, annotator, outcome, payload, reasons |
| a payload's | ``payload`` | the canonical text |

Nothing operational takes part: no overlap, priority, deadline, dataset, platform, time or person to be asked. So the
same question is one ask, whoever wants it, and a retried submission is one answer.

Source: docs/format.md#asks-and-answers.
"""

from __future__ import annotations

from math import isfinite
from typing import Literal

import msgspec

from dsvc.objects.encoding import hash_encoded
from dsvc.objects.oid import Kind, Oid, StoredOid

Mode = Literal["label", "adjust", "verify", "adjudicate", "audit"]
"""Why it is asked: a first answer in one of the three forms, an expert's last word, or the judging of a sample."""
Form = Literal["label", "adjust", "verify"]
"""What a person sees and does: nothing shown; a value shown and corrected; a value shown, right or wrong."""
Purpose = Literal["first", "audit", "expert"]
"""Whose word it is: mode without its form."""
Outcome = Literal["value", "skip", "accept", "reject"]
"""What an answer says; a rejection may carry the corrected value as its payload."""

FORMS: tuple[Form, ...] = ("label", "adjust", "verify")
WHOLE = ""
"""The region of an ask about the whole image."""


class Context(msgspec.Struct, frozen=True):
    """What a person is told beside the judged value; part of no id."""

    reasons: tuple[str, ...] = ()
    """Why earlier answers were rejected, sorted."""
    rejected: str | None = None
    """The value that was rejected, canonical, where it is not the one that is judged."""
    avoid: tuple[str, ...] = ()
    """Annotators who must not be asked: they answered or audited this before. Sorted."""


class Ask(msgspec.Struct, frozen=True):
    """One question about one source."""

    ask_id: StoredOid
    source: str
    """The pointer."""
    content_id: str
    """Identifies the bytes that are asked about; empty where nothing does."""
    region: str
    """The part of the image that is shown, as the task's rendering says; `WHOLE` for all of it."""
    task: str
    version: str
    """The task's version."""
    type: str
    """The answer's type as a recipe spells it."""
    mode: Mode
    form: Form
    round: int
    judged: str | None = None
    """The canonical payload that is shown and judged; None where nothing is."""
    context: Context = Context()

    @property
    def purpose(self) -> Purpose:
        """Whose word it asks for."""
        return purpose_of(self.mode)


class Answer(msgspec.Struct, frozen=True):
    """What one person returned for one ask."""

    answer_id: StoredOid
    ask_id: StoredOid
    source: str
    task: str
    version: str
    annotator: str
    """Pseudonymous."""
    submitted_us: int
    """Microseconds since 1970, UTC; of several deliveries the last."""
    outcome: Outcome
    payload: str | None = None
    """The value as canonical text."""
    reasons: tuple[str, ...] = ()
    """Why it was rejected or skipped, sorted."""
    shown: StoredOid | None = None
    """Hash of the payload that was shown before; None where nothing was."""
    platform: str = ""
    platform_id: str = ""
    lead_s: float | None = None
    """Seconds that the person took, where the platform says."""
    guideline: StoredOid | None = None
    """Hash of the guideline as it was."""


def make_ask(
    *,
    source: str,
    content_id: str,
    task: str,
    version: str,
    type: str,  # noqa: A002  -- the field's name
    mode: Mode,
    form: Form,
    round: int,  # noqa: A002
    judged: str | None = None,
    region: str = WHOLE,
    context: Context | None = None,
) -> Ask:
    """Return an ask with its id; without `judged` for form ``label``, which shows nothing."""
    judged = None if form == "label" else judged
    ask_id = make_ask_id(source, content_id, region, task, version, type, form, purpose_of(mode), round, judged)
    told = context or Context()
    return Ask(ask_id, source, content_id, region, task, version, type, mode, form, round, judged, told)


def purpose_of(mode: Mode) -> Purpose:
    """Return whose word a mode asks for."""
    return "expert" if mode == "adjudicate" else "audit" if mode == "audit" else "first"


def make_ask_id(
    source: str,
    content_id: str,
    region: str,
    task: str,
    version: str,
    type_text: str,
    form: Form,
    purpose: Purpose,
    round_: int,
    judged: str | None,
) -> Oid:
    """Return the id of an ask."""
    parts = (source, content_id, region, task, version, type_text, form, purpose, round_, judged)
    return hash_encoded(Kind.ASK, parts)


def make_answer(
    ask: Ask,
    *,
    annotator: str,
    submitted_us: int,
    outcome: Outcome,
    payload: str | None = None,
    reasons: tuple[str, ...] = (),
    platform: str = "",
    platform_id: str = "",
    lead_s: float | None = None,
    guideline: Oid | None = None,
) -> Answer:
    """Return an answer to an ask, with its id; `payload` is canonical already.

    Seconds that are no number are none: they would come neither before nor after others.
    """
    told = tuple(sorted(set(reasons)))
    return Answer(
        answer_id=make_answer_id(ask.ask_id, annotator, outcome, payload, told),
        ask_id=ask.ask_id,
        source=ask.source,
        task=ask.task,
        version=ask.version,
        annotator=annotator,
        submitted_us=submitted_us,
        outcome=outcome,
        payload=payload,
        reasons=told,
        shown=None if ask.judged is None else hash_payload(ask.judged),
        platform=platform,
        platform_id=platform_id,
        lead_s=lead_s if lead_s is not None and isfinite(lead_s) else None,
        guideline=guideline,
    )


def make_answer_id(
    ask_id: Oid, annotator: str, outcome: Outcome, payload: str | None, reasons: tuple[str, ...] = ()
) -> Oid:
    """Return the id of an answer: a platform's retries of one submission are one answer."""
    return hash_encoded(Kind.ANSWER, (ask_id, annotator, outcome, payload, list(reasons)))


def hash_payload(payload: str) -> Oid:
    """Return what names a canonical payload."""
    return hash_encoded(Kind.PAYLOAD, payload)
