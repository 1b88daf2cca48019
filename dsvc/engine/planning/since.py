"""What a task's sources were like when they were last looked at, so that a look costs what changed since.

A look is told by ids alone: what the task is, and its inputs, evidence and verdicts among them. What differs is found
as it is for a run.
"""

from __future__ import annotations

import msgspec

from dsvc.engine.making.binding import Bound
from dsvc.engine.reading.changes import iter_changed
from dsvc.engine.reading.inputs import Inputs
from dsvc.errors import ObjectNotFoundError
from dsvc.objects.keys import Keys, concat_keys
from dsvc.objects.oid import Oid
from dsvc.objects.trace import TraceInput


class Point(msgspec.Struct, frozen=True):
    """What a look was at; all ids in hex, to be kept anywhere."""

    transform: str
    inputs: tuple[tuple[str, str, str], ...]
    """(path, value id, id of the signal)."""


def point_of(bound: Bound | None) -> Point | None:
    """Return what a task is at; None where its signal is not what its inputs give, and a look sees two things."""
    if bound is None or not bound.is_current:
        return None
    used = ((one.path, one.value_id.hex(), one.signal.hex()) for one in bound.inputs.trace_inputs())
    return Point(bound.transform.hex(), tuple(used))


def changed_since(bound: Bound, point: Point) -> Keys | None:
    """Return the sources of which anything differs since a look; None where that cannot be told."""
    if bound.transform.hex() != point.transform:
        return None
    used = [TraceInput(path, _oid(value_id), _oid(signal)) for path, value_id, signal in point.inputs]
    try:
        before = Inputs.of_trace(bound.inputs.reader, bound.inputs, used)
        parts = [flagged.keys for flagged in iter_changed(before, bound.inputs)]
    except ObjectNotFoundError:
        return None  # it was collected since, or the look was at another clone's
    return concat_keys(parts) if parts else Keys.of_bytes([])


def _oid(text: str) -> Oid:
    return Oid(bytes.fromhex(text))
