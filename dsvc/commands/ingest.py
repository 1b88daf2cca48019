"""`dsvc ingest`: new and changed documents from every feed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import command
from dsvc.commands._options import json_option, open_repository
from dsvc.commands._progress import Progress
from dsvc.commands._render import count, emit, hint, plain, table

if TYPE_CHECKING:
    from dsvc.feeds.held import HeldCount
    from dsvc.feeds.report import FeedReport, IngestReport, SignalReport

READ_ALL = {
    "first": "for the first time",
    "meaning": "again, as the feed's collection, filter or mapping changed",
    "changed": "again, as its files changed",
    "asked": "again, as asked",
    "sources": "again, as the sources that it is about changed",
    "always": "as it has no cursor",
}
"""Why all of a feed was read."""


@command(examples=["dsvc ingest", "dsvc ingest --full"])
@click.option("--full", is_flag=True, help="Read all documents again, whatever has been read")
@json_option
def ingest(*, full: bool, as_json: bool) -> None:
    """Read new and changed documents from every feed.

    They go into the draft. Values that the recipe does not accept, or that do not fit their type, are held:
    kept, counted, and shown with the line of the recipe that lets them in.
    """
    repo = open_repository(writes=True)
    with Progress("Reading documents") as progress:
        done = repo.ingest(full=full, environ=os.environ, progress=progress)
    emit(as_json=as_json, objects=ingest_objects(done), lines=ingest_lines(done))
    if not as_json:
        hint(
            "nothing changed" if done.is_unchanged else "`dsvc plan` says what is to be made again, `dsvc run` makes it"
        )


def ingest_lines(done: IngestReport) -> Iterator[str]:
    """Yield what an ingest did, feed by feed."""
    for feed in done.feeds:
        yield from _feed_lines(feed)
    if done.content is not None:
        total = count(done.content.records, "source")
        yield f"{click.style('In all', bold=True)}: {total}{_moves(done.content)}"
    if done.shared:
        yield f"  {count(done.shared, 'source')} given by several feeds; the last one in the recipe counts"
    for name in done.removed_signals:
        yield f"signal {plain(name)} is gone, as it is in the recipe no more"


def _feed_lines(feed: FeedReport) -> Iterator[str]:
    how = f", read {READ_ALL.get(feed.why, plain(feed.why))}" if feed.read == "all" else ""
    read = "nothing new" if feed.read == "nothing" else count(feed.documents, "document") + how
    yield f"{click.style('feed ' + plain(feed.name), bold=True)}: {read}"
    yield from table(map(_signal_row, feed.signals), indent="  ")
    if feed.superseded:
        yield f"  {count(feed.superseded, 'document')} superseded by a later one of the same source"
    if feed.orphans:
        yield f"  {count(feed.orphans, 'document')} waiting for their source"
    for odd in feed.unusable:
        yield f"  {count(odd.count, 'document')} not usable: {plain(odd.why)}, such as {plain(odd.example)}"
    for signal in feed.signals:
        yield from held_lines(signal.name, signal.held)


def held_lines(signal: str, held: Iterable[HeldCount]) -> Iterator[str]:
    """Yield what is held of a signal, and the line of the recipe that lets it in."""
    for item in held:
        who = f"{count(item.count, 'value')} of {plain(signal)} {plain(item.version)}"
        yield click.style(f"  held: {who}: {plain(item.why)}, such as {plain(item.pointer)}", fg="yellow")
        if item.line:
            yield f"    to take them in, in [signal.{plain(signal)}]: {plain(item.line)}"


def _signal_row(signal: SignalReport) -> tuple[object, ...]:
    type_ = f"{signal.type} (found)" if signal.is_inferred else signal.type
    return signal.name, type_, f"{count(signal.records, 'record')}{_moves(signal)}"


def _moves(signal: SignalReport) -> str:
    """Return what an ingest did to a signal, in signs; nothing for one that is as before."""
    if signal.added == signal.records > 0:
        return ", all new"
    moves = (("+", signal.added), ("~", signal.changed), ("-", signal.removed))
    return "".join(f" {sign}{count(n)}" for sign, n in moves if n)


def ingest_objects(done: IngestReport) -> Iterator[dict[str, Any]]:
    """Yield what an ingest did, for programs."""
    for feed in done.feeds:
        yield {
            "type": "ingested-feed",
            "name": feed.name,
            "read": feed.read,
            "why": feed.why,
            "documents": feed.documents,
            "superseded": feed.superseded,
            "orphans": feed.orphans,
            "unusable": [{"why": odd.why, "count": odd.count, "example": odd.example} for odd in feed.unusable],
        }
        for signal in feed.signals:
            yield _signal_object(signal, feed.name)
    if done.content is not None:
        yield _signal_object(done.content, None)
    for name in done.removed_signals:
        yield {"type": "removed-signal", "name": name}


def _signal_object(signal: SignalReport, feed: str | None) -> dict[str, Any]:
    return {
        "type": "ingested-signal",
        "name": signal.name,
        "feed": feed,
        "signal_type": signal.type,
        "is_inferred": signal.is_inferred,
        "records": signal.records,
        "added": signal.added,
        "changed": signal.changed,
        "removed": signal.removed,
        "held": held_objects(signal.held),
    }


def held_objects(held: Iterable[HeldCount]) -> list[dict[str, Any]]:
    """Return what is held of a signal, for programs."""
    return [
        {"version": item.version, "why": item.why, "count": item.count, "source": item.pointer, "line": item.line}
        for item in held
    ]
