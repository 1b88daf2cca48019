"""Edits of a draft that put or drop what is derived."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

import msgspec

from dsvc.objects.oid import ZERO, Oid
from dsvc.objects.state import DatasetState, Derived
from dsvc.repo.draft import DraftEdit
from dsvc.repo.view import View


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Entry = TypeVar("_Entry", bound=_Named)


def put_derived(view: View, derived: Derived, signal: Oid) -> DraftEdit:
    """Return the edit that lets a derived signal be `signal`; zero for one without records."""
    state = view.state
    return DraftEdit(
        msgspec.structs.replace(view.root, signals=_with_id(view.root.signals, derived.name, signal)),
        msgspec.structs.replace(
            state,
            derived=_with(state.derived, derived),
            ingested=tuple(entry for entry in state.ingested if entry.name != derived.name),
        ),
    )


def drop_derived(view: View, name: str) -> DraftEdit:
    """Return the edit that removes a derived signal."""
    return DraftEdit(
        msgspec.structs.replace(view.root, signals=_with_id(view.root.signals, name, ZERO)),
        msgspec.structs.replace(view.state, derived=_without(view.state.derived, name)),
    )


def put_dataset(view: View, state: DatasetState, dataset: Oid) -> DraftEdit:
    """Return the edit that lets a dataset be `dataset`; zero for one of no source at all."""
    return DraftEdit(
        msgspec.structs.replace(view.root, datasets=_with_id(view.root.datasets, state.name, dataset)),
        msgspec.structs.replace(view.state, datasets=_with(view.state.datasets, state)),
    )


def drop_dataset(view: View, name: str) -> DraftEdit:
    """Return the edit that removes a dataset."""
    return DraftEdit(
        msgspec.structs.replace(view.root, datasets=_with_id(view.root.datasets, name, ZERO)),
        msgspec.structs.replace(view.state, datasets=_without(view.state.datasets, name)),
    )


def _with_id(entries: Iterable[tuple[str, Oid]], name: str, oid: Oid) -> tuple[tuple[str, Oid], ...]:
    kept = {other: value for other, value in entries if other != name}
    return tuple(sorted((kept if oid == ZERO else kept | {name: oid}).items()))


def _with(entries: Iterable[_Entry], entry: _Entry) -> tuple[_Entry, ...]:
    return tuple(sorted((*_without(entries, entry.name), entry), key=lambda item: item.name))


def _without(entries: Iterable[_Entry], name: str) -> tuple[_Entry, ...]:
    return tuple(entry for entry in entries if entry.name != name)
