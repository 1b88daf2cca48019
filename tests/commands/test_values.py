"""How values and makers are shown."""

import pyarrow as pa

from dsvc.commands._values import provenance_object, provenance_text, python_values, rows_of, value_text
from dsvc.objects.oid import Oid
from dsvc.objects.provenance import Provenance


def test_value_is_shown_as_json():
    """Text in quotes, structs as objects; long ones are cut for people."""
    assert '"a"' == value_text("a")
    assert '{"x":1.5}' == value_text({"x": 1.5})
    assert 100 == len(value_text("x" * 500))
    assert 502 == len(value_text("x" * 500, whole=True))


def test_value_cannot_write_to_the_terminal():
    """Control characters that JSON lets pass are shown too."""
    assert "\x9b" not in value_text("\x9b2J")


def test_nanoseconds_are_kept():
    """Python's times end at microseconds; finer ones come as text and numbers."""
    assert ["1970-01-01 00:00:00.000000001"] == python_values(pa.array([1], pa.timestamp("ns")))
    assert [1] == python_values(pa.array([1], pa.duration("ns")))


def test_rows_are_dicts():
    """One for each row, by column name."""
    batch = pa.RecordBatch.from_pydict({"source": ["a", "b"], "n": [1, None]})

    assert [{"source": "a", "n": 1}, {"source": "b", "n": None}] == list(rows_of(batch))


def test_maker_in_words():
    """Producer, version, origin; transform and standing where they say something."""
    plain = Provenance("import", "spoof", "2")
    rich = Provenance("step", "steps:f", "0", Oid(b"\xab" * 32), "contested")

    assert "spoof 2 (import)" == provenance_text(plain)
    assert "steps:f 0 (step, transform abababababab, contested)" == provenance_text(rich)
    assert {"origin", "producer", "version", "transform", "standing"} == set(provenance_object(rich))
