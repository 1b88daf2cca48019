"""A trace: under this transform, these inputs gave this output. It makes a recomputation a look-up."""

from __future__ import annotations

import msgspec

from dsvc.objects.oid import StoredOid


class TraceInput(msgspec.Struct, frozen=True, array_like=True):
    """One input of a trace, as it was."""

    path: str
    """A signal or a field of one, as the step names it."""
    value_id: StoredOid
    """The input signal's value id; zero for an absent signal."""
    signal: StoredOid
    """Id of the input's `Signal`, so that what changed since can be found; zero for an absent signal."""


class Trace(msgspec.Struct, frozen=True, array_like=True):
    """What a step made of its inputs: a record for each source that has all of them, but for those in `waiting`.

    Source: docs/format.md#trace.
    """

    transform: StoredOid
    inputs: tuple[TraceInput, ...]
    """In the order the step names them."""
    output: StoredOid
    """Id of the output `Signal`; zero where no record came out."""
    waiting: StoredOid | None = None
    """Id of a `Signal` of the sources that this trace does not answer for: they failed. None when there are none."""
