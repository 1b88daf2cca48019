"""Who made a record."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.errors import ObjectFormatError
from dsvc.objects.encoding import decode_object, encode_object
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.provenance import ORIGINS, STANDINGS, Provenance


@pytest.mark.parametrize(
    "producer, expected",
    [
        ("spoof@2.1.0", ("spoof", "2.1.0")),
        ("spoof", ("spoof", "0")),
        ("team@example.com@3", ("team@example.com", "3")),
        ("spoof@", ("spoof", "")),
        ("@1", ("", "1")),
        ("", ("", "0")),
    ],
    ids=str,
)
def test_a_put_names_producer_and_version_around_the_last_at(producer, expected):
    """`name@version`, where the name may hold an @ itself; without one the version is 0."""
    found = Provenance.of_put(producer)

    assert expected == (found.producer, found.version)
    assert ("import", ZERO, "final") == (found.origin, found.transform, found.standing)


@given(st.text(max_size=9), st.text(max_size=9), st.binary(min_size=32, max_size=32), st.sampled_from(STANDINGS))
def test_provenance_comes_back_from_its_bytes(producer, version, transform, standing):
    """All five fields are stored, defaults too."""
    for origin in ORIGINS:
        expected = Provenance(origin, producer, version, Oid(transform), standing)

        assert expected == decode_object(encode_object(Kind.PROVENANCE, expected), Kind.PROVENANCE, Provenance)


@pytest.mark.parametrize(
    "fields",
    [
        ["import", "p", "0", bytes(32)],
        ["import", "p", "0", bytes(32), "final", "more"],
        ["import", "p", "0", bytes(31), "final"],
        ["import", "p", 0, bytes(32), "final"],
        {"origin": "import", "producer": "p", "version": "0"},
    ],
    ids=["a field less", "a field more", "a short id", "a number for text", "a map"],
)
def test_anything_but_its_five_fields_is_refused(fields):
    """Defaults are written; nothing is added, left out or named."""
    data = b"dsv1" + bytes([Kind.PROVENANCE]) + msgspec.msgpack.encode(fields)

    with pytest.raises(ObjectFormatError):
        decode_object(data, Kind.PROVENANCE, Provenance)


def test_equal_facts_are_one_provenance():
    """Provenance is a value: it is compared and hashed by what it says."""
    assert 1 == len({Provenance.of_put("a@1"), Provenance("import", "a", "1", ZERO, "final")})
