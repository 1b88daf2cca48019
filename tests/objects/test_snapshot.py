"""A root names content alone, and its names are in order."""

import pytest

from dsvc.errors import ObjectFormatError
from dsvc.objects.encoding import decode_object, encode_object, hash_encoded
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.snapshot import Dataset, Recipe, Root, Signal

A, B = Oid(bytes([1]) * 32), Oid(bytes([2]) * 32)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param(Kind.SIGNAL, Signal(b"type", A, B, 3), id="signal"),
        pytest.param(Kind.DATASET, Dataset(A, (("a", "x"), ("b", "y.z")), ("train", "test")), id="dataset"),
        pytest.param(Kind.ROOT, Root((("a", A), ("b", B)), (("d", A),)), id="root"),
        pytest.param(Kind.RECIPE, Recipe((("dsvc.toml", A),)), id="recipe"),
    ],
)
def test_object_is_read_back_as_it_was(kind, value):
    """Encoding and decoding are inverse."""
    assert value == decode_object(encode_object(kind, value), kind, type(value))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Root((("b", A), ("a", B))), id="signals"),
        pytest.param(lambda: Root((), (("a", A), ("a", B))), id="datasets-twice"),
        pytest.param(lambda: Recipe((("b", A), ("a", B))), id="recipe"),
        pytest.param(lambda: Dataset(A, (("b", "x"), ("a", "y"))), id="columns"),
    ],
)
def test_names_out_of_order_are_refused(make):
    """Two orders of the same content would have two ids."""
    with pytest.raises(ValueError, match="ascending"):
        make()


def test_stored_names_out_of_order_are_no_root():
    """What another program wrote is checked when it is read."""
    data = encode_object(Kind.ROOT, [[["b", A], ["a", B]], []])
    with pytest.raises(ObjectFormatError, match="ascending"):
        decode_object(data, Kind.ROOT, Root)


def test_equal_content_has_one_root_id_and_other_content_another():
    """The id follows from names and ids alone."""
    assert hash_encoded(Kind.ROOT, Root((("a", A),))) == hash_encoded(Kind.ROOT, Root((("a", A),)))
    assert hash_encoded(Kind.ROOT, Root((("a", A),))) != hash_encoded(Kind.ROOT, Root((("a", B),)))
