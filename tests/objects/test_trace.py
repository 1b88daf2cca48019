"""A trace says what a step made of its inputs."""

import pytest

from dsvc.errors import ObjectFormatError
from dsvc.objects.encoding import decode_object, encode_object
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.trace import Trace, TraceInput

A, B = Oid(bytes([1]) * 32), Oid(bytes([2]) * 32)
VALUE = Trace(A, (TraceInput("x.y", A, B),), B)


def test_object_is_read_back_as_it_was():
    """Encoding and decoding are inverse."""
    assert VALUE == decode_object(encode_object(Kind.TRACE, VALUE), Kind.TRACE, Trace)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_bytes_that_end_too_early_are_refused(cut):
    """A torn object is an error that says so."""
    with pytest.raises(ObjectFormatError):
        decode_object(encode_object(Kind.TRACE, VALUE)[:-cut], Kind.TRACE, Trace)


def test_field_that_is_not_known_is_refused():
    """An object of a later format is not read as if it were one of this."""
    fields = [getattr(VALUE, name) for name in VALUE.__struct_fields__]
    with pytest.raises(ObjectFormatError):
        decode_object(encode_object(Kind.TRACE, [*fields, 1]), Kind.TRACE, Trace)
