"""Which sources have all the inputs of a step, told from keys alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dsvc.engine.changes import iter_keys
from dsvc.engine.fields import NOTHING
from dsvc.engine.flagged import merge_flagged
from dsvc.engine.inputs import Inputs
from dsvc.engine.output import Output
from dsvc.objects.access import Reader, Writer
from dsvc.objects.column import null_column
from dsvc.objects.diff import diff_trees
from dsvc.objects.keys import Keys
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type


def common_sources(writer: Writer, inputs: Inputs) -> Signal | None:
    """Return a signal whose sources are those that a step has records for.

    Its values mean nothing. It is one of the inputs where these have the same sources.
    """
    required = {item.path.signal: item.signal for item in inputs.required}
    signals = [signal for signal in (required or inputs.signals).values() if signal is not None]
    if inputs.sources is not None:
        signals = [signal for _, signal in inputs.sources.values()]
    if not signals or (required and len(signals) < len(required)):
        return None
    smallest = min(signals, key=lambda signal: signal.count)
    if all(has_same_sources(writer, smallest, signal) for signal in signals):
        return smallest
    output = Output(writer, None, Type(NOTHING), Provenance("step", "", "0"))
    if required:
        for keys in iter_sources(writer, smallest):
            held = np.logical_and.reduce([Tree(writer, signal).has(keys) for signal in signals])
            _put(output, keys.take(np.flatnonzero(held)))
    else:
        for flagged in merge_flagged([iter_keys(writer, None, signal, 1) for signal in signals]):
            _put(output, flagged.keys)
    return output.flush()


def _put(output: Output, keys: Keys) -> None:
    output.put(output.made(keys, null_column(NOTHING, len(keys))))


def has_same_sources(reader: Reader, a: Signal, b: Signal) -> bool:
    """Tell whether two signals have the same sources."""
    return a.tree == b.tree or (a.count == b.count and next(diff_trees(reader, a, b, keys_only=True), None) is None)


def iter_sources(reader: Reader, signal: Signal | None) -> Iterator[Keys]:
    """Yield the sources of a signal in order; reads no values."""
    for changes in diff_trees(reader, None, signal, keys_only=True):
        yield changes.keys
