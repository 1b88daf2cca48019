"""CSV as documents: columns are numbers or truth values where nothing is lost by it, and text everywhere else.

An empty cell is a field that is missing, a quoted empty one is empty text. Dates stay text.

Source: docs/how-to/ingest.md#files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from dsvc.feeds.tables import ROWS, Document, documents_of, wanted_columns

_INTEGER = r"^(0|-?[1-9][0-9]{0,18})$"
_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$"
_SAFE_DIGITS = 15  # every decimal number of so many digits comes back from a double
_PARSE = csv.ParseOptions(newlines_in_values=True)


class CsvColumns:
    """What the columns of CSV files hold, learnt from all of their rows before any is given.

    A column is numbers or true and false only if each of its cells is, written so that nothing is lost in reading it
    as one: no leading zeros or plus signs, no more digits than a double holds. Every other column is text.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, set[str]] = {}

    def learn(self, path: Path) -> None:
        """Take the cells of a file into account."""
        for batch in _read_texts(path, None):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                kinds = self._kinds.setdefault(name, {"bool", "int64", "double"})
                texts = column.drop_null().unique()
                kinds -= {kind for kind in kinds if not _holds(kind, texts)}

    def kind(self, name: str) -> str:
        """Return ``int64``, ``double``, ``bool`` or ``string``."""
        kinds = self._kinds.get(name, set())
        return next((kind for kind in ("bool", "int64", "double") if kind in kinds), "string")

    def read(self, path: Path, fields: Sequence[str] | None) -> Iterator[list[Document]]:
        """Yield the rows of a file that was learnt from."""
        arrow = {"bool": pa.bool_(), "int64": pa.int64(), "double": pa.float64(), "string": pa.string()}
        for batch in _read_texts(path, fields):
            columns = [
                column.cast(arrow[self.kind(name)])
                for name, column in zip(batch.schema.names, batch.columns, strict=True)
            ]
            yield documents_of(pa.RecordBatch.from_arrays(columns, names=batch.schema.names))


def _read_texts(path: Path, fields: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    """Yield a CSV file with every cell as text; an empty cell that is not quoted is null."""
    with pa.input_stream(str(path), compression="detect") as source:
        names = csv.open_csv(source, parse_options=_PARSE).schema.names
    if len(set(names)) < len(names):
        raise ValueError("two columns have one name")
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        include_columns=wanted_columns(pa.schema([(name, pa.string()) for name in names]), fields),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    with pa.input_stream(str(path), compression="detect") as source:
        for batch in csv.open_csv(source, convert_options=options, parse_options=_PARSE):
            for start in range(0, batch.num_rows, ROWS):
                yield batch.slice(start, ROWS)


def _holds(kind: str, texts: pa.Array) -> bool:
    """Tell whether each text is exactly a value of the kind."""
    if kind == "bool":
        return set(texts.to_pylist()) <= {"true", "false"}
    if not pc.all(pc.match_substring_regex(texts, _INTEGER if kind == "int64" else _NUMBER)).as_py():
        return len(texts) == 0
    if kind == "int64":
        try:
            texts.cast(pa.int64())
        except pa.ArrowInvalid:
            return False
        return True
    return all(_is_exact_double(text) for text in texts.to_pylist())


def _is_exact_double(text: str) -> bool:
    plain = len(text) <= _SAFE_DIGITS and not {"e", "E"} & set(text)
    return plain or Decimal(repr(float(text))) == Decimal(text)
