"""A root names content alone, and its names are in order."""

import pytest

from dsvc.errors import ObjectFormatError
from dsvc.objects.encoding import decode_object, encode_object, hash_encoded
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.snapshot import Dataset, Image, Recipe, Root, Signal

A, B = Oid(bytes([1]) * 32), Oid(bytes([2]) * 32)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param(Kind.SIGNAL, Signal(b"type", A, B, 3), id="signal"),
        pytest.param(Kind.DATASET, Dataset(A, (("a", "x"), ("b", "y.z")), ("train", "test")), id="dataset"),
        pytest.param(Kind.DATASET, Dataset(A, (("a", "x"),), (), "a"), id="dataset-unnest"),
        pytest.param(Kind.DATASET, Dataset(A, (), (), None, Image(None, "0.25", (3, 4))), id="dataset-image"),
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


def test_a_dataset_that_says_nothing_new_is_stored_as_before():
    """Later fields are left out from the last one on that is not at its default."""
    first = [A, [["a", "x"]], ["train"]]

    assert encode_object(Kind.DATASET, first) == encode_object(Kind.DATASET, Dataset(A, (("a", "x"),), ("train",)))
    unnested = Dataset(A, (("a", "x"),), ("train",), "a")
    assert encode_object(Kind.DATASET, [*first, "a"]) == encode_object(Kind.DATASET, unnested)
    shown = Dataset(A, (("a", "x"),), ("train",), image=Image("a", "0", None))
    assert encode_object(Kind.DATASET, [*first, None, ["a", "0", None]]) == encode_object(Kind.DATASET, shown)


def test_a_default_that_is_written_is_another_encoding():
    """One value would have two ids."""
    with pytest.raises(ObjectFormatError, match="another way"):
        decode_object(encode_object(Kind.DATASET, [A, [], [], None]), Kind.DATASET, Dataset)


@pytest.mark.parametrize("margin", ["0.20", "1.0", "-1", "1e3", ".5", "", "00", "0."])
def test_a_margin_has_one_text(margin):
    """Also when another program wrote it."""
    with pytest.raises(ValueError, match="margin"):
        Image(None, margin, None)
    with pytest.raises(ObjectFormatError, match="margin"):
        decode_object(encode_object(Kind.DATASET, [A, [], [], None, [None, margin, None]]), Kind.DATASET, Dataset)
