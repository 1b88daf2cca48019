"""Human labels that exist already, taken as answers of a task: day one asks nothing that somebody has labelled.

Every document counts, not only the last of each source: another annotator's is another answer. An answer's id follows
from what it says, so that a document that is read again adds nothing, and a labeller's correction is a later answer.

Source: docs/how-to/ingest.md#old-answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

import pyarrow as pa

from dsvc.annotation.answers.evidence import Answered
from dsvc.annotation.answers.payloads import answer_type, canonical_payload
from dsvc.annotation.answers.pseudonyms import Pseudonyms
from dsvc.annotation.answers.records import make_answer, make_ask
from dsvc.annotation.keeping.ledger import Addition, append
from dsvc.errors import AnswerFormatError
from dsvc.feeds.documents import version_text
from dsvc.feeds.formats import SignalReader, Taken
from dsvc.feeds.paths import MISSING, DocumentPath
from dsvc.objects.access import Reader
from dsvc.objects.arrays import to_arrow
from dsvc.objects.encoding import hash_encoded
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.recipe.hashing import signal_definition
from dsvc.recipe.spec import Recipe, SignalSpec
from dsvc.recipe.task_spec import OldAnswersSpec, TaskSpec
from dsvc.store.base import Store

PREFIX: Final = "_answers."
"""What the name begins with under which it is known how a task's old answers were read; no signal has such a name."""
UNNAMED: Final = "imported"
"""The annotator of labels that do not say whose they are."""
PLATFORM: Final = "import"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BLOCK: Final = 8192


def answer_specs(recipe: Recipe, feed: str) -> list[SignalSpec]:
    """Return what is read of a feed as answers of tasks, each as if it were a signal."""
    found = []
    for task in recipe.tasks.values():
        old = task.answers
        if old is not None and old.feed == feed:
            name = PREFIX + task.name
            spec = SignalSpec(name, feed, old.value, version=old.version, only=old.only, type=task.type)
            found.append(spec)
    return found


def all_answer_specs(recipe: Recipe) -> list[SignalSpec]:
    """Return what is read of any feed as answers of tasks."""
    return [spec for feed in recipe.feeds for spec in answer_specs(recipe, feed)]


def task_of(recipe: Recipe, spec: SignalSpec) -> TaskSpec | None:
    """Return the task whose answers are read; None for a signal."""
    return recipe.tasks.get(spec.name.removeprefix(PREFIX)) if spec.name.startswith(PREFIX) else None


def reading_definition(recipe: Recipe, spec: SignalSpec) -> Oid:
    """Return the identity of everything that decides what a signal, or a task as answers, takes from documents."""
    definition = signal_definition(spec, recipe.directory)
    task = task_of(recipe, spec)
    if task is None or task.answers is None:
        return definition
    old = task.answers
    paths = [old.annotator or "", old.at or "", old.content_id or ""]
    version = task.version if old.version is None else ""
    return hash_encoded(Kind.DEFINITION, ["answers", definition, task.name, version, paths])


@dataclass(frozen=True)
class OldAnswer:
    """What one document says."""

    source: str
    payload: str
    version: str
    annotator: str | None
    """As the document names them; None where it does not."""
    at_us: int
    content_id: str | None


@dataclass
class OldAnswers:
    """The answers that one ingest found, by task."""

    found: dict[str, list[OldAnswer]] = field(default_factory=dict)

    def write(
        self, store: Store, recipe: Recipe, reader: Reader, content: Signal | None, pseudonyms: Pseudonyms
    ) -> dict[str, int]:
        """Append them to the ledger, durable on return; return how many there are of each task.

        Args:
            store: Where the ledger is.
            recipe: Says what the tasks are.
            reader: Gives the objects of `content`.
            content: What is known of the sources' content.
            pseudonyms: Stand for the people.
        """
        for name, answers in self.found.items():
            task = recipe.tasks[name]
            for start in range(0, len(answers), _BLOCK):
                part = answers[start : start + _BLOCK]
                known = _content_ids(reader, content, {answer.source for answer in part if answer.content_id is None})
                answered = [_answered(task, answer, known, pseudonyms) for answer in part]
                append(store, {name: Addition(answered)}, pseudonyms=pseudonyms)
        return {name: len(answers) for name, answers in self.found.items()}


class AnswerReader(SignalReader):
    """Takes one task's answers from documents, batch by batch.

    Args:
        spec: What is read, as `answer_specs` says.
        task: The task.
        load: Gives the function that `module:function` names.
    """

    def __init__(self, spec: SignalSpec, task: TaskSpec, load: Callable[[str], Callable[..., Any]]) -> None:
        super().__init__(spec, load, task.type)
        self.task = task
        old = task.answers or OldAnswersSpec(spec.feed, spec.value or "")
        named = {"annotator": old.annotator, "at": old.at, "content": old.content_id}
        self._beside = {key: DocumentPath(path) for key, path in named.items() if path is not None}
        self._columns: dict[str, list[Any]] = {key: [] for key in self._beside}

    @property
    def paths(self) -> list[DocumentPath]:
        """Every path that is read."""
        return [*super().paths, *self._beside.values()]

    def add(self, documents: Sequence[Mapping[str, Any]], first: int) -> None:
        """Take the answers of documents, the first of which is number `first` of this reading."""
        for key, path in self._beside.items():
            self._columns[key] += path.column(documents)
        super().add(documents, first)

    def answers(self, taken: Taken, pointers: pa.Array, complain: Callable[[str, int, str], None]) -> list[OldAnswer]:
        """Return the answers of a reading.

        Args:
            taken: What the reading took.
            pointers: The source of each document; null where it is not there.
            complain: Told (why, documents, one of their sources) of what cannot be used.
        """
        type_ = answer_type(self.task.type_text)
        values = to_arrow(taken.values)
        found, bad = [], _Complaints(complain)
        sources = pointers.to_pylist()
        for place, at in enumerate(taken.at.tolist()):
            row = place if taken.rows is None else int(taken.rows[place])
            source = sources[row]
            if source is None:
                continue
            if at < 0:
                if place in taken.held:
                    bad.add(f"answers of {self.task.name}: {taken.held[place].why}", source)
                continue
            version = self.task.version if self.spec.version is None else taken.versions[taken.version_of[at]]
            try:
                payload = canonical_payload(type_, values[at].as_py())
            except AnswerFormatError as err:
                bad.add(f"answers of {self.task.name}: {err.reason}", source)
                continue
            told = {key: column[row] for key, column in self._columns.items()}
            found.append(_old_answer(source, payload, version, told))
        bad.tell()
        return found


class _Complaints:
    """Counts what cannot be used."""

    def __init__(self, complain: Callable[[str, int, str], None]) -> None:
        self._complain = complain
        self._counts: dict[str, tuple[int, str]] = {}

    def add(self, why: str, source: str) -> None:
        n, example = self._counts.get(why, (0, source))
        self._counts[why] = n + 1, example

    def tell(self) -> None:
        for why, (n, example) in self._counts.items():
            self._complain(why, n, example)


def _old_answer(source: str, payload: str, version: str, told: Mapping[str, Any]) -> OldAnswer:
    person = version_text(told.get("annotator", MISSING))
    content = version_text(told.get("content", MISSING))
    return OldAnswer(source, payload, version, person, _microseconds(told.get("at")), content)


def _microseconds(value: Any) -> int:
    """Return a time in microseconds since 1970, UTC; 0 for none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return 0
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return round((aware - _EPOCH).total_seconds() * 1_000_000)
    if isinstance(value, date):
        return (value - _EPOCH.date()).days * 86_400_000_000
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _answered(task: TaskSpec, answer: OldAnswer, content_ids: Mapping[str, str], pseudonyms: Pseudonyms) -> Answered:
    content_id = content_ids.get(answer.source, "") if answer.content_id is None else answer.content_id
    ask = make_ask(
        source=answer.source,
        content_id=content_id,
        task=task.name,
        version=answer.version,
        type=task.type_text,
        mode="label",
        form="label",
        round=0,
    )
    made = make_answer(
        ask,
        annotator=UNNAMED if answer.annotator is None else pseudonyms(answer.annotator),
        submitted_us=answer.at_us,
        outcome="value",
        payload=answer.payload,
        platform=PLATFORM,
    )
    return Answered(ask, made)


def _content_ids(reader: Reader, content: Signal | None, sources: set[str]) -> dict[str, str]:
    if content is None or not sources:
        return {}
    rows = Tree(reader, content).take(Keys.of_bytes(sorted(source.encode() for source in sources)))
    pairs = zip(rows.sources.to_pylist(), rows.values.to_pylist(), strict=True)
    return {source: row.get("id") or "" for source, row in pairs if row is not None}
