"""Frames: their bytes, and what damaged ones do."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.errors import ObjectFormatError
from dsvc.objects.oid import Kind, Oid
from dsvc.store.frame import (
    HEADER_BYTES,
    RAW,
    ZSTD,
    canonical_size,
    decode_frame,
    frame_kind,
    raw_frame,
    raw_payload,
    zstd_frame,
)

OID = Oid(bytes(range(32)))


def test_a_raw_frame_has_these_bytes():
    """Codec, kind, two zeros, the length in little endian, the bytes: pinned, stores of old must stay readable."""
    assert bytes.fromhex("00 0a 0000 07000000") + b"dsv1\nab" == raw_frame(Kind.COMMIT, [b"dsv1\n", b"ab"])


def test_a_compressed_frame_has_this_header():
    """Codec 1, the kind, and the length before compression."""
    frame = zstd_frame(raw_frame(Kind.KEY, [b"x" * 1000]))

    assert bytes.fromhex("01 01 0000 e8030000") == frame[:HEADER_BYTES]


@given(st.lists(st.binary(max_size=300)), st.sampled_from(Kind), st.booleans())
def test_a_frame_is_read_back(parts, kind, packed):
    """Whatever the parts and the codec, the joined bytes and the kind come back."""
    frame = raw_frame(kind, parts)

    assert b"".join(parts) == bytes(raw_payload(frame))
    found, data = decode_frame(zstd_frame(frame) if packed else frame)
    assert (kind, b"".join(parts)) == (found, bytes(data))


@pytest.mark.parametrize("part", [bytearray(b"dsv1!"), memoryview(b"dsv1!")], ids=["bytearray", "memoryview"])
def test_parts_may_be_any_buffer(part):
    """Slices of a column need no copy before they are framed."""
    assert raw_frame(Kind.VALUE, [b"dsv1!"]) == raw_frame(Kind.VALUE, [part])


def test_what_does_not_shrink_stays_raw():
    """A compressed frame is never longer than the raw one."""
    frame = raw_frame(Kind.VALUE, [bytes(range(256))])

    assert frame is zstd_frame(frame)


@pytest.mark.parametrize("size", [100, 100_000])
@pytest.mark.parametrize("kind", [Kind.VALUE, Kind.BLOB])
def test_decoded_bytes_are_copies(kind, size):
    """What was decoded does not change with the memory it was decoded from."""
    memory = bytearray(raw_frame(kind, [b"x" * size]))
    _, data = decode_frame(memory)

    memory[:] = bytes(len(memory))

    assert b"x" * size == bytes(data)


DAMAGED = {
    "empty": b"",
    "short": b"\0\2\0\0\5\0\0",
    "codec": b"\7\2\0\0\5\0\0\0abcde",
    "kind": b"\0\xc8\0\0\5\0\0\0abcde",
    "zero": b"\0\2\1\0\5\0\0\0abcde",
    "too little": b"\0\2\0\0\5\0\0\0abcd",
    "too much": b"\0\2\0\0\5\0\0\0abcdef",
    "no zstd": b"\1\2\0\0\5\0\0\0abcde",
    "zstd of another length": bytes([ZSTD, 2, 0, 0, 9, 0, 0, 0]) + zstd_frame(raw_frame(Kind.VALUE, [b"a" * 99]))[8:],
    "zstd of four gigabytes": b"\1\2\0\0\xff\xff\xff\xff" + zstd_frame(raw_frame(Kind.VALUE, [b"a" * 99]))[8:],
}


@pytest.mark.parametrize("frame", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_frame_names_its_object(frame):
    """What is no frame is an ObjectFormatError, never another exception, and says whose frame it was."""
    with pytest.raises(ObjectFormatError, match=OID.hex()):
        decode_frame(frame, OID)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_frame_or_an_error(data):
    """Bytes off a disk can raise only ObjectFormatError."""
    with suppress(ObjectFormatError):
        decode_frame(data)


def test_the_kind_is_read_without_decoding():
    """The frame alone tells what it holds."""
    assert Kind.NODE == frame_kind(raw_frame(Kind.NODE, [b"x"]))
    assert RAW == raw_frame(Kind.NODE, [b"x"])[0]


def test_frame_says_how_many_bytes_it_holds():
    """The size is that of the canonical bytes, packed or not; what is too short to say holds none."""
    frame = raw_frame(Kind.BLOB, [b"dsv1\x0c" + bytes(5000)])

    assert 5005 == canonical_size(frame) == canonical_size(zstd_frame(frame))
    assert 0 == canonical_size(b"\x00")
