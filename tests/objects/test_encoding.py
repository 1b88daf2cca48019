"""A value has one encoding, and every other is refused."""

from typing import ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.errors import ObjectFormatError
from dsvc.objects.commit import Commit
from dsvc.objects.encoding import (
    check_ascending,
    check_header,
    decode_object,
    encode_object,
    get_object,
    hash_encoded,
    kind_of,
    put_object,
)
from dsvc.objects.oid import Kind, Oid, StoredOid, hash_object
from dsvc.objects.snapshot import Recipe, Root, Signal
from dsvc.objects.tag import Tag
from tests.golden.cases import MemoryObjects

A, B = Oid(b"\1" * 32), Oid(b"\2" * 32)
OBJECTS = {
    "commit": (Kind.COMMIT, Commit(A, (B,), "who", 5, "why", 2, None, B, None, (("as-is", ""),))),
    "tag": (Kind.TAG, Tag(A, None, "who", 2**40, "größer")),
    "signal": (Kind.SIGNAL, Signal(b"\x92\xa0\x91\xa4int8", A, B, 300)),
    "root": (Kind.ROOT, Root((("a", A), ("b", B)), (("d", A),))),
    "recipe": (Kind.RECIPE, Recipe((("dsvc.toml", A),))),
}
cases = pytest.mark.parametrize("kind, value", OBJECTS.values(), ids=OBJECTS)


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One field of each thing that plain objects hold."""

    number: int
    text: str
    data: bytes
    flag: bool
    oid: StoredOid | None
    items: tuple[int, ...]


class Grown(msgspec.Struct, frozen=True, array_like=True):
    """A structure that got two fields after it was first stored."""

    number: int
    items: tuple[int, ...] = ()
    name: str = ""
    size: int | None = None

    N_LATER: ClassVar[int] = 2


samples = st.builds(
    Sample,
    number=st.integers(-(2**63), 2**64 - 1),
    text=st.text(max_size=300),
    data=st.binary(max_size=300),
    flag=st.booleans(),
    oid=st.none() | st.just(A),
    items=st.lists(st.integers(-(2**63), 2**64 - 1), max_size=20).map(tuple),
)


def encode(payload, kind=Kind.TAG):
    """Return an object of some msgpack bytes."""
    return b"dsv1" + bytes([kind]) + payload


@given(samples)
def test_values_come_back_from_their_bytes(value):
    """Integers, text, bytes, booleans, nil and arrays of every length."""
    data = encode_object(Kind.TAG, value)

    assert value == decode_object(data, Kind.TAG, Sample)
    assert value == decode_object(memoryview(data), Kind.TAG, Sample)
    assert Kind.TAG is kind_of(data)


@given(
    st.builds(
        Grown, st.integers(0, 300), st.just(()) | st.just((1,)), st.sampled_from(["", "a"]), st.none() | st.just(0)
    )
)
def test_later_fields_are_left_out_from_the_last_that_says_something(value):
    """Fields that were there from the start are always written."""
    n = 4 if value.size is not None else 3 if value.name else 2
    data = encode_object(Kind.TAG, value)

    assert encode_object(Kind.TAG, list(msgspec.structs.astuple(value))[:n]) == data
    assert value == decode_object(data, Kind.TAG, Grown)
    for more in range(n + 1, 6):
        written = encode_object(Kind.TAG, [*msgspec.structs.astuple(value), None][:more])
        with pytest.raises(ObjectFormatError):
            decode_object(written, Kind.TAG, Grown)


def test_what_was_stored_before_a_field_came_has_its_default():
    """Also where fields are missing that could be: those of the start must be there."""
    assert Grown(1, (2,)) == decode_object(encode_object(Kind.TAG, [1, [2]]), Kind.TAG, Grown)
    with pytest.raises(ObjectFormatError):
        decode_object(encode_object(Kind.TAG, [1]), Kind.TAG, Grown)


@given(samples, st.data())
def test_malformed_bytes_are_refused_or_are_the_encoding_of_another_value(value, data):
    """A flipped bit anywhere raises one error, or gives a value that has just these bytes."""
    damaged = bytearray(encode_object(Kind.TAG, value))
    bit = data.draw(st.integers(0, 8 * len(damaged) - 1))
    damaged[bit // 8] ^= 1 << bit % 8

    _decode_or_refuse(bytes(damaged), Kind.TAG, Sample)


@given(st.binary(max_size=60))
def test_random_payloads_are_refused_or_canonical(payload):
    """Whatever msgpack may hold."""
    _decode_or_refuse(encode(payload), Kind.TAG, Sample)
    _decode_or_refuse(encode(b"\x96" + payload), Kind.TAG, Sample)
    _decode_or_refuse(payload, Kind.TAG, Sample)


@cases
def test_flipped_bits_of_stored_objects(kind, value):
    """Each bit of a commit, tag, signal, root and recipe."""
    data = bytearray(encode_object(kind, value))

    for bit in range(8 * len(data)):
        data[bit // 8] ^= 1 << bit % 8
        _decode_or_refuse(bytes(data), kind, type(value))
        data[bit // 8] ^= 1 << bit % 8

    assert value == decode_object(data, kind, type(value))


def _decode_or_refuse(data, kind, type_):
    try:
        value = decode_object(data, kind, type_)
    except ObjectFormatError:
        return
    assert data == encode_object(kind, value)


@cases
def test_every_truncation_is_refused(kind, value):
    """No prefix of an object is an object, and nothing may follow it."""
    data = encode_object(kind, value)

    for wrong in (*(data[:size] for size in range(len(data))), data + b"\0", data + b"\xc0"):
        with pytest.raises(ObjectFormatError):
            decode_object(wrong, kind, type(value))


@cases
def test_a_field_more_or_less_is_refused(kind, value):
    """Fields that this version does not know, and fields that are missing, defaults too."""
    fields = list(msgspec.msgpack.decode(encode_object(kind, value)[5:]))

    for wrong in ([*fields, None], [*fields, 0], fields[:-1]):
        with pytest.raises(ObjectFormatError):
            decode_object(encode(msgspec.msgpack.encode(wrong), kind), kind, type(value))


@pytest.mark.parametrize(
    "payload",
    [
        b"\x93\xcc\x01\x02\x03",
        b"\x93\xd0\x01\x02\x03",
        b"\x93\xcf" + bytes(7) + b"\1\x02\x03",
        b"\xdc\0\3\1\2\3",
        b"\xdd\0\0\0\3\1\2\3",
        b"\x93\xd1\xff\xff\2\3",
        b"\x93\xcd\0\1\2\3",
        b"\x93\xcb\x3f\xf0" + bytes(6) + b"\2\3",
    ],
    ids=["u8", "i8", "u64", "array16", "array32", "i16 of -1", "u16", "float of 1.0"],
)
def test_longer_forms_of_integers_and_arrays_are_refused(payload):
    """Msgpack has many encodings of one number; the shortest is the one."""
    with pytest.raises(ObjectFormatError):
        decode_object(encode(payload), Kind.TAG, tuple[int, ...])


@pytest.mark.parametrize(
    "payload, type_",
    [
        (b"\xd9\1a", str),
        (b"\xda\0\1a", str),
        (b"\xc5\0\1a", bytes),
        (b"\xa1a", bytes),
        (b"\xc4\1a", str),
        (b"\xa1\xff", str),
        (b"\x81\xa1a\1", Sample),
    ],
    ids=["str8", "str16", "bin16", "text for bytes", "bytes for text", "no utf-8", "a map"],
)
def test_longer_forms_of_text_and_bytes_are_refused(payload, type_):
    """Text is no bytes, bytes are no text, and a length is as short as it can be."""
    with pytest.raises(ObjectFormatError):
        decode_object(encode(payload), Kind.TAG, type_)


@pytest.mark.parametrize(
    "names", [("b", "a"), ("a", "a"), ("\U0001f600", "\uffff")], ids=["descending", "twice", "utf-16 order"]
)
def test_names_of_a_root_that_are_out_of_order_are_refused(names):
    """Names are stored in the order of their bytes, each once."""
    data = encode(msgspec.msgpack.encode([[[name, A] for name in names], []]), Kind.ROOT)

    with pytest.raises(ObjectFormatError, match="ascending"):
        decode_object(data, Kind.ROOT, Root)


@given(st.lists(st.text(max_size=3), max_size=4))
def test_ascending_text_is_ascending_bytes(names):
    """Python compares code points, which is the order of UTF-8; each name stands once."""
    encoded = [name.encode() for name in names]
    expected = encoded == sorted(set(encoded))

    for found in (names, encoded):
        try:
            check_ascending(found)
            assert expected
        except ValueError:
            assert not expected


@pytest.mark.parametrize("data", [b"", b"dsv", b"dsv1", b"dsv2\x0b", b"dsv1\0", b"dsv1\x11", b"dsv1\xff"], ids=repr)
def test_headers_of_no_kind_are_refused(data):
    """Bytes that do not begin as an object, or are of a kind that there is not."""
    with pytest.raises(ObjectFormatError, match="header is"):
        kind_of(data)
    with pytest.raises(ObjectFormatError, match="header is"):
        check_header(data, Kind.TAG)


def test_an_object_of_another_kind_is_refused():
    """The kind is part of the bytes."""
    data = encode_object(Kind.RECIPE, Recipe(()))

    with pytest.raises(ObjectFormatError, match="expected 647376310b"):
        decode_object(data, Kind.TAG, Recipe)


def test_the_id_of_a_value_is_that_of_its_bytes():
    """Hashed without being stored, or stored: one id."""
    objects = MemoryObjects()
    kind, value = OBJECTS["tag"]

    expected = hash_object(kind, encode_object(kind, value))
    assert expected == hash_encoded(kind, value)
    assert expected == put_object(objects, kind, value)
    assert value == get_object(objects, expected, kind, Tag)


def test_an_object_that_cannot_be_decoded_is_named():
    """The error of reading says which object it is."""
    objects = MemoryObjects()
    oid = objects.put(Kind.TAG, [encode(b"\x90")])

    with pytest.raises(ObjectFormatError) as caught:
        get_object(objects, oid, Kind.TAG, Tag)

    assert (oid, "tag") == (caught.value.oid, caught.value.kind)
    assert oid.hex() in str(caught.value)
