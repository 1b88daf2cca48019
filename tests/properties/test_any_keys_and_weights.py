"""Trees over keys of any bytes and values of any weight, read and compared a few chunks at a time.

Every limit is so low that each case crosses it: chunks, nodes, pieces, batches, and runs of a diff that do not align.
"""

import random

import numpy as np
import pyarrow as pa
import pytest

from dsvc.objects import boundary, build, diff, edit, keys, pieces
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.chunk import ProvColumn, Records
from dsvc.objects.diff import diff_trees
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import kind_of, put_object
from dsvc.objects.join import join_trees, take_joined
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type
from tests.golden.cases import MemoryObjects

STRING, FLOATS = Type.from_arrow(pa.string()), Type.from_arrow(pa.list_(pa.float32()))
WORKERS = tuple(Provenance.of_put(f"{name}@1") for name in ("one", "two", "three"))
ALPHABET = ("", "a", "b", "\0", "z", "é", "e\u0301", "\U0001f600", "\uffff", "s3://bucket/")


@pytest.fixture
def low_limits(monkeypatch):
    """Return a function that lowers every limit."""

    def lower(random: random.Random) -> None:
        heavy = random.choice((60, 200, 1000))
        for module, name, value in (
            (keys, "CHUNK_WINDOW", random.choice((1, 3, 9))),
            (keys, "_FEW", random.choice((0, 3, 8))),
            (build, "NODE_WINDOW", random.choice((1, 2, 3))),
            (edit, "_BLOCK_ROWS", random.choice((5, 40))),
            (pieces, "MAX_VALUE_BYTES", heavy),
            (pieces, "BYTES_AT_ONCE", heavy * 3),
            (boundary, "PIECE_BYTES", heavy * 3 // 4),
            (diff, "BYTES_AT_ONCE", heavy * 3),
            (diff, "_CHUNKS_AT_ONCE", random.choice((1, 2, 8))),
            (diff, "_ROWS_PER_BATCH", random.choice((1, 50))),
        ):
            monkeypatch.setattr(module, name, value)

    return lower


def make_key(random):
    """Return a short key of awkward text, or, rarely, one of 1,100 bytes."""
    if random.random() < 0.01:
        return "k" * 1099 + random.choice("ab")
    return "".join(random.choice(ALPHABET) for _ in range(random.randint(0, 4)))


def make_value(random, type_):
    """Return a value that is null, light or heavy."""
    size = random.choice((0, 1, 5, random.randrange(120)))
    if random.random() < 0.1:
        return None
    return "x" * size if type_ == STRING else [random.choice((0.0, -0.0, 1.5, None)) for _ in range(size // 4)]


def by_bytes(names):
    """Return names in the order of their UTF-8 bytes."""
    return sorted(names, key=str.encode)


class Version:
    """A signal and the records that it must have: source -> (value, worker)."""

    def __init__(self, objects, type_, records=None, signal=None):
        self.objects, self.type, self.records, self.signal = objects, type_, records or {}, signal

    def as_records(self, records):
        """Return records as an edit takes them."""
        table = tuple(put_object(self.objects, Kind.PROVENANCE, worker) for worker in WORKERS)
        ordered = by_bytes(records)
        prov = ProvColumn(table, np.array([records[s][1] for s in ordered], np.int32), len(ordered))
        values = normalise(pa.array([records[s][0] for s in ordered], self.type.arrow))
        return Records(Keys.of(pa.array(ordered, pa.string())), values, prov)

    def edited(self, random):
        """Return the version after a random edit, whose counts are checked."""
        known = list(self.records)
        touched = {make_key(random) for _ in range(random.choice((0, 1, 3, 60, 250)))}
        touched |= set(random.sample(known, min(len(known), random.choice((0, 1, 5, len(known))))))
        gone = {s for s in touched if random.random() < random.choice((0.1, 0.5, 1.0))}
        put = {s: (make_value(random, self.type), random.randrange(3)) for s in touched - gone}
        for source in random.sample(sorted(put), len(put) // 3):
            put[source] = self.records.get(source, put[source])
        removals = Keys.of(pa.array(by_bytes(gone), pa.string()))
        result = edit_tree(self.objects, self.signal, self.type, Edit(self.as_records(put), removals))
        records = {s: record for s, record in self.records.items() if s not in gone} | put
        added = len(put.keys() - self.records.keys())
        changed = sum(s in self.records and repr(self.records[s][0]) != repr(put[s][0]) for s in put)
        expected = (added, changed, len(gone & self.records.keys()), len(put) - added - changed)
        assert expected == (result.added, result.changed, result.removed, result.same)
        return Version(self.objects, self.type, records, result.signal)

    def tree(self):
        """Return the signal's tree."""
        return Tree(self.objects, self.signal)

    def check(self, random):
        """Compare the signal with one built at once, and every way of reading it with the records."""
        fresh = edit_tree(self.objects, None, self.type, Edit(self.as_records(self.records))).signal
        assert fresh == self.signal
        if self.signal is None:
            return
        tree = self.tree()
        start, stop = (random.choice((None, make_key(random))) for _ in range(2))
        read = {}
        for rows in tree.rows(start, stop, provenance=True, rows_per_batch=random.choice((1, 30))):
            workers = [WORKERS[self.worker_of(oid)] for oid in rows.provenance.oids()]
            values = zip(map(repr, rows.values.to_pylist()), workers, strict=True)
            read.update(zip(rows.sources.to_pylist(), values, strict=True))
        inside = [s for s in by_bytes(self.records) if (start is None or s.encode() >= start.encode())]
        inside = [s for s in inside if stop is None or s.encode() < stop.encode()]
        assert [(s, (repr(self.records[s][0]), WORKERS[self.records[s][1]])) for s in inside] == list(read.items())
        probe = by_bytes({make_key(random) for _ in range(6)} | set(random.sample(list(self.records), 1)))
        taken = tree.take(pa.array(probe))
        here = [s for s in probe if s in self.records]
        assert here == taken.sources.to_pylist()
        assert [repr(self.records[s][0]) for s in here] == list(map(repr, taken.values.to_pylist()))
        assert [s in self.records for s in probe] == tree.has(Keys.of(pa.array(probe))).tolist()
        for source in probe[:2]:
            found = tree.get(source)
            expected = self.records.get(source)
            assert (expected is None) == (found is None)
            if found is not None:
                assert repr(expected[0]) == repr(found[0].as_py())
                assert WORKERS[expected[1]] == found[1]

    def worker_of(self, oid):
        """Return which worker's provenance an id is."""
        return [put_object(self.objects, Kind.PROVENANCE, worker) for worker in WORKERS].index(oid)


def check_diff(before, after, *, provenance):
    """Compare a diff with that of the models."""
    expected = {}
    for source in by_bytes(before.records.keys() | after.records.keys()):
        a, b = before.records.get(source), after.records.get(source)
        if a is None or b is None:
            expected[source] = "+" if a is None else "-"
        elif repr(a[0]) != repr(b[0]):
            expected[source] = "~"
        elif provenance and a[1] != b[1]:
            expected[source] = "="
    found = {}
    for changes in diff_trees(before.objects, before.signal, after.signal, provenance=provenance):
        sides = [map(repr, to_arrow(values).to_pylist()) for values in (changes.before, changes.after)]
        for source, op, a, b in zip(changes.sources.to_pylist(), changes.ops.tolist(), *sides, strict=True):
            found[source] = op.decode()
            assert (repr(before.records.get(source, (None,))[0]), repr(after.records.get(source, (None,))[0])) == (a, b)
    assert list(expected.items()) == list(found.items())


def check_join(versions, random):
    """Compare joined reads with the models."""
    trees = [version.tree() for version in versions]
    found = {}
    for joined in join_trees(trees, provenance=True, rows_per_batch=random.choice((1, 20))):
        found.update(zip(joined.sources.to_pylist(), as_tuples(joined), strict=True))
    sources = by_bytes(set().union(*(version.records for version in versions)))
    assert [(s, tuple(told(version, s) for version in versions)) for s in sources] == list(found.items())
    probe = by_bytes({*random.sample(sources, min(3, len(sources))), make_key(random)})
    assert [tuple(told(version, s) for version in versions) for s in probe] == as_tuples(
        take_joined(trees, pa.array(probe), provenance=True)
    )


def told(version, source):
    """Return what a joined row says of a source: its value, and its worker, or that there is none."""
    record = version.records.get(source)
    return ("None", -1) if record is None else (repr(record[0]), record[1])


def as_tuples(joined):
    """Return joined rows as tuples over the columns of (value, worker)."""
    columns = []
    for column in joined.columns:
        values = map(repr, column.values.to_pylist())
        index = column.prov.rows.tolist()
        oids = [hash_of_worker(i) for i in range(3)]
        workers = [-1 if i < 0 else oids.index(column.prov.table[i]) for i in index]
        present = [True] * len(joined) if column.present is None else column.present.tolist()
        assert present == [worker >= 0 for worker in workers]
        columns.append(list(zip(values, workers, strict=True)))
    return list(zip(*columns, strict=True))


def hash_of_worker(i):
    """Return the id of a worker's provenance."""
    return put_object(MemoryObjects(), Kind.PROVENANCE, WORKERS[i])


@pytest.mark.parametrize("seed", range(25))
def test_trees_of_any_keys_and_weights(low_limits, seed):
    """Edits give the tree of a rebuild; reads, diffs and joins give the records of a model."""
    run_scripts(low_limits, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1150))
def test_many_trees_of_any_keys_and_weights(low_limits, seed):
    """The same for hundreds of scripts."""
    run_scripts(low_limits, seed)


def run_scripts(low_limits, seed):
    """Run one script of edits over two signals of the same objects."""
    rng = random.Random(seed)
    low_limits(rng)
    objects = MemoryObjects()
    history = []
    for type_ in (STRING, FLOATS):
        version = Version(objects, type_)
        versions = [version]
        for _ in range(rng.randint(1, 5)):
            version = version.edited(rng)
            version.check(rng)
            for provenance in (False, True):
                check_diff(versions[-1], version, provenance=provenance)
                check_diff(version, rng.choice(versions), provenance=provenance)
            versions.append(version)
        history += versions
    whole = [version for version in history if version.signal is not None]
    if whole:
        check_join(rng.choices(whole, k=rng.randint(1, 4)), rng)


def test_the_cases_cross_the_limits(low_limits):
    """The scripts above do have pieces, several levels, and mixed provenance: else they would prove little."""
    kinds = set()
    heights = set()
    for seed in range(6):
        rng = random.Random(seed)
        low_limits(rng)
        objects = MemoryObjects()
        version = Version(objects, STRING)
        for _ in range(4):
            version = version.edited(rng)
        kinds |= {kind_of(data) for data in objects.objects.values()}
        if version.signal is not None:
            heights.add(version.tree().nodes().height)

    assert {Kind.PIECES, Kind.PROV, Kind.KEY, Kind.VALUE, Kind.NODE} <= kinds
    assert len(heights) > 1
