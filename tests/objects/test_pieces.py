"""Heavy values are cut into pieces; reading and changing a record touches its piece alone."""

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.errors import ObjectFormatError
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.boundary import find_cuts, piece_window
from dsvc.objects.encoding import encode_object
from dsvc.objects.keys import Keys
from dsvc.objects.node import ChunkEntry
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.pieces import (
    BYTES_AT_ONCE,
    MAX_VALUE_BYTES,
    Part,
    Piece,
    Weigher,
    decode_pieces,
    load_values,
    parts_of,
    patch_values,
    runs_by_weight,
    take_values,
    write_values,
)
from dsvc.objects.types import Type
from tests.golden.cases import MemoryObjects
from tests.objects.counting import CountingObjects

STRING = Type.from_arrow(pa.string())
A = Oid(b"\1" * 32)
KEYS = Keys.of_bytes([b"%05d" % i for i in range(300)])
HEAVY = [f"{i:05d}" + "x" * 800 for i in range(300)]


def write(objects, texts):
    """Write texts as the values of one chunk; return its entry."""
    values = normalise(pa.array(texts, pa.string()))
    keys = KEYS.slice(0, len(texts))
    oid = write_values(objects, values, STRING, 0, len(texts), lambda: keys.hashes)
    return ChunkEntry(keys[-1], len(texts), ZERO, oid, ZERO)


def read(objects, entry):
    """Return the texts of a chunk."""
    return to_arrow(load_values(objects, [entry], STRING)).to_pylist()


@pytest.mark.parametrize("extra, kind", [(0, Kind.VALUE), (1, Kind.PIECES)], ids=["at the limit", "above it"])
def test_values_are_cut_above_32_kib(extra, kind):
    """A chunk of just 32 KiB is whole; a byte more makes a `pieces`."""
    objects = MemoryObjects()
    each = MAX_VALUE_BYTES // 64 - 4
    texts = ["y" * each] * 63 + ["y" * (each + extra)]

    entry = write(objects, texts)

    assert kind == objects.get(entry.value)[4]
    assert texts == read(objects, entry)


def test_pieces_are_cut_by_the_rule_over_the_chunks_own_keys():
    """The window is that of the mean weight; counts and weights are those of the rows."""
    objects = MemoryObjects()
    entry = write(objects, HEAVY)
    pieces = decode_pieces(objects.get(entry.value))
    window = piece_window(300 * 809, 300)

    assert np.diff(find_cuts(KEYS.hashes, window), prepend=0).tolist() == [piece.count for piece in pieces]
    assert [809 * piece.count for piece in pieces] == [piece.weight for piece in pieces]
    assert len(pieces) > 3
    assert HEAVY == read(objects, entry)


def test_one_heavy_record_is_one_piece():
    """Also where the rule gives one piece there is a `pieces`."""
    objects = MemoryObjects()
    entry = write(objects, ["z" * 40_000])

    assert [(1, 40_004)] == [(piece.count, piece.weight) for piece in decode_pieces(objects.get(entry.value))]


@given(st.sets(st.integers(0, 299), min_size=1, max_size=6).map(sorted))
def test_records_are_taken_from_the_parts_that_hold_them(rows):
    """Any ascending rows, in few pieces or many, or of a chunk that is whole."""
    for texts in (HEAVY, [text[:5] for text in HEAVY]):
        objects = CountingObjects()
        entry = write(objects, texts)
        parts = parts_of(objects, [entry])[0]
        objects.reset()

        found = take_values(objects, entry, np.array(rows), STRING)

        assert [texts[row] for row in rows] == to_arrow(found).to_pylist()
        assert sum(any(p.start <= row < p.stop for row in rows) for p in parts) == objects.read[Kind.VALUE]


@given(st.dictionaries(st.integers(0, 299), st.sampled_from([0, 5, 800, 801, 5000, 30_000]), min_size=1, max_size=5))
def test_a_patched_chunk_is_the_chunk_written_anew(edits):
    """Whatever weight comes or goes, the id is that of a build from scratch."""
    rows = sorted(edits)
    for texts in (HEAVY, [text[:5] for text in HEAVY]):
        objects = MemoryObjects()
        entry = write(objects, texts)
        new = list(texts)
        for row in rows:
            new[row] = (f"{row:05d}" + "x" * 40_000)[: edits[row] + 5]
        column = normalise(pa.array([new[row] for row in rows]))

        oid, differs = patch_values(objects, entry, STRING, np.array(rows), column, lambda: KEYS.hashes)

        assert [new[row] != texts[row] for row in rows] == differs.tolist()
        assert write(objects, new).value == oid


def test_a_patch_of_one_record_writes_its_piece_and_the_list():
    """The cost of a change is that of its piece, however heavy the chunk."""
    objects = CountingObjects()
    entry = write(objects, HEAVY)
    objects.reset()

    patch_values(objects, entry, STRING, np.array([7]), normalise(pa.array(["?" * 805])), lambda: KEYS.hashes)

    assert {Kind.VALUE: 1, Kind.PIECES: 1} == dict(objects.written)
    assert 1 == objects.read[Kind.VALUE]


def test_a_chunk_may_grow_into_pieces_and_shrink_back():
    """Both ways the id is that of a build from scratch."""
    objects = MemoryObjects()
    light = ["a"] * 300
    rows = np.arange(300)
    entry = write(objects, light)

    grown, _ = patch_values(objects, entry, STRING, rows, normalise(pa.array(HEAVY)), lambda: KEYS.hashes)
    heavy = msgspec.structs.replace(entry, value=grown)
    shrunk, _ = patch_values(objects, heavy, STRING, rows, normalise(pa.array(light)), lambda: KEYS.hashes)

    assert (write(objects, HEAVY).value, entry.value) == (grown, shrunk)


def test_runs_of_chunks_are_bounded_by_weight():
    """Heavy chunks are read a few at a time, light ones many, one at the least."""
    half = [Part(0, 1, BYTES_AT_ONCE // 2, A)]
    whole = [Part(0, 1, BYTES_AT_ONCE + 1, A)]
    light = [Part(0, 1, None, A)]

    assert [(0, 2), (2, 3)] == list(runs_by_weight([half, half, half]))
    assert [(0, 1), (1, 2), (2, 3)] == list(runs_by_weight([light, whole, light]))
    assert [(0, 100)] == list(runs_by_weight([light] * 100))
    assert [] == list(runs_by_weight([]))


@pytest.mark.parametrize("values", [pa.array([1, None, 3]), pa.array(["a", None, "größer"])], ids=["fixed", "text"])
def test_weights_of_runs_are_sums(values):
    """One pass over the column answers every run."""
    column = normalise(values)
    weigh = Weigher(column).weigh
    each = column.weights()
    each = [each] * 3 if isinstance(each, int) else each.tolist()

    for start in range(4):
        assert [sum(each[start:stop]) for stop in range(start, 4)] == [weigh(start, stop) for stop in range(start, 4)]


@given(st.lists(st.builds(Piece, st.integers(1, 2**48), st.integers(0, 2**48), st.just(A)), max_size=4), st.data())
def test_flipped_bits_are_refused_or_are_other_pieces(pieces, data):
    """Lists of pieces come back; damage raises the error of formats alone, or gives pieces of just these bytes."""
    encoded = encode_object(Kind.PIECES, pieces)
    assert tuple(pieces) == decode_pieces(encoded)
    damaged = bytearray(encoded)
    bit = data.draw(st.integers(0, 8 * len(damaged) - 1))
    damaged[bit // 8] ^= 1 << bit % 8

    try:
        found = decode_pieces(bytes(damaged))
    except ObjectFormatError:
        return
    assert damaged == encode_object(Kind.PIECES, found)


@pytest.mark.parametrize(
    "pieces",
    [[[0, 1, A]], [[1, -1, A]], [[1, 1, A[:31]]], [[1, 1]], [[1, 1, A, 0]], [1], {"count": 1}],
    ids=["no records", "negative weight", "short id", "field less", "field more", "no array", "a map"],
)
def test_what_is_no_list_of_pieces_is_refused(pieces):
    """Counts, weights and ids that no chunk has."""
    with pytest.raises(ObjectFormatError):
        decode_pieces(b"dsv1\x03" + msgspec.msgpack.encode(pieces))


@pytest.mark.parametrize("count", [1, 3], ids=["fewer", "more"])
def test_pieces_of_other_rows_than_their_chunk_are_refused(count):
    """The counts of the pieces add up to that of the chunk; the error names the object."""
    objects = MemoryObjects()
    oid = objects.put(Kind.PIECES, [encode_object(Kind.PIECES, [Piece(count, 1, A)])])

    with pytest.raises(ObjectFormatError, match="their chunk has 2") as caught:
        parts_of(objects, [ChunkEntry(b"k", 2, ZERO, oid, ZERO)])

    assert oid == caught.value.oid
