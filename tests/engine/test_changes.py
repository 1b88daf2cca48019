"""Which sources have other inputs than a trace had."""

from __future__ import annotations

import pytest

from dsvc.engine.changes import CAME, FAILED, iter_changed, iter_keys
from dsvc.objects.provenance import Provenance
from tests.engine.signals import bind, new_writer, write_signal

X = "struct<f: int64, g: int64>"


def changed(before, after, waiting=None) -> dict[str, int]:
    """The sources found, with their bits."""
    return {
        key.decode(): bits
        for run in iter_changed(before, after, waiting)
        for key, bits in zip(run.keys, run.bits.tolist(), strict=True)
    }


def test_a_field_that_is_not_named_is_not_looked_at():
    """A step that reads x.f sees a source whose f changed, came or went; not one whose g alone changed."""
    writer = new_writer()
    old = {"a": {"f": 1, "g": 1}, "b": {"f": 1, "g": 1}, "c": {"f": None, "g": 1}, "gone": {"f": 1, "g": 1}}
    new = {"a": {"f": 1, "g": 2}, "b": {"f": 2, "g": 1}, "c": {"f": 0, "g": 1}, "new": {"f": 1, "g": 1}}
    before = bind(writer, {"x.f": write_signal(writer, X, old)})
    after = bind(writer, {"x.f": write_signal(writer, X, new)})

    assert {"b": 1, "c": 1, "gone": 1, "new": CAME | 1} == changed(before, after)


def test_a_missing_record_of_an_optional_input_is_a_null():
    """A null record of an optional input that comes or goes changes nothing; of a required one, it does."""
    writer = new_writer()
    x = write_signal(writer, "int64", {"a": 1, "b": 1, "c": 1})
    old = write_signal(writer, "int64", {"a": None, "b": 5})
    new = write_signal(writer, "int64", {"c": None})

    def found(optional):
        before = bind(writer, {"x": x, "y": old}, optional)
        return changed(before, bind(writer, {"x": x, "y": new}, optional))

    assert {"b": 2} == found(("y",))
    assert {"a": 2, "b": 2, "c": CAME | 2} == found(())


@pytest.mark.parametrize(("path", "expected"), [("x", {}), ("x._version", {"a": 1})])
def test_provenance_counts_where_it_is_named(path, expected):
    """Another version of the same values is a change only for a step that reads `_version`."""
    writer = new_writer()
    before = write_signal(writer, "int64", {"a": 1}, Provenance("import", "p", "1"))
    after = write_signal(writer, "int64", {"a": 1}, Provenance("import", "p", "2"))

    assert expected == changed(bind(writer, {path: before}), bind(writer, {path: after}))


def test_who_failed_is_told_beside_what_changed():
    """Waiting sources come with a bit of their own, though their inputs are equal."""
    writer = new_writer()
    before = bind(writer, {"x": write_signal(writer, "int64", {"a": 1, "b": 1})})
    after = bind(writer, {"x": write_signal(writer, "int64", {"a": 2, "b": 1})})
    waiting = write_signal(writer, "int64", {"a": 0, "b": 0})

    assert {"a": FAILED | 1, "b": FAILED} == changed(before, after, waiting)
    assert {} == changed(after, after)


def test_keys_alone_ignore_values():
    """A source that both versions have is not told, whatever its values."""
    writer = new_writer()
    before = write_signal(writer, "int64", {"a": 1, "b": 1})
    after = write_signal(writer, "string", {"b": "x", "c": "y"})

    assert [b"a", b"c"] == [key for run in iter_keys(writer, before, after, 1) for key in run.keys]
