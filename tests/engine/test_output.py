"""Records that a step makes, put into its signal in parts."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dsvc.engine import output as output_module
from dsvc.engine.output import MAX_DETAIL, WAITING_TYPE, Failures, Output
from dsvc.objects.arrays import normalise
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import ZERO, Kind
from dsvc.objects.snapshot import Signal
from dsvc.objects.types import parse_type
from tests.engine.signals import MADE, keys_of, new_writer, read_signal, write_signal


@pytest.mark.parametrize("most", [1, 2, 1000])
def test_parts_make_the_signal_that_one_edit_makes(monkeypatch, most):
    """However little is held at a time, the signal is the same, and what went and what stayed equal is counted."""
    monkeypatch.setattr(output_module, "MAX_HELD_ROWS", most)
    writer = new_writer()
    before = write_signal(writer, "int64", {"a": 1, "b": 2, "c": 3})
    output = Output(writer, before, parse_type("int64"), MADE)

    output.remove(keys_of("c", "x"))
    for source, value in {"a": 1, "b": None, "d": 4}.items():
        output.put(output.made(keys_of(source), normalise(pa.array([value], pa.int64()))))

    assert write_signal(writer, "int64", {"a": 1, "b": None, "d": 4}) == output.flush()
    assert (1, 1) == (output.removed, output.same)


def test_no_record_is_no_signal():
    """An output from which the last record went has the zero id."""
    writer = new_writer()
    output = Output(writer, write_signal(writer, "int64", {"a": 1}), parse_type("int64"), MADE)

    output.remove(keys_of("a"))

    assert ZERO == output.write()


def test_failures_stand_until_their_source_is_looked_at_again():
    """What failed before stays for sources that nobody looked at, and goes where it came out well."""
    writer = new_writer()
    known = write_signal(writer, str(WAITING_TYPE), {s: {"detail": "old", "reason": "failed"} for s in ("a", "b", "c")})
    failures = Failures(writer, known, MADE)

    failures.update(keys_of("b", "c", "d"), keys_of("c", "d"), ["\ud800", "x" * (MAX_DETAIL + 1)])

    found = read_signal(writer, get_object(writer, failures.write(), Kind.SIGNAL, Signal))
    assert {"a": "old", "c": "\\ud800", "d": "x" * MAX_DETAIL} == {s: value["detail"] for s, value in found.items()}
    assert Failures(writer, None, MADE).write() is None
