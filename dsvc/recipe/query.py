"""Queries in SQL over whole tables: what a text names, checked before anything is read, and its answer.

A query is one SELECT, of any kind; nothing is written, and no file, network or setting is reached. Tables are handed
over by the caller, who is asked only for those that are named, and only for columns whose names appear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import duckdb
import pyarrow as pa

from dsvc.errors import QueryError
from dsvc.recipe.duck import SyntaxProblem, connect, interruptible, shared_parser
from dsvc.recipe.rowwise import NOWHERE, Node

ROW_MAKERS: Final = frozenset({"generate_series", "range", "unnest"})
"""Functions that may stand where a table does."""
_PREFIX: Final = "_dsvc:"
_MISSING_COLUMN: Final = re.compile(r'(?:Referenced column|does not have a column named) "([^"]+)"')


class TableName(NamedTuple):
    """A table as a query names it, in lower case."""

    schema: str
    """Empty where the query names none."""
    name: str


Open = Callable[[TableName, frozenset[str] | None], pa.RecordBatchReader]
"""Opens a table, with the columns whose lower-case names are given at least; None for all columns."""


@dataclass(frozen=True)
class Query:
    """One SELECT.

    Attributes:
        text: As it is run.
        tables: What it names and does not make itself, in order of appearance.
        words: Every name and text in it, in lower case; None where it may need columns that it does not name.
        is_one_pass: Whether its one table is certainly read once, so that it need not be held.
        references: Every dotted name of several parts, with where it stands: (names, first byte, bytes).
        aliases: Lower-case names of tables in it, its own too.
        rows: Tables with a name of theirs that stands where a column does: it means the whole row, unless the table
            has a column of that name.
    """

    text: str
    tables: tuple[TableName, ...]
    words: frozenset[str] | None
    is_one_pass: bool
    references: tuple[tuple[tuple[str, ...], int, int], ...]
    aliases: frozenset[str]
    rows: tuple[tuple[TableName, str], ...]


def parse_query(text: str) -> Query:
    """Return what a query names.

    Raises:
        QueryError: If it is no SQL, no single SELECT, or reaches outside.
    """
    statements = shared_parser().parse(text)
    if isinstance(statements, SyntaxProblem):
        if statements.reason.startswith("Only SELECT"):
            raise QueryError(reason="it is no SELECT", hint="a query only looks; nothing can be changed by one")
        at = "" if statements.offset is None else f" at character {_characters(text, statements.offset) + 1}"
        raise QueryError(reason=f"{statements.reason}{at}")
    if len(statements) != 1:
        raise QueryError(reason=f"expected one SELECT, found {len(statements)}")
    nodes = list(_nodes(statements[0]))
    own = {key.lower() for node in nodes for key in _cte_names(node)}
    named = [_table_name(node) for node in nodes if node.get("type") == "BASE_TABLE"]
    for node in nodes:
        if node.get("type") == "TABLE_FUNCTION" and node["function"]["function_name"].lower() not in ROW_MAKERS:
            name = node["function"]["function_name"]
            raise QueryError(
                reason=f"{name}() is no table of this version", hint="no file or network is reached by a query"
            )
    tables = tuple(dict.fromkeys(table for table in named if table.schema or table.name not in own))
    aliases = [
        (_table_name(node), str(node["alias"] or node["table_name"]).lower())
        for node in nodes
        if node.get("type") == "BASE_TABLE"
    ]
    alone = {node["column_names"][0].lower() for node in nodes if _is_name(node) and len(node["column_names"]) == 1}
    # A subquery may run once a row, a table expression once for each use.
    is_simple = not any(node.get("class") == "SUBQUERY" or node.get("type") == "SHOW_REF" for node in nodes)
    references = [
        (tuple(node["column_names"]), int(node["query_location"]), int(node["query_location_length"]))
        for node in nodes
        if _is_name(node) and len(node["column_names"]) > 1 and node["query_location"] != NOWHERE
    ]
    return Query(
        text=text,
        tables=tables,
        words=None if any(map(_needs_all, nodes)) else frozenset(_words(statements[0])),
        is_one_pass=len(named) == 1 and is_simple and not own,
        references=tuple(references),
        aliases=frozenset(alias for _, alias in aliases),
        rows=tuple((table, alias) for table, alias in aliases if alias in alone),
    )


def run_query(query: Query, open_table: Open) -> pa.Table:
    """Return the answer to a query.

    Args:
        query: What to ask.
        open_table: Gives the tables. One that is read once is read as a stream, any other is held in memory.

    Raises:
        QueryError: If the engine refuses it or fails; `column` where it is for want of a column of that name.
    """
    try:
        return _run(query, open_table, query.words)
    except duckdb.Error as err:
        if query.words is None or not isinstance(err, duckdb.BinderException):
            raise _told(err) from None  # what the engine says is in it
    try:
        # A column may be needed that is not named: all are given.
        return _run(query, open_table, None)
    except duckdb.Error as err:
        raise _told(err) from None


def _run(query: Query, open_table: Open, words: frozenset[str] | None) -> pa.Table:
    connection = connect(1)
    try:
        for schema in {table.schema for table in query.tables if table.schema}:
            connection.execute(f"CREATE SCHEMA {_quoted(schema)}")
        for table in query.tables:
            reader = open_table(table, words)
            content = reader if query.is_one_pass else reader.read_all()
            if not table.schema:
                connection.register(table.name, content)
                continue
            inner = f"{_PREFIX}{table.schema}.{table.name}"
            connection.register(inner, content)
            view = f"{_quoted(table.schema)}.{_quoted(table.name)}"
            connection.execute(f"CREATE VIEW {view} AS SELECT * FROM {_quoted(inner)}")  # noqa: S608 - quoted
        relation = connection.sql(query.text)
        is_huge = [type_.id == "hugeint" for type_ in relation.types]
        with interruptible():
            answer = relation.to_arrow_table()
        return _with_plain_sums(answer, is_huge)
    finally:
        connection.close()


def _with_plain_sums(table: pa.Table, is_huge: list[bool]) -> pa.Table:
    """Return a table whose sums of integers are integers of 64 bits, where all of them fit."""
    for at, huge in enumerate(is_huge):
        if huge:
            try:
                whole = table.column(at).cast(pa.int64())
            except pa.ArrowInvalid:
                continue
            table = table.set_column(at, table.schema.names[at], whole)
    return table


def _told(err: duckdb.Error) -> QueryError:
    """Return an error of the engine in our words."""
    text = str(err).strip().splitlines()[0].replace(_PREFIX, "")
    missing = _MISSING_COLUMN.search(text)
    if missing:
        return QueryError(reason=f"there is no column {missing[1]!r}", column=missing[1])
    if isinstance(err, duckdb.PermissionException):
        return QueryError(reason="it reaches for a file or the network", hint="a query sees one version and no more")
    if isinstance(err, duckdb.OutOfMemoryException):
        return QueryError(reason="it needs more memory than there is", hint="read fewer columns, or aggregate first")
    return QueryError(reason=re.sub(r"^(?:[A-Z]\w* )+Error: ", "", text))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _characters(text: str, offset: int) -> int:
    return len(text.encode()[:offset].decode(errors="ignore"))


def _nodes(value: Any) -> Iterator[Node]:
    """Yield every part of the tree that is an object, outermost first."""
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from _nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from _nodes(child)


def _cte_names(node: Node) -> Iterator[str]:
    entries = node.get("cte_map")
    if isinstance(entries, dict):
        yield from (entry["key"] for entry in entries.get("map", []))
    if node.get("type") == "RECURSIVE_CTE_NODE":
        yield str(node.get("cte_name", ""))


def _table_name(node: Node) -> TableName:
    if node.get("catalog_name"):
        raise QueryError(reason=f"there is no table {'.'.join(node['qualified_name']['path'])!r}")
    return TableName(node["schema_name"].lower(), node["table_name"].lower())


def _is_name(node: Node) -> bool:
    return node.get("class") == "COLUMN_REF"


def _needs_all(node: Node) -> bool:
    """Tell whether a part of the query may need columns without naming them."""
    if node.get("class") in ("STAR", "POSITIONAL_REFERENCE") or node.get("type") in ("SHOW_REF", "PIVOT"):
        return True
    return node.get("type") == "JOIN" and node.get("ref_type") == "NATURAL"


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.lower()
    elif isinstance(value, dict):
        for child in value.values():
            yield from _words(child)
    elif isinstance(value, list):
        for child in value:
            yield from _words(child)
