"""Records put into a signal in parts, and who waits."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.engine.making import output as output_module
from dsvc.engine.making.output import MAX_DETAIL, Failures, Output, tidy
from dsvc.objects.arrays import normalise
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import ZERO, Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from tests.engine.signals import INT, keys_of, new_writer, read_signal, signal_of

MADE = Provenance("import", "p", "1")
records = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3))


@given(records, st.lists(st.tuples(records, st.sets(st.sampled_from("abcdefgh"))), max_size=3), st.integers(1, 10))
def test_parts_make_one_signal(before, edits, held_rows):
    """However much is held before it is written, the result is that of one edit."""
    writer = new_writer()
    output = Output(writer, signal_of(writer, before), INT, MADE)
    expected = dict(before)
    n_removed = 0
    for part in ("abc", "def", "gh"):
        for puts, removals in edits[:1]:
            chosen = {source: value for source, value in sorted(puts.items()) if source in part}
            gone = {source for source in removals if source in part and source not in chosen}
            output.remove(keys_of(*gone))
            output.put(output.made(keys_of(*chosen), normalise(pa.array(list(chosen.values()), pa.int64()))))
            if held_rows < 5:
                output.flush()
            n_removed += sum(source in before for source in gone)
            expected = {source: value for source, value in expected.items() if source not in gone} | chosen

    oid = output.write()

    signal = None if oid == ZERO else get_object(writer, oid, Kind.SIGNAL, Signal)
    assert expected == read_signal(writer, signal)
    assert n_removed == output.removed
    assert signal_of(writer, expected) == signal


def test_memory_is_bounded(monkeypatch):
    """Records are written once enough of them are held."""
    monkeypatch.setattr(output_module, "MAX_HELD_ROWS", 3)
    writer = new_writer()
    output = Output(writer, None, INT, MADE)
    for source in "abcdef":
        output.put(output.made(keys_of(source), normalise(pa.array([1]))))
        assert output._rows < 3

    assert dict.fromkeys("abcdef", 1) == read_signal(writer, output.flush())


def test_equal_values_are_counted():
    """Records put with the value that was there are told apart from others."""
    writer = new_writer()
    output = Output(writer, signal_of(writer, {"a": 1, "b": 2}), INT, MADE)
    output.put(output.made(keys_of("a", "b", "c"), normalise(pa.array([1, 3, 4]))))

    output.flush()

    assert 1 == output.same


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ValueError: cannot open s3://bucket/a.png", "ValueError: cannot open s3://bucket/a.png"),
        (f"ValueError: {bytes.fromhex('ffd8ffe000104a46')!r}", "ValueError: b'... (bytes left out)"),
        ("no: " + "QUJD" * 60, "no: ... (bytes left out)"),
        ("no: \x89PNG\r\n\x1a", "no: ... (bytes left out)"),
        ("Größe 5 µm, zu groß", "Größe 5 µm, zu groß"),
    ],
)
def test_an_error_carries_no_image(text, kept):
    """Whatever an exception choked on, bytes of it are not kept."""
    assert kept == tidy(text)


@pytest.fixture
def failures():
    """Failures over nobody."""
    return Failures(new_writer(), None, MADE)


def read_waiting(writer, oid):
    """Return who waits, and why."""
    return {} if oid is None else read_signal(writer, get_object(writer, oid, Kind.SIGNAL, Signal))


def test_failures_replace_what_was_known():
    """Of the sources looked at, those that failed wait now; what was not looked at waits on."""
    writer = new_writer()
    first = Failures(writer, None, MADE)
    first.update(keys_of("a", "b", "c"), keys_of("a", "b"), ["one", "two"])
    oid = first.write()
    second = Failures(writer, get_object(writer, oid, Kind.SIGNAL, Signal), MADE)
    second.update(keys_of("b", "c"), keys_of("c"), ["three"])

    assert {
        "a": {"detail": "one", "reason": "failed"},
        "c": {"detail": "three", "reason": "failed"},
    } == read_waiting(writer, second.write())


def test_nobody_waiting_is_none(failures):
    """Without a failure there is no tree."""
    failures.update(keys_of("a"), keys_of(), [])

    assert failures.write() is None


def test_details_are_cut_and_always_text():
    """A long error text is cut, and one that is no Unicode is escaped."""
    writer = new_writer()
    failures = Failures(writer, None, MADE)
    failures.update(keys_of("a", "b"), keys_of("a", "b"), ["x y " * 5_000, "bad \udcff"])

    waiting = read_waiting(writer, failures.write())

    assert MAX_DETAIL == len(waiting["a"]["detail"])
    assert "bad \\udcff" == waiting["b"]["detail"]
