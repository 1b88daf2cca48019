"""Who gave a record its value: found by walking from a version to the commits before it.

A record's value is as old as the walk can follow it through parents that have the same bits; its provenance, where
that was given again later, is followed in the same way. At a merge the walk goes on at a parent whose record is equal.
A record that was removed and put again was given when it was put again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from dsvc.errors import RecordNotFoundError
from dsvc.objects.arrays import to_arrow
from dsvc.objects.chunk import Records
from dsvc.objects.column import Column, differing_rows
from dsvc.objects.encoding import get_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.trace import Trace
from dsvc.repo.history import CommitInfo, describe_commit
from dsvc.repo.view import View

if TYPE_CHECKING:
    from dsvc.repo.workspace import Workspace


class Blame(msgspec.Struct, frozen=True):
    """Who gave one record its value and provenance."""

    signal: str
    source: str
    value: pa.Scalar
    provenance: Provenance
    commit: CommitInfo | None
    """The commit that gave the value; None while it is only in the draft."""
    provenance_commit: CommitInfo | None
    """The commit that gave the provenance: `commit`, or a later one; None while it is only in the draft."""
    inputs: tuple[BlameInput, ...] = ()
    """Of a derived record: the records that it was made from."""


class BlameInput(msgspec.Struct, frozen=True):
    """One input of a derived record."""

    path: str
    """As the step names it: a signal, or a field of one."""
    record: Blame | None
    """Who gave it; None where the source had no record of it."""


class _Record(msgspec.Struct, frozen=True):
    """One record, in the form in which records are compared."""

    value: Column
    prov: Oid

    def has_value_of(self, other: _Record) -> bool:
        return self.value.physical == other.value.physical and not differing_rows(self.value, other.value)[0]

    def equals(self, other: _Record) -> bool:
        return self.prov == other.prov and self.has_value_of(other)


def blame_record(repo: Workspace, view: View, signal: str, pointer: str) -> Blame:
    """Return who gave a record its value; see `dsvc.repo.base.BaseRepository.blame`."""
    view.get_signal(signal)
    found = _Blamer(repo, pointer).blame(view, signal)
    if found is None:
        raise RecordNotFoundError(signal=signal, pointer=pointer, revision=view.revision)
    return found


class _Blamer:
    """Blames records of one source."""

    def __init__(self, repo: Workspace, pointer: str) -> None:
        self.repo = repo
        self.reader = repo.store.objects
        self.pointer = pointer
        self.probe = Keys.of_bytes([pointer.encode()])
        self._records: dict[Oid, _Record | None] = {}
        self._by_chunk: dict[tuple[object, ...], _Record | None] = {}
        self._blames: dict[tuple[Oid, Oid | None, str], Blame | None] = {}

    def blame(self, view: View, signal: str) -> Blame | None:
        """Return who gave the record of a signal in a version its value; None if there is none."""
        key = (view.root_id, view.commit_id, signal)
        if key not in self._blames:
            self._blames[key] = self._blame(view, signal)
        return self._blames[key]

    def _blame(self, view: View, signal: str) -> Blame | None:
        record = self._record(view, signal)
        if record is None:
            return None
        giver = self._walk(view, signal, record, record.has_value_of)
        provenance_giver = self._walk(view, signal, record, record.equals)
        return Blame(
            signal=signal,
            source=self.pointer,
            value=to_arrow(record.value)[0],
            provenance=get_object(self.reader, record.prov, Kind.PROVENANCE, Provenance),
            commit=_describe(giver),
            provenance_commit=_describe(provenance_giver),
            inputs=self._inputs(giver or view, signal),
        )

    def _record(self, view: View, signal: str) -> _Record | None:
        """Return the record of a signal in a version; versions that share its chunk are read once."""
        oid = view.signals.get(signal)
        if oid is None:
            return None
        if oid not in self._records:
            tree = view.get_tree(signal)
            nodes = tree.nodes()
            path, _, _ = next(nodes.locate(self.probe))
            chunk = nodes.chunk(path)
            named = chunk.keys, chunk.value, chunk.prov
            if named not in self._by_chunk:
                found = tree.records(self.probe)
                self._by_chunk[named] = None if found is None else _first(found)
            self._records[oid] = self._by_chunk[named]
        return self._records[oid]

    def _walk(self, view: View, signal: str, record: _Record, agrees: Callable[[_Record], bool]) -> View | None:
        """Return the oldest commit to which a record can be followed; None if it is not even in the last."""
        at: View | None = None
        before = self._commit_views(view)
        while True:
            found = next((v for v in before if (r := self._record(v, signal)) is not None and agrees(r)), None)
            if found is None:
                return at
            at = found
            before = [self._commit_view(parent) for parent in found.commit.parents] if found.commit else []

    def _commit_views(self, view: View) -> list[View]:
        """Return the commit that a version is or stands on."""
        return [] if view.commit_id is None else [self._commit_view(view.commit_id)]

    def _commit_view(self, oid: Oid) -> View:
        commit = self.repo.read_commit(oid)
        return View(self.reader, commit.root, commit.state, commit_id=oid, commit=commit)

    def _inputs(self, view: View, signal: str) -> tuple[BlameInput, ...]:
        """Return who gave what a derived record was made from, as of the version that gave it."""
        derived = next((entry for entry in view.state.derived if entry.name == signal), None)
        if derived is None:
            return ()
        trace = get_object(self.reader, derived.trace, Kind.TRACE, Trace)
        # What people said is no signal of the version; `dsvc.engine.looking.task_blame` tells of it.
        paths = [used.path for used in trace.inputs if not used.path.startswith("_")]
        return tuple(BlameInput(path, self.blame(view, path.partition(".")[0])) for path in paths)


def _first(records: Records) -> _Record:
    return _Record(records.values.slice(0, 1), records.prov.oids()[0])


def _describe(view: View | None) -> CommitInfo | None:
    if view is None or view.commit is None or view.commit_id is None:
        return None
    return describe_commit(view.commit_id, view.commit)
