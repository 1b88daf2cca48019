"""What traces answer, against brute force over everything that they hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from dsvc.engine.making.output import Failures, Output
from dsvc.engine.making.traces import Match, merge_records
from dsvc.engine.reading.inputs import Input, Inputs
from dsvc.objects.arrays import normalise
from dsvc.objects.encoding import get_object, put_object
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.trace import Trace
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.store.writer import ObjectWriter
from tests.engine.signals import new_writer, read_signal, signal_of, write_signal

X, Y = parse_type("struct<f: int64, g: string>"), parse_type("int64")
OUT = parse_type("int64")
TRANSFORM = Oid(b"t" * 32)
MADE = Provenance("step", "m:f", "0", TRANSFORM)


@dataclass
class Held:
    """A retained trace, as brute force sees it."""

    seen: dict[str, tuple[Any, ...]]
    output: dict[str, int]


@dataclass
class World:
    """A store with one step over `x.f` and `y`, and everything it ever made."""

    is_y_required: bool
    writer: ObjectWriter = field(default_factory=new_writer)
    retained: list[tuple[Oid, Trace]] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)

    def seen(self, x: dict[str, Any], y: dict[str, int | None]) -> dict[str, tuple[Any, ...]]:
        """What the step sees of each source that has all its inputs."""
        return {
            source: (None if value is None else value["f"], y.get(source))
            for source, value in x.items()
            if source in y or not self.is_y_required
        }

    def bind(self, x: dict[str, Any], y: dict[str, int | None], producer: str = "p") -> Inputs:
        """Store the inputs and bind the step to them."""
        return Inputs(
            self.writer,
            [
                Input(InputPath("x", ("f",)), True, *write_signal(self.writer, x, X, producer)),
                Input(InputPath("y"), self.is_y_required, *write_signal(self.writer, y, Y, producer)),
            ],
        )

    def make(
        self, inputs: Inputs, own: tuple[Oid, Trace] | None, rows: int, *, retry: bool = False
    ) -> tuple[set[str], tuple[Oid, Trace]]:
        """Run the step by what the traces say; return the sources that ran, and the new trace."""
        match = Match(self.writer, inputs, own, lambda: self.retained)
        if match.equal is not None and not (retry and match.is_current):
            return set(), (match.equal.oid, match.equal.trace)
        ran: set[str] = set()
        base = match.base
        output = Output(self.writer, None if base is None else base.output, OUT, MADE)
        known = base.waiting if base is not None and base is match.own else None
        failures = Failures(self.writer, known, MADE)
        for batch in match.batches(retry_failed=retry, rows=rows):
            columns = batch.columns.filter(batch.run)
            f, y = (columns.values(item.path).to_pylist() for item in inputs.items)
            made = [step(*values) for values in zip(f, y, strict=True)]
            ran |= {key.decode() for key in columns.keys}
            good = np.flatnonzero([value is not None for value in made])
            bad = np.flatnonzero([value is None for value in made])
            failures.update(batch.keys, columns.keys.take(bad), ["no"] * len(bad))
            output.remove(merge_keys(batch.removed, columns.keys.take(bad)))
            values = normalise(pa.array([made[i] for i in good], pa.int64()))
            parts = [(np.flatnonzero(batch.run)[good], output.made(columns.keys.take(good), values))]
            if batch.reused is not None:
                parts.append((np.flatnonzero(~batch.run), batch.reused))
            merged = merge_records(parts)
            if merged is not None:
                output.put(merged)
        trace = Trace(TRANSFORM, inputs.trace_inputs(), output.write(), failures.write())
        return ran, (put_object(self.writer, Kind.TRACE, trace), trace)


def merge_keys(a, b):
    """The sources of both, in order."""
    from dsvc.objects.keys import merge_order

    return merge_order(a, b)[0]


def step(f: int | None, y: int | None) -> int | None:
    """The transform: fails on some values."""
    if f == 3:
        return None
    return (f or 0) * 10 + (y or 0)


sources = st.sampled_from([f"s3://b/{i}" for i in range(12)])
x_values = st.none() | st.fixed_dictionaries({"f": st.none() | st.integers(0, 3), "g": st.sampled_from(["a", "b"])})
x_records = st.dictionaries(sources, x_values, max_size=10)
y_records = st.dictionaries(sources, st.none() | st.integers(0, 2), max_size=10)


@settings(max_examples=150, deadline=None)
@given(
    st.booleans(),
    st.lists(st.tuples(x_records, y_records, st.sampled_from("pq"), st.booleans(), st.booleans()), max_size=7),
    st.integers(1, 5),
)
def test_exactly_what_no_trace_holds_must_run(is_y_required, versions, rows):
    """A record runs iff no retained trace holds its source with the same bits in every input the step names."""
    world = World(is_y_required)
    own: tuple[Oid, Trace] | None = None
    failed: dict[str, tuple[Any, ...]] = {}
    for x, y, producer, forget, retry in versions:
        if forget:  # another branch's draft, which was never derived
            own, failed = None, {}
        seen = world.seen(x, y)
        same_failed = {source for source, values in failed.items() if seen.get(source) == values}
        expected = {
            source
            for source, values in seen.items()
            if not any(source in held.output and held.seen[source] == values for held in world.held)
        } - (set() if retry else same_failed)

        ran, own = world.make(world.bind(x, y, producer), own, rows, retry=retry)

        assert expected == ran
        result = {source: step(*values) for source, values in seen.items()}
        output = {source: value for source, value in result.items() if value is not None}
        signal = None if own[1].output == ZERO else get_object(world.writer, own[1].output, Kind.SIGNAL, Signal)
        assert output == read_signal(world.writer, signal)
        failed = {source: seen[source] for source, value in result.items() if value is None}
        waiting = None if own[1].waiting is None else get_object(world.writer, own[1].waiting, Kind.SIGNAL, Signal)
        assert {source: {"detail": "no", "reason": "failed"} for source in failed} == read_signal(world.writer, waiting)
        fresh = signal_of(world.writer, output)
        assert (None if fresh is None else fresh.value_id) == (None if signal is None else signal.value_id)
        world.held.append(Held(seen, output))
        world.retained = [own, *(trace for trace in world.retained if trace[0] != own[0])]
