"""Evaluating expressions over Arrow columns: one query for one batch of records.

The caller hands over columns of equal length, one per input, rows in the order of the sources; the results have that
length and order, which is checked. Batches should be of 100,000 rows and more: a query costs about a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from duckdb.sqltypes import DuckDBPyType

from dsvc.errors import DeriveError
from dsvc.objects.types import Type
from dsvc.recipe.duck import connect, interruptible
from dsvc.recipe.expressions import COLUMN_PREFIX, Expression, Select, column_name
from dsvc.recipe.paths import InputPath

Columns = Mapping[InputPath, pa.Array]
"""Input columns of one length, rows in the order of the sources."""

_TABLE: Final = "_dsvc_batch"
_ROW: Final = "_dsvc_row"

_REFUSED: Final[Mapping[str, str]] = {
    "hugeint": "cast it: `CAST(... AS BIGINT)`, or `AS DOUBLE` where it may not fit",
    "uhugeint": "cast it: `CAST(... AS UBIGINT)`, or `AS DOUBLE` where it may not fit",
    "bignum": "cast it: `CAST(... AS BIGINT)`, or `AS VARCHAR` to keep all digits",
    "interval": "make it a number: `epoch(...)` gives seconds",
    "uuid": "cast it: `CAST(... AS VARCHAR)`",
    "bit": "cast it: `CAST(... AS VARCHAR)`",
    "time with time zone": "cast it: `CAST(... AS TIME)`",
    "map": "make it a list of structs: `map_entries(...)`",
    "union": "take one member of it",
}
"""Result types that we do not store, and what to write instead."""


class SqlEvaluator:
    """Evaluates expressions on one connection of its own; not for use by several threads at once.

    Args:
        threads: How many threads one query may use.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection; idempotent."""
        connection = self.__dict__.pop("_connection", None)
        if connection is not None:
            connection.close()

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        return connect(self._threads)

    def evaluate(
        self,
        expressions: Sequence[Expression],
        columns: Columns,
        *,
        n_rows: int | None = None,
        name: str = "expression",
    ) -> list[pa.Array]:
        """Return one array per expression; an expression that is an input gives that input's array unchanged.

        Args:
            expressions: What to evaluate.
            columns: The inputs, of one length; an input that is missing is taken out of its signal's whole value.
            n_rows: The length, needed only if `columns` is empty.
            name: What an error names as the step.

        Raises:
            DeriveError: If the engine refuses or fails, with the expression and its reason.
            SchemaError: If a signal has no field of the name asked for.
        """
        inputs = _take_inputs(expressions, columns)
        rows = len(next(iter(columns.values()))) if columns else n_rows
        if rows is None:
            raise ValueError("n_rows is needed where there are no columns")
        computed = [e for e in dict.fromkeys(expressions) if not e.is_input]
        made = dict(self._query(computed, inputs, rows, name))
        return [inputs[e.inputs[0]] if e.is_input else made[e] for e in expressions]

    def select(self, select: Select, columns: Columns, *, signal: str, n_rows: int | None = None) -> pa.Array:
        """Return the values of a step: its one column if that is named like the signal, else structs of all columns.

        Args and raises as `evaluate`.
        """
        made = self.evaluate([e for _, e in select.columns], columns, n_rows=n_rows, name=signal)
        if select.value(signal) is not None:
            return made[0]
        fields = [pa.field(name, values.type) for (name, _), values in zip(select.columns, made, strict=True)]
        return pa.StructArray.from_arrays(made, fields=fields)

    def where(
        self,
        expression: Expression,
        columns: Columns,
        *,
        n_rows: int | None = None,
        name: str = "where",
    ) -> pa.Array:
        """Return for every row whether the expression is TRUE: a bool array without nulls.

        Raises:
            DeriveError: As `evaluate`, or if the expression is no condition.
        """
        (values,) = self.evaluate([expression], columns, n_rows=n_rows, name=name)
        if pa.types.is_null(values.type):
            values = values.cast(pa.bool_())
        if not pa.types.is_boolean(values.type):
            raise DeriveError(
                step=name,
                reason=f"`{expression.text}` is of type {Type.from_arrow(values.type)}, expected a condition",
                hint="compare it with something, e.g. `... > 0`",
            )
        return pc.fill_null(values, False)

    def output_type(self, select: Select, types: Mapping[InputPath, Type], *, signal: str) -> Type:
        """Return the type of a step's values for inputs of these types, without data. Raises as `select`."""
        empty: dict[InputPath, pa.Array] = {path: pa.array([], type_.arrow) for path, type_ in types.items()}
        return Type.from_arrow(self.select(select, empty, signal=signal, n_rows=0).type)

    def _query(
        self, expressions: Sequence[Expression], inputs: Columns, rows: int, name: str
    ) -> Iterable[tuple[Expression, pa.Array]]:
        if not expressions:
            return []
        order = pa.array(np.arange(rows, dtype=np.int64))
        table = pa.table({_ROW: order, **{column_name(path): _readable(values) for path, values in inputs.items()}})
        # One expression alone names itself in its error; of several, the first to fail alone is the one.
        try:
            made = self._run([expression.bound for expression in expressions], table)
        except (duckdb.Error, _UnstorableError) as err:
            if len(expressions) > 1:
                for expression in expressions:
                    list(self._query([expression], inputs, rows, name))
            raise DeriveError(
                step=name,
                reason=f"`{expressions[0].text}`: {_first_line(err)}",
                hint=err.hint if isinstance(err, _UnstorableError) else None,
            ) from err
        return zip(expressions, made, strict=True)

    def _run(self, bound: Sequence[str], table: pa.Table) -> list[pa.Array]:
        items = ", ".join(f'{text} AS "{number}"' for number, text in enumerate(bound))
        self._connection.register(_TABLE, table)
        try:
            relation = self._connection.sql(f'SELECT "{_ROW}", {items} FROM "{_TABLE}"')  # noqa: S608 - refused or bound
            for type_ in relation.types[1:]:
                _check_storable(type_)
            with interruptible():
                result = relation.to_arrow_table()
        finally:
            self._connection.unregister(_TABLE)
        rows = result.column(0)
        if len(rows) != table.num_rows:
            raise RuntimeError(f"a row-wise query gave {len(rows)} rows for {table.num_rows}")
        if not rows.combine_chunks().equals(table.column(_ROW).combine_chunks()):
            result = result.sort_by(_ROW)
        return [_plain(result.column(number)) for number in range(1, result.num_columns)]


class _UnstorableError(Exception):
    """A result has a type that we do not store."""

    def __init__(self, type_: DuckDBPyType, hint: str) -> None:
        super().__init__(f"its type is {type_}, which is not stored")
        self.hint = hint


def _check_storable(type_: DuckDBPyType) -> None:
    if type_.id in _REFUSED:
        raise _UnstorableError(type_, _REFUSED[type_.id])
    if type_.id in ("list", "struct", "array"):
        for _, child in type_.children:
            if isinstance(child, DuckDBPyType):  # an array also lists its size here
                _check_storable(child)


def _take_inputs(expressions: Iterable[Expression], columns: Columns) -> dict[InputPath, pa.Array]:
    """Return the column of every input that is named, fields taken out of whole values where need be."""
    wanted = dict.fromkeys(path for expression in expressions for path in expression.inputs)
    return {path: columns[path] if path in columns else path.extract(columns[path.whole]) for path in wanted}


def _readable(values: pa.Array) -> pa.Array:
    """Return values of a type that the engine reads."""
    return values.cast(pa.float32()) if values.type == pa.float16() else values


def _plain(values: pa.ChunkedArray) -> pa.Array:
    """Return one array of the plain type that values of this type are stored as."""
    whole = values.combine_chunks()
    array = whole if isinstance(whole, pa.Array) else pa.concat_arrays(values.chunks)
    plain = Type.from_arrow(array.type).arrow
    return array if str(array.type) == str(plain) else array.cast(plain)  # types of other child names are equal


def _first_line(err: Exception) -> str:
    return str(err).strip().splitlines()[0].replace(COLUMN_PREFIX, "")
