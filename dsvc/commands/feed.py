"""`dsvc feed`: where documents come from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dsvc.commands._command import STATUS_SOME_FAILED, DocumentedGroup, command
from dsvc.commands._options import DRAFT, AtMost, json_option, open_repository
from dsvc.commands._render import count, emit, hint, plain, table
from dsvc.commands.ingest import held_lines, held_objects

if TYPE_CHECKING:
    from dsvc.feeds.check import FeedCheck
    from dsvc.objects.state import FeedState
    from dsvc.recipe.spec import FeedSpec


@click.group(cls=DocumentedGroup)
def feed() -> None:
    """Look at the feeds of the recipe."""


@command(group=feed, examples=["dsvc feed ls"])
@json_option
def ls(*, as_json: bool) -> None:
    """List the feeds of the recipe, and how far each has been read."""
    repo = open_repository()
    states = {state.name: state for state in repo.view(DRAFT).state.feeds}
    feeds = [(spec, states.get(name)) for name, spec in repo.recipe().feeds.items()]
    emit(
        as_json=as_json,
        objects=(_object(spec, state) for spec, state in feeds),
        lines=table(_row(spec, state) for spec, state in feeds),
    )


def _row(spec: FeedSpec, state: FeedState | None) -> tuple[object, ...]:
    about = f"about {spec.about.feed}" if spec.about else "gives sources"
    read = "not read yet" if state is None else f"{count(state.documents, 'document')} read"
    return spec.name, spec.plugin, about, read


def _object(spec: FeedSpec, state: FeedState | None) -> dict[str, Any]:
    return {
        "type": "feed",
        "name": spec.name,
        "plugin": spec.plugin,
        "about": spec.about.feed if spec.about else None,
        "cursor": spec.cursor,
        "documents": state.documents if state else None,
        "superseded": state.superseded if state else None,
        "orphans": state.orphans if state else None,
    }


@command(
    group=feed,
    examples=["dsvc feed check", "dsvc feed check images"],
    statuses={STATUS_SOME_FAILED: "done, but some documents would not be taken in as they are"},
)
@click.argument("names", nargs=-1, metavar="[FEED]...")
@click.option("--limit", "-n", type=AtMost(min=1), default=1000, show_default=True, help="Documents to look at")
@json_option
@click.pass_context
def check(ctx: click.Context, *, names: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Read some documents of each feed and compare them with the recipe; nothing is kept."""
    from dsvc.feeds.check import check_feed

    repo = open_repository()
    recipe = repo.recipe()
    checked = [
        check_feed(recipe, repo.plugins, name, environ=os.environ, limit=limit) for name in names or recipe.feeds
    ]
    emit(
        as_json=as_json,
        objects=map(_check_object, checked),
        lines=(line for item in checked for line in _check_lines(item)),
    )
    is_good = all(item.is_good for item in checked)
    if not as_json and is_good:
        hint("`dsvc ingest` takes them in")
    ctx.exit(0 if is_good else STATUS_SOME_FAILED)


def _check_lines(item: FeedCheck) -> Iterator[str]:
    yield f"{click.style('feed ' + plain(item.name), bold=True)}: {count(item.documents, 'document')} looked at"
    for odd in item.unusable:
        yield f"  {count(odd.count, 'document')} not usable: {plain(odd.why)}, such as {plain(odd.example)}"
    rows = (
        (
            signal.name,
            signal.type,
            count(signal.values, "value"),
            f"{count(signal.missing)} without" if signal.missing else "",
            f"version {', '.join(signal.versions)}" if signal.versions else "",
        )
        for signal in item.signals
    )
    yield from table(rows, indent="  ")
    for signal in item.signals:
        yield from held_lines(signal.name, signal.held)


def _check_object(item: FeedCheck) -> dict[str, Any]:
    return {
        "type": "feed-check",
        "name": item.name,
        "documents": item.documents,
        "is_good": item.is_good,
        "unusable": [{"why": odd.why, "count": odd.count, "example": odd.example} for odd in item.unusable],
        "signals": [
            {
                "name": signal.name,
                "signal_type": signal.type,
                "values": signal.values,
                "missing": signal.missing,
                "versions": signal.versions,
                "held": held_objects(signal.held),
            }
            for signal in item.signals
        ],
    }
