"""From what a platform gives to answers in the ledger: mapped to the image, canonical, under pseudonyms, once.

Answers are appended to the ledger together with the cursor from which the platform is asked next. So a crash before
it reads them again, a crash after it has them; and reading again adds nothing, since an answer's id is made of what
it says. What does not fit its task is kept beside the answers, and counted; what answers an ask that nobody here knows
waits for whoever does. A late answer is evidence like any other.

A cursor is good for who read up to it, and for nobody else: another clone may have put aside what we know the ask of.
So the op store remembers that it was read here; a cursor that came with another clone's ledger, or with one that was
brought back from a copy, is none, and the project is read from its beginning.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec

from dsvc.annotation.answers.evidence import Answered, Aside
from dsvc.annotation.answers.payloads import AnswerType, answer_type, canonical_payload, read_payload
from dsvc.annotation.answers.records import Ask, make_answer
from dsvc.annotation.opstores.base import Doc, OpStore, iter_scan, update
from dsvc.annotation.turns.names import remember_names
from dsvc.annotation.turns.showing import Showing, read_key, to_image
from dsvc.errors import AnswerFormatError
from dsvc.objects.oid import Oid
from dsvc.plugins.platforms import Platform, PlatformAnswer, TaskForm

INBOX: Final = "inbox"
_LONGEST_S: Final = 1800.0
"""Who took longer had it open over lunch, or over a weekend: what an answer takes is not learned from that."""
_WHO: Final = frozenset({"annotator", "completed_by", "created_username", "updated_by"})
"""Under which names documents of platforms say who it was."""
_LONG: Final = re.compile(r"[A-Za-z0-9+/_=-]{200,}")
_RAW_CHARACTERS: Final = 4_000
NOTES: Final = 20
"""How many notes on what could not be read are passed on; the platform has all of them."""


class AnswerLog(Protocol):
    """The ledger, as far as work in progress needs it."""

    def cursor(self, name: str) -> bytes | None:
        """Return from where a platform's project is to be read."""

    def append(
        self, answered: Sequence[Answered], cursors: Mapping[str, bytes], asides: Sequence[tuple[Ask, Aside]] = ()
    ) -> None:
        """Keep answers, what does not fit, and cursors, in one step; durable on return.

        What is there already stays as it is.
        """

    def annotators(self, asks: Sequence[Ask]) -> Mapping[Oid, frozenset[str]]:
        """Return who answered each ask; asks that nobody answered may be left out."""


@dataclass
class Taken:
    """What was taken in.

    Attributes:
        asks: The asks that have new answers.
        n_answers: Answers that were not there before, those of late ones included.
        work_s: Seconds that people took for them, where the platform says; by task.
        n_timed: How many of them it says it of; by task.
        n_read: Answers that the platform gave.
        n_quarantined: Those that do not fit their task, or could not be read at all.
        n_unknown: Those of asks that nobody here knows.
        notes: Where the first of those are that could not be read, and why.
    """

    asks: dict[Oid, Ask] = field(default_factory=dict)
    n_answers: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    work_s: dict[str, float] = field(default_factory=dict)
    n_timed: dict[str, int] = field(default_factory=dict)
    n_read: int = 0
    n_quarantined: int = 0
    n_unknown: int = 0
    notes: list[str] = field(default_factory=list)


class Intake:
    """Takes in what one platform gives."""

    def __init__(
        self,
        ops: OpStore,
        log: AnswerLog,
        platform: Platform,
        find_ask: Callable[[Oid], Ask | None],
        pseudonym: Callable[[str], str],
        clone: str = "",
    ) -> None:
        """Open nothing.

        Args:
            ops: Where what does not fit is kept.
            clone: Which of those that share the op store, each with a ledger of its own, this is.
            log: Where answers go.
            platform: Where they come from.
            find_ask: Knows asks by their ids.
            pseudonym: Turns a platform's name of a person into ours: always the same, on every clone.
        """
        self._ops, self._log, self._platform = ops, log, platform
        self._find_ask, self._pseudonym, self._clone = find_ask, pseudonym, clone

    def cursor_name(self, form: TaskForm) -> str:
        """Return under which name the ledger keeps the cursor of a project."""
        return f"{self._platform.name}/{form.project}"

    def take(self, form: TaskForm, taken: Taken, guideline: Oid | None = None) -> None:
        """Take in everything since the cursor.

        Raises:
            PlatformError: If the platform fails; what came before is kept.
        """
        name, type_ = self.cursor_name(form), answer_type(form.type)
        for page in self._platform.poll(form, self._own_cursor(name)):
            taken.n_read += page.n_malformed
            taken.n_quarantined += page.n_malformed
            taken.notes += page.notes[: max(0, NOTES - len(taken.notes))]
            self._keep(form, type_, page.answers, {name: page.cursor}, taken, guideline)
            mark: Doc = {"cursor": _digest(page.cursor)}
            update(self._ops, "control", self._mark(name), lambda doc: doc if doc == mark else mark)  # noqa: B023

    def _own_cursor(self, name: str) -> bytes | None:
        """Return up to where this clone read; None where that is not known."""
        cursor, record = self._log.cursor(name), self._ops.get("control", self._mark(name))
        is_own = cursor is not None and record is not None and record.doc["cursor"] == _digest(cursor)
        return cursor if is_own else None

    def _mark(self, name: str) -> str:
        return f"read/{self._clone}/{name}"

    def retry_unknown(self, form: TaskForm, taken: Taken, guideline: Oid | None = None) -> None:
        """Take in what was of no known ask before, where it now is."""
        type_ = answer_type(form.type)
        for record in list(iter_scan(self._ops, INBOX, "state", "unknown", "unknown\x01")):
            if record.doc["project"] != form.project:
                continue
            answer = msgspec.convert(record.doc["answer"], PlatformAnswer)
            showing = read_key(answer.key)
            if showing is not None and self._find_ask(showing.ask_id) is not None:
                self._keep(form, type_, [answer], {}, taken, guideline)
                self._ops.delete(INBOX, record.id, record.version)

    def _keep(
        self,
        form: TaskForm,
        type_: AnswerType,
        answers: Sequence[PlatformAnswer],
        cursors: Mapping[str, bytes],
        taken: Taken,
        guideline: Oid | None,
    ) -> None:
        fitting: list[Answered] = []
        asides: list[tuple[Ask, Aside]] = []
        for answer in answers:
            taken.n_read += 1
            found = self._understood(form, type_, answer, taken, guideline)
            if isinstance(found, Answered):
                fitting.append(found)
            elif found is not None:
                asides.append(found)
        names = {self._pseudonym(a.annotator): a.annotator for a in answers if a.annotator and a.problem is None}
        remember_names(self._ops, self._platform.name, names)
        fresh = self._fresh(fitting)
        if fitting or asides or any(self._log.cursor(name) != cursor for name, cursor in cursors.items()):
            self._log.append(fitting, cursors, asides)
        for answered in fresh:
            taken.asks[answered.ask.ask_id] = answered.ask
            taken.n_answers += 1
            task = answered.ask.task
            taken.answers[task] = taken.answers.get(task, 0) + 1
            if answered.answer.lead_s and answered.answer.lead_s <= _LONGEST_S:
                taken.work_s[task] = taken.work_s.get(task, 0.0) + answered.answer.lead_s
                taken.n_timed[task] = taken.n_timed.get(task, 0) + 1

    def _fresh(self, fitting: Sequence[Answered]) -> list[Answered]:
        """Return those of people who had not answered their ask: an edit is evidence, but no new answer."""
        there = self._log.annotators(list({found.ask.ask_id: found.ask for found in fitting}.values()))
        seen = {(ask_id, annotator) for ask_id, people in there.items() for annotator in people}
        news = []
        for found in fitting:
            who = (found.ask.ask_id, found.answer.annotator)
            if who not in seen:
                seen.add(who)
                news.append(found)
        return news

    def _understood(
        self, form: TaskForm, type_: AnswerType, answer: PlatformAnswer, taken: Taken, guideline: Oid | None
    ) -> Answered | tuple[Ask, Aside] | None:
        showing = read_key(answer.key)
        if showing is None:
            self._put_aside(form, answer, "foreign", "it answers no question of ours")
            taken.n_unknown += 1
            return None
        ask = self._find_ask(showing.ask_id)
        if ask is None or (ask.task, ask.version) != (form.task, form.version):
            self._put_aside(form, answer, "unknown", "nobody here knows what was asked")
            taken.n_unknown += 1
            return None
        try:
            payload = self._payload(type_, answer, showing, ask.judged)
        except AnswerFormatError as err:
            taken.n_quarantined += self._put_aside(form, answer, "quarantined", err.message)
            return ask, self._aside(ask, answer, err.reason)
        made = make_answer(
            ask,
            annotator=self._pseudonym(answer.annotator),
            submitted_us=answer.submitted_us,
            outcome=answer.outcome,
            payload=payload,
            reasons=answer.reasons,
            platform=self._platform.name,
            platform_id=answer.platform_id,
            lead_s=answer.lead_s,
            guideline=guideline,
        )
        return Answered(ask, made)

    def _payload(self, type_: AnswerType, answer: PlatformAnswer, showing: Showing, judged: str | None) -> str | None:
        if answer.problem is not None:
            raise AnswerFormatError(type=type_.text, reason=answer.problem)
        if answer.payload is None:
            if answer.outcome == "value":
                raise AnswerFormatError(type=type_.text, reason="there is no value")
            return None
        try:
            shown = None if judged is None else read_payload(type_, judged)
            return canonical_payload(type_, to_image(type_, answer.payload, showing, shown))
        except (TypeError, KeyError, ValueError) as err:
            if isinstance(err, AnswerFormatError):
                raise
            raise AnswerFormatError(type=type_.text, reason="it has another shape") from err

    def _aside(self, ask: Ask, answer: PlatformAnswer, why: str) -> Aside:
        """Return what is kept of an answer that does not fit: without its person's name, and without images in text."""
        who = self._pseudonym(answer.annotator)
        try:
            said = json.loads(answer.raw)
        except ValueError:
            said = None
        if isinstance(said, dict):
            said = {name: who if name in _WHO else value for name, value in said.items()}
        raw = "" if said is None else _LONG.sub("...", json.dumps(said, sort_keys=True))[:_RAW_CHARACTERS]
        return Aside(ask.ask_id, answer.submitted_us, who, self._platform.name, answer.platform_id, why, raw)

    def _put_aside(self, form: TaskForm, answer: PlatformAnswer, state: str, note: str) -> bool:
        """Remember an answer that cannot be made use of; tell whether it is the first time."""
        name = f"{self._platform.name}\n{answer.platform_id}\n{answer.submitted_us}\n{answer.raw}"
        doc: Doc = {
            "state": state,
            "note": note,
            "project": form.project,
            "platform": self._platform.name,
            "answer": msgspec.to_builtins(answer),
        }
        return self._ops.insert(INBOX, hashlib.sha256(name.encode()).hexdigest(), doc)


def _digest(cursor: bytes) -> str:
    return hashlib.sha256(cursor).hexdigest()
