"""`dsvc status`: where the repository stands, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._changes import change_rows, dataset_change_object, recipe_rows, signal_change_object
from dsvc.commands._command import command
from dsvc.commands._options import DRAFT, AtMost, json_option, open_repository
from dsvc.commands._render import count, emit, hint, plain, short, table

if TYPE_CHECKING:
    from dsvc.repo.status import Stale, Status
    from dsvc.repo.waiting import WaitingSource

SAID = {"failed": "failed", "held": "held back, or of older content", "pending": "people are asked about"}


@command(examples=["dsvc status", "dsvc status --waiting --limit 20"])
@click.option("--waiting", is_flag=True, help="List the sources that wait instead, each with the reason")
@click.option("--limit", "-n", type=AtMost(min=0), help="Sources at most, with --waiting")
@json_option
def status(*, waiting: bool, limit: int | None, as_json: bool) -> None:
    """Show where things stand, and what to do next.

    The draft against HEAD, edited recipe files, what is stale, what waits, and how far feeds were read.
    """
    if limit is not None and not waiting:
        raise click.UsageError("--limit is of the sources that --waiting lists")
    repo = open_repository()
    if waiting:
        from dsvc.repo.waiting import iter_waiting  # reads records

        named = islice(iter_waiting(repo.view(DRAFT)), limit)
        emit(as_json=as_json, objects=map(_waiting_object, named), lines=map(_waiting_line, named), long=True)
        return
    found = repo.status()
    emit(as_json=as_json, objects=_objects(found), lines=_lines(found))
    doubts = repo.changed_code(), repo.divergences(current=True)
    if any(doubts):
        from dsvc.commands._verifying import doubt_lines, doubt_objects  # a status without doubts needs it not

        emit(as_json=as_json, objects=doubt_objects(*doubts), lines=doubt_lines(*doubts))
    for edit in repo.edited_guidelines():
        objects = [{"type": "edited-guideline", "task": edit.task, "version": edit.version}]
        emit(as_json=as_json, objects=objects, lines=[plain(edit.sentence)])
    if not as_json:
        for text in next_steps(found):
            hint(text)


def next_steps(found: Status) -> Iterator[str]:
    """Yield what to type next, what is most due first."""
    yield _next_step(found)
    whys = {item.why for item in found.waiting}
    if "failed" in whys:
        yield "`dsvc status --waiting` says what failed; `dsvc run --retry-failed` tries it again"
    if "pending" in whys:
        yield "`dsvc annotate status` says how far people are; a commit need not wait for them"
    if "held" in whys:
        yield "`dsvc status --waiting` says what is held; `accept` and `formats` in dsvc.toml say what is taken"


def _next_step(found: Status) -> str:
    if found.stale:
        return "`dsvc plan` says what is to be made again, `dsvc run` makes it"
    if found.recipe:
        return "`dsvc plan` says whether anything is to be made again; `dsvc commit` keeps the draft and the recipe"
    if not found.is_clean:
        return '`dsvc diff --stat` shows what changed, `dsvc commit -m "..."` keeps it'
    if found.head is None:
        return "say in dsvc.toml where documents come from, then run `dsvc ingest`; or `dsvc put` records by hand"
    return "`dsvc ingest` looks for new documents"


def _lines(found: Status) -> Iterator[str]:
    at = f"at {short(found.head.id)} {plain(found.head.subject)}" if found.head else "without a commit"
    yield f"On {'branch ' + plain(found.branch) if found.branch else 'no branch'}, {at}"
    yield from _section("Draft against HEAD:", table(change_rows(found.signals, found.datasets), indent="  "))
    yield from _section("Recipe files edited:", table(recipe_rows(found.recipe), indent="  "))
    stale = ((item.what, item.name, _stale(item)) for item in found.stale)
    yield from _section("Stale:", table(stale, indent="  "))
    waiting = ((item.signal, f"{count(item.n_sources, 'source')} {SAID[item.why]}") for item in found.waiting)
    yield from _section("Waiting for a current record:", table(waiting, indent="  "))
    counts = ((feed.name, *_feed_counts(feed)) for feed in found.feeds)
    yield from _section("Feeds:", table(counts, indent="  "))
    if found.is_clean:
        yield "Nothing to commit"


def _stale(item: Stale) -> str:
    told = {"new": "in the recipe, not made yet", "gone": "no longer in the recipe"}
    return told.get(item.why) or f"changed: {', '.join(item.inputs)}"


def _waiting_line(item: WaitingSource) -> str:
    return f"{plain(item.signal)}  {plain(item.source)}  {plain(item.reason)}: {plain(item.detail)}"


def _waiting_object(item: WaitingSource) -> dict[str, Any]:
    return {
        "type": "waiting-source",
        "signal": item.signal,
        "source": item.source,
        "reason": item.reason,
        "detail": item.detail,
    }


def _feed_counts(feed: Any) -> Iterator[str]:
    yield count(feed.documents, "document")
    if feed.superseded:
        yield count(feed.superseded, "superseded", "superseded")
    if feed.orphans:
        yield f"{count(feed.orphans)} waiting for their source"


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    """Yield the title and the lines, or nothing where there are none."""
    for place, line in enumerate(lines):
        if place == 0:
            yield title
        yield line


def _objects(found: Status) -> Iterator[dict[str, Any]]:
    head = found.head
    yield {
        "type": "status",
        "branch": found.branch,
        "head": head.id if head else None,
        "root": head.root if head else None,
        "is_clean": found.is_clean,
        "has_new_state": found.has_new_state,
    }
    yield from map(signal_change_object, found.signals)
    yield from map(dataset_change_object, found.datasets)
    for op, path in found.recipe:
        yield {"type": "recipe-change", "path": path, "op": op}
    for item in found.stale:
        yield {"type": "stale", "name": item.name, "what": item.what, "inputs": item.inputs, "why": item.why}
    for waiting in found.waiting:
        yield {"type": "waiting", "signal": waiting.signal, "sources": waiting.n_sources, "why": waiting.why}
    for feed in found.feeds:
        yield {
            "type": "feed-status",
            "name": feed.name,
            "documents": feed.documents,
            "superseded": feed.superseded,
            "orphans": feed.orphans,
        }
