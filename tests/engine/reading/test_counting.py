"""How many records of two versions of a signal are the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.reading.counting import count_same
from dsvc.objects.types import parse_type
from tests.engine.signals import new_writer, signal_of

records = st.dictionaries(st.sampled_from("abcdef"), st.none() | st.integers(0, 2), min_size=1)


@given(records, records)
def test_count_same(before, after):
    """Sources that have the same value in both, null being a value."""
    writer = new_writer()
    missing = object()
    expected = sum(before.get(source, missing) == value for source, value in after.items())

    assert expected == count_same(writer, signal_of(writer, before), signal_of(writer, after))


def test_shared_keys_are_not_read(monkeypatch):
    """Where both versions have the same sources, values alone are read."""
    writer = new_writer()
    old = {f"s{i:05d}": i for i in range(9_000)}
    before, after = signal_of(writer, old), signal_of(writer, old | {"s00007": -1, "s08000": -1})
    monkeypatch.setattr("dsvc.engine.reading.counting.load_keys", None)

    assert 8_998 == count_same(writer, before, after)


def test_chunks_of_other_keys_are_looked_up():
    """Sources that came or went leave the rest as it was."""
    writer = new_writer()
    old = {f"s{i:05d}": i for i in range(9_000)}
    new = {source: value for source, value in old.items() if value % 3_000} | {"s00001": -1, "t": 1}

    assert 8_996 == count_same(writer, signal_of(writer, old), signal_of(writer, new))


def test_heavy_values_are_compared_a_few_chunks_at_a_time():
    """Chunks in pieces are counted like others."""
    writer = new_writer()
    old = {f"s{i:05d}": "x" * 200 for i in range(5_000)}
    text = parse_type("text")

    assert 4_999 == count_same(writer, signal_of(writer, old, text), signal_of(writer, old | {"s04000": "y"}, text))
