"""DuckDB as a parser and an engine, cut off from everything but what it is handed.

No file, network, extension, Python variable or setting can be reached from a query: a value may depend on a record's
inputs alone. Every setting that changes what an expression means is pinned here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import duckdb

_CONFIG: Final[Mapping[str, str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "preserve_insertion_order": "true",
    "lambda_syntax": "DISABLE_SINGLE_ARROW",
    "integer_division": "false",
    "ieee_floating_point_ops": "true",
    "old_implicit_casting": "false",
    "default_collation": "",
    "default_order": "ASC",
    "default_null_order": "NULLS_LAST",
    "arrow_lossless_conversion": "false",
    "produce_arrow_string_view": "false",
    "arrow_large_buffer_size": "false",
    "arrow_output_list_view": "false",
}
_INTERRUPTED: Final = "Query interrupted"
"""What the engine says when a signal came while it was at work."""


def connect(threads: int) -> duckdb.DuckDBPyConnection:
    """Return a connection to an empty database in memory, with `threads` threads and all settings locked."""
    connection = duckdb.connect(":memory:", config={**_CONFIG, "threads": str(threads)})
    connection.execute("SET temp_directory = ''")  # no value is spilled to a disk
    connection.execute("SET enable_external_access = false")
    # These belong to a built-in extension, which is loaded after the configuration is read.
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET Calendar = 'gregorian'")
    connection.execute("SET lock_configuration = true")
    return connection


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C in a query be what it is everywhere: the engine raises an error of its own for it.

    Raises:
        KeyboardInterrupt: If the query was interrupted.
    """
    try:
        yield
    except RuntimeError as err:
        if str(err) == _INTERRUPTED:
            raise KeyboardInterrupt from err
        raise


@dataclass(frozen=True)
class SyntaxProblem:
    """Why a text is no SQL.

    Attributes:
        reason: What the parser says.
        offset: Where, in bytes from the start of the text; None where it does not say.
    """

    reason: str
    offset: int | None


@dataclass(frozen=True)
class Function:
    """One overload of a function.

    Attributes:
        kind: `scalar`, `aggregate`, `window`, `macro`, `table`, `table_macro` or `pragma`.
        stability: `CONSISTENT` where the result depends on the arguments alone.
        definition: The expression that a macro stands for.
    """

    kind: str
    stability: str
    definition: str


class Parser:
    """Parses SQL into the nested values of `json_serialize_sql`, and back. Safe to share among threads."""

    def __init__(self) -> None:
        self._connection = connect(1)
        self._lock = threading.Lock()

    def parse(self, text: str) -> list[dict[str, Any]] | SyntaxProblem:
        """Return the statements of a text."""
        with self._lock:
            row = self._connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchone()
        answer: dict[str, Any] = json.loads(row[0]) if row else {"error": True, "error_message": "no answer"}
        if answer["error"]:
            offset = answer.get("position")
            return SyntaxProblem(answer["error_message"], int(offset) if offset is not None else None)
        statements: list[dict[str, Any]] = answer["statements"]
        return statements

    def unparse(self, statement: Mapping[str, Any]) -> str:
        """Return SQL text for a statement that `parse` gave, changed or not."""
        whole = json.dumps({"error": False, "statements": [statement]})
        with self._lock:
            row = self._connection.execute("SELECT json_deserialize_sql(?::JSON)", [whole]).fetchone()
        return str(row[0]) if row else ""

    @property
    def functions(self) -> Mapping[str, list[Function]]:
        """Every function, by lower-case name."""
        return _functions(self)

    def read_functions(self) -> dict[str, list[Function]]:
        """Ask the engine for its functions."""
        query = "SELECT function_name, function_type, stability, macro_definition FROM duckdb_functions()"
        with self._lock:
            rows = self._connection.execute(query).fetchall()
        found: dict[str, list[Function]] = {}
        for name, kind, stability, definition in rows:
            found.setdefault(name.lower(), []).append(Function(kind, stability or "", definition or ""))
        return found


@cache
def _functions(parser: Parser) -> dict[str, list[Function]]:
    return parser.read_functions()


@cache
def shared_parser() -> Parser:
    """Return the parser of this process; it is made on first use."""
    return Parser()
