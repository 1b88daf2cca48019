"""How many records of two versions of a signal are the same."""

from __future__ import annotations

from dsvc.engine.counting import count_same
from tests.engine.signals import new_writer, write_signal


def test_same_values_are_counted_whether_or_not_the_sources_are_shared():
    """A source counts where both versions have it with the same bits, null included."""
    writer = new_writer()
    records = {f"s{i:05d}": i % 7 or None for i in range(9000)}
    shared = records | {f"s{i:05d}": -1 for i in range(0, 9000, 1000)}
    other = {source: value for source, value in shared.items() if source != "s00001"} | {"t": None}
    before = write_signal(writer, "int64", records)

    assert 9000 == count_same(writer, before, write_signal(writer, "int64", records))
    assert 8991 == count_same(writer, before, write_signal(writer, "int64", shared))
    assert 8990 == count_same(writer, before, write_signal(writer, "int64", other))
