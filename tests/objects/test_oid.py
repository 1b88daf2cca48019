"""What ids are hashes of."""

from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from dsvc.objects.oid import OID_BYTES, ZERO, Kind, hash_object, short


@given(st.sampled_from(Kind), st.lists(st.binary(max_size=20), max_size=5))
def test_parts_are_hashed_as_their_joined_bytes(kind, parts):
    """Where bytes are split takes no part in their id, nor which buffers hold them."""
    expected = blake3(b"".join(parts), derive_key_context=f"dsvc/v1/{kind.name.lower()}").digest()

    assert expected == hash_object(kind, *parts)
    assert expected == hash_object(kind, *map(memoryview, parts))


def test_equal_bytes_of_two_kinds_have_two_ids():
    """Each kind is a domain of its own."""
    ids = {hash_object(kind, b"the same bytes") for kind in Kind}

    assert len(Kind) == len(ids)
    assert {OID_BYTES} == {len(oid) for oid in ids}


def test_hashing_one_object_leaves_no_trace_in_the_next():
    """The prepared hashers of kinds are never fed."""
    first = hash_object(Kind.BLOB, b"a")
    hash_object(Kind.BLOB, b"b")

    assert first == hash_object(Kind.BLOB, b"a")


def test_numbers_of_kinds_never_change():
    """They are bytes of stored objects; those from 32 on are hashed alone."""
    columns = ["KEY", "VALUE"]
    trees = ["PIECES", "NODE", "PROV", "PROVENANCE", "SIGNAL", "DATASET", "ROOT"]
    history = ["COMMIT", "TAG", "BLOB", "RECIPE", "STATE", "TRACE", "LEDGER"]
    hashed = ["NODEVALUE", "TYPE", "TRANSFORM", "DEFINITION", "SPLIT", "ASK", "ANSWER", "PAYLOAD", "LOT", "TASK"]
    expected = [*enumerate(columns + trees + history, start=1), *enumerate(hashed, start=32)]

    assert expected == [(kind.value, kind.name) for kind in Kind]


def test_people_see_twelve_digits():
    """Short ids are the first six bytes."""
    assert "0123456789ab" == short(bytes.fromhex("0123456789abcdef"))
    assert "0" * 12 == short(ZERO)
