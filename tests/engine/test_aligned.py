"""Making a signal chunk by chunk of signals with the same sources."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from dsvc.engine.aligned import AlignedOutput, Alignment
from dsvc.objects.arrays import normalise
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from tests.engine.signals import MADE, bind, new_writer, write_signal


def test_an_aligned_output_is_the_signal_that_an_edit_makes():
    """Over many chunks, values made of aligned inputs give the very signal, ids and all, that putting them gives."""
    writer = new_writer()
    sources = [f"s{i:05d}" for i in range(9000)]
    x = write_signal(writer, "int64", {source: i for i, source in enumerate(sources)})
    y = write_signal(writer, "int64", {source: i % 3 or None for i, source in enumerate(sources)})
    inputs = bind(writer, {"x": x, "y": y})

    alignment = Alignment.find(inputs)
    output = AlignedOutput(writer, parse_type("int64"), MADE)
    for chunks, columns in alignment.batches(inputs):
        total = pc.add(columns.values(InputPath("x")), columns.values(InputPath("y")))
        output.put(chunks, normalise(pa.array(total)))

    expected = {source: i + i % 3 if i % 3 else None for i, source in enumerate(sources)}
    assert write_signal(writer, "int64", expected) == output.finish()


def test_other_sources_are_not_aligned():
    """One source more, fewer or of another name, or an input that names provenance, and there is no alignment."""
    writer = new_writer()
    x, y, other = (write_signal(writer, "int64", dict.fromkeys(held, 1)) for held in ("ab", "ac", "abc"))

    assert Alignment.find(bind(writer, {"x": x, "z": None})) is not None
    assert Alignment.find(bind(writer, {"z": None})) is None
    assert Alignment.find(bind(writer, {"x": x, "y": y})) is None
    assert Alignment.find(bind(writer, {"x": x}), [other]) is None
    assert Alignment.find(bind(writer, {"x": x, "x._version": x})) is None
