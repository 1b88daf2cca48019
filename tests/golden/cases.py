"""The values whose canonical bytes and ids are pinned.

Imports nothing but `dsvc.objects`, numpy and pyarrow, so that the vectors can be checked on an old pyarrow alone.
"""

import datetime as dt
import decimal
from collections.abc import Iterator

import pyarrow as pa

from dsvc.annotation.answers.evidence import EVIDENCE_TYPE
from dsvc.annotation.keeping.lot_rows import LOTS_TYPE
from dsvc.objects.arrays import normalise
from dsvc.objects.boundary import find_cuts, hash_key, node_hashes
from dsvc.objects.canonical import key_parts, value_parts
from dsvc.objects.chunk import ProvColumn, ProvRuns, Records
from dsvc.objects.commit import Commit
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import encode_object, hash_encoded
from dsvc.objects.keys import Keys
from dsvc.objects.ledger import Ledger, LedgerTask
from dsvc.objects.node import ChunkEntry, NodeEntry, make_node, value_id_of
from dsvc.objects.oid import ZERO, Kind, Oid, hash_object
from dsvc.objects.pieces import Piece
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Dataset, Image, Recipe, Root, Signal
from dsvc.objects.state import DatasetState, Derived, FeedState, Ingested, State
from dsvc.objects.tag import Tag
from dsvc.objects.trace import Trace, TraceInput
from dsvc.objects.types import Type, parse_type

NAN = float("nan")
UTC = dt.UTC
A, B, C = (Oid(bytes([n]) * 32) for n in (1, 2, 3))


class MemoryObjects:
    """Objects in a dictionary: the least that trees are written to and read from."""

    def __init__(self) -> None:
        self.objects: dict[Oid, bytes] = {}

    def get(self, oid, kind=None):
        data = self.objects[oid]
        assert kind is None or data[4] == kind
        return data

    def get_many(self, oids, kind=None):
        return [self.get(oid, kind) for oid in oids]

    def has(self, oid):
        return oid in self.objects

    def put(self, kind, parts, hint=None):
        data = b"".join(parts)
        oid = hash_object(kind, data)
        self.objects[oid] = data
        return oid


def columns() -> Iterator[tuple[str, pa.Array]]:
    """Yield a name and values for every type that is stored."""
    for kind in ("int8", "int16", "int32", "int64"):
        yield kind, pa.array([0, -1, None, 127], getattr(pa, kind)())
    for kind in ("uint8", "uint16", "uint32", "uint64"):
        yield kind, pa.array([0, None, 255], getattr(pa, kind)())
    for kind in ("float32", "float64"):
        yield kind, pa.array([0.0, -0.0, NAN, None, 1.5, float("-inf")], getattr(pa, kind)())
    yield "float16", pa.array([1.5, -0.0, None, NAN], pa.float32()).cast(pa.float16())
    yield "bool", pa.array([True, None, False, True, True, False, True, True, True], pa.bool_())
    yield "null", pa.nulls(3)
    yield "string", pa.array(["", "a\0b", None, "größer", "e\u0301", "\U0001f600"], pa.string())
    yield "binary", pa.array([b"", None, b"\x00\xff"], pa.binary())
    yield "fixed_binary", pa.array([b"abc", None], pa.binary(3))
    yield "date32", pa.array([dt.date(2026, 1, 2), None], pa.date32())
    yield "date64", pa.array([dt.date(2026, 1, 2), None], pa.date64())
    yield "time32", pa.array([dt.time(1, 2, 3), None], pa.time32("s"))
    yield "time64", pa.array([dt.time(1, 2, 3, 4), None], pa.time64("us"))
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    yield "timestamp", pa.array([moment.replace(tzinfo=None), None], pa.timestamp("us"))
    yield "timestamp-utc", pa.array([moment, None], pa.timestamp("us", tz="UTC"))
    yield "timestamp-berlin", pa.array([moment, None], pa.timestamp("ns", tz="Europe/Berlin"))
    yield "duration", pa.array([dt.timedelta(seconds=-5), None], pa.duration("ms"))
    yield "decimal128", pa.array([decimal.Decimal("-12.34"), None], pa.decimal128(10, 2))
    yield "decimal256", pa.array([decimal.Decimal("12.3400"), None], pa.decimal256(50, 4))
    yield "list", pa.array([[1, None], [], None, [2, 3, 4]], pa.list_(pa.int16()))
    yield "list-list", pa.array([[["a"], None, []], None], pa.list_(pa.list_(pa.string())))
    yield "fixed-list", pa.array([[1.0, None], None, [NAN, 2.0]], pa.list_(pa.float32(), 2))
    box = pa.struct([("x", pa.float32()), ("label", pa.string())])
    yield "struct", pa.array([{"x": 1.0, "label": "a"}, None, {"x": None, "label": None}], box)
    yield "boxes", pa.array([[{"x": 1.0, "y": 2.0, "w": 3.0, "h": 4.0, "score": 0.5}], []], parse_type("boxes").arrow)
    yield "empty", pa.array([], pa.string())


def keys(n: int) -> pa.Array:
    """Return n ascending sources of several lengths."""
    return pa.array(sorted(f"s3://bucket/{i * 7919 % 100_003:x}/{'face' * (i % 3)}.png" for i in range(n)))


def plain_objects() -> Iterator[tuple[str, Kind, object]]:
    """Yield a name, a kind and a value for every object that is no column."""
    step = Provenance("step", "steps:area", "2", A)
    yield "provenance-put", Kind.PROVENANCE, Provenance.of_put("spoof@2.1.0")
    yield "provenance-step", Kind.PROVENANCE, step
    yield "prov", Kind.PROV, ProvRuns((A, B), (3, 1, 300), (1, 0, 1))
    yield "pieces", Kind.PIECES, [Piece(3, 70_000, A), Piece(1, 5, B)]
    yield "signal", Kind.SIGNAL, Signal(parse_type("rating(5)").encoded, A, B, 70_000)
    yield "dataset", Kind.DATASET, Dataset(A, (("box", "face_boxes[1]"), ("score", "spoof_score")), ("train", "test"))
    columns = (("box", "face_boxes"),)
    yield "dataset-unnest", Kind.DATASET, Dataset(A, columns, (), "box")
    yield "dataset-image", Kind.DATASET, Dataset(A, columns, (), None, Image("box", "0.2", (224, 300)))
    yield "dataset-whole-image", Kind.DATASET, Dataset(A, columns, ("all",), "box", Image(None, "0", None))
    yield "root", Kind.ROOT, Root((("a", A), ("b", B)), (("spoof", C),))
    yield "root-empty", Kind.ROOT, Root()
    yield "recipe", Kind.RECIPE, Recipe((("dsvc.toml", A), ("steps.py", B)))
    yield (
        "commit",
        Kind.COMMIT,
        Commit(A, (B, C), "Ada", 1_700_000_000_000_000, "größer", 7, A, B, None, (("as-is", ""),)),
    )
    yield "commit-first", Kind.COMMIT, Commit(A, (), "Ada", 0, "", 1)
    yield "tag", Kind.TAG, Tag(A, "spoof", "Ada", 1, "good")
    derived = (Derived("area", A), Derived("count", B, C))
    ingested = (Ingested("faces", A, "images", B),)
    feeds = (FeedState("images", A, b"\x01", B, 10, 2, 1, C),)
    yield "state", Kind.STATE, State(derived, ingested, feeds, (DatasetState("spoof", A, B),))
    yield "state-empty", Kind.STATE, State()
    tasks = (LedgerTask("boxes", A, B, (("2\x1f0\x1fmodel\x1f1.4", 7),)), LedgerTask("quality"))
    yield "ledger", Kind.LEDGER, Ledger((A, B), tasks, (("team/3", b"\x01"),))
    yield "ledger-empty", Kind.LEDGER, Ledger()
    yield "ledger-guidelines", Kind.LEDGER, Ledger((), (), (), (("boxes", "2", A), ("boxes", "2", B)))
    yield "ledger-pseudonyms", Kind.LEDGER, Ledger((), (), (), (), b"\x07" * 16)
    # Hashed alone, laid out as docs/format.md#asks-and-answers says.
    judged = "[[16,32,160,160,null]]"
    ask = ["s3://faces/1.jpg", "e1", "", "face_boxes", "2", "boxes", "adjust", "first", 0, judged]
    yield "ask", Kind.ASK, ask
    yield "ask-label", Kind.ASK, [*ask[:6], "label", "audit", 1, None]
    yield "answer", Kind.ANSWER, [A, "ann-1", "value", "[]", []]
    yield "answer-skip", Kind.ANSWER, [A, "ann-1", "skip", None, ["blurred", "dark"]]
    yield "payload", Kind.PAYLOAD, judged
    yield "lot", Kind.LOT, ["face_boxes", "boxes", "2\x1f0\x1fmodel\x1f1.4", [["s3://faces/1.jpg", judged, "e1"]]]
    yield "trace", Kind.TRACE, Trace(A, (TraceInput("faces.score", B, C), TraceInput("gone", ZERO, ZERO)), B, C)


def vectors() -> dict[str, str]:
    """Return name -> hex or text of everything that is pinned."""
    found: dict[str, str] = {}
    for name, array in columns():
        type_ = Type.from_arrow(array.type)
        data = b"".join(value_parts(normalise(array), type_.id, 0, len(array)))
        found[f"type {name}"] = type_.id.hex()
        found[f"value {name}"] = data.hex()
        found[f"value id {name}"] = hash_object(Kind.VALUE, data).hex()
    for name in ("boxes", "keypoints(5)", "class(a, b)", "rating(5)", "score", "text"):
        found[f"named {name}"] = parse_type(name).encoded.hex()
    for name, type_ in (("evidence", EVIDENCE_TYPE), ("lots", LOTS_TYPE)):
        found[f"ledger {name}"] = type_.encoded.hex()
    few = Keys.of(pa.array(["", "a", "a\0", "aa", "s3://b/" + "x" * 1093]))
    data = b"".join(key_parts(few.column, 0, len(few)))
    found["keys"] = data.hex()
    found["keys id"] = hash_object(Kind.KEY, data).hex()
    for name, kind, value in plain_objects():
        data = encode_object(kind, value)
        found[f"object {name}"] = data.hex()
        found[f"object id {name}"] = hash_object(kind, data).hex()
    for level, entries in (
        (1, [ChunkEntry(b"a", 3, A, B, C), ChunkEntry(b"b", 300, A, B, (C,))]),
        (2, [NodeEntry(b"a", 3, A, B), NodeEntry(b"b", 70_000, B, C)]),
        (1, []),
    ):
        node = make_node(level, entries)
        name = f"{level} of {len(entries)}"
        found[f"node {name}"] = encode_object(Kind.NODE, node).hex()
        found[f"node value id {name}"] = value_id_of(node).hex()
    found["nested id"] = hash_encoded(Kind.TRANSFORM, ["step", [["n", "int", 1]], b"\x00"]).hex()
    for key in (b"", b"a", b"a\0", b"12345678", b"123456789", "größer".encode(), b"s3://b/" + b"x" * 1093):
        found[f"hash {key.hex()[:40]}"] = f"{hash_key(key):016x}"
    many = Keys.of(keys(10_000))
    found["cuts 1023"] = " ".join(map(str, find_cuts(many.hashes, 1023).tolist()))
    found["cuts 31"] = " ".join(map(str, find_cuts(many.hashes[:500], 31).tolist()))
    found["node hashes"] = " ".join(f"{h:016x}" for h in node_hashes([b"a", b"b", b"c"], 2).tolist())
    found.update(trees())
    return found


def trees() -> dict[str, str]:
    """Return the roots and value ids of whole trees: several chunks, pieces, mixed provenance."""
    found = {}
    n = 10_000
    sources = Keys.of(keys(n))
    values = {
        "int": pa.array([i * i % 251 for i in range(n)], pa.int32()),
        "text": pa.array([None if i % 11 == 0 else "v" * (i % 40) for i in range(n)]),
    }
    for name, array in values.items():
        objects = MemoryObjects()
        type_ = Type.from_arrow(array.type)
        table = tuple(
            objects.put(Kind.PROVENANCE, [encode_object(Kind.PROVENANCE, Provenance.of_put(f"worker@{v}"))])
            for v in (1, 2)
        )
        index = pa.array([i // 3000 % 2 for i in range(n)], pa.int32()).to_numpy()
        prov = ProvColumn(table, index, n)
        signal = edit_tree(objects, None, type_, Edit(Records(sources, normalise(array), prov))).signal
        assert signal is not None
        found[f"tree {name}"] = signal.tree.hex()
        found[f"tree value id {name}"] = signal.value_id.hex()
        found[f"tree objects {name}"] = str(len(objects.objects))
    return found
