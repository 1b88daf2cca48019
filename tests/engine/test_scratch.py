"""Objects that nothing gets out of."""

from __future__ import annotations

from dsvc.engine.scratch import Scratch
from dsvc.objects.oid import Kind
from tests.engine.bound import store
from tests.engine.signals import new_writer, read_signal


def test_scratch_reads_through_and_writes_nothing():
    """What is put is read back beside what there was, in the order asked for, and the store below holds none of it."""
    writer = new_writer()
    there = writer.put(Kind.SIGNAL, [b"there"])
    scratch = Scratch(writer)
    made = scratch.put(Kind.SIGNAL, [b"ma", b"de"])

    found = scratch.get_many([made, there, made], Kind.SIGNAL)

    assert [b"made", b"there", b"made"] == [bytes(data) for data in found]
    assert (True, False) == (scratch.has(made), writer.has(made))


def test_ids_are_those_of_a_store():
    """A signal made up has the id that it would have if it were written."""
    records = {f"s{i:04d}": i for i in range(3000)}
    writer = new_writer()
    scratch = Scratch(new_writer())

    made = store(scratch, "int64", records)

    assert store(writer, "int64", records) == made
    assert records == read_signal(scratch, made)
