"""Making a signal of the same sources as its inputs."""

from __future__ import annotations

import pytest

from dsvc.engine import aligned
from dsvc.engine.aligned import AlignedOutput, Alignment
from dsvc.engine.inputs import Input, Inputs
from dsvc.objects.provenance import Provenance
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from tests.engine.signals import INT, new_writer, signal_of, write_signal

MADE = Provenance("import", "p", "1")
TEXT = parse_type("text")


def bind(writer, **signals):
    """Bind signals given as dicts."""
    return Inputs(writer, [Input(InputPath(name), True, *signal) for name, signal in signals.items()])


@pytest.mark.parametrize("rows", [1, 5_000, 1_000_000])
@pytest.mark.parametrize("type_", [INT, TEXT], ids=str)
def test_the_result_is_the_tree_that_a_build_would_give(monkeypatch, rows, type_):
    """Values may be light or heavy, batches small or large: the signal is the same object."""
    monkeypatch.setattr(aligned, "ROWS", rows)
    writer = new_writer()
    made = (lambda i: i) if type_ is INT else (lambda i: f"{i}" * 30)
    records = {f"s{i:06d}": made(i) for i in range(9_000)}
    x = write_signal(writer, dict.fromkeys(records, 1), producer="q")
    y = write_signal(writer, records, type_, producer="q")
    inputs = bind(writer, x=x, y=y)

    alignment = Alignment.find(inputs)
    output = AlignedOutput(writer, type_, MADE)
    for chunks, columns in alignment.batches(inputs):
        output.put(chunks, columns.column(InputPath("y")))

    assert signal_of(writer, records, type_, "p") == output.finish()


def test_keys_are_read_only_when_asked_for():
    """The sources of a batch are there for those who need them."""
    writer = new_writer()
    inputs = bind(writer, x=write_signal(writer, {"a": 1, "b": 2}))
    kept = dict(writer._frames)

    ((_, columns),) = Alignment.find(inputs).batches(inputs)

    assert 2 == len(columns)
    assert [b"a", b"b"] == list(columns.keys)
    assert kept == writer._frames


@pytest.mark.parametrize(
    ("x", "y", "other", "is_aligned"),
    [
        ({"a": 1}, {"a": 2}, {"a": 3}, True),
        ({"a": 1}, {"b": 2}, None, False),
        ({"a": 1}, {"a": 2, "b": 2}, None, False),
        ({"a": 1}, {"a": 2}, {"b": 3}, False),
        ({"a": 1}, {}, None, True),
        ({}, {}, None, False),
    ],
)
def test_signals_are_aligned_if_their_sources_are_the_same(x, y, other, is_aligned):
    """A signal that nobody has does no harm; where every source has a record, these must be the sources too."""
    writer = new_writer()
    inputs = bind(writer, x=write_signal(writer, x), y=write_signal(writer, y))
    if other is not None:
        inputs = Inputs(writer, inputs.items, sources={"z": write_signal(writer, other)})

    assert is_aligned == (Alignment.find(inputs) is not None)


def test_circumstances_are_not_read_this_way():
    """They need provenance."""
    writer = new_writer()
    x = write_signal(writer, {"a": 1})

    assert Alignment.find(Inputs(writer, [Input(InputPath("x", (), "_origin"), True, *x)])) is None


def test_nothing_put_is_no_signal():
    """A signal without records is none."""
    assert AlignedOutput(new_writer(), INT, MADE).finish() is None
