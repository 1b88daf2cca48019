"""What an ingest did: per feed what was read and what became of it, per signal what changed and what is held."""

from __future__ import annotations

from typing import Any

import msgspec

from dsvc.feeds.held import HeldCount


class SignalReport(msgspec.Struct, frozen=True):
    """What became of one signal."""

    name: str
    type: str
    is_inferred: bool
    """Whether the type was found in the documents of this ingest; declare it to fix it."""
    records: int
    added: int
    changed: int
    """Records whose value is another than before."""
    removed: int
    held: tuple[HeldCount, ...] = ()
    """Values of this ingest that are held, by version and reason."""

    @property
    def n_held(self) -> int:
        """Values of this ingest that are held."""
        return sum(count.count for count in self.held)


class UnusableCount(msgspec.Struct, frozen=True):
    """Documents that could not be used, or not in full, for one reason."""

    why: str
    count: int
    example: str
    """One of them: its `_id`, or its file and number there; or the source that it is about."""


class FeedReport(msgspec.Struct, frozen=True):
    """What was read from one feed."""

    name: str
    read: str
    """``all``, ``since`` (from the cursor on), or ``nothing`` where nothing can have changed."""
    why: str
    """Why all was read: ``first``, ``meaning``, ``changed``, ``asked``, ``sources`` or ``always``; else empty."""
    documents: int
    """Documents read; those that a cursor gives again are counted."""
    superseded: int = 0
    """Documents that another one of the same source, later in order, stands in for; as `orphans`."""
    orphans: int = 0
    """Documents that wait for their source, those of earlier ingests included."""
    unusable: tuple[UnusableCount, ...] = ()
    signals: tuple[SignalReport, ...] = ()


class IngestReport(msgspec.Struct, frozen=True):
    """What an ingest did."""

    feeds: tuple[FeedReport, ...] = ()
    content: SignalReport | None = None
    """The sources that there are now; None without feeds that give any."""
    shared: int = 0
    """Sources that several feeds give; the last feed of the recipe says what their content is."""
    removed_signals: tuple[str, ...] = ()
    """Ingested signals that the recipe no longer has."""
    stale: tuple[tuple[str, int], ...] = ()
    """Of each signal that names `content_id`, how many values were found to be made from content that is no more."""

    @property
    def is_unchanged(self) -> bool:
        """Whether no record came, went or changed its value."""
        reports = [signal for feed in self.feeds for signal in feed.signals]
        reports += [self.content] if self.content else []
        moved = any(report.added or report.changed or report.removed for report in reports)
        return not moved and not self.removed_signals

    @property
    def n_held(self) -> int:
        """Values of this ingest that are held."""
        return sum(signal.n_held for feed in self.feeds for signal in feed.signals)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        return made
