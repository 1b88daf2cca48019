"""Which sources have all the inputs of a step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.making.keysets import common_sources, has_same_sources, iter_sources
from dsvc.engine.reading.inputs import Input, Inputs
from dsvc.recipe.paths import InputPath
from tests.engine.signals import new_writer, signal_of, write_signal

sources = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3))


@given(st.lists(st.tuples(sources, st.booleans()), min_size=1, max_size=3))
def test_common_sources_are_those_of_a_scan(signals):
    """The sources of all required inputs, or of any where none is required."""
    writer = new_writer()
    items = [
        Input(InputPath(f"x{i}"), required, *write_signal(writer, records))
        for i, (records, required) in enumerate(signals)
    ]
    required = [set(records) for records, required in signals if required]
    expected = set.intersection(*required) if required else set().union(*(records for records, _ in signals))

    found = common_sources(writer, Inputs(writer, items))

    assert sorted(expected) == [key.decode() for keys in iter_sources(writer, found) for key in keys]
    assert len(expected) == (0 if found is None else found.count)


def test_inputs_of_the_same_sources_need_no_new_signal():
    """One of the inputs stands for all of them."""
    writer = new_writer()
    a, b = write_signal(writer, {"a": 1, "b": 2}), write_signal(writer, {"a": 3, "b": 4})

    found = common_sources(writer, Inputs(writer, [Input(InputPath("x"), True, *a), Input(InputPath("y"), True, *b)]))

    assert found == a[1]


def test_has_same_sources():
    """Values do not matter."""
    writer = new_writer()
    a, b, c = (signal_of(writer, records) for records in ({"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 1, "c": 1}))

    assert has_same_sources(writer, a, b)
    assert not has_same_sources(writer, a, c)
