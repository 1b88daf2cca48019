"""A commit names a version, where it comes from, and who says so."""

import pytest

from dsvc.errors import ObjectFormatError
from dsvc.objects.commit import Commit
from dsvc.objects.encoding import decode_object, encode_object
from dsvc.objects.oid import Kind, Oid

A, B = Oid(bytes([1]) * 32), Oid(bytes([2]) * 32)
VALUE = Commit(A, (A, B), "Ada", 1, "message", 2, A, B, None, (("as-is", ""),))


def test_object_is_read_back_as_it_was():
    """Encoding and decoding are inverse."""
    assert VALUE == decode_object(encode_object(Kind.COMMIT, VALUE), Kind.COMMIT, Commit)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_bytes_that_end_too_early_are_refused(cut):
    """A torn object is an error that says so."""
    with pytest.raises(ObjectFormatError):
        decode_object(encode_object(Kind.COMMIT, VALUE)[:-cut], Kind.COMMIT, Commit)


def test_field_that_is_not_known_is_refused():
    """An object of a later format is not read as if it were one of this."""
    fields = [getattr(VALUE, name) for name in VALUE.__struct_fields__]
    with pytest.raises(ObjectFormatError):
        decode_object(encode_object(Kind.COMMIT, [*fields, 1]), Kind.COMMIT, Commit)


def test_id_that_is_too_short_is_refused():
    """Every id has 32 bytes."""
    with pytest.raises(ObjectFormatError):
        decode_object(
            encode_object(Kind.COMMIT, [b"x", [], "Ada", 1, "", 1, None, None, None, []]), Kind.COMMIT, Commit
        )
