"""A tag names a commit, or one dataset at a commit."""

import pytest

from dsvc.errors import ObjectFormatError
from dsvc.objects.encoding import decode_object, encode_object
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.tag import Tag

A, B = Oid(bytes([1]) * 32), Oid(bytes([2]) * 32)
VALUE = Tag(A, "spoof", "Ada", 1, "good")


def test_object_is_read_back_as_it_was():
    """Encoding and decoding are inverse."""
    assert VALUE == decode_object(encode_object(Kind.TAG, VALUE), Kind.TAG, Tag)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_bytes_that_end_too_early_are_refused(cut):
    """A torn object is an error that says so."""
    with pytest.raises(ObjectFormatError):
        decode_object(encode_object(Kind.TAG, VALUE)[:-cut], Kind.TAG, Tag)


def test_field_that_is_not_known_is_refused():
    """An object of a later format is not read as if it were one of this."""
    fields = [getattr(VALUE, name) for name in VALUE.__struct_fields__]
    with pytest.raises(ObjectFormatError):
        decode_object(encode_object(Kind.TAG, [*fields, 1]), Kind.TAG, Tag)
