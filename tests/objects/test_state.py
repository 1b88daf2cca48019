"""State is what is known beside a root; its parts are in order of their names."""

import pytest

from dsvc.errors import ObjectFormatError
from dsvc.objects.encoding import decode_object, encode_object
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.state import Derived, State

A, B = Oid(bytes([1]) * 32), Oid(bytes([2]) * 32)
VALUE = State((Derived("a", A), Derived("b", B, A)))


def test_object_is_read_back_as_it_was():
    """Encoding and decoding are inverse."""
    assert VALUE == decode_object(encode_object(Kind.STATE, VALUE), Kind.STATE, State)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_bytes_that_end_too_early_are_refused(cut):
    """A torn object is an error that says so."""
    with pytest.raises(ObjectFormatError):
        decode_object(encode_object(Kind.STATE, VALUE)[:-cut], Kind.STATE, State)


def test_field_that_is_not_known_is_refused():
    """An object of a later format is not read as if it were one of this."""
    fields = [getattr(VALUE, name) for name in VALUE.__struct_fields__]
    with pytest.raises(ObjectFormatError):
        decode_object(encode_object(Kind.STATE, [*fields, 1]), Kind.STATE, State)


def test_parts_out_of_order_are_refused():
    """Two orders of the same state would have two ids."""
    with pytest.raises(ValueError, match="ascending"):
        State((Derived("b", A), Derived("a", B)))
