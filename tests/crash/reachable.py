"""Reads a repository after a kill: every object that the refs lead to, checked against its id, and the values."""

from collections.abc import Iterator

import dsvc
from dsvc.objects.chunk import ProvRuns
from dsvc.objects.commit import Commit
from dsvc.objects.encoding import decode_object, kind_of
from dsvc.objects.node import ChunkEntry, decode_node
from dsvc.objects.oid import OID_BYTES, ZERO, Buffer, Kind, Oid, hash_object
from dsvc.objects.pieces import decode_pieces
from dsvc.objects.snapshot import Dataset, Recipe, Root, Signal
from dsvc.objects.state import State
from dsvc.objects.tag import Tag
from dsvc.objects.trace import Trace
from dsvc.repo.draft import decode_draft
from dsvc.repo.refs import DRAFTS, HEADS, TAGS, TRACES
from dsvc.repo.view import EMPTY_ROOT_ID
from dsvc.store.base import Store
from tests.crash.model import Content

Named = tuple[Oid, Kind | None]
"""An id and the kind it must be; None where the object itself says."""


def verify_reachable(store: Store, known: set[Oid]) -> int:
    """Read every object that the refs lead to, recompute its id, and return how many were read.

    Args:
        store: An open store.
        known: Ids that were verified before, with all they lead to; those read now are added.

    Raises:
        DsvcError: If an object is missing or cannot be read.
        AssertionError: If an object is not what its id says.
    """
    waiting = list(_roots(store))
    read: set[Oid] = set()
    while waiting:
        oid, kind = waiting.pop()
        if oid in known or oid in read or oid in {ZERO, EMPTY_ROOT_ID}:
            continue
        data = store.objects.get(oid, kind)
        assert oid == hash_object(kind_of(data), bytes(data))
        read.add(oid)
        waiting.extend(_children(kind_of(data), data))
    known |= read
    return len(read)


def _roots(store: Store) -> Iterator[Named]:
    for _, value in store.refs.iter_refs(HEADS):
        yield Oid(value), Kind.COMMIT
    for _, value in store.refs.iter_refs(TAGS):
        yield Oid(value), Kind.TAG
    for _, value in store.refs.iter_refs(DRAFTS):
        draft = decode_draft(value)
        yield from _present((draft.base, Kind.COMMIT), (draft.root, Kind.ROOT), (draft.state, Kind.STATE))
    for _, value in store.refs.iter_refs(TRACES):
        yield from ((Oid(value[at : at + OID_BYTES]), Kind.TRACE) for at in range(0, len(value), OID_BYTES))


def _children(kind: Kind, data: Buffer) -> Iterator[Named]:
    match kind:
        case Kind.TAG:
            yield decode_object(data, kind, Tag).commit, Kind.COMMIT
        case Kind.COMMIT:
            commit = decode_object(data, kind, Commit)
            yield from _present((commit.root, Kind.ROOT), (commit.recipe, Kind.RECIPE), (commit.state, Kind.STATE))
            yield from _present((commit.delta, None), *((parent, Kind.COMMIT) for parent in commit.parents))
        case Kind.RECIPE:
            yield from ((oid, Kind.BLOB) for _, oid in decode_object(data, kind, Recipe).files)
        case Kind.ROOT:
            root = decode_object(data, kind, Root)
            yield from ((oid, Kind.SIGNAL) for _, oid in root.signals)
            yield from ((oid, Kind.DATASET) for _, oid in root.datasets)
        case Kind.DATASET:
            yield decode_object(data, kind, Dataset).selection, Kind.SIGNAL
        case Kind.SIGNAL:
            yield decode_object(data, kind, Signal).tree, Kind.NODE
        case Kind.NODE:
            for entry in decode_node(data).entries:
                if isinstance(entry, ChunkEntry):
                    yield from ((entry.keys, Kind.KEY), (entry.value, None))
                    is_shared = isinstance(entry.prov, bytes)
                    yield (entry.prov, Kind.PROVENANCE) if is_shared else (entry.prov[0], Kind.PROV)
                else:
                    yield entry.child, Kind.NODE
        case Kind.PIECES:
            yield from ((piece.value, Kind.VALUE) for piece in decode_pieces(data))
        case Kind.PROV:
            yield from ((oid, Kind.PROVENANCE) for oid in decode_object(data, kind, ProvRuns).table)
        case Kind.STATE:
            state = decode_object(data, kind, State)
            yield from _present(*((entry.trace, Kind.TRACE) for entry in (*state.derived, *state.datasets)))
            yield from _present(*((entry.waiting, Kind.SIGNAL) for entry in (*state.derived, *state.ingested)))
            feeds = state.feeds
            yield from _present(*((oid, Kind.SIGNAL) for feed in feeds for oid in (feed.keys, feed.content)))
        case Kind.TRACE:
            trace = decode_object(data, kind, Trace)
            yield from _present((trace.output, Kind.SIGNAL), (trace.waiting, Kind.SIGNAL))
            yield from ((used.signal, Kind.SIGNAL) for used in trace.inputs)


def _present(*named: tuple[Oid | None, Kind | None]) -> Iterator[Named]:
    yield from ((oid, kind) for oid, kind in named if oid is not None)


def read_content(repo: dsvc.Repository, revision: str) -> Content:
    """Return signal -> source -> value of a version."""
    table = repo.read(revision)
    sources = table["source"].to_pylist()
    columns = {name: zip(sources, table[name].to_pylist(), strict=True) for name in table.column_names[1:]}
    return {name: {k: value for k, value in pairs if value is not None} for name, pairs in columns.items()}
