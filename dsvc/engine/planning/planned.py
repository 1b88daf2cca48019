"""The records of a plan, one by one, and how a run would go about them: for who wants more than counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from dsvc.engine.making.binding import Bound
from dsvc.engine.planning.forecast import REMOVED as GONE
from dsvc.engine.planning.forecast import StepForecast
from dsvc.engine.planning.reasons import REMOVED, REMOVED_STEP, kind_of

MAKE, MAYBE, REMOVE = "make", "maybe", "remove"
"""What happens to a record: it is made; it is made unless it is cut off; it goes."""

ROWS = pa.schema([(name, pa.string()) for name in ("step", "source", "action", "why", "kind")])
"""The columns in which planned records are given."""
_SHOWN = 12
"""Digits of an id that a person is shown."""


def iter_rows(forecast: StepForecast) -> Iterator[pa.RecordBatch]:
    """Yield the records of one step that a run would make or remove: each in order of their sources."""
    for part in forecast.iter_parts():
        if len(part.keys):
            actions = pa.array([MAYBE, MAKE]).take(pa.array(part.is_certain.astype(np.int8)))
            labels = list(forecast.labels)  # reading parts may add some
            codes = pa.array(part.codes)
            kinds = [kind_of(label) for label in labels]
            yield _batch(
                forecast.name, part.keys.arrow, actions, pa.array(labels).take(codes), pa.array(kinds).take(codes)
            )
    why = REMOVED_STEP if forecast.status == GONE else REMOVED
    for keys in forecast.iter_removed():
        n = len(keys)
        if n:
            yield _batch(forecast.name, keys.arrow, pa.repeat(REMOVE, n), pa.repeat(why, n), pa.repeat(kind_of(why), n))


def _batch(
    step: str, sources: pa.StringArray, actions: pa.StringArray, whys: pa.StringArray, kinds: pa.StringArray
) -> pa.RecordBatch:
    columns = [pa.repeat(step, len(sources)), sources, actions, whys, kinds]
    return pa.RecordBatch.from_arrays(columns, schema=ROWS)


def tell_mechanics(bound: Bound) -> Iterator[str]:
    """Yield how a run would go about a step: its transform hash, and which traces answer."""
    match = bound.match
    was = "" if bound.was is None or bound.was.transform == bound.transform else f", was {_short(bound.was.transform)}"
    yield f"transform hash {_short(bound.transform)}{was}"
    if match.is_current and match.own is not None:
        yield f"trace {_short(match.own.oid)} of the draft holds: all inputs have the value ids it was made from"
        return
    yield f"{len(match.retained) + (match.own is not None)} traces retained for this transform hash"
    if match.equal is not None:
        yield f"trace {_short(match.equal.oid)} had equal inputs: its output is taken whole"
    elif match.base is not None:
        own = "the draft's own" if match.base is match.own else "the nearest"
        equal = f"{match.base.n_equal} of {len(bound.inputs.items)} inputs have equal value ids"
        yield f"starts from trace {_short(match.base.oid)}, {own}: {equal}"
    if match.has_partial:
        yield "what an interrupted run had made is taken"


def _short(oid: bytes) -> str:
    return oid.hex()[:_SHOWN]
