"""Which sources have all the inputs of a step, told from keys alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dsvc.engine.making.output import Output
from dsvc.engine.reading.changes import iter_added
from dsvc.engine.reading.flagged import merge_flagged
from dsvc.engine.reading.inputs import Inputs
from dsvc.objects.access import Reader, Writer
from dsvc.objects.column import null_column
from dsvc.objects.diff import diff_trees
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.types import Type


def common_sources(writer: Writer, inputs: Inputs, stand_ins: Mapping[Oid, Signal] | None = None) -> Signal | None:
    """Return a signal whose sources are those that a step has records for; its values mean nothing.

    Args:
        writer: Takes what must be made up; one of the inputs is returned as it is where it has just these sources.
        inputs: The step's inputs.
        stand_ins: Root of a tree -> the signal it is of, for inputs that only say which sources they will have.
    """
    required = {item.path.signal: item.signal for item in inputs.required}
    signals = [signal for signal in (required or inputs.signals).values() if signal is not None]
    if inputs.sources is not None:
        signals = [signal for _, signal in inputs.sources.values()]
    if not signals or (required and len(signals) < len(required)):
        return None
    signals = [(stand_ins or {}).get(signal.tree, signal) for signal in signals]
    is_union = inputs.sources is not None or not required
    base, *others = sorted(signals, key=lambda signal: signal.count, reverse=is_union)
    streams = [
        iter_added(writer, *((base, signal) if is_union else (signal, base)))
        for signal in others
        if not has_same_sources(writer, base, signal)
    ]
    type_ = Type.decode(base.type)
    output = Output(writer, base, type_, Provenance("step", "", "0"))
    for flagged in merge_flagged(streams) if streams else ():
        if is_union:
            output.put(output.made(flagged.keys, null_column(type_.physical, len(flagged))))
        else:
            output.remove(flagged.keys)
    return output.flush()


def has_same_sources(reader: Reader, a: Signal, b: Signal) -> bool:
    """Tell whether two signals have the same sources."""
    return a.tree == b.tree or (a.count == b.count and next(diff_trees(reader, a, b, keys_only=True), None) is None)


def iter_sources(reader: Reader, signal: Signal | None) -> Iterator[Keys]:
    """Yield the sources of a signal in order; reads no values."""
    for changes in diff_trees(reader, None, signal, keys_only=True):
        yield changes.keys
