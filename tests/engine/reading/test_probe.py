"""Looking up the same sources in many trees."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.reading.probe import Probe, find_rows, read_rows
from dsvc.objects.arrays import to_arrow
from dsvc.objects.keys import Keys
from dsvc.objects.tree import Tree
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from tests.engine.signals import keys_of, new_writer, signal_of

TEXT = parse_type("text")


def source(i: int) -> str:
    """Return a pointer."""
    return f"s3://b/{i:06d}"


@pytest.fixture(scope="module")
def many():
    """A writer with a signal of several chunks, and one of heavy values in pieces."""
    writer = new_writer()
    light = signal_of(writer, {source(i): i for i in range(0, 20_000, 2)})
    heavy = signal_of(writer, {source(i): f"{i}" * 40 for i in range(0, 20_000, 2)}, TEXT)
    return writer, light, heavy


@pytest.mark.parametrize(
    "wanted", [[3], [0, 4, 19_998], list(range(0, 20_000, 3)), list(range(0, 20_000, 2)), [50_000], []]
)
def test_reading_is_what_a_tree_holds(many, wanted):
    """Few sources, many, all, and none that there are: each has its record, or none."""
    writer, light, heavy = many
    probe = Probe(writer, keys_of(*map(source, wanted)))
    held = [i for i in wanted if i % 2 == 0 and i < 20_000]

    numbers, texts = probe.read(light), probe.read(heavy, provenance=True)

    assert [i if i in held else None for i in wanted] == to_arrow(numbers.column).to_pylist()
    assert [f"{i}" * 40 if i in held else None for i in wanted] == to_arrow(texts.column).to_pylist()
    assert [i in held for i in wanted] == probe.present(light).tolist()
    assert (numbers.present is None) == (held == wanted and bool(wanted))
    assert [0 if i in held else -1 for i in wanted] == texts.prov.rows.tolist()


def test_records_are_those_wanted(many):
    """Records come with their rows, for wanted sources that have one."""
    writer, light, _ = many
    probe = Probe(writer, keys_of(*map(source, range(10))))

    rows, records = probe.records(light, np.arange(10) >= 5)

    assert [6, 8] == rows.tolist()
    assert [source(6), source(8)] == records.keys.arrow.to_pylist()
    assert [6, 8] == to_arrow(records.values).to_pylist()
    assert probe.records(light, np.arange(10) == 5) is None


@given(
    st.dictionaries(st.integers(0, 30), st.none() | st.integers(0, 3)),
    st.lists(st.dictionaries(st.integers(0, 30), st.none() | st.integers(0, 3), min_size=1), min_size=1, max_size=4),
    st.sets(st.integers(0, 30)),
)
def test_sameness_is_told_for_any_version(now, versions, wanted):
    """Whichever versions were compared before, each answer is right."""
    writer = new_writer()
    sources = [source(i) for i in range(31)]
    probe = Probe(writer, keys_of(*sources))
    values = {source(i): value for i, value in now.items()}
    signal = signal_of(writer, values)
    column = None if signal is None else probe.read(signal).column
    if column is None:
        return
    mask = np.isin(np.arange(31), list(wanted))
    for version in versions:
        old = {source(i): value for i, value in version.items()}

        same = probe.same(column, signal_of(writer, old), InputPath("x"), mask)

        assert all(same[i] == (values.get(source(i)) == old.get(source(i))) for i in wanted)


def test_a_shared_chunk_is_compared_once(many, monkeypatch):
    """A second version that shares its chunks costs no value."""
    writer, light, _ = many
    probe = Probe(writer, keys_of(*map(source, range(0, 20_000, 50))))
    column = probe.read(light).column
    every = np.ones(len(probe), np.bool_)
    assert probe.same(column, light, InputPath("x"), every).all()
    monkeypatch.setattr("dsvc.engine.reading.probe.read_rows", None)

    assert probe.same(column, light, InputPath("x"), every).all()


@given(st.sets(st.text("ab\0\u00e9", max_size=3)), st.sets(st.text("ab\0\u00e9", max_size=3)))
def test_find_rows_is_an_intersection(held, sought):
    """Whatever way sources are found, the rows are those of the sources in both."""
    a, b = keys_of(*held), keys_of(*sought)

    rows, at = find_rows(a, b)

    assert [(key, key) for key in b if key in list(a)] == [
        (b[i], a[j]) for i, j in zip(rows.tolist(), at.tolist(), strict=True)
    ]


def test_read_rows_reads_the_parts_that_hold_them(many):
    """Of a chunk in pieces, pieces without a wanted row are not read."""
    writer, _, heavy = many
    entries = list(Tree(writer, heavy).nodes().chunks())
    asked: list[int] = []

    class Counting:
        def get(self, oid, kind=None):
            return writer.get(oid, kind)

        def get_many(self, oids, kind=None):
            asked.append(len(oids))
            return writer.get_many(oids, kind)

    column = read_rows(Counting(), entries, np.array([0, 9_999]), TEXT)

    assert ["0" * 40, "19998" * 40] == to_arrow(column).to_pylist()
    assert [len(entries), 2] == asked


def test_values_of_many_types():
    """Structs and lists are looked up like numbers."""
    writer = new_writer()
    type_ = parse_type("boxes")
    box = {"x": 1.0, "y": 2.0, "w": 3.0, "h": 4.0, "score": 0.5, "label": "face"}
    signal = signal_of(writer, {"a": [box], "b": [], "c": None}, type_)

    read = Probe(writer, Keys.of(pa.array(["a", "b", "c", "d"]))).read(signal)

    assert [[box], [], None, None] == to_arrow(read.column).to_pylist()
    assert [True, True, True, False] == read.present.tolist()
