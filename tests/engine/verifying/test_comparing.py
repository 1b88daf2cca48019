"""What differs between a signal and one made again: against dicts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.making.output import WAITING_TYPE, Failures
from dsvc.engine.verifying.comparing import compare
from dsvc.objects.encoding import get_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.store.memory import MemoryStore
from dsvc.store.writer import ObjectWriter
from tests.engine.bound import MADE, store

RECORDS = st.dictionaries(st.sampled_from("abcdefgh"), st.none() | st.integers(0, 2))


@given(RECORDS, RECORDS, st.integers(0, 5))
def test_counts_and_the_first_rows(kept, made, n_rows):
    """Every record that came, went or has another value is counted; the first by source are told of."""
    writer = ObjectWriter(MemoryStore())
    signals = [store(writer, "int64", records) for records in (kept, made)]

    found = compare(writer, *signals, n_rows)

    expected = [
        {"source": source, "op": "+" if source not in kept else "-" if source not in made else "~"}
        | {"kept": kept.get(source), "made": made.get(source), "why": None}
        for source in sorted({*kept, *made})
        if (source in kept, kept.get(source)) != (source in made, made.get(source))
    ]
    assert expected[:n_rows] == [row for batch in found.rows for row in batch.to_pylist()]
    assert len(expected) == found.total
    assert [sum(row["op"] == op for row in expected) for op in "+-~"] == [found.added, found.removed, found.changed]


def test_equal_values_of_another_provenance_are_told_apart():
    """They are no other values, and not equal either."""
    writer = ObjectWriter(MemoryStore())
    signals = [store(writer, "int64", {"a": 1, "b": 2}, made) for made in (MADE, Provenance("step", "m:f", "2"))]

    found = compare(writer, *signals, 5)

    assert (2, 0) == (found.remade, found.changed)
    assert ["=", "="] == found.rows[0].column("op").to_pylist()


def test_failures_are_told_with_their_errors():
    """Of the side that has no record."""
    writer = ObjectWriter(MemoryStore())
    kept, made = store(writer, "int64", {"a": 1}), store(writer, "int64", {"b": 1})
    failed = []
    for source in "ba":
        failures = Failures(writer, None, MADE)
        keys = Keys.of_bytes([source.encode()])
        failures.update(keys, keys, [f"{source} is down"])
        failed.append(get_object(writer, failures.write(), Kind.SIGNAL, Signal))

    found = compare(writer, kept, made, 5, (failed[0], failed[1]))

    assert WAITING_TYPE.encoded == failed[0].type
    assert [("a", "-", "a is down"), ("b", "+", "b is down")] == [
        (row["source"], row["op"], row["why"]) for row in found.rows[0].to_pylist()
    ]
