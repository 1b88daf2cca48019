import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Root
from dsvc.objects.types import Type
from dsvc.repo.sources import iter_source_keys
from dsvc.repo.view import View
from dsvc.store.memory import MemoryStore
from dsvc.store.writer import ObjectWriter


def sources(view, **options):
    """Return the sources of a version as a list."""
    return [key.decode() for keys in iter_source_keys(view, **options) for key in keys]


def test_sources_are_the_union_of_signals(repo, put):
    """Each source comes once, in order, whichever signals have it."""
    put("quality", {f"s3://{i:05}": 1 for i in range(0, 9000, 2)})
    put("spoof", {f"s3://{i:05}": 1 for i in range(0, 9000, 3)})
    put("twin", {f"s3://{i:05}": 2 for i in range(0, 9000, 3)})
    expected = [f"s3://{i:05}" for i in range(9000) if i % 2 == 0 or i % 3 == 0]
    assert expected == sources(repo.view("@draft"), rows_per_batch=500)


def test_no_value_is_read(repo, put):
    """Only keys and nodes are read, and the keys of signals with the same sources once."""
    for name in ("one", "two", "three"):
        put(name, {f"s3://{i:05}": i for i in range(5000)})
    read = []
    view = repo.view("@draft")
    get_many = repo.store.objects.get_many
    repo.store.objects.get_many = lambda oids, kind=None: (
        read.extend((oid, kind) for oid in oids) or get_many(oids, kind)
    )
    assert 5000 == len(sources(view))
    assert {Kind.KEY} == {kind for _, kind in read}
    assert len(read) == len(set(read))


@given(st.lists(st.sets(st.integers(0, 40)), min_size=1, max_size=4))
def test_any_sets_of_sources(signals):
    """The union of any signals' sources, whatever the batches."""
    writer = ObjectWriter(MemoryStore())
    type_ = Type.from_arrow(pa.int8())
    entries = []
    for number, members in enumerate(signals):
        keys = Keys.of_bytes([b"%03d" % i for i in sorted(members)])
        edit = Edit.of_arrow(writer, type_, keys, pa.array([1] * len(keys), pa.int8()), Provenance.of_put("m@1"))
        signal = edit_tree(writer, None, type_, edit).signal
        if signal is not None:
            entries.append((f"s{number}", put_object(writer, Kind.SIGNAL, signal)))
    root = put_object(writer, Kind.ROOT, Root(tuple(entries)))
    assert [f"{i:03}" for i in sorted(set().union(*signals))] == sources(View(writer, root, None), rows_per_batch=1)
