"""Objects that are made up and thrown away."""

from __future__ import annotations

from dsvc.engine.reading.scratch import Scratch
from dsvc.objects.encoding import encode_object, hash_encoded, put_object
from dsvc.objects.oid import Kind
from tests.engine.signals import new_writer, read_signal, signal_of


def test_what_was_there_and_what_was_taken_are_read_alike():
    """Objects come from both, in the order asked; nothing reaches the reader."""
    writer = new_writer()
    old = put_object(writer, Kind.BLOB, "old")
    scratch = Scratch(writer)
    new = put_object(scratch, Kind.BLOB, "new")

    assert hash_encoded(Kind.BLOB, "new") == new
    assert [encode_object(Kind.BLOB, text) for text in ("new", "old", "new")] == [
        bytes(data) for data in scratch.get_many([new, old, new], Kind.BLOB)
    ]
    assert encode_object(Kind.BLOB, "old") == bytes(scratch.get(old))
    assert scratch.has(new)
    assert not scratch.has(old)
    assert not writer.has(new)


def test_signals_can_be_made_up():
    """Trees are built on it like on a store."""
    scratch = Scratch(new_writer())

    assert {"a": 1} == read_signal(scratch, signal_of(scratch, {"a": 1}))


def test_what_was_taken_can_be_kept_after_all():
    """Everything, and nothing that was there before."""
    writer = new_writer()
    scratch = Scratch(writer)
    signal = signal_of(scratch, {"a": 1, "b": 2})
    other = new_writer()

    scratch.copy_to(other)

    assert {"a": 1, "b": 2} == read_signal(other, signal)
