"""What differs between two versions, record by record."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pyarrow as pa

from dsvc.errors import SignalNotFoundError
from dsvc.objects.access import Reader
from dsvc.objects.chunk import ProvColumn
from dsvc.objects.diff import Changes, count_changes, diff_trees
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.repo.names import nearest
from dsvc.repo.records import SOURCE
from dsvc.repo.selected import count_selected
from dsvc.repo.view import View

PROVENANCE_TYPE = pa.struct(
    [(name, pa.string()) for name in ("origin", "producer", "version", "transform", "standing")]
)
"""How provenance is given in tables; `transform` in hex."""


class Stat(msgspec.Struct, frozen=True):
    """How many records of a signal, or sources of a dataset, differ."""

    name: str
    what: str
    """``signal`` or ``dataset``."""
    before: int
    """Records, or sources selected."""
    after: int
    added: int
    removed: int
    changed: int
    """Records of another value; sources of another split."""
    remade: int = 0
    """Records of the same value and another provenance."""
    is_redefined: bool = False
    """Whether the signal has another type, or the dataset other columns."""


def diff_views(before: View, after: View, *, signal: str | None, provenance: bool) -> Iterator[pa.RecordBatch]:
    """Return an iterator of the records that differ; see `dsvc.repo.base.BaseRepository.diff`."""
    names = sorted({*before.signals, *after.signals})
    if signal is not None and signal not in names:
        raise SignalNotFoundError(signal=signal, revision=after.revision, nearest=nearest(signal, names))
    chosen = names if signal is None else [signal]
    return _diff_signals(before, after, chosen, provenance=provenance)


def _diff_signals(before: View, after: View, names: list[str], *, provenance: bool) -> Iterator[pa.RecordBatch]:
    for name in names:
        if before.signals.get(name) != after.signals.get(name):
            reader = after.reader
            found = diff_trees(reader, before.signal(name), after.signal(name), provenance=provenance)
            for changes in found:
                yield _batch(reader, name, changes, provenance=provenance)


def _batch(reader: Reader, name: str, changes: Changes, *, provenance: bool) -> pa.RecordBatch:
    columns = {
        "signal": pa.array([name], pa.string()).take(pa.array(np.zeros(len(changes), np.int8))),
        SOURCE: changes.sources,
        "op": pa.array(changes.ops.astype("U1"), pa.string()),
        "before": changes.before_arrow(),
        "after": changes.after_arrow(),
    }
    if provenance:
        columns["before_provenance"] = provenance_array(reader, changes.prov_before, len(changes))
        columns["after_provenance"] = provenance_array(reader, changes.prov_after, len(changes))
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def provenance_array(reader: Reader, column: ProvColumn | None, length: int) -> pa.Array:
    """Return provenance as an array of structs, null where there is no record."""
    if column is None or not column.table:
        return pa.nulls(length, PROVENANCE_TYPE)
    table = pa.array([_as_dict(reader, oid) for oid in column.table], PROVENANCE_TYPE)
    rows = column.rows
    return table.take(pa.array(rows, mask=rows < 0))


def _as_dict(reader: Reader, oid: Oid) -> dict[str, str]:
    given = get_object(reader, oid, Kind.PROVENANCE, Provenance)
    return {**msgspec.structs.asdict(given), "transform": given.transform.hex()}


def stat_views(before: View, after: View) -> list[Stat]:
    """Count what differs; see `dsvc.repo.base.BaseRepository.diff_stat`."""
    return [*_signal_stats(before, after), *_dataset_stats(before, after)]


def _signal_stats(before: View, after: View) -> Iterator[Stat]:
    for name in sorted({*before.signals, *after.signals}):
        if before.signals.get(name) == after.signals.get(name):
            continue
        old, new = before.signal(name), after.signal(name)
        found = count_changes(after.reader, old, new, provenance=True)
        yield Stat(
            name,
            "signal",
            old.count if old else 0,
            new.count if new else 0,
            found.added,
            found.removed,
            found.changed,
            found.remade,
            is_redefined=old is not None and new is not None and old.type != new.type,
        )


def _dataset_stats(before: View, after: View) -> Iterator[Stat]:
    for name in sorted({*before.datasets, *after.datasets}):
        if before.datasets.get(name) == after.datasets.get(name):
            continue
        old = before.dataset(name) if name in before.datasets else None
        new = after.dataset(name) if name in after.datasets else None
        old_selection = before.selection(old) if old else None
        new_selection = after.selection(new) if new else None
        entered, left, moved = _selection_changes(after.reader, old_selection, new_selection)
        n_after = count_selected(after.reader, new_selection) if new_selection else 0
        yield Stat(
            name,
            "dataset",
            n_after - entered + left,
            n_after,
            entered,
            left,
            moved,
            is_redefined=old is not None and new is not None and (old.columns, old.splits) != (new.columns, new.splits),
        )


def _selection_changes(reader: Reader, before: Signal | None, after: Signal | None) -> tuple[int, int, int]:
    """Count the sources that a selection took in, let go, and moved to another split."""
    entered = left = moved = 0
    for changes in diff_trees(reader, before, after):
        was = changes.before_arrow().is_valid().to_numpy(zero_copy_only=False)
        now = changes.after_arrow().is_valid().to_numpy(zero_copy_only=False)
        entered += int((now & ~was).sum())
        left += int((was & ~now).sum())
        moved += int((was & now).sum())
    return entered, left, moved
