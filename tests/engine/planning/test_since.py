"""Tests of what differs since a look."""

import msgspec

from dsvc.engine.planning.since import Point, changed_since, point_of
from tests.engine.office import NAMES, Office, recipe


def make_office(tmp_path):
    """Six labelled images, of which people are asked about some."""
    office = Office(tmp_path / "faces")
    office.put("label", {f"s{i}": NAMES[i % 2] for i in range(6)})
    office.put("score", {f"s{i}": i for i in range(6)})
    office.write(recipe())
    office.run()
    return office


def changed(office, point):
    """Return the sources that differ since a look."""
    keys = changed_since(office.bind_node("kind"), point)
    return None if keys is None else keys.arrow.to_pylist()


def test_what_differs_is_what_a_run_would_look_at(tmp_path):
    """Judged values, what the condition reads, and answers; nothing while nothing happened."""
    office = make_office(tmp_path)
    point = point_of(office.bind_node("kind"))
    assert [] == changed(office, point)
    office.put("label", {"s5": "eel"})
    office.put("score", {"s4": 0, "s3": 3})
    office.answer(office.asks("kind")["s1"], "dog")
    assert ["s1", "s4", "s5"] == changed(office, point)


def test_a_point_can_be_kept_anywhere(tmp_path):
    """As plain values."""
    office = make_office(tmp_path)
    point = point_of(office.bind_node("kind"))
    assert point == msgspec.convert(msgspec.to_builtins(point), Point)


def test_where_it_cannot_be_told_nothing_is(tmp_path):
    """Before a run there is no point; another task, or objects that are gone, are no base."""
    office = make_office(tmp_path)
    point = point_of(office.bind_node("kind"))
    gone = [(path, "11" * 32, "11" * 32) for path, _, _ in point.inputs]
    assert changed(office, msgspec.structs.replace(point, inputs=tuple(gone))) is None
    office.answer(office.asks("kind")["s1"], "dog")
    assert point_of(office.bind_node("kind")) is None
    assert point_of(None) is None
    office.write(recipe(ask="score < 5"))
    assert changed(office, point) is None
