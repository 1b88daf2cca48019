"""Looking up sources in trees."""

from __future__ import annotations

import numpy as np
import pytest

from dsvc.engine.fields import field_of
from dsvc.engine.probe import Probe
from dsvc.objects.arrays import to_arrow
from dsvc.recipe.paths import InputPath
from tests.engine.signals import keys_of, new_writer, write_signal

RECORDS = {f"s{i:05d}": {"f": i % 5 or None, "g": i} for i in range(0, 9000, 2)}
TYPE = "struct<f: int64, g: int64>"


@pytest.mark.parametrize("step", [1, 7, 2500], ids=["most", "many", "few"])
def test_records_are_found_however_many_are_asked_for(step):
    """Sources between, before and after those there are have no record; the others have their own."""
    writer = new_writer()
    asked = ["a", *(f"s{i:05d}" for i in range(0, 9000, step)), "z"]
    probe = Probe(writer, keys_of(*asked))
    signal = write_signal(writer, TYPE, RECORDS)

    joined = probe.read(signal)
    rows, records = probe.records(signal, np.arange(len(asked)) % 3 == 1)

    assert [RECORDS.get(source) for source in asked] == to_arrow(joined.column).to_pylist()
    assert [source in RECORDS for source in asked] == probe.present(signal).tolist()
    expected = [source for i, source in enumerate(asked) if i % 3 == 1 and source in RECORDS]
    assert expected == [key.decode() for key in records.keys]
    assert expected == [asked[row] for row in rows]
    assert [RECORDS[source] for source in expected] == to_arrow(records.values).to_pylist()


def test_same_compares_one_field_and_takes_a_missing_record_for_null():
    """What the path names is compared alone, for every older version asked about."""
    writer = new_writer()
    now = {"a": {"f": 1, "g": 1}, "b": {"f": 2, "g": 1}, "c": {"f": None, "g": 1}, "d": {"f": 4, "g": 1}}
    path = InputPath("x", ("f",))
    probe = Probe(writer, keys_of(*now))
    column = field_of(probe.read(write_signal(writer, TYPE, now)).column, path)
    every = np.ones(4, np.bool_)

    for old, expected in [
        ({"a": {"f": 1, "g": 9}, "b": {"f": 9, "g": 1}}, [True, False, True, False]),
        ({"b": {"f": 2, "g": 1}, "d": {"f": None, "g": 1}}, [False, True, True, False]),
    ]:
        signal = write_signal(writer, TYPE, old)
        assert expected == probe.same(column, signal, path, every).tolist()
        assert expected == probe.same(column, signal, path, every).tolist()
