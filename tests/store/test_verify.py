"""Objects are hashed the first time they are read, and not again."""

import pytest

from dsvc.errors import ChecksumMismatchError, ObjectFormatError
from dsvc.objects.oid import Kind, hash_object
from dsvc.store.frame import raw_frame
from dsvc.store.verify import Verifier
from dsvc.testing.stores import make_object


def test_a_wrong_object_is_named():
    """Expected is the id asked for, found what the bytes hash to."""
    oid, _, _ = make_object("a")
    wrong, frame, _ = make_object("b")

    with pytest.raises(ChecksumMismatchError, match="is corrupt") as caught:
        Verifier("the shelf").open(frame, oid, Kind.VALUE)

    assert (oid, oid, wrong, "value", "the shelf") == (
        caught.value.oid,
        caught.value.expected,
        caught.value.found,
        caught.value.kind,
        caught.value.store,
    )


def test_an_object_is_hashed_once():
    """After the first read its bytes are trusted, until it is told to forget."""
    oid, frame, _ = make_object("a")
    _, other, _ = make_object("b")
    verifier = Verifier("x")
    verifier.open(frame, oid, None)

    verifier.open(other, oid, None)
    verifier.forget()

    with pytest.raises(ChecksumMismatchError):
        verifier.open(other, oid, None)


def test_only_so_many_are_remembered():
    """The memory of verified ids is bounded; beyond it objects are hashed again."""
    verifier = Verifier("x", remembered=3)
    made = [make_object(f"{i}") for i in range(10)]

    for oid, frame, _ in made:
        verifier.open(frame, oid, None)

    assert len(verifier._verified) <= 3


def test_a_failed_check_is_not_remembered():
    """Reading a corrupt object fails every time."""
    oid, _, _ = make_object("a")
    _, frame, _ = make_object("b")
    verifier = Verifier("x")

    for _ in range(2):
        with pytest.raises(ChecksumMismatchError):
            verifier.open(frame, oid, None)


def test_the_kind_is_part_of_the_id():
    """The same bytes stored as another kind are corrupt, for an id is of a kind."""
    oid = hash_object(Kind.VALUE, b"dsv1")

    with pytest.raises(ChecksumMismatchError):
        Verifier("x").open(raw_frame(Kind.NODE, [b"dsv1"]), oid, None)


def test_a_sound_object_of_another_kind_is_refused_every_time():
    """Being verified does not make an object what it is not."""
    oid, frame, _ = make_object("a")
    verifier = Verifier("x")

    for _ in range(2):
        with pytest.raises(ObjectFormatError):
            verifier.open(frame, oid, Kind.KEY)
