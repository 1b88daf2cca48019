"""A version as tables, for queries in SQL.

| table | columns |
| --- | --- |
| `x`, `signal.x`, for each signal | `source`, `x`, `_state`, `_origin`, `_producer`, `_version`: a row a record |
| `d`, `dataset.d`, for each dataset | `source`, its columns, and `split`, where it has one: a row as `read` gives |
| `global` | `source`, and one column a signal: a row a source of the version |

So a signal's name is its value and `x.f` its field, as everywhere; and `x._version` is a circumstance in `global` too.
A name that is a signal's and a dataset's is the signal's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from dsvc.errors import CheckoutError, QueryError
from dsvc.export.columns import ColumnReader
from dsvc.export.dataset import DatasetReader
from dsvc.objects.join import Joined, join_trees, take_joined
from dsvc.objects.tree import Tree
from dsvc.recipe.paths import CIRCUMSTANCES, InputPath
from dsvc.recipe.query import Query, TableName, parse_query, run_query
from dsvc.repo.names import GLOBAL, nearest
from dsvc.repo.records import SOURCE
from dsvc.repo.sources import covering_trees, iter_source_keys
from dsvc.repo.view import View

SIGNAL, DATASET = "signal", "dataset"


def query_version(view: View, text: str) -> pa.Table:
    """Return the answer to a query over one version.

    Reads the tables that it names, and of these the columns that it names, where it names columns.

    Raises:
        QueryError: If it cannot be answered; the nearest name is given where one is not found.
    """
    return VersionTables(view).query(text)


class VersionTables:
    """One version as tables.

    Args:
        view: The version.
    """

    def __init__(self, view: View) -> None:
        self._view = view

    def _join_sources(self, reader: ColumnReader) -> Iterator[Joined]:
        """Yield every source of the version, with what it has of some signals."""
        trees, provenance = [*reader.trees.values()], reader.has_circumstances
        own = {name: _key_ids(tree) for name, tree in reader.trees.items() if name in self._view.source_signals}
        if all(_key_ids(tree) in own.values() for tree in covering_trees(self._view)):
            # The signals that are read have all sources among them, and reading along is faster than looking up.
            places = [place for place, name in enumerate(reader.trees) if name in own]
            for rows in join_trees(trees, provenance=provenance):
                masks = [rows.columns[place].present for place in places]
                known = [mask for mask in masks if mask is not None]
                is_source = np.logical_or.reduce(known) if known and len(known) == len(masks) else None
                yield rows if is_source is None else rows.take(np.flatnonzero(is_source))
        else:
            for keys in iter_source_keys(self._view):
                yield take_joined(trees, keys, provenance=provenance)

    @cached_property
    def names(self) -> Mapping[TableName, tuple[str, str]]:
        """Every name of every table -> (kind, name)."""
        found = {TableName("", GLOBAL): (GLOBAL, GLOBAL)}
        for name in self._view.datasets:
            found[TableName("", name)] = found[TableName(DATASET, name)] = (DATASET, name)
        for name in self._view.signals:
            found[TableName("", name)] = found[TableName(SIGNAL, name)] = (SIGNAL, name)
        return found

    def query(self, text: str) -> pa.Table:
        """Return the answer to a query; as `query_version`."""
        query = self._with_circumstances(parse_query(text))
        for table in query.tables:
            if table not in self.names:
                raise self._unknown(table)
        try:
            return run_query(query, lambda table, words: self._open(query, table, words))
        except QueryError as err:
            if err.column is None:
                raise
            known = [column for table in query.tables for column in self.columns(table)]
            near = nearest(err.column, known)
            hint = None if near else f"there are: {', '.join(dict.fromkeys(known)) or 'none'}"
            raise QueryError(reason=err.reason, column=err.column, nearest=near, hint=hint) from None

    def columns(self, table: TableName) -> tuple[str, ...]:
        """Return the names of a table's columns."""
        kind, name = self.names[table]
        if kind == SIGNAL:
            return (SOURCE, name, *CIRCUMSTANCES)
        if kind == GLOBAL:
            return (SOURCE, *self._view.signals)
        with DatasetReader(self._view, name) as reader:
            return tuple(reader.schema.names)

    def list(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return every table once, by the shortest name that means it, with its columns."""
        shortest: dict[tuple[str, str], TableName] = {}
        for table, meant in self.names.items():
            shortest.setdefault(meant, table)
        for meant, table in shortest.items():
            if self.names[table] != meant:
                shortest[meant] = TableName(*meant)
        return [(_dotted(table), self.columns(table)) for table in shortest.values()]

    def _unknown(self, table: TableName) -> QueryError:
        name = _dotted(table)
        near = nearest(name, map(_dotted, self.names))
        return QueryError(reason=f"there is no table {name!r} in {self._view.revision}", nearest=near)

    def _with_circumstances(self, query: Query) -> Query:
        """Return a query whose `x._version` is one name, where x is a column of `global` and no table."""
        if TableName("", GLOBAL) not in query.tables:
            return query
        data = query.text.encode()
        words = set(query.words or ())
        for names, start, length in sorted(query.references, key=lambda item: -item[1]):
            signal, circumstance = names[-2:]
            if signal in self._view.signals and circumstance in CIRCUMSTANCES and signal.lower() not in query.aliases:
                path = f"{signal}.{circumstance}"
                lead = "".join(f'"{name}".' for name in names[:-2])
                data = data[:start] + f'{lead}"{path}"'.encode() + data[start + length :]
                words.add(path.lower())
        return replace(query, text=data.decode(), words=frozenset(words) if query.words is not None else None)

    def _open(self, query: Query, table: TableName, words: frozenset[str] | None) -> pa.RecordBatchReader:
        """Open a table with the columns that are named; all of them where a row of it is."""
        kind, name = self.names[table]
        columns = {column.lower() for column in self.columns(table)}
        if any(alias not in columns for other, alias in query.rows if other == table):
            words = None
        if kind == DATASET:
            return self._open_dataset(name, words)
        values = {name: InputPath(name)} if kind == SIGNAL else {each: InputPath(each) for each in self._view.signals}
        told = {each: InputPath(name, circumstance=each) for each in CIRCUMSTANCES} if kind == SIGNAL else {}
        chosen = {each: path for each, path in {**values, **told}.items() if words is None or each.lower() in words}
        if kind == GLOBAL:
            chosen |= self._named_circumstances(query)
        return self._open_columns(chosen, name if kind == SIGNAL else None)

    def _named_circumstances(self, query: Query) -> dict[str, InputPath]:
        """Return the circumstances that a query over `global` names."""
        paths = (InputPath(s, circumstance=c) for s in self._view.signals for c in CIRCUMSTANCES)
        return {str(path): path for path in paths if f'"{path}"' in query.text}

    def _open_dataset(self, name: str, words: frozenset[str] | None) -> pa.RecordBatchReader:
        every = [column for column, _ in self._view.dataset(name).columns]
        reader = DatasetReader(
            self._view, name, only=None if words is None else [column for column in every if column.lower() in words]
        )

        def batches() -> Iterator[pa.RecordBatch]:
            with reader:
                yield from (_readable(batch) for batch in reader.read())

        return pa.RecordBatchReader.from_batches(_readable_schema(reader.schema), batches())

    def _open_columns(self, columns: Mapping[str, InputPath], signal: str | None) -> pa.RecordBatchReader:
        """Open columns over the records of a signal, or over all sources."""
        reader = ColumnReader(self._view, columns.values())
        empty = reader.empty()
        types = {name: empty[path].type for name, path in columns.items()}
        schema = pa.schema([(SOURCE, pa.string()), *types.items()])
        trees = [*reader.trees.values()]
        joined: Iterator[Joined]
        if signal is None:
            joined = self._join_sources(reader)
        else:
            trees = trees or [self._view.get_tree(signal)]  # who has a record at least
            joined = join_trees(trees, provenance=reader.has_circumstances)

        def batches() -> Iterator[pa.RecordBatch]:
            for rows in joined:
                made = reader.bind(rows) if reader.trees else {}
                arrays = [rows.sources, *(made[path] for path in columns.values())]
                yield _readable(pa.RecordBatch.from_arrays(arrays, schema=schema))

        return pa.RecordBatchReader.from_batches(_readable_schema(schema), batches())


def _key_ids(tree: Tree) -> tuple[bytes, ...]:
    """Return what two signals have in common exactly where they have the same sources."""
    return tuple(chunk.keys for chunk in tree.nodes().chunks())


def _dotted(table: TableName) -> str:
    return f"{table.schema}.{table.name}" if table.schema else table.name


def _readable_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema of types that the engine reads."""
    narrow = pa.float16()
    return pa.schema([(field.name, pa.float32() if field.type == narrow else field.type) for field in schema])


def _readable(batch: pa.RecordBatch) -> pa.RecordBatch:
    schema = _readable_schema(batch.schema)
    return batch if schema == batch.schema else batch.cast(schema)


def write_answer(answer: pa.Table, sink: Path | IO[bytes]) -> None:
    """Write an answer as an Arrow file, or as a stream where it goes to an open file, which may be a pipe.

    Raises:
        CheckoutError: If there can be no file at the path.
    """
    if not isinstance(sink, Path):
        with pa.ipc.new_stream(sink, answer.schema) as writer:
            writer.write_table(answer)
        return
    try:
        with sink.open("wb") as file, pa.ipc.new_file(file, answer.schema) as writer:
            writer.write_table(answer)
    except OSError as err:
        raise CheckoutError(path=sink, reason=err.strerror or str(err)) from None
