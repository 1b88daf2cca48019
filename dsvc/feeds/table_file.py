"""Putting the rows of a file: a column `source`, and beside it a signal's value or the fields of it.

| name ends in | holds | types |
| --- | --- | --- |
| `.parquet` | Parquet | the file's own |
| `.arrow` `.feather` `.ipc` `.arrows` | Arrow IPC, file or stream | the file's own |
| `.jsonl` `.ndjson` | JSON, one object a line | the signal's, else the least that hold every row |
| `.csv` | CSV with a header | as JSON lines; a cell is a number only if nothing is lost by it |

The last two may end in `.gz` too. A file is read in pieces: once, or, where types have to be found, twice.

Source: docs/how-to/put.md.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from dsvc.errors import MissingFileError, SchemaError, UserError
from dsvc.feeds.csv_text import CsvColumns
from dsvc.feeds.fit import to_array
from dsvc.feeds.infer import Profile
from dsvc.feeds.json_lines import read_json_lines
from dsvc.objects.types import Type, parse_type

if TYPE_CHECKING:
    from dsvc.repo.base import BaseRepository
    from dsvc.repo.putting import PutReport

Rows = Iterable[list[dict[str, Any]]]
Progress = Callable[[str, int, int | None], None]
"""Told what is done, how much of it, and of how much."""

SOURCE = "source"
DRAFT = "@draft"
ROWS_PER_BATCH = 65_536
FORMATS = {
    "parquet": "parquet",
    "arrow": "arrow",
    "feather": "arrow",
    "ipc": "arrow",
    "arrows": "arrow",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "csv": "csv",
}
"""What a file holds by the end of its name."""


def put_file(
    repo: BaseRepository,
    signal: str,
    path: Path,
    *,
    producer: str,
    format: str | None = None,  # noqa: A002 - the option's word
    type: str | None = None,  # noqa: A002 - the recipe's word
    replace: bool = False,
    progress: Progress | None = None,
) -> PutReport:
    """Put the rows of a file into the draft, in bounded memory; see `dsvc.repo.base.BaseRepository.put`.

    Args:
        repo: The repository.
        signal: The signal's name.
        path: The file.
        producer: ``name@version``.
        format: One of `parquet`, `arrow`, `jsonl` and `csv`; told from the name if None.
        type: The signal's type; if None, the one it has.
        replace: Drop the signal's other records, and with them its type.
        progress: Told how many rows have been read.

    Raises:
        MissingFileError: If there is no such file.
        UserError: If its name does not tell its format.
        SchemaError: If it cannot be read as its format, or its rows cannot be put.
    """
    if not path.is_file():
        raise MissingFileError(path=path)
    known = None if type is None else parse_type(type)
    if known is None and not replace and (held := repo.view(DRAFT).signal(signal)) is not None:
        known = Type.decode(held.type)
    try:
        stream = _open(path, format or _format_of(path), signal, known)
        batches = stream if progress is None else _counted(stream, progress)
        return repo.put(signal, batches, producer=producer, type=type, replace=replace)
    except (OSError, ValueError, pa.ArrowException) as err:
        raise SchemaError(message=f"{path} cannot be read: {err}") from err


def _format_of(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    format_ = FORMATS.get(name.rpartition(".")[2])
    if format_ is None:
        raise UserError(
            message=f"the name {path.name!r} does not say what the file holds",
            hint="say it with `--format parquet`, `arrow`, `jsonl` or `csv`",
        )
    return format_


def _counted(stream: pa.RecordBatchReader, progress: Progress) -> pa.RecordBatchReader:
    def count() -> Iterator[pa.RecordBatch]:
        done = 0
        for batch in stream:
            done += batch.num_rows
            progress("rows", done, None)
            yield batch

    return pa.RecordBatchReader.from_batches(stream.schema, count())


def _open(path: Path, format_: str, signal: str, known: Type | None) -> pa.RecordBatchReader:
    """Return the rows of a file as a stream."""
    match format_:
        case "parquet":
            # Read ahead, pyarrow keeps the bytes of every row group until the end.
            file = pq.ParquetFile(path, pre_buffer=False)
            return pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(ROWS_PER_BATCH))
        case "arrow":
            return _open_arrow(path)
        case "csv":
            columns = CsvColumns()
            columns.learn(path)
            return _open_rows(lambda: columns.read(path, None), signal, known)
        case _:
            return _open_rows(lambda: _json_rows(path), signal, known)


def _open_arrow(path: Path) -> pa.RecordBatchReader:
    source = pa.OSFile(str(path))
    is_file = source.read(6) == b"ARROW1"
    source.seek(0)
    if not is_file:
        return pa.ipc.open_stream(source)
    file = pa.ipc.open_file(source)
    batches = (file.get_batch(at) for at in range(file.num_record_batches))
    return pa.RecordBatchReader.from_batches(file.schema, batches)


def _json_rows(path: Path) -> Iterator[list[dict[str, Any]]]:
    with cast("BinaryIO", gzip.open(path) if path.name.endswith(".gz") else path.open("rb")) as file:
        yield from read_json_lines(file)


def _open_rows(read: Callable[[], Rows], signal: str, known: Type | None) -> pa.RecordBatchReader:
    """Return rows of plain values as a stream, of types that hold all of them."""
    found = _find_types(read())
    names = sorted(set(found) - {SOURCE})
    if names == [signal] and known is not None:
        found[signal] = known
    elif known is not None and known.physical[0] == "struct":
        fields = known.physical[1]
        found |= {name: Type(physical) for name, physical in fields}
        names = sorted(set(found) - {SOURCE})
    if SOURCE in found:
        found[SOURCE] = Type(("string",))
    kept = {name: found[name] for name in (SOURCE, *names) if name in found}
    schema = pa.schema([(name, type_.arrow) for name, type_ in kept.items()])
    return pa.RecordBatchReader.from_batches(schema, (_batch(rows, kept) for rows in read()))


def _find_types(rows: Rows) -> dict[str, Type]:
    """Return the columns of rows, each with the least type that holds all of its values."""
    profiles: dict[str, Profile] = {}
    for batch in rows:
        for name in {name for row in batch for name in row}:
            profiles.setdefault(name, Profile()).add([row.get(name) for row in batch])
    return {name: profile.least_type() for name, profile in profiles.items()}


def _batch(rows: list[dict[str, Any]], types: dict[str, Type]) -> pa.RecordBatch:
    arrays = []
    for name, type_ in types.items():
        values = [row.get(name) for row in rows]
        array, misfits = to_array(values, type_)
        if misfits:
            row, why = misfits[0]
            raise SchemaError(
                message=f"column {name!r} of {rows[row].get(SOURCE)}: {why}",
                hint="mend the value, or put the signal anew with `--replace` and another `--type`",
            )
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, names=list(types))
