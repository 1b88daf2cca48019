"""Putting records into the draft and removing them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from dsvc.errors import InvalidNameError, SignalOwnedError
from dsvc.objects.access import Reader, Writer
from dsvc.objects.chunk import ProvColumn, Records
from dsvc.objects.column import type_nulls
from dsvc.objects.diff import DiffCounts, count_changes
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.types import Type, parse_type
from dsvc.repo.draft import DraftEdit, replace_signals
from dsvc.repo.incoming import Incoming, TableLike, open_incoming
from dsvc.repo.named import check_named_rule
from dsvc.repo.names import check_signal_name
from dsvc.repo.records import match_type
from dsvc.repo.sorting import SortedRuns
from dsvc.repo.view import View

if TYPE_CHECKING:
    from dsvc.repo.base import BaseRepository


class PutReport(msgspec.Struct, frozen=True):
    """What a put did."""

    signal: str
    type: str
    added: int
    changed: int
    """Records whose value is another than before."""
    same: int
    """Records put with the value they had."""
    removed: int = 0
    """Records dropped by `replace`."""

    @property
    def n_records(self) -> int:
        """Records put."""
        return self.added + self.changed + self.same


def put_records(
    repo: BaseRepository, signal: str, data: TableLike, *, producer: str, type_text: str | None, replace: bool
) -> PutReport:
    """Put records into the draft; see `dsvc.repo.base.BaseRepository.put`."""
    check_signal_name(signal)
    provenance = Provenance.of_put(producer)
    if not provenance.producer:
        raise InvalidNameError(what="producer", name=producer, rule="write NAME@VERSION")
    check_not_owned(repo, signal)
    named = None if type_text is None else parse_type(type_text)
    with ExitStack() as stack:
        incoming = open_incoming(
            signal,
            data,
            read_sources=repo.read_sources,
            runs=lambda schema: SortedRuns(repo.layout.tmp, schema),
            stack=stack,
        )
        put = _Put(signal, incoming, provenance, named, replace=replace)
        repo.edit_draft(put.edit, command=f"put {signal}")
    return put.report


def check_not_owned(repo: BaseRepository, signal: str) -> None:
    """Check that no table of the recipe makes a signal.

    Raises:
        SignalOwnedError: If one does.
    """
    owner = repo.find_owner(signal)
    if owner is not None:
        raise SignalOwnedError(signal=signal, owner=owner)


class _Put:
    """The edit of one put."""

    def __init__(
        self, signal: str, incoming: Incoming, provenance: Provenance, named: Type | None, *, replace: bool
    ) -> None:
        self.signal, self.incoming, self.provenance = signal, incoming, provenance
        self.named, self.replace = named, replace
        self.report = PutReport(signal, "", 0, 0, 0)
        self._done: dict[Oid | None, tuple[Oid | None, PutReport]] = {}

    def edit(self, view: View, writer: Writer) -> DraftEdit:
        """Put the records; another writer's edit of other signals makes nothing of it again."""
        base = view.signals.get(self.signal)
        if base not in self._done:
            self._done[base] = self._edit_signal(writer, view.signal(self.signal))
        oid, self.report = self._done[base]
        return DraftEdit(replace_signals(view.root, {self.signal: oid}))

    def _edit_signal(self, writer: Writer, before: Signal | None) -> tuple[Oid | None, PutReport]:
        start = None if self.replace else before
        type_ = self._type_in(start)
        prov = put_object(writer, Kind.PROVENANCE, self.provenance)
        after = start
        added = changed = same = removed = 0
        for keys, values in self.incoming.segments():
            column = type_nulls(values, type_.physical)
            check_named_rule(self.signal, keys, column, type_)
            result = edit_tree(writer, after, type_, Edit(Records(keys, column, ProvColumn.constant(prov, len(keys)))))
            after = result.signal
            added, changed, same = added + result.added, changed + result.changed, same + result.same
        if self.replace and before is not None:
            counts = compare_signals(writer, before, after)
            added, removed, changed = counts.added, counts.removed, counts.changed
            same = (after.count if after else 0) - added - changed
        oid = None if after is None else put_object(writer, Kind.SIGNAL, after)
        return oid, PutReport(self.signal, str(type_), added, changed, same, removed)

    def _type_in(self, before: Signal | None) -> Type:
        """Return the type under which the values are put; nulls alone fit any."""
        found, named = self.incoming.type, self.named
        if named is not None:
            found = match_type(self.signal, found, named, is_named=False)
        if before is None:
            return found
        return match_type(self.signal, found, Type.decode(before.type), is_named=named is not None)


def compare_signals(reader: Reader, before: Signal, after: Signal | None) -> DiffCounts:
    """Count the records that differ; of two types, all do."""
    if after is None or Type.decode(after.type).physical != Type.decode(before.type).physical:
        return DiffCounts(added=after.count if after else 0, removed=before.count)
    return count_changes(reader, before, after)


def remove_records(repo: BaseRepository, signal: str, pointers: Iterable[str]) -> int:
    """Remove records from the draft; see `dsvc.repo.base.BaseRepository.remove`."""
    check_not_owned(repo, signal)
    if isinstance(pointers, str):
        pointers = [pointers]
    elif isinstance(pointers, pa.Array | pa.ChunkedArray):
        pointers = pointers.to_pylist()
    gone = Keys.of_bytes(sorted({pointer.encode() for pointer in pointers}))
    removed = 0

    def edit(view: View, writer: Writer) -> DraftEdit:
        nonlocal removed
        before = view.get_signal(signal)
        result = edit_tree(writer, before, Type.decode(before.type), Edit(removals=gone))
        removed = result.removed
        oid = None if result.signal is None else put_object(writer, Kind.SIGNAL, result.signal)
        return DraftEdit(replace_signals(view.root, {signal: oid}))

    repo.edit_draft(edit, command=f"remove {signal}")
    return removed
