"""The sources that wait for a current record of a signal, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dsvc.objects.encoding import get_object
from dsvc.objects.oid import Kind
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.repo.view import View


class WaitingSource(msgspec.Struct, frozen=True):
    """One source that waits."""

    signal: str
    source: str
    reason: str
    """``failed``, ``held``, or another word of the glossary for why."""
    detail: str
    """What the transform raised, or what is held, as JSON text."""


def iter_waiting(view: View, signal: str | None = None) -> Iterator[WaitingSource]:
    """Yield the sources that wait, by signal and source.

    Args:
        view: The version.
        signal: Only those of this signal.
    """
    waiting = {entry.name: entry.waiting for entry in view.state.ingested}
    waiting |= {entry.name: entry.waiting for entry in view.state.derived}
    for name, oid in sorted(waiting.items()):
        if oid is None or signal not in {None, name}:
            continue
        for rows in Tree(view.reader, get_object(view.reader, oid, Kind.SIGNAL, Signal)).rows():
            for source, why in zip(rows.sources.to_pylist(), rows.values.to_pylist(), strict=True):
                yield WaitingSource(name, source, why["reason"], why["detail"])
