"""Which feeds the next ingest reads again because the recipe changed, known without reading any.

A cursor belongs to the meaning of its feed: collection, filter and mapping, and what is kept beside it, sources and
the keys by which other feeds find them.

Source: docs/how-to/ingest.md#going-on.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dsvc.feeds.content import content_fields
from dsvc.feeds.old_answers import all_answer_specs, answer_specs, reading_definition
from dsvc.objects.encoding import hash_encoded
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.state import State
from dsvc.plugins.manager import Plugins
from dsvc.recipe.hashing import feed_meaning
from dsvc.recipe.spec import CONTENT, FeedSpec, Recipe


class Pending(msgspec.Struct, frozen=True):
    """One feed that the next ingest reads again, in whole or for some signals, whatever its documents are."""

    feed: str
    why: str
    """``first``: it was never read. ``meaning``: it means other documents, or names their sources another way.
    ``signals``: only signals changed. ``gone``: it, or the signals named, are in the recipe no more."""
    signals: tuple[str, ...]
    """The signals that are read again, or that go."""


def key_paths(recipe: Recipe, feed: FeedSpec) -> list[str]:
    """Return the paths in a feed's documents by which others describe its sources, but for the pointer's, sorted."""
    abouts = (other.about for other in recipe.feeds.values() if other.about is not None)
    return sorted({about.key for about in abouts if about.feed == feed.name} - {feed.pointer or ""})


def meaning_of(recipe: Recipe, feed: FeedSpec, plugins: Plugins) -> Oid:
    """Return the identity of all that a cursor, and the sources and keys kept beside it, depend on.

    Raises:
        PluginNotFoundError: If no plugin offers the feed.
    """
    own = feed_meaning(feed, plugins.get_feed(feed.plugin))
    about = feed.about.feed if feed.about is not None else ""
    fields = [] if about else list(content_fields(recipe.feeds.values()))
    return hash_encoded(Kind.DEFINITION, ["reading", own, fields, key_paths(recipe, feed), about])


def find_pending(state: State, recipe: Recipe, plugins: Plugins) -> tuple[Pending, ...]:
    """Return what the next ingest reads again because the recipe is another than the one that was ingested by.

    Args:
        state: What the draft knows of its feeds.
        recipe: The recipe.
        plugins: Offers its feeds; only their declarations are looked at.

    Raises:
        PluginNotFoundError: If a feed's plugin is not installed.
        RecipeError: If an adapter cannot be read.
    """
    return tuple(_iter_pending(state, recipe, plugins))


def _iter_pending(state: State, recipe: Recipe, plugins: Plugins) -> Iterator[Pending]:
    known = {feed.name: feed.meaning for feed in state.feeds}
    ingested = {entry.name: (entry.definition, entry.feed) for entry in state.ingested}
    for feed in recipe.feeds.values():
        specs = [signal for signal in recipe.signals.values() if signal.feed == feed.name]
        specs += answer_specs(recipe, feed.name)
        names = tuple(signal.name for signal in specs)
        if feed.name not in known:
            yield Pending(feed.name, "first", names)
        elif known[feed.name] != meaning_of(recipe, feed, plugins):
            yield Pending(feed.name, "meaning", names)
        else:
            changed = (s.name for s in specs if ingested.get(s.name) != (reading_definition(recipe, s), feed.name))
            if again := tuple(changed):
                yield Pending(feed.name, "signals", again)
    gone: dict[str, list[str]] = {name: [] for name in known if name not in recipe.feeds}
    known_names = {*recipe.signals, CONTENT, *(spec.name for spec in all_answer_specs(recipe))}
    for name, (_, feed_name) in ingested.items():
        if name not in known_names:
            gone.setdefault(feed_name, []).append(name)
    yield from (Pending(feed, "gone", tuple(names)) for feed, names in sorted(gone.items()))
