"""What is compressed and what is not."""

import os

import pytest

from dsvc.objects.oid import Kind, Oid
from dsvc.store.codec import LEAST_BYTES, SAMPLE_BYTES, Verdicts, sample_saves
from dsvc.store.frame import RAW, ZSTD, raw_frame

HINT = Oid(b"h" * 32)
SIZE = 20_000


def text(i=0, size=SIZE):
    """Return a frame that compresses well."""
    return raw_frame(Kind.VALUE, [f"object {i} ".encode() * (size // 9)])


def noise(size=SIZE):
    """Return a frame that does not compress."""
    return raw_frame(Kind.VALUE, [os.urandom(size)])


def test_what_shrinks_is_compressed():
    """Text is, noise is not."""
    verdicts = Verdicts()

    assert ZSTD == verdicts.packed(Kind.VALUE, None, text())[0]
    assert RAW == verdicts.packed(Kind.VALUE, HINT, noise())[0]


@pytest.mark.parametrize("kind", [Kind.NODE, Kind.COMMIT, Kind.ROOT, Kind.STATE, Kind.PIECES, Kind.SIGNAL])
def test_plain_objects_stay_raw(kind):
    """Commands that read only plain objects need no pyarrow."""
    frame = text()

    assert frame is Verdicts().packed(kind, None, frame)


def test_small_objects_stay_raw():
    """Below the least size a call of zstd costs more than it saves."""
    frame = raw_frame(Kind.VALUE, [b"a" * (LEAST_BYTES - 9)])

    assert frame is Verdicts().packed(Kind.VALUE, None, frame)


def test_a_verdict_holds_for_its_hint_alone():
    """Noise under one hint does not keep text under another from being compressed."""
    verdicts = Verdicts()
    verdicts.packed(Kind.VALUE, HINT, noise())

    assert RAW == verdicts.packed(Kind.VALUE, HINT, text())[0]
    assert ZSTD == verdicts.packed(Kind.VALUE, None, text())[0]
    assert ZSTD == verdicts.packed(Kind.KEY, HINT, text())[0]


def test_a_verdict_against_is_looked_at_again():
    """When a column begins to compress, that is noticed within a few dozen objects."""
    verdicts = Verdicts()
    verdicts.packed(Kind.VALUE, HINT, noise())

    codecs = [verdicts.packed(Kind.VALUE, HINT, text(i))[0] for i in range(100)]

    assert RAW == codecs[0]
    assert {ZSTD} == set(codecs[40:])


def test_a_verdict_for_falls_when_nothing_is_saved():
    """When a column no longer compresses, its objects are stored raw again, and zstd is no longer tried on all."""
    verdicts = Verdicts()
    verdicts.packed(Kind.VALUE, HINT, text())

    frames = [noise() for _ in range(3)]

    assert [RAW] * 3 == [verdicts.packed(Kind.VALUE, HINT, frame)[0] for frame in frames]
    assert verdicts._saves[Kind.VALUE, HINT] is False


def test_the_sample_sees_all_of_an_object():
    """An object of noise with text at one end only is judged by both."""
    half_text = raw_frame(Kind.VALUE, [b"a" * SIZE, os.urandom(SIZE)])
    mostly_noise = raw_frame(Kind.VALUE, [b"a" * (SAMPLE_BYTES // 2), os.urandom(20 * SIZE)])

    assert sample_saves(half_text)
    assert sample_saves(text(size=SAMPLE_BYTES // 2))
    assert not sample_saves(raw_frame(Kind.VALUE, [os.urandom(SAMPLE_BYTES // 2)]))
    assert len(mostly_noise) > SAMPLE_BYTES
