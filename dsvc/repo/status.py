"""Where a repository stands: the draft against HEAD, what is stale, and what waits; told without reading a record."""

from __future__ import annotations

import msgspec

from dsvc.objects.encoding import get_object
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.snapshot import Signal
from dsvc.objects.trace import Trace, TraceInput
from dsvc.repo.changes import DatasetChange, SignalChange, dataset_changes, signal_changes
from dsvc.repo.history import CommitInfo
from dsvc.repo.view import View

WAITING_FIELD = "_waiting"
"""Field of a trace's input that stands for who waits for the signal, and why."""
SOURCE_FIELD = "_source"
"""Field of a trace's input that stands for which sources the signal has."""


class Waiting(msgspec.Struct, frozen=True):
    """How many sources wait for a current record of a signal."""

    signal: str
    n_sources: int


class Stale(msgspec.Struct, frozen=True):
    """A derived signal or a dataset that was made from other values than there are now."""

    name: str
    what: str
    """``signal`` or ``dataset``."""
    inputs: tuple[str, ...]
    """The inputs whose values changed since."""


class FeedStatus(msgspec.Struct, frozen=True):
    """What the last ingest made of a feed."""

    name: str
    documents: int
    superseded: int
    orphans: int
    """Documents that wait for their source."""


class Status(msgspec.Struct, frozen=True):
    """Where a repository stands."""

    branch: str | None
    """None when HEAD is detached."""
    head: CommitInfo | None
    """None before the first commit."""
    signals: tuple[SignalChange, ...]
    """The draft against HEAD."""
    datasets: tuple[DatasetChange, ...]
    recipe: tuple[tuple[str, str], ...]
    """Recipe files that differ from HEAD's: (``+``, ``-`` or ``~``, path)."""
    has_new_state: bool
    """Whether the draft differs in what is known beside the content, such as how far feeds were read."""
    stale: tuple[Stale, ...]
    """Only what changed values tell; `plan` knows also what an edited recipe makes stale."""
    waiting: tuple[Waiting, ...]
    feeds: tuple[FeedStatus, ...]

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing to commit."""
        return not (self.signals or self.datasets or self.recipe or self.has_new_state)


def make_status(
    branch: str | None, head: CommitInfo | None, committed: View, draft: View, recipe: list[tuple[str, str]]
) -> Status:
    """Return where a repository stands.

    Args:
        branch: The current branch.
        head: Its commit.
        committed: That commit's content; empty before the first.
        draft: The draft's content.
        recipe: How the recipe files differ from the commit's.
    """
    state = draft.state
    return Status(
        branch=branch,
        head=head,
        signals=signal_changes(committed, draft),
        datasets=dataset_changes(committed, draft),
        recipe=tuple(recipe),
        has_new_state=committed.state_id != draft.state_id,
        stale=tuple(_find_stale(draft)),
        waiting=tuple(
            Waiting(name, get_object(draft.reader, waiting, Kind.SIGNAL, Signal).count)
            for name, waiting in draft.waiting.items()
        ),
        feeds=tuple(FeedStatus(feed.name, feed.documents, feed.superseded, feed.orphans) for feed in state.feeds),
    )


def _find_stale(view: View) -> list[Stale]:
    entries = [(entry.name, "signal", entry.trace) for entry in view.state.derived]
    entries += [(entry.name, "dataset", entry.trace) for entry in view.state.datasets]
    found = ((name, what, _changed_inputs(view, trace)) for name, what, trace in entries)
    return [Stale(name, what, inputs) for name, what, inputs in found if inputs]


def _changed_inputs(view: View, trace: Oid) -> tuple[str, ...]:
    used = get_object(view.reader, trace, Kind.TRACE, Trace).inputs
    changed = (entry.path for entry in used if not _is_as_used(view, entry))
    return tuple(dict.fromkeys(path.removesuffix(f".{SOURCE_FIELD}") for path in changed))


def _is_as_used(view: View, used: TraceInput) -> bool:
    """Tell whether an input is as a trace used it."""
    name, *fields = used.path.split(".")
    signal = view.signal(name)
    if WAITING_FIELD in fields:
        return used.signal == view.waiting.get(name, ZERO)
    if any(field.startswith("_") for field in fields) and SOURCE_FIELD not in fields:
        # `x._version` and its like depend on provenance, which the signal's own id names and its value id does not.
        return used.signal == view.signals.get(name, ZERO)
    return used.value_id == (ZERO if signal is None else signal.value_id)
