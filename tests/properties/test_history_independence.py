"""Trees do not remember how they came about: any script of edits gives the tree of a build from scratch.

Small windows put many chunks and levels into few records; the last test uses the real ones.
"""

import random
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest

from dsvc.objects import build, edit, keys
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.chunk import ProvColumn, Records
from dsvc.objects.diff import diff_trees
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import encode_object
from dsvc.objects.join import join_trees
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type
from tests.golden.cases import MemoryObjects

WORKERS = ("one", "two")
TYPES = {
    "float32": pa.float32(),
    "string": pa.string(),
    "struct": pa.struct([("x", pa.int8()), ("s", pa.string())]),
    "list": pa.list_(pa.int16()),
    "bool": pa.bool_(),
}

Model = dict[str, tuple[object, str]]
"""Source -> value and worker: the oracle that trees are compared with."""


@dataclass
class Script:
    """A random script of edits of one signal, and what it must lead to."""

    rng: random.Random
    type: Type
    space: int
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    model: Model = field(default_factory=dict)
    signal: Signal | None = None

    def value(self) -> object:
        """Return a random value of the type, null one time in ten."""
        rng, arrow = self.rng, self.type.arrow
        if rng.random() < 0.1:
            return None
        if arrow == pa.float32():
            return rng.choice([0.0, -0.0, float("nan"), 1.5, float(np.float32(rng.random()))])
        if arrow == pa.string():
            return rng.choice(["", "a", "xyz" * rng.randint(0, 5)])
        if arrow == pa.bool_():
            return rng.random() < 0.5
        if pa.types.is_list(arrow):
            return [rng.choice([None, 1, 2]) for _ in range(rng.randint(0, 3))]
        return {"x": rng.choice([None, 1]), "s": rng.choice([None, "q"])}

    def sources(self) -> list[str]:
        """Return sources to touch: scattered, in a run, before all others, after all others, all of them or none."""
        rng = self.rng
        count = rng.choice([0, 1, 2, 5, 50, self.space])
        shape = rng.choice(["scattered", "run", "front", "back"])
        start = rng.randrange(self.space)
        numbers = {
            "scattered": [rng.randrange(self.space) for _ in range(count)],
            "run": range(start, start + count),
            "front": range(-count, 0),
            "back": range(self.space, self.space + count),
        }[shape]
        return sorted({f"s3://b/{number + 5000:06d}{'z' * (number % 3)}" for number in numbers})

    def step(self) -> tuple[Model, Signal | None]:
        """Apply one random edit; return the model and the signal as they were before."""
        rng = self.rng
        before, signal = dict(self.model), self.signal
        share = rng.choice([0.0, 0.3, 0.9])
        touched = self.sources()
        removals = [source for source in touched if rng.random() < share]
        worker = rng.choice(WORKERS)
        upserts = {source: (self.value(), worker) for source in touched if source not in set(removals)}
        gone = Keys.of(pa.array(removals, pa.string())) if removals else None
        result = edit_tree(self.objects, signal, self.type, Edit(self.records(upserts), gone))
        self.signal = result.signal
        for source in removals:
            self.model.pop(source, None)
        self.model.update(upserts)
        changed = [s for s in upserts if s in before and repr(before[s][0]) != repr(upserts[s][0])]
        expected = (
            sum(source not in before for source in upserts),
            len(changed),
            sum(source in before for source in removals),
            sum(source in before for source in upserts) - len(changed),
        )
        assert expected == (result.added, result.changed, result.removed, result.same)
        return before, signal

    def records(self, model: Model) -> Records | None:
        """Return the records of a model, None where it is empty."""
        if not model:
            return None
        sources = sorted(model)
        table = tuple(self._provenance(worker) for worker in WORKERS)
        index = np.array([WORKERS.index(model[source][1]) for source in sources], np.int32)
        values = normalise(pa.array([model[source][0] for source in sources], self.type.arrow))
        return Records(Keys.of(pa.array(sources)), values, ProvColumn(table, index, len(sources)))

    def _provenance(self, worker: str) -> Oid:
        data = encode_object(Kind.PROVENANCE, Provenance.of_put(f"{worker}@1"))
        return self.objects.put(Kind.PROVENANCE, [data])

    def rebuilt(self) -> Signal | None:
        """Return the signal that a build from scratch gives."""
        return edit_tree(self.objects, None, self.type, Edit(self.records(self.model))).signal


def check_diff(script: Script, before: Model, signal: Signal | None) -> None:
    """Compare the diff from `signal` to the script's with one of the models."""
    for provenance in (False, True):
        expected = {}
        for source in before.keys() | script.model.keys():
            old, new = before.get(source), script.model.get(source)
            if old is None or new is None:
                expected[source] = "+" if old is None else "-"
            elif repr(old[0]) != repr(new[0]):
                expected[source] = "~"
            elif provenance and old[1] != new[1]:
                expected[source] = "="
        found = {}
        for changes in diff_trees(script.objects, signal, script.signal, provenance=provenance):
            rows = zip(
                changes.keys.arrow.to_pylist(),
                changes.ops.tolist(),
                to_arrow(changes.before).to_pylist(),
                to_arrow(changes.after).to_pylist(),
                strict=True,
            )
            for source, op, old, new in rows:
                found[source] = op.decode()
                assert repr(before.get(source, (None,))[0]) == repr(old)
                assert repr(script.model.get(source, (None,))[0]) == repr(new)
        assert expected == found
        assert list(found) == sorted(found)


@pytest.fixture
def small_windows(monkeypatch):
    """Return a function that sets the windows, so that a few hundred records have many chunks and levels."""

    def set_windows(chunk: int, node: int) -> None:
        monkeypatch.setattr(keys, "CHUNK_WINDOW", chunk)
        monkeypatch.setattr(build, "NODE_WINDOW", node)
        monkeypatch.setattr(edit, "_BLOCK_ROWS", 40)

    return set_windows


def run_scripts(seed: int, n_scripts: int, *, space: int | None = None) -> None:
    """Run random scripts; after each edit compare with a rebuild, the reads and the diff with the model."""
    rng = random.Random(seed)
    for _ in range(n_scripts):
        arrow = TYPES[rng.choice(sorted(TYPES))]
        script = Script(rng, Type.from_arrow(arrow), space or rng.choice([20, 200, 1500]))
        for _ in range(rng.randint(1, 6)):
            before, signal = script.step()
            assert script.rebuilt() == script.signal
            check_diff(script, before, signal)
        if script.signal is not None:
            tree = Tree(script.objects, script.signal)
            read = {}
            for rows in tree.rows(rows_per_batch=7):
                rows.values.validate(full=True)
                read.update(zip(rows.sources.to_pylist(), map(repr, rows.values.to_pylist()), strict=True))
            assert {source: repr(value) for source, (value, _) in script.model.items()} == read


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("chunk", "node"), [(1, 1), (3, 2), (15, 3)])
def test_any_script_of_edits_gives_the_tree_of_a_rebuild(small_windows, seed, chunk, node):
    """Whatever the order and batching of edits, root, value id and count are those of a build from scratch."""
    small_windows(chunk, node)
    run_scripts(seed, 20)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
@pytest.mark.parametrize(("chunk", "node"), [(1, 1), (2, 3), (7, 2)])
def test_thousands_of_scripts_give_the_tree_of_a_rebuild(small_windows, seed, chunk, node):
    """The same over some thousand scripts."""
    small_windows(chunk, node)
    run_scripts(seed, 60)


@pytest.mark.parametrize("seed", range(3))
def test_scripts_with_the_real_windows_give_the_tree_of_a_rebuild(seed):
    """The same with chunks of about 2,047 records."""
    run_scripts(seed + 50, 2, space=12_000)


def test_signals_of_any_history_join_by_source(small_windows):
    """A joined read of several signals holds, for each source, what each of them holds."""
    small_windows(3, 2)
    rng = random.Random(7)
    for _ in range(40):
        objects = MemoryObjects()
        scripts = [
            Script(rng, Type.from_arrow(TYPES[name]), 150, objects)
            for name in rng.sample(sorted(TYPES), rng.randint(1, 3))
        ]
        for script in scripts:
            for _ in range(rng.randint(1, 4)):
                script.step()
        scripts = [script for script in scripts if script.signal is not None]
        found = {}
        for joined in join_trees([Tree(objects, script.signal) for script in scripts], rows_per_batch=9):
            for i, source in enumerate(joined.keys.arrow.to_pylist()):
                found[source] = [
                    repr(to_arrow(column.column)[i].as_py())
                    if column.present is None or column.present[i]
                    else "absent"
                    for column in joined.columns
                ]
        expected = {
            source: [repr(s.model[source][0]) if source in s.model else "absent" for s in scripts]
            for source in sorted(set().union(*(script.model for script in scripts)))
        }
        assert expected == found
