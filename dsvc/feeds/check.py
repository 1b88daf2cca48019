"""Looking at a feed without taking anything in: can it be opened, and do its documents have what the recipe names?

Source: docs/how-to/ingest.md#check.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

import msgspec
import numpy as np

from dsvc.errors import UserError
from dsvc.feeds.documents import key_value
from dsvc.feeds.formats import ABSENT, SignalReader, Taken
from dsvc.feeds.held import HeldCount, count_held
from dsvc.feeds.opening import open_feed
from dsvc.feeds.reading import Link, Unusable
from dsvc.feeds.report import UnusableCount
from dsvc.plugins.manager import Plugins
from dsvc.recipe.producers import load_adapt
from dsvc.recipe.python import Namespace
from dsvc.recipe.spec import Recipe

DOCUMENTS = 1000
"""How many documents are looked at."""


class SignalCheck(msgspec.Struct, frozen=True):
    """What the documents have of one signal."""

    name: str
    type: str
    """As declared, else the least type of the values seen."""
    values: int
    """Documents with a value that is accepted."""
    missing: int
    """Documents without one."""
    versions: tuple[str, ...]
    """Versions of the accepted values."""
    held: tuple[HeldCount, ...]
    """Values that would be held, by version and reason."""


class FeedCheck(msgspec.Struct, frozen=True):
    """What some documents of a feed have."""

    name: str
    documents: int
    unusable: tuple[UnusableCount, ...]
    """Documents that name no source, with why."""
    signals: tuple[SignalCheck, ...]

    @property
    def is_good(self) -> bool:
        """Whether every document can be used, and nothing would be held."""
        return self.documents > 0 and not self.unusable and not any(signal.held for signal in self.signals)


def check_feed(
    recipe: Recipe, plugins: Plugins, name: str, *, environ: Mapping[str, str], limit: int = DOCUMENTS
) -> FeedCheck:
    """Read some documents of a feed and compare them with the recipe; nothing is kept.

    Args:
        recipe: The recipe.
        plugins: Offers the feed.
        name: The feed's name.
        environ: What `${NAME}` in its options stands for.
        limit: Documents at most.

    Raises:
        UserError: If the recipe has no such feed.
        FeedError: If the feed cannot be read.
        ConfigError: If an environment variable is not set.
    """
    spec = recipe.feeds.get(name)
    if spec is None:
        raise UserError(
            message=f"the recipe has no feed {name!r}", hint=f"its feeds are: {', '.join(recipe.feeds) or 'none'}"
        )
    namespace = Namespace(recipe.directory)
    signals = [signal for signal in recipe.signals.values() if signal.feed == name]
    readers = [SignalReader(signal, namespace.load, signal.type, load_adapt(signal, plugins)) for signal in signals]
    link = Link.of(spec)
    fields = {link.path.text, *(used.text for reader in readers for used in reader.paths)}
    fields |= {spec.cursor} if spec.cursor else set()
    pointers: list[str] = []
    unusable = Unusable()
    with open_feed(spec, plugins, recipe.directory, environ, sorted(fields)) as feed:
        documents = (pair for batch in feed.read() for pair in zip(batch.documents, batch.positions, strict=True))
        for document, position in islice(documents, limit):
            (key,) = link.keys([link.path.get(document)])
            if key is None:
                unusable.add(link.complaint, position)
                continue
            for reader in readers:
                reader.add([document], len(pointers))
            # Of documents about another feed's sources only the key is known; people see it as it is written.
            pointers.append(key if spec.about is None else str(key_value(key)))
    return FeedCheck(
        name=name,
        documents=len(pointers) + unusable.counts.total(),
        unusable=tuple(UnusableCount(why, n, unusable.examples[why]) for why, n in unusable.counts.items()),
        signals=tuple(_check_signal(reader, reader.finish(), pointers) for reader in readers),
    )


def _check_signal(reader: SignalReader, taken: Taken, pointers: list[str]) -> SignalCheck:
    rows = range(len(pointers)) if taken.rows is None else taken.rows.tolist()
    held = [(pointers[rows[place]], item) for place, item in taken.held.items()]
    return SignalCheck(
        name=reader.spec.name,
        type=str(taken.type),
        values=int(np.count_nonzero(taken.at >= 0)),
        missing=int(np.count_nonzero(taken.at == ABSENT)),
        versions=tuple(sorted({taken.versions[index] for index in set(taken.version_of.tolist())})),
        held=count_held(reader.spec, held),
    )
