"""The draft of a branch: what it holds beyond its last commit, as the value of one ref.

A draft is stored whole, as a root and a state like a commit's, so that reading it needs no replay, and replacing it
is one compare-and-swap. A draft that equals its commit is not stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dsvc.errors import ObjectFormatError
from dsvc.objects.oid import Oid
from dsvc.objects.snapshot import Root
from dsvc.objects.state import State


class Draft(msgspec.Struct, frozen=True, array_like=True):
    """The value of ``drafts/<branch>``, as msgpack."""

    base: Oid | None
    """The branch's commit when the draft was last edited; None before the first."""
    root: Oid
    state: Oid | None = None
    """None where nothing is known beside the root."""


class DraftEdit(msgspec.Struct, frozen=True):
    """What an edit makes of a draft; every object that it names is in the writer that the edit was given."""

    root: Root | None = None
    """None leaves it as it is."""
    state: State | None = None
    """None leaves it as it is."""
    traces: Sequence[tuple[Oid, Oid]] = ()
    """(transform hash, id of a new trace), newest last."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Draft)


def encode_draft(draft: Draft) -> bytes:
    """Return the bytes of a draft."""
    return _encoder.encode(draft)


def decode_draft(data: bytes) -> Draft:
    """Return the draft whose bytes are `data`.

    Raises:
        ObjectFormatError: If they are no draft.
    """
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as err:
        raise ObjectFormatError(kind="draft", reason=str(err)) from err


def replace_signals(root: Root, changes: Mapping[str, Oid | None]) -> Root:
    """Return a root with some signals put in, replaced, or, where the id is None, left out."""
    return Root(_merged(root.signals, changes), root.datasets)


def replace_datasets(root: Root, changes: Mapping[str, Oid | None]) -> Root:
    """Return a root with some datasets put in, replaced, or, where the id is None, left out."""
    return Root(root.signals, _merged(root.datasets, changes))


def _merged(entries: tuple[tuple[str, Oid], ...], changes: Mapping[str, Oid | None]) -> tuple[tuple[str, Oid], ...]:
    merged = {**dict(entries), **changes}
    return tuple((name, oid) for name, oid in sorted(merged.items()) if oid is not None)
