"""Sorting more records by source than memory holds: sorted runs on disk, merged by ranges of sources.

Records are collected until they fill a run, sorted, and written as an Arrow IPC file of small batches. What comes in
order continues the run before it, so sorted input is one run and is only copied. Merging holds one batch of each run:
in each round, all sources up to the least of the last sources held are final, so these rows are joined, sorted and
given out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from dsvc.repo.records import SOURCE
from dsvc.store.temporary import temporary_directory

RUN_BYTES = 192 * 1024 * 1024
"""Records that are sorted at a time; about three times as much memory is used."""
BATCH_ROWS = 32_768
"""Rows of a batch in a run."""
_PREFIX = "sort"


class _Run:
    """One sorted file."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.last: str | None = None
        self._writer = pa.ipc.new_file(str(path), schema)

    def append(self, table: pa.Table) -> None:
        """Add sorted rows that do not come before the last."""
        self._writer.write_table(table, max_chunksize=BATCH_ROWS)
        self.last = table.column(SOURCE)[-1].as_py()

    def close(self) -> None:
        """Finish the file; idempotent."""
        self._writer.close()

    def batches(self) -> Iterator[pa.Table]:
        """Yield the rows in order."""
        with pa.OSFile(str(self.path)) as file, pa.ipc.open_file(file) as reader:
            for number in range(reader.num_record_batches):
                yield pa.Table.from_batches([reader.get_batch(number)])


class SortedRuns:
    """Collects tables of one schema, and gives their rows back ordered by `source`, as often as asked.

    A context manager: its files are gone when it is left, however that is.

    Args:
        directory: Where its own directory is made; those of processes that died are removed from there.
        schema: Of the tables; `source` is a string without nulls.
        run_bytes: Bytes of rows that are sorted at a time.
    """

    def __init__(self, directory: Path, schema: pa.Schema, *, run_bytes: int = RUN_BYTES) -> None:
        self._parent = directory
        self._schema = schema
        self._run_bytes = run_bytes
        self._held: list[pa.Table] = []
        self._held_bytes = 0
        self._runs: list[_Run] = []

    def __enter__(self) -> Self:
        self._cleanup = ExitStack()
        self._directory = self._cleanup.enter_context(temporary_directory(self._parent, _PREFIX))
        return self

    def __exit__(self, *_: object) -> None:
        for run in self._runs:
            run.close()
        self._cleanup.close()

    def add(self, table: pa.Table) -> None:
        """Take rows, in any order."""
        if table.num_rows == 0:
            return
        self._held.append(table)
        self._held_bytes += table.nbytes
        if self._held_bytes >= self._run_bytes:
            self._spill()

    def _spill(self) -> None:
        if not self._held:
            return
        table = pa.concat_tables(self._held)
        self._held, self._held_bytes = [], 0
        sources = table.column(SOURCE)
        if not is_sorted(sources):
            table = table.take(pc.sort_indices(sources))
        run = self._runs[-1] if self._runs else None
        if run is None or run.last is None or run.last.encode() > table.column(SOURCE)[0].as_py().encode():
            run = _Run(self._directory / f"{len(self._runs)}.arrow", self._schema)
            self._runs.append(run)
        run.append(table)

    def merged(self) -> Iterator[pa.Table]:
        """Yield the rows ordered by source; rows of one source, should there be several, are in one table.

        No table can be added afterwards.
        """
        self._spill()
        for run in self._runs:
            run.close()
        return _merge([run.batches() for run in self._runs])


def is_sorted(sources: pa.ChunkedArray) -> bool:
    """Return whether sources are in ascending order of their bytes; equal neighbours are in order."""
    last: pa.Scalar | None = None
    for chunk in sources.chunks:
        if len(chunk) == 0:
            continue
        if last is not None and pc.greater(last, chunk[0]).as_py():
            return False
        if not pc.all(pc.less_equal(chunk[:-1], chunk[1:]), min_count=0).as_py():  # of no pairs, all are in order
            return False
        last = chunk[-1]
    return True


def _merge(runs: list[Iterator[pa.Table]]) -> Iterator[pa.Table]:
    held = [(run, table) for run in runs if (table := next(run, None)) is not None]
    kept: pa.Table | None = None  # rows of the last source seen, of which the next round may have more
    while held:
        bound = min((table.column(SOURCE)[-1] for _, table in held), key=lambda scalar: scalar.as_py().encode())
        parts = [] if kept is None else [kept]
        waiting = []
        for run, table in held:
            count = pc.sum(pc.less_equal(table.column(SOURCE), bound)).as_py()
            parts.append(table.slice(0, count))
            rest: pa.Table | None = table.slice(count)
            if count == table.num_rows:
                rest = next(run, None)
            if rest is not None:
                waiting.append((run, rest))
        held = waiting
        rows = pa.concat_tables(parts)
        if not is_sorted(rows.column(SOURCE)):
            rows = rows.take(pc.sort_indices(rows.column(SOURCE)))
        count = pc.sum(pc.less(rows.column(SOURCE), bound)).as_py()
        kept = rows.slice(count)
        if count:
            yield rows.slice(0, count)
    if kept is not None:
        yield kept
