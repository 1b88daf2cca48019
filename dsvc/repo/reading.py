"""Reading records of a version: joined tables, single records, sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import pyarrow as pa

from dsvc.errors import RecordNotFoundError
from dsvc.objects.join import Joined, join_trees
from dsvc.objects.provenance import Provenance
from dsvc.objects.tree import ROWS_PER_BATCH, Tree
from dsvc.repo.records import SOURCE
from dsvc.repo.view import View


class Record(msgspec.Struct, frozen=True):
    """One signal's value for one source, with its provenance."""

    signal: str
    source: str
    value: pa.Scalar
    provenance: Provenance


def read_table(view: View, signals: Sequence[str] | None) -> pa.Table:
    """Return the records of signals, joined by source; see `dsvc.repo.base.BaseRepository.read`."""
    names, trees = _named_trees(view, signals)
    return pa.Table.from_batches(_batches(names, join_trees(trees)), _schema(names, trees))


def iter_batches(
    view: View,
    signals: Sequence[str] | None = None,
    *,
    start: str | None = None,
    stop: str | None = None,
    rows_per_batch: int = ROWS_PER_BATCH,
) -> Iterator[pa.RecordBatch]:
    """Yield the records of signals, joined by source; see `dsvc.repo.base.BaseRepository.iter_read`."""
    names, trees = _named_trees(view, signals)
    return _batches(names, join_trees(trees, start=start, stop=stop, rows_per_batch=rows_per_batch))


def _named_trees(view: View, signals: Sequence[str] | None) -> tuple[list[str], list[Tree]]:
    names = list(view.signals) if signals is None else list(dict.fromkeys(signals))
    return names, [view.get_tree(name) for name in names]


def _schema(names: Sequence[str], trees: Sequence[Tree]) -> pa.Schema:
    return pa.schema(
        [(SOURCE, pa.string()), *((name, tree.type.arrow) for name, tree in zip(names, trees, strict=True))]
    )


def _batches(names: Sequence[str], rows: Iterator[Joined]) -> Iterator[pa.RecordBatch]:
    for joined in rows:
        columns = [joined.sources, *(column.values for column in joined.columns)]
        yield pa.RecordBatch.from_arrays(columns, names=[SOURCE, *names])


def read_record(view: View, signal: str, pointer: str) -> Record:
    """Return one record; see `dsvc.repo.base.BaseRepository.record`."""
    found = view.get_tree(signal).get(pointer)
    if found is None:
        raise RecordNotFoundError(signal=signal, pointer=pointer, revision=view.revision)
    return Record(signal, pointer, *found)
