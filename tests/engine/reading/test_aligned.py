"""Making a signal of the same sources as its inputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.reading import aligned
from dsvc.engine.reading.aligned import AlignedOutput, Alignment, iter_beyond
from dsvc.engine.reading.inputs import Input, Inputs
from dsvc.objects.provenance import Provenance
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from tests.engine.signals import INT, new_writer, signal_of, write_signal

MADE = Provenance("import", "p", "1")
TEXT = parse_type("text")
X, Y = InputPath("x"), InputPath("y")


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
    for chunks, columns in alignment.batches():
        output.put(chunks, columns.column(InputPath("y")))

    assert signal_of(writer, records, type_, "p") == output.finish()


def test_keys_are_read_only_when_asked_for():
    """The sources of a batch are there for those who need them."""
    writer = new_writer()
    inputs = bind(writer, x=write_signal(writer, {"a": 1, "b": 2}))
    kept = dict(writer._frames)

    ((_, columns),) = Alignment.find(inputs).batches()

    assert 2 == len(columns)
    assert [b"a", b"b"] == list(columns.keys)
    assert kept == writer._frames


sources = st.dictionaries(st.sampled_from([f"s{i}" for i in range(12)]), st.none() | st.integers(0, 9), min_size=1)


@given(sources, sources, st.booleans())
def test_inputs_of_other_sources_are_looked_up(x, y, is_required):
    """The base is the smallest required input; of the others there is what its sources have."""
    writer = new_writer()
    items = [Input(X, True, *write_signal(writer, x)), Input(Y, is_required, *write_signal(writer, y))]
    inputs = Inputs(writer, items)
    base = min([x, y], key=len) if is_required else x

    ((_, columns),) = Alignment.find(inputs).batches()

    assert sorted(base) == columns.keys.arrow.to_pylist()
    assert [source in x and (source in y or not is_required) for source in sorted(base)] == columns.complete.tolist()
    assert [y.get(source) for source in sorted(base)] == columns.values(Y).to_pylist()


def test_a_few_chunks_of_other_keys_do_no_harm():
    """Values of all the other chunks are zipped as they are."""
    writer = new_writer()
    records = {f"s{i:06d}": i for i in range(40_000)}
    fewer = {source: value * 2 for source, value in records.items() if value not in (7, 20_000, 20_001)}
    items = [Input(X, True, *write_signal(writer, records)), Input(Y, False, *write_signal(writer, fewer))]
    inputs = Inputs(writer, items)

    found = {}
    for _, columns in Alignment.find(inputs).batches():
        found |= dict(zip(columns.keys.arrow.to_pylist(), columns.values(Y).to_pylist(), strict=True))

    assert {source: fewer.get(source) for source in records} == found


def test_signals_that_share_little_are_not_aligned():
    """Reading them end to end is faster than looking sources up."""
    writer = new_writer()
    x = write_signal(writer, {f"s{i:06d}": i for i in range(20_000)})
    y = write_signal(writer, {f"s{i:06d}": i for i in range(0, 20_000, 2)})

    assert Alignment.find(Inputs(writer, [Input(X, True, *x), Input(Y, False, *y)])) is None


def test_without_a_required_input_there_is_no_base():
    """Any signal may have the source then; where every source has a record, the largest of them is the base."""
    writer = new_writer()
    x, z = write_signal(writer, {"a": 1}), write_signal(writer, {"a": 2, "b": 3})
    item = Input(X, False, *x)

    assert Alignment.find(Inputs(writer, [item])) is None
    inputs = Inputs(writer, [item], sources={"x": x, "z": z, "w": write_signal(writer, {"c": 1})})
    ((_, columns),) = Alignment.find(inputs).batches()
    assert [1, None] == columns.values(X).to_pylist()
    assert columns.complete.all()
    assert [[b"c"]] == [list(keys) for keys in iter_beyond(inputs)]


def test_circumstances_are_not_read_this_way():
    """They need provenance."""
    writer = new_writer()
    x = write_signal(writer, {"a": 1})

    assert Alignment.find(Inputs(writer, [Input(InputPath("x", (), "_origin"), True, *x)])) is None


def test_nothing_put_is_no_signal():
    """A signal without records is none."""
    assert AlignedOutput(new_writer(), INT, MADE).finish() is None
