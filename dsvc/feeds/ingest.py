"""Ingesting: the documents of all feeds become the records of the draft, in one edit.

Feeds that give sources come first, in the order of the recipe, then those about their sources. Either everything is
taken in or, where a feed fails, nothing; what a feed said stays true until it is read again.

The result is that of a fresh repository that reads the same documents, as far as feeds can tell what changed: a
cursor shows neither documents that were deleted nor those that were changed without moving on.

Source: docs/how-to/ingest.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from dsvc.annotation.answers.pseudonyms import Pseudonyms
from dsvc.errors import UserError
from dsvc.feeds.content import content_fields, merge_content
from dsvc.feeds.feed_ingest import FeedIngest, Job, ProgressTold
from dsvc.feeds.old_answers import all_answer_specs
from dsvc.feeds.report import FeedReport, IngestReport, SignalReport
from dsvc.feeds.stale import mark_stale
from dsvc.objects.access import Writer
from dsvc.objects.diff import DiffCounts
from dsvc.objects.encoding import get_object, hash_encoded
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.snapshot import Signal
from dsvc.objects.state import FeedState, Ingested, State
from dsvc.objects.types import Type
from dsvc.plugins.manager import Plugins
from dsvc.recipe.spec import CONTENT, Recipe
from dsvc.repo.draft import DraftEdit, replace_signals
from dsvc.repo.putting import compare_signals
from dsvc.repo.view import View
from dsvc.store.base import Store

if TYPE_CHECKING:
    from dsvc.repo.base import BaseRepository

_NO_ENVIRONMENT: Mapping[str, str] = MappingProxyType({})


def ingest(
    repo: BaseRepository,
    recipe: Recipe,
    plugins: Plugins,
    *,
    full: bool = False,
    environ: Mapping[str, str] = _NO_ENVIRONMENT,
    progress: ProgressTold | None = None,
) -> IngestReport:
    """Take new and changed documents of every feed into the draft. Durable on return.

    Args:
        repo: The repository.
        recipe: What it says of feeds and signals.
        plugins: Offers the feeds.
        full: Read everything again and find types anew, as a fresh repository would.
        environ: What `${NAME}` in a feed's options stands for.
        progress: Told (feed, documents read, None) after each batch.

    Returns:
        What was read, and what became of it.

    Raises:
        FeedError: If a feed cannot be read; nothing was taken in.
        PluginError: If a feed's plugin fails.
        ConfigError: If an environment variable is not set.
        UserError: If a signal that the recipe ingests holds records put by hand.
    """
    pseudonyms = Pseudonyms(repo.config.pseudonyms or "")
    edit = _Ingest(recipe, plugins, environ, progress or _say_nothing, repo.store, pseudonyms, is_full=full)
    repo.edit_draft(edit.edit, command="ingest")
    return edit.report


def _say_nothing(what: str, done: int, total: int | None) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True)
class _Base:
    """All that the result of an ingest depends on beside feeds and recipe."""

    ingested: tuple[Ingested, ...]
    feeds: tuple[FeedState, ...]
    signals: tuple[tuple[str, Oid | None], ...]


@dataclass(frozen=True)
class _Result:
    """What an ingest makes of a draft."""

    signals: Mapping[str, Oid | None]
    ingested: tuple[Ingested, ...]
    feeds: tuple[FeedState, ...]


class _Ingest:
    """The edit of one ingest."""

    def __init__(
        self,
        recipe: Recipe,
        plugins: Plugins,
        environ: Mapping[str, str],
        progress: ProgressTold,
        store: Store,
        pseudonyms: Pseudonyms,
        *,
        is_full: bool,
    ) -> None:
        self._recipe, self._plugins, self._environ, self._progress = recipe, plugins, environ, progress
        self._store, self._pseudonyms = store, pseudonyms
        self._is_full = is_full
        self._names = tuple(sorted({*recipe.signals, CONTENT}))
        self.report = IngestReport()
        self._done: tuple[_Base, _Result] | None = None

    def edit(self, view: View, writer: Writer) -> DraftEdit:
        """Read the feeds; another writer's edit of other signals makes nothing be read again."""
        state = view.state
        self._refuse_put_signals(view)
        base = _Base(state.ingested, state.feeds, tuple((name, view.signals.get(name)) for name in self._names))
        if self._done is None or self._done[0] != base:
            self._done = base, self._ingest(view, writer)
        result = self._done[1]
        derived = tuple(entry for entry in state.derived if entry.name not in self._recipe.signals)
        return DraftEdit(
            replace_signals(view.root, result.signals), State(derived, result.ingested, result.feeds, state.datasets)
        )

    def _refuse_put_signals(self, view: View) -> None:
        known = {entry.name for entry in view.state.ingested} | {entry.name for entry in view.state.derived}
        for name in self._names:
            if self._recipe.owner(name) is not None and name in view.signals and name not in known:
                raise UserError(
                    message=f"signal {name!r} was put by hand, and [{self._recipe.owner(name)}] would replace it",
                    hint="give one of them another name, or take its records away with `dsvc remove`",
                )

    def _ingest(self, view: View, writer: Writer) -> _Result:
        state = view.state
        main = [feed for feed in self._recipe.feeds.values() if feed.about is None]
        job = Job(
            recipe=self._recipe,
            plugins=self._plugins,
            environ=self._environ,
            progress=self._progress,
            writer=writer,
            is_full=self._is_full,
            signals={name: view.signal(name) for name in self._names},
            waiting={entry.name: _stored(writer, entry.waiting) for entry in state.ingested},
            definitions={entry.name: (entry.definition, entry.feed) for entry in state.ingested},
            before={feed.name: feed for feed in state.feeds},
            content_fields=content_fields(main),
        )
        reports = {feed.name: FeedIngest(job, feed).run() for feed in main}
        content = self._merge_content(job)
        abouts = [feed for feed in self._recipe.feeds.values() if feed.about is not None]
        reports |= {feed.name: FeedIngest(job, feed).run() for feed in abouts}
        stale = self._mark_stale(job, view.signal(CONTENT))
        # Before the draft knows how far feeds were read: what is lost in between is read, and kept, once more.
        job.answers.write(self._store, self._recipe, writer, job.signals.get(CONTENT), self._pseudonyms)
        return self._conclude(view, job, [reports[name] for name in self._recipe.feeds], content, stale)

    def _mark_stale(self, job: Job, content: Signal | None) -> dict[str, int]:
        """Note which values were made from other content than there is now; return how many, by signal."""
        counts = {}
        for spec in self._recipe.signals.values():
            if spec.content_id is not None:
                read, waiting = job.made_from.get(spec.name, []), job.waiting.get(spec.name)
                both = content, job.signals[CONTENT]
                found = mark_stale(job.writer, job.signals[spec.name], waiting, read, both)
                job.waiting[spec.name], counts[spec.name] = found
        return counts

    def _merge_content(self, job: Job) -> SignalReport | None:
        """Put the union of what feeds say of content into the job."""
        main = [feed.name for feed in self._recipe.feeds.values() if feed.about is None]
        before = job.signals[CONTENT]
        if not main:
            job.signals[CONTENT] = None
            return None
        definition = hash_encoded(Kind.DEFINITION, [CONTENT, main, list(job.content_fields)])
        is_whole = job.definitions.get(CONTENT, (None, ""))[0] != definition
        said = [(job.before.get(name), job.states[name]) for name in main]
        pairs = [(job.stored(old.content if old else None), job.stored(new.content)) for old, new in said]
        merged = merge_content(job.writer, pairs, before, is_whole=is_whole)
        job.signals[CONTENT] = merged
        job.definitions[CONTENT] = definition, main[0]
        counts = DiffCounts(added=merged.count if merged else 0)
        if before is not None:
            counts = compare_signals(job.writer, before, merged)
        shown = "" if merged is None else str(Type.decode(merged.type))
        records = merged.count if merged else 0
        return SignalReport(CONTENT, shown, False, records, counts.added, counts.changed, counts.removed)

    def _conclude(
        self,
        view: View,
        job: Job,
        reports: list[FeedReport],
        content: SignalReport | None,
        stale: Mapping[str, int],
    ) -> _Result:
        present = {*self._recipe.signals, *([CONTENT] if content else [])}
        answers = [spec.name for spec in all_answer_specs(self._recipe)]
        gone = tuple(entry.name for entry in view.state.ingested if entry.name not in {*present, *answers})
        n_said = sum(signal.count for state in job.states.values() if (signal := job.stored(state.content)))
        shared = n_said - content.records if content else 0
        self.report = IngestReport(tuple(reports), content, shared, gone, tuple(sorted(stale.items())))
        signals: dict[str, Oid | None] = {name: job.store(job.signals.get(name)) for name in present}
        names = sorted({*present, *answers})
        ingested = [Ingested(name, *job.definitions[name], job.store(job.waiting.get(name))) for name in names]
        feeds = [job.states[name] for name in sorted(self._recipe.feeds)]
        return _Result(signals | dict.fromkeys(gone), tuple(ingested), tuple(feeds))


def _stored(writer: Writer, oid: Oid | None) -> Signal | None:
    return None if oid is None else get_object(writer, oid, Kind.SIGNAL, Signal)
