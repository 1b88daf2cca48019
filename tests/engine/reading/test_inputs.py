"""Inputs bound to a version or to a trace, and what there is of sources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.reading.inputs import Input, Inputs
from dsvc.engine.reading.probe import Probe
from dsvc.objects.arrays import to_arrow
from dsvc.objects.encoding import put_object
from dsvc.objects.oid import ZERO, Kind
from dsvc.objects.snapshot import Root
from dsvc.objects.state import Derived, State
from dsvc.objects.types import parse_type
from dsvc.recipe.paths import InputPath
from dsvc.repo.view import View
from tests.engine.signals import INT, keys_of, new_writer, write_signal

X = InputPath("x")
Y = InputPath("y")
STRUCT = parse_type("struct<f: int64, g: string>")


def bind(records, *, required=("x",), types=None, producers=None):
    """Bind inputs to signals given as dicts; a None is a signal that no source has."""
    writer = new_writer()
    items = []
    for text, held in records.items():
        path = InputPath.parse(text)
        type_ = (types or {}).get(path.signal, INT)
        signal_id, signal = write_signal(writer, held or {}, type_, (producers or {}).get(path.signal, "p"))
        items.append(Input(path, text in required, signal_id, signal))
    return Inputs(writer, items)


def table(columns, *paths):
    """Return {source: values} of some columns."""
    values = [columns.values(InputPath.parse(path)).to_pylist() for path in paths]
    return dict(zip(columns.keys.arrow.to_pylist(), zip(*values, strict=True), strict=True))


RECORDS = {"x": {"a": 1, "b": None, "c": 3}, "y": {"b": 20, "c": 30, "d": 40}}


def test_scan_yields_sources_with_all_required_inputs():
    """An optional input is null where it is missing; a null record is a record."""
    assert {"a": (1, None), "b": (None, 20), "c": (3, 30)} == _scan(bind(RECORDS), "x", "y")
    assert {"b": (None, 20), "c": (3, 30)} == _scan(bind(RECORDS, required=("x", "y")), "x", "y")


def test_without_required_inputs_any_input_will_do():
    """A step whose inputs are all optional has a record for every source that has one of them."""
    assert {"a": (1, None), "b": (None, 20), "c": (3, 30), "d": (None, 40)} == _scan(
        bind(RECORDS, required=()), "x", "y"
    )


def _scan(inputs, *paths):
    found = {}
    for columns in inputs.scan(2):
        found |= table(columns, *paths)
    return found


@pytest.mark.parametrize(
    ("records", "required", "can"),
    [
        ({"x": {}, "y": {"a": 1}}, ("x",), False),
        ({"x": {"a": 1}, "y": {}}, ("x",), True),
        ({"x": {}, "y": {"a": 1}}, (), True),
        ({"x": {}, "y": {}}, (), False),
    ],
)
def test_whether_any_record_can_be(records, required, can):
    """A required signal that no source has leaves no source; optional ones leave all that have any."""
    inputs = bind(records, required=required)

    assert can == inputs.can_have_records
    assert can == bool(_scan(inputs, "x"))


def test_take_lays_out_what_there_is():
    """Sources are taken as they are asked for, with or without records."""
    columns = bind(RECORDS).take(Probe(bind(RECORDS).reader, keys_of()))
    assert 0 == len(columns)

    inputs = bind(RECORDS)
    columns = inputs.take(Probe(inputs.reader, keys_of("a", "d", "e")))

    assert {"a": (1, None), "d": (None, 40), "e": (None, None)} == table(columns, "x", "y")
    assert [True, False, False] == columns.complete.tolist()
    assert [False, True, False] == columns.present("y").tolist()
    assert {"d": (40,)} == table(columns.filter(columns.present("y")), "y")


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 9)),
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 9)),
    st.lists(st.sampled_from("abcdefgh"), unique=True),
    st.integers(1, 4),
)
def test_reading_over_sources_is_taking_them(x, y, sources, size):
    """Reading end to end gives what looking up gives, whatever the batches."""
    inputs = bind({"x": x, "y": y})
    sources = sorted(sources)
    batches = [keys_of(*sources[at : at + size]) for at in range(0, len(sources), size)]

    columns = list(inputs.over(iter(batches)))

    assert [batch.arrow for batch in batches] == [part.keys.arrow for part in columns]
    for part in columns:
        taken = inputs.take(Probe(inputs.reader, part.keys))
        assert table(taken, "x", "y") == table(part, "x", "y")
        assert taken.present("x").tolist() == part.present("x").tolist()


def test_keys_leave_provenance_out():
    """A new producer with equal values is the same input, unless the input names the producer."""
    old, new = (bind({"x": {"a": 1}, "x._producer": {"a": 1}}, producers={"x": producer}) for producer in "pq")

    assert [True, False] == [a.key == b.key for a, b in zip(old.items, new.items, strict=True)]


def test_circumstances_are_told_by_provenance():
    """`x._producer` and its like are columns; `x._state` of a missing record is why it waits."""
    writer = new_writer()
    oid, _ = write_signal(writer, {"a": 1, "c": 3}, producer="model")
    waiting, _ = write_signal(
        writer, {"b": {"detail": "no", "reason": "failed"}}, parse_type("struct<detail: string, reason: string>")
    )
    root = put_object(writer, Kind.ROOT, Root((("x", oid),)))
    state = put_object(writer, Kind.STATE, State(derived=(Derived("x", ZERO, waiting),)))
    paths = [InputPath.parse(f"x.{name}") for name in ("_producer", "_version", "_origin", "_state")]
    inputs = Inputs.bind(View(writer, root, state), paths, ())

    columns = inputs.take(Probe(writer, keys_of("a", "b", "d")))

    assert {
        "a": ("model", "1", "import", "final"),
        "b": (None, None, None, "failed"),
        "d": (None, None, None, None),
    } == table(columns, *map(str, paths))
    assert ["x._producer", "x._version", "x._origin", "x._state", "x._waiting"] == [
        entry.path for entry in inputs.trace_inputs()
    ]
    assert inputs.key == Inputs.of_trace(writer, inputs, inputs.trace_inputs()).key


def test_types_are_told_without_records():
    """Fields have the type of the field; a signal that nobody has has its declared type, or none."""
    records = {"a": {"f": 1, "g": "s"}}
    inputs = bind({"x.f": records, "y": None, "x._state": records}, types={"x": STRUCT})
    declared = Inputs(inputs.reader, inputs.items, {"y": parse_type("score")})

    assert "int64" == str(inputs.type_of(InputPath.parse("x.f")))
    assert "null" == str(inputs.type_of(Y))
    assert "score" == str(declared.type_of(Y))
    assert "string" == str(inputs.type_of(InputPath.parse("x._state")))
    assert "double" == str(declared.take(Probe(inputs.reader, keys_of("a"))).values(Y).type)


SOURCES = {"u": {"a": 1, "b": 2}, "v": {"b": 3, "z": 4}}


def every_source(writer, signals, x):
    """Bind an optional x for a step that has a record for every source of some signals."""
    sources = {name: write_signal(writer, records) for name, records in signals.items()}
    return Inputs(writer, [Input(X, False, *write_signal(writer, x))], sources=sources)


def test_every_source_may_have_a_record():
    """Whatever it has of the inputs; which sources there are is part of what a trace says."""
    writer = new_writer()
    inputs = every_source(writer, SOURCES, {"b": 5, "q": 6})

    assert {"a": (None,), "b": (5,), "z": (None,)} == _scan(inputs, "x")
    assert inputs.can_have_records
    assert not every_source(writer, {}, {"b": 5}).can_have_records
    assert [True, False] == inputs.take(Probe(writer, keys_of("a", "q"))).complete.tolist()
    assert ["x", "u._source", "v._source"] == [entry.path for entry in inputs.trace_inputs()]
    assert inputs.key == Inputs.of_trace(writer, inputs, inputs.trace_inputs()).key
    assert inputs.key != every_source(writer, {"u": {"a": 1}}, {"b": 5, "q": 6}).key


def test_one_input_alone():
    """An input is asked without the others."""
    inputs = bind(RECORDS)

    columns = inputs.only(inputs.items[1]).take(Probe(inputs.reader, keys_of("c")))

    assert [30] == to_arrow(columns.column(Y)).to_pylist()
