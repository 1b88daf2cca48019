"""Which sources have all the inputs of a step."""

from __future__ import annotations

from dsvc.engine.keysets import common_sources, has_same_sources, iter_sources
from tests.engine.signals import bind, new_writer, write_signal


def found(writer, inputs) -> list[str]:
    """The sources, in order."""
    sources = common_sources(writer, inputs)
    return [key.decode() for keys in iter_sources(writer, sources) for key in keys]


def test_required_inputs_intersect_and_optional_ones_unite():
    """A source needs every required input; where none is required, any one will do."""
    writer = new_writer()
    x, y = (write_signal(writer, "int64", dict.fromkeys(held, 1)) for held in ("abc", "bcd"))
    signals = {"x": x, "y": y}

    assert ["b", "c"] == found(writer, bind(writer, signals))
    assert ["a", "b", "c"] == found(writer, bind(writer, signals, ("y",)))
    assert ["a", "b", "c", "d"] == found(writer, bind(writer, signals, ("x", "y")))
    assert [] == found(writer, bind(writer, {"x": x, "z": None}))
    assert ["a", "b", "c"] == found(writer, bind(writer, {"x": x, "z": None}, ("z",)))


def test_nothing_is_written_where_sources_are_the_same():
    """Of inputs with the same sources and other values one stands for all."""
    writer = new_writer()
    x, y, z = (write_signal(writer, "int64", dict.fromkeys(held, i)) for i, held in enumerate(("ab", "ab", "ac")))

    assert (True, False) == (has_same_sources(writer, x, y), has_same_sources(writer, x, z))
    assert x == common_sources(writer, bind(writer, {"x": x, "y": y}))
