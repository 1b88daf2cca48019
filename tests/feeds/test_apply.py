import numpy as np
import pyarrow as pa
import pytest

from dsvc.feeds.apply import Sources, apply_taken
from dsvc.feeds.formats import SignalReader
from dsvc.objects.keys import Keys
from dsvc.objects.provenance import Provenance
from dsvc.objects.tree import Tree
from dsvc.recipe.spec import SignalSpec
from dsvc.recipe.versions import VersionRange
from dsvc.store.memory import MemoryStore
from dsvc.store.writer import ObjectWriter


@pytest.fixture
def writer():
    """A writer of its own."""
    return ObjectWriter(MemoryStore())


def apply(writer, documents, before=None, waiting=None, *, is_whole=True, gone=()):
    """Return a signal after documents of (source, value, version), in order."""
    spec = SignalSpec("x", "images", value="x", version="v", accept=VersionRange.parse("<2"))
    reader = SignalReader(spec, dict.__getitem__, None)
    reader.add([{"v": version} | ({} if value is ... else {"x": value}) for _, value, version in documents], 0)
    order = pa.array([bytes([row]) for row in range(len(documents))], pa.large_binary())
    sources = Sources(pa.array([source for source, _, _ in documents], pa.large_string()), order)
    return sources, apply_taken(
        writer,
        before,
        waiting,
        reader.finish(),
        sources,
        lambda version: Provenance("model", "x", version),
        is_whole=is_whole,
        gone=Keys.of_bytes(sorted(source.encode() for source in gone)) if gone else None,
    )


def records(writer, signal):
    """Return source -> (value, version)."""
    if signal is None:
        return {}
    tree = Tree(writer, signal)
    sources = [source for rows in tree.rows() for source in rows.sources.to_pylist()]
    found = {source: tree.get(source) for source in sources}
    return {source: (value.as_py(), provenance.version) for source, (value, provenance) in found.items()}


def test_the_last_document_of_a_source_gives_its_record(writer):
    """With the version that it has; documents without a source give none."""
    sources, applied = apply(writer, [("b", 1, "1"), (None, 2, "1"), ("a", 3, "0.5"), ("b", 4, "1.5")])

    assert {"a": (3, "0.5"), "b": (4, "1.5")} == records(writer, applied.signal)
    assert [0] == np.flatnonzero(sources.is_superseded).tolist()


def test_reading_all_leaves_nothing_of_before(writer):
    """What no document gives is no more."""
    _, first = apply(writer, [("a", 1, "1"), ("b", 2, "1"), ("c", 3, "2")])
    _, second = apply(writer, [("b", 2, "1"), ("d", 4, "1")], first.signal, first.waiting)

    assert {"b": (2, "1"), "d": (4, "1")} == records(writer, second.signal)
    assert (None, 1, 1, 0) == (second.waiting, second.counts.added, second.counts.removed, second.counts.changed)


def test_reading_on_touches_the_sources_of_new_documents(writer):
    """A document without a value, or held, takes the record away; what is gone goes too."""
    _, first = apply(writer, [(source, 1, "1") for source in "abcde"] + [("f", 1, "2")])
    new = [("a", 5, "1"), ("b", ..., "1"), ("c", 7, "3"), ("f", 8, "1")]
    _, second = apply(writer, new, first.signal, first.waiting, is_whole=False, gone=("e", "zz"))

    assert {"a": (5, "1"), "d": (1, "1"), "f": (8, "1")} == records(writer, second.signal)
    assert ["c"] == list(records(writer, second.waiting))
    assert [("c", 7)] == [(source, held.value) for source, held in second.held]


def test_one_reading_or_several_give_one_signal(writer):
    """In records and in what is held."""
    documents = [(source, number, str(number % 3)) for number, source in enumerate("abacbdaacb")]
    _, whole = apply(writer, documents)
    _, first = apply(writer, documents[:4])
    _, second = apply(writer, documents[4:], first.signal, first.waiting, is_whole=False)

    assert (whole.signal, list(records(writer, whole.waiting))) == (
        second.signal,
        list(records(writer, second.waiting)),
    )


def test_equal_values_again_change_nothing(writer):
    """Not the signal's id either."""
    documents = [("a", 1, "1"), ("b", None, "1")]
    _, first = apply(writer, documents)
    _, again = apply(writer, documents, first.signal, first.waiting)

    assert first.signal == again.signal
    assert (0, 0, 0) == (again.counts.added, again.counts.changed, again.counts.removed)
