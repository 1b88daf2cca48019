"""Where a repository stands: the draft against HEAD, what is stale, and what waits; told without reading a record."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

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


CHANGED, NEW, GONE = "changed", "new", "gone"

FAILED, HELD, PENDING = "failed", "held", "pending"

LOTS_INPUT = "_lots"
"""Path of a trace's input that stands for the lots of a task."""
BASE_INPUT = "_from"
"""Path of a trace's input that stands for the selection of the dataset that another is made from."""

Named = tuple[Collection[str], Collection[str]]
"""Names of steps, and of datasets."""


class Waiting(msgspec.Struct, frozen=True):
    """How many sources wait for a current record of a signal."""

    signal: str
    n_sources: int
    why: str = HELD
    """``failed``: the step failed on them; ``held``: a feed gives what the recipe does not take, or no longer;
    ``pending``: people are asked about them."""


class Stale(msgspec.Struct, frozen=True):
    """A derived signal or a dataset that is not what the recipe makes of the values there are now."""

    name: str
    what: str
    """``signal`` or ``dataset``."""
    inputs: tuple[str, ...]
    """The inputs whose values changed since."""
    why: str = CHANGED
    """``changed`` inputs, ``new`` in the recipe and not made yet, or ``gone`` from the recipe."""


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
    """Only what changed values and the recipe's names tell; `plan` knows also what an edited step makes stale."""
    waiting: tuple[Waiting, ...]
    feeds: tuple[FeedStatus, ...]

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing to commit."""
        return not (self.signals or self.datasets or self.recipe or self.has_new_state)


def make_status(
    branch: str | None,
    head: CommitInfo | None,
    committed: View,
    draft: View,
    recipe: list[tuple[str, str]],
    *,
    counts: Mapping[Oid, int] = {},
    named: Named | None = None,
) -> Status:
    """Return where a repository stands.

    Args:
        branch: The current branch.
        head: Its commit.
        committed: That commit's content; empty before the first.
        draft: The draft's content.
        recipe: How the recipe files differ from the commit's.
        counts: How many sources selections select, where that was counted, by id.
        named: The names of the recipe's steps and datasets, where they are known.
    """
    state = draft.state
    derived = {entry.name for entry in state.derived}
    asked = {entry.name for entry in state.derived if asks_people(draft, entry.trace)}
    return Status(
        branch=branch,
        head=head,
        signals=signal_changes(committed, draft),
        datasets=dataset_changes(committed, draft, counts),
        recipe=tuple(recipe),
        has_new_state=committed.state_id != draft.state_id,
        stale=(*_find_stale(draft, named), *(_find_new(draft, named) if named else ())),
        waiting=tuple(
            Waiting(
                name,
                get_object(draft.reader, waiting, Kind.SIGNAL, Signal).count,
                PENDING if name in asked else FAILED if name in derived else HELD,
            )
            for name, waiting in draft.waiting.items()
        ),
        feeds=tuple(FeedStatus(feed.name, feed.documents, feed.superseded, feed.orphans) for feed in state.feeds),
    )


def asks_people(view: View, trace: Oid) -> bool:
    """Tell whether a signal is a task's, which says in its trace what people said."""
    return any(used.path == LOTS_INPUT for used in get_object(view.reader, trace, Kind.TRACE, Trace).inputs)


def _find_stale(view: View, named: Named | None) -> Iterator[Stale]:
    """Yield what was made of other values, or by a recipe that had other names."""
    signals = [(0, "signal", entry.name, entry.trace) for entry in view.state.derived]
    datasets = [(1, "dataset", entry.name, entry.trace) for entry in view.state.datasets]
    for place, what, name, trace in (*signals, *datasets):
        if named is not None and name not in named[place]:
            yield Stale(name, what, (), GONE)
        elif inputs := _changed_inputs(view, trace):
            yield Stale(name, what, inputs)


def _find_new(view: View, named: Named) -> Iterator[Stale]:
    """Yield what the recipe names and no run has made; of nothing, nothing can be made."""
    if not view.source_signals:
        return
    made = ({entry.name for entry in view.state.derived}, {entry.name for entry in view.state.datasets})
    for what, wanted, known in zip(("signal", "dataset"), named, made, strict=True):
        yield from (Stale(name, what, (), NEW) for name in sorted(wanted) if name not in known)


def _changed_inputs(view: View, trace: Oid) -> tuple[str, ...]:
    used = get_object(view.reader, trace, Kind.TRACE, Trace).inputs
    changed = (entry.path for entry in used if not _is_as_used(view, entry))
    return tuple(dict.fromkeys(path.removesuffix(f".{SOURCE_FIELD}").lstrip("_") for path in changed))


def _is_as_used(view: View, used: TraceInput) -> bool:
    """Tell whether an input is as a trace used it."""
    name, *fields = used.path.split(".")
    signal = view.signal(name)
    if name == BASE_INPUT:
        return used.signal in {ZERO, *(view.dataset(other).selection for other in view.datasets)}
    if name.startswith("_"):
        return True  # of what a dataset's standings were told by, only the recipe knows whether it is as it was
    if WAITING_FIELD in fields:
        return used.signal == view.waiting.get(name, ZERO)
    if any(field.startswith("_") for field in fields) and SOURCE_FIELD not in fields:
        # `x._version` and its like depend on provenance, which the signal's own id names and its value id does not.
        return used.signal == view.signals.get(name, ZERO)
    return used.value_id == (ZERO if signal is None else signal.value_id)
