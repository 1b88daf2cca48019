"""Ingesting one feed: its passes are read, and what they give becomes records, sources, keys and a new state."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsvc.feeds.about import KeyReader, Target, TargetChanges, find_changes
from dsvc.feeds.apply import Applied, Sources, apply_taken
from dsvc.feeds.content import ContentReader
from dsvc.feeds.documents import key_value
from dsvc.feeds.formats import SignalReader, Taken
from dsvc.feeds.held import Cause, HeldCount, count_held
from dsvc.feeds.infer import fills
from dsvc.feeds.old_answers import AnswerReader, OldAnswers, answer_specs, reading_definition, task_of
from dsvc.feeds.opening import open_feed
from dsvc.feeds.passes import Marks, Pass, plan_passes
from dsvc.feeds.paths import DocumentPath
from dsvc.feeds.pending import key_paths, meaning_of
from dsvc.feeds.reading import Documents, Link
from dsvc.feeds.report import FeedReport, SignalReport, UnusableCount
from dsvc.feeds.stale import MadeFrom
from dsvc.objects.access import Writer
from dsvc.objects.column import Mask
from dsvc.objects.encoding import get_object, put_object
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.state import FeedState
from dsvc.objects.types import Type
from dsvc.plugins.contracts import DocumentBatch, Feed
from dsvc.plugins.manager import Plugins
from dsvc.recipe.hashing import ingest_hash
from dsvc.recipe.producers import load_adapt
from dsvc.recipe.python import Namespace
from dsvc.recipe.spec import CONTENT, FeedSpec, Recipe, SignalSpec

ProgressTold = Callable[[str, int, int | None], None]
"""Told (what, done, total); the total of documents is not known before."""


@dataclass
class Job:
    """What one ingest shares between its feeds."""

    recipe: Recipe
    plugins: Plugins
    environ: Mapping[str, str]
    progress: ProgressTold
    writer: Writer
    is_full: bool
    signals: dict[str, Signal | None]
    """The ingested signals; each feed puts its own as they become."""
    waiting: dict[str, Signal | None]
    definitions: dict[str, tuple[Oid, str]]
    """Of what was ingested before: definition and feed, by signal."""
    before: Mapping[str, FeedState]
    """By feed, as it was when this ingest began."""
    states: dict[str, FeedState] = field(default_factory=dict)
    """By feed, as it is now; each feed puts its own."""
    made_from: dict[str, list[MadeFrom]] = field(default_factory=dict)
    """By signal, what the values read were made from."""
    answers: OldAnswers = field(default_factory=OldAnswers)
    """Of tasks, found in the documents read."""
    content_fields: tuple[str, ...] = ("id",)
    namespace: Namespace = field(init=False)

    def __post_init__(self) -> None:
        self.namespace = Namespace(self.recipe.directory)

    @property
    def directory(self) -> Path:
        """Where the recipe is."""
        return self.recipe.directory

    def stored(self, oid: Oid | None) -> Signal | None:
        """Return a signal that a state names."""
        return None if oid is None else get_object(self.writer, oid, Kind.SIGNAL, Signal)

    def store(self, signal: Signal | None) -> Oid | None:
        """Store a signal for a state to name."""
        return None if signal is None else put_object(self.writer, Kind.SIGNAL, signal)

    def target(self, spec: FeedSpec, states: Mapping[str, FeedState]) -> Target:
        """Return the sources that the documents of a feed with `about` describe, as some states know them."""
        feed, key = (spec.about.feed, spec.about.key) if spec.about is not None else ("", None)
        state = states.get(feed)
        if key == self.recipe.feeds[feed].pointer:
            key = None
        if state is None:
            return Target(key, None, None)
        return Target(key, self.stored(state.content), self.stored(state.keys))


@dataclass
class _Told:
    """What the passes of a feed came to so far."""

    read: int = 0
    superseded: int = 0
    orphans: int = 0
    signals: list[SignalReport] = field(default_factory=list)
    unusable: dict[str, UnusableCount] = field(default_factory=dict)

    def complain(self, why: str, count: int, example: str) -> None:
        """Count documents that could not be used, or not in full; a second pass finds the same ones."""
        before = self.unusable.get(why)
        if before is None or before.count < count:
            self.unusable[why] = UnusableCount(why, count, example)


@dataclass
class _Takers:
    """Those that take something from each document of a pass."""

    readers: Sequence[SignalReader]
    content: ContentReader | None
    keys: KeyReader

    @property
    def paths(self) -> list[DocumentPath]:
        """Every path that they read."""
        content = [] if self.content is None else self.content.paths
        return [*content, *self.keys.paths, *(path for reader in self.readers for path in reader.paths)]

    def add(self, documents: Sequence[Mapping[str, Any]], first: int) -> None:
        """Give documents to all of them; the first is number `first` of the pass."""
        for reader in self.readers:
            reader.add(documents, first)
        if self.content is not None:
            self.content.add(documents)
        self.keys.add(documents)


class FeedIngest:
    """One feed of one ingest.

    Args:
        job: What the ingest shares.
        spec: The feed's section of the recipe.
    """

    def __init__(self, job: Job, spec: FeedSpec) -> None:
        self.job, self.spec = job, spec
        self.signals = [signal for signal in job.recipe.signals.values() if signal.feed == spec.name]
        self.signals += answer_specs(job.recipe, spec.name)
        self.definitions = {signal.name: reading_definition(job.recipe, signal) for signal in self.signals}
        self.key_paths = key_paths(job.recipe, spec)
        self.meaning = meaning_of(job.recipe, spec, job.plugins)
        state = job.before.get(spec.name)
        self._why_not = "first" if state is None else "asked" if job.is_full else "meaning"
        is_known = state is not None and state.meaning == self.meaning and not job.is_full
        self.before = state if is_known else None
        self.target = job.target(spec, job.states) if spec.about is not None else None
        self._told = _Told()

    def run(self) -> FeedReport:
        """Read the feed, put what became of it into the job, and return what was done."""
        kept = [signal for signal in self.signals if self._is_kept(signal)]
        fresh = [signal for signal in self.signals if not self._is_kept(signal)]
        if self.before is not None:
            self.job.states[self.spec.name] = self.before
            self._told.superseded, self._told.orphans = self.before.superseded, self.before.orphans
        with self._opened(()) as feed:
            now = feed.fingerprint()
        marks = None if self.before is None else Marks.decode(self.before.cursor)
        plan = plan_passes(kept, fresh, marks, now, why_not=self._why_not, target=self._target_changes())
        for each in plan.passes:
            undecided = self._read(each, now, kept)
            if undecided:
                self._read(Pass(undecided, is_main=False), now, [])
        return FeedReport(
            self.spec.name,
            plan.read,
            plan.why,
            self._told.read,
            self._told.superseded,
            self._told.orphans,
            tuple(sorted(self._told.unusable.values(), key=lambda entry: (-entry.count, entry.why))),
            tuple(sorted(self._told.signals, key=lambda report: report.name)),
        )

    # -- before reading ----------------------------------------------------------------------------------------------

    def _is_kept(self, signal: SignalSpec) -> bool:
        """Tell whether what there is of a signal was read as the recipe says now."""
        known = self.job.definitions.get(signal.name)
        return self.before is not None and known == (self.definitions[signal.name], self.spec.name)

    def _target_changes(self) -> TargetChanges | None:
        if self.target is None:
            return None
        return find_changes(self.job.writer, self.job.target(self.spec, self.job.before), self.target)

    def _opened(self, fields: Sequence[str]) -> AbstractContextManager[Feed]:
        return open_feed(self.spec, self.job.plugins, self.job.directory, self.job.environ, fields)

    # -- reading -----------------------------------------------------------------------------------------------------

    def _read(self, each: Pass, now: bytes | None, kept: Sequence[SignalSpec]) -> list[SignalSpec]:
        """Do one pass; return the signals whose type must be found anew, from all documents."""
        types = {signal.name: self._type_of(signal, kept) for signal in each.signals}
        gives_sources = each.is_main and self.spec.about is None
        takers = _Takers(
            [self._reader(signal, types[signal.name]) for signal in each.signals],
            ContentReader(self.spec, self.job.content_fields) if gives_sources else None,
            KeyReader(self.key_paths if gives_sources else ()),
        )
        documents = self._read_documents(each, takers)
        keys = documents.keys()
        pointers = keys if self.target is None else self.target.resolve(self.job.writer, keys)
        sources = Sources(pointers, documents.order())
        undecided = []
        for reader in takers.readers:
            taken = reader.finish()
            if isinstance(reader, AnswerReader):
                self._put_answers(reader, taken, sources)
            elif _is_undecided(types[reader.spec.name], reader.spec, taken, None if each.is_whole else sources):
                undecided.append(reader.spec)
            else:
                self._put(reader.spec, taken, sources, each, is_inferred=types[reader.spec.name] is None)
        if each.is_main:
            self._put_state(each, takers, documents, sources, now)
        return undecided

    def _type_of(self, signal: SignalSpec, kept: Sequence[SignalSpec]) -> Type | None:
        """Return the type that values must fit; None where it is to be found."""
        present = self.job.signals.get(signal.name)
        if signal.type is not None or present is None or signal not in kept:
            return signal.type
        return Type.decode(present.type)

    def _put_answers(self, reader: AnswerReader, taken: Taken, sources: Sources) -> None:
        """Put what was found of a task's answers into the job."""
        found = reader.answers(taken, sources.pointers, self._told.complain)
        self.job.answers.found.setdefault(reader.task.name, []).extend(found)
        self.job.definitions[reader.spec.name] = self.definitions[reader.spec.name], self.spec.name

    def _reader(self, signal: SignalSpec, type_: Type | None) -> SignalReader:
        task = task_of(self.job.recipe, signal)
        if task is not None:
            return AnswerReader(signal, task, self.job.namespace.load)
        return SignalReader(signal, self.job.namespace.load, type_, load_adapt(signal, self.job.plugins))

    def _read_documents(self, each: Pass, takers: _Takers) -> Documents:
        """Give every document of a pass to those that take from it."""
        spec = self.spec
        link = Link.of(spec)
        paths = {link.path.text, *(path.text for path in takers.paths), *([spec.cursor] if spec.cursor else [])}
        known = Marks.decode(self.before.cursor).order if self.before and not each.is_whole else None
        documents = Documents(spec.cursor, known)
        documents.cursor = each.since
        with self._opened(sorted(paths)) as feed, _paused_gc():
            for batch, is_lookup in _batches(feed, each, link.path.text):
                first = documents.count
                keys = link.keys(link.path.column(batch.documents))
                takers.add(documents.add(batch, keys, link.complaint, is_lookup=is_lookup), first)
                self._told.read += len(batch.documents)
                self.job.progress(spec.name, self._told.read, None)
        for text, count in documents.unusable.counts.items():
            self._told.complain(text, count, documents.unusable.examples[text])
        return documents

    # -- what became of it -------------------------------------------------------------------------------------------

    def _put(self, spec: SignalSpec, taken: Taken, sources: Sources, each: Pass, *, is_inferred: bool) -> None:
        """Put a signal's records and what it holds into the job."""
        job = self.job
        # A model says its version; without one it is whoever wrote the documents.
        origin = "model" if spec.value is not None and spec.version is not None else "import"
        transform = ingest_hash(spec, taken.type, job.directory)
        applied = apply_taken(
            job.writer,
            job.signals.get(spec.name),
            job.waiting.get(spec.name),
            taken,
            sources,
            lambda version: Provenance(origin, spec.producer, version, transform),
            is_whole=each.is_whole,
            gone=each.gone,
        )
        job.signals[spec.name], job.waiting[spec.name] = applied.signal, applied.waiting
        job.definitions[spec.name] = self.definitions[spec.name], self.spec.name
        if applied.made_from is not None:
            job.made_from.setdefault(spec.name, []).append(applied.made_from)
        held = count_held(spec, applied.held)
        self._told.signals.append(signal_report(spec.name, taken.type, applied, held, is_inferred=is_inferred))

    def _put_content(self, content: ContentReader, sources: Sources, each: Pass) -> Signal | None:
        """Return what the feed says of content, as it is now."""
        taken = content.finish()
        for why, rows in content.complaints.items():
            self._told.complain(why, len(rows), sources.pointers[rows[0]].as_py())
        mapping = SignalSpec(CONTENT, self.spec.name, fields=content.mapping)
        transform = ingest_hash(mapping, taken.type, self.job.directory)
        before = None if self.before is None else self.job.stored(self.before.content)
        applied = apply_taken(
            self.job.writer,
            before,
            None,
            taken,
            sources,
            lambda version: Provenance("import", CONTENT, version, transform),
            is_whole=each.is_whole,
        )
        return applied.signal

    def _put_state(
        self, each: Pass, takers: _Takers, documents: Documents, sources: Sources, now: bytes | None
    ) -> None:
        """Put how far the feed was read into the job, with the sources and keys that it gives."""
        before = None if each.is_whole else self.before
        content = None if takers.content is None else self._put_content(takers.content, sources, each)
        keys_before = None if before is None else self.job.stored(before.keys)
        keys = takers.keys.write(self.job.writer, keys_before, sources.pointers, sources.order)
        counts = documents.counts(sources.is_known, sources.is_superseded)
        self._told.superseded = counts.superseded + (before.superseded if before else 0)
        self._told.orphans = max(0, counts.orphans + (before.orphans if before else 0))
        self.job.states[self.spec.name] = FeedState(
            name=self.spec.name,
            meaning=self.meaning,
            cursor=Marks(now, documents.cursor, documents.last_order).encode(),
            keys=self.job.store(keys),
            documents=counts.documents + (before.documents if before else 0),
            superseded=self._told.superseded,
            orphans=self._told.orphans,
            content=self.job.store(content),
        )


def signal_report(
    name: str, type_: Type, applied: Applied, held: tuple[HeldCount, ...] = (), *, is_inferred: bool = False
) -> SignalReport:
    """Return what became of a signal."""
    counts, signal = applied.counts, applied.signal
    records = signal.count if signal else 0
    return SignalReport(name, str(type_), is_inferred, records, counts.added, counts.changed, counts.removed, held)


def _batches(feed: Feed, each: Pass, path: str) -> Iterator[tuple[DocumentBatch, bool]]:
    """Yield the documents of a pass, and whether they were looked up."""
    yield from ((batch, False) for batch in feed.read(each.since))
    if each.lookups:
        yield from ((batch, True) for batch in feed.lookup(path, [key_value(text) for text in each.lookups]))


def _is_undecided(type_: Type | None, spec: SignalSpec, taken: Taken, sources: Sources | None) -> bool:
    """Tell whether only all documents tell the type.

    So it is where these are the first values of a signal, or do not fit only because nothing was known of some place
    of its type yet.

    Args:
        type_: The type that values had to fit, if any.
        spec: The signal's section of the recipe.
        taken: What was taken.
        sources: Whose documents they are; None where all documents were read.
    """
    if spec.type is not None:
        return False
    if type_ is None:
        return sources is not None and bool(((taken.at >= 0) & _known(taken, sources)).any())
    misfits = (held.value for held in taken.held.values() if held.cause is Cause.FORMAT)
    return any(fills(type_.physical, value) for value in misfits)


def _known(taken: Taken, sources: Sources) -> Mask:
    return sources.is_known if taken.rows is None else sources.is_known[taken.rows]


@contextmanager
def _paused_gc() -> Iterator[None]:
    """Let no cycle be looked for while many documents, which have none, are made: a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
