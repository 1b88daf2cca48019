"""Nodes come back from their bytes, other bytes are refused, and value ids leave provenance out."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.errors import ObjectFormatError
from dsvc.objects.encoding import hash_encoded
from dsvc.objects.node import (
    MAX_LEVEL,
    ChunkEntry,
    NodeEntry,
    count_of,
    decode_node,
    encode_node,
    get_node,
    make_node,
    value_id_of,
)
from dsvc.objects.oid import Kind, Oid
from tests.golden.cases import MemoryObjects

oids = st.binary(min_size=32, max_size=32).map(Oid)
counts = st.integers(1, 2**48)
lasts = st.lists(st.binary(max_size=6), unique=True, max_size=4).map(sorted)
A, B, C, D = (Oid(bytes([n]) * 32) for n in range(1, 5))
LOWEST = make_node(1, [ChunkEntry(b"a", 2, A, B, C), ChunkEntry(b"b\0", 300, A, B, (D,))])
HIGHER = make_node(2, [NodeEntry(b"", 2, A, B), NodeEntry(b"b", 3, C, D)])


@st.composite
def nodes(draw):
    """Draw a node of any level."""
    level = draw(st.integers(1, MAX_LEVEL))
    keys = draw(lasts) if level == 1 else [*draw(lasts), b"\xff" * 7]
    if level > 1:
        return make_node(level, [NodeEntry(key, draw(counts), draw(oids), draw(oids)) for key in keys])
    prov = oids | st.tuples(oids)
    return make_node(1, [ChunkEntry(key, draw(counts), draw(oids), draw(oids), draw(prov)) for key in keys])


def encode(level, entries):
    """Return the bytes of a node of plain lists."""
    return b"dsv1\x04" + msgspec.msgpack.encode([level, entries])


@given(nodes())
def test_nodes_come_back_from_their_bytes(node):
    """Every level, either form of provenance, and the lowest node without entries."""
    assert node == decode_node(encode_node(node))
    assert sum(entry.count for entry in node.entries) == count_of(node)


@given(nodes(), st.data())
def test_flipped_bits_are_refused_or_are_another_node(node, data):
    """Damage raises the error of formats alone, or gives a node of just these bytes."""
    damaged = bytearray(encode_node(node))
    bit = data.draw(st.integers(0, 8 * len(damaged) - 1))
    damaged[bit // 8] ^= 1 << bit % 8

    _decode_or_refuse(bytes(damaged))


@given(st.integers(0, 17), st.binary(max_size=60))
def test_random_bytes_are_refused_or_canonical(level, payload):
    """Whatever stands behind the header and the level."""
    _decode_or_refuse(b"dsv1\x04\x92" + bytes([level]) + payload)
    _decode_or_refuse(b"dsv1\x04" + payload)


def _decode_or_refuse(data):
    try:
        node = decode_node(data)
    except ObjectFormatError:
        return
    assert data == encode_node(node)


@pytest.mark.parametrize("node", [LOWEST, HIGHER, make_node(1, [])], ids=["lowest", "higher", "empty"])
def test_every_truncation_is_refused(node):
    """No prefix of a node is a node, and nothing may follow it."""
    data = encode_node(node)

    for wrong in (*(data[:size] for size in range(len(data))), data + b"\0"):
        with pytest.raises(ObjectFormatError):
            decode_node(wrong)


@pytest.mark.parametrize(
    "level, entries",
    [
        (0, []),
        (2, []),
        (MAX_LEVEL + 1, [[b"a", 1, A, B]]),
        (-1, [[b"a", 1, A, B]]),
        (1, [[b"a", 1, A, B]]),
        (2, [[b"a", 1, A, B, C]]),
        (1, [[b"a", 0, A, B, C]]),
        (1, [[b"a", -1, A, B, C]]),
        (2, [[b"a", 2**48 + 1, A, B]]),
        (1, [["a", 1, A, B, C]]),
        (1, [[b"a", 1, A, B, C[:31]]]),
        (1, [[b"a", 1, A, B, b"c"]]),
        (1, [[b"a", 1, A, B, [C, D]]]),
        (1, [[b"a", 1, A, B, []]]),
        (1, [[b"a", 1, A, B, [C[:31]]]]),
        (1, [[b"a", 1, A[:31], B, C]]),
        (1, [[b"a", 1, A, B, C, 0]]),
        (1, [[b"b", 1, A, B, C], [b"a", 1, A, B, C]]),
        (2, [[b"a", 1, A, B], [b"a", 1, A, B]]),
    ],
    ids=[
        "level 0",
        "higher without entries",
        "too high",
        "below 0",
        "chunk of a node",
        "node of a chunk",
        "no records",
        "fewer than none",
        "too many records",
        "text key",
        "short provenance",
        "one byte of provenance",
        "two provs",
        "no prov",
        "short prov",
        "short keys",
        "unknown field",
        "descending",
        "key twice",
    ],
)
def test_what_is_no_node_is_refused(level, entries):
    """Levels, counts, ids and orders that no tree has."""
    with pytest.raises(ObjectFormatError):
        decode_node(encode(level, entries))


def test_value_ids_are_those_of_the_format():
    """The lowest node's leaves provenance out, a higher one's the children's ids."""
    lowest = [1, [[b"a", 2, A, B], [b"b\0", 300, A, B]]]
    higher = [2, [[b"", 2, B], [b"b", 3, D]]]

    assert hash_encoded(Kind.NODEVALUE, lowest) == value_id_of(LOWEST)
    assert hash_encoded(Kind.NODEVALUE, higher) == value_id_of(HIGHER)


@given(nodes(), oids)
def test_value_ids_depend_on_keys_and_values_alone(node, other):
    """Another provenance or child id changes the node, not its value id."""
    changed = make_node(
        node.level,
        [
            msgspec.structs.replace(entry, **({"prov": other} if node.level == 1 else {"child": other}))
            for entry in node.entries
        ],
    )

    assert value_id_of(node) == value_id_of(changed)


def test_a_node_that_cannot_be_decoded_is_named():
    """The error of reading says which object it is."""
    objects = MemoryObjects()
    good, bad = objects.put(Kind.NODE, [encode_node(LOWEST)]), objects.put(Kind.NODE, [encode(0, [])])

    assert LOWEST == get_node(objects, good)
    with pytest.raises(ObjectFormatError) as caught:
        get_node(objects, bad)
    assert (bad, "node") == (caught.value.oid, caught.value.kind)
