"""The feed `files`: documents in files beside the recipe, or anywhere a path leads.

| name ends in | holds |
| --- | --- |
| `.parquet` | Parquet |
| `.arrow` `.feather` `.ipc` `.arrows` | Arrow IPC, file or stream |
| `.jsonl` `.ndjson` | JSON, one object a line |
| `.csv` | CSV with a header |
| `.bson` | what mongodump writes |

The last three may end in `.gz` too. Files are read in the order of their names; all of them are read again when a file
comes, goes, or changes in size or time.

Source: docs/how-to/ingest.md#files.
"""

from __future__ import annotations

import glob
import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import msgspec

from dsvc.errors import FeedError
from dsvc.feeds.documents import key_text
from dsvc.feeds.paths import DocumentPath
from dsvc.plugins.contracts import DocumentBatch, Feed
from dsvc.plugins.match import compile_filter
from dsvc.plugins.options import Option

if TYPE_CHECKING:
    from dsvc.feeds.csv_text import CsvColumns

Documents = list[dict[str, Any]]

_FORMATS = {
    "parquet": "parquet",
    "arrow": "arrow",
    "feather": "arrow",
    "ipc": "arrow",
    "arrows": "arrow",
    "jsonl": "json_lines",
    "ndjson": "json_lines",
    "csv": "csv",
    "bson": "bson",
}
_MAY_BE_GZIPPED = {"json_lines", "csv", "bson"}


class Place(NamedTuple):
    """Where a document stands."""

    file: str
    number: int
    """In the file, from 0."""

    def __str__(self) -> str:
        return f"{self.file}, document {self.number + 1:,}"


class FilesFeed(Feed):
    """Reads documents from files."""

    options = {"path": Option(str, "a path or a pattern like archive/**/*.jsonl, relative to the recipe")}
    meaning_keys = ("path",)

    def read(self, cursor: bytes | None = None) -> Iterator[DocumentBatch]:
        """Yield the documents of every file, in the order of names and rows; a cursor changes nothing.

        Raises:
            FeedError: If there is no such file, its name says no format, or it cannot be read as it; it is named.
            PluginError: If BSON is to be read and pymongo is not installed.
        """
        matches = compile_filter(self.name, self.query.filter)
        for name, documents, by_id in self._iter_files():
            row = 0
            for found in documents:
                positions: list[Any] = list(map(Place, repeat(name), range(row, row + len(found))))
                row += len(found)
                if by_id:
                    # A dump has no order of its own, and its collection gives the same documents by `_id`.
                    positions = [document.get("_id", at) for document, at in zip(found, positions, strict=True)]
                if not self.query.filter:
                    yield DocumentBatch(found, positions)
                elif kept := [at for at, document in enumerate(found) if matches(document)]:
                    yield DocumentBatch([found[at] for at in kept], [positions[at] for at in kept])

    def fingerprint(self) -> bytes:
        """Return name, size and time of every file."""
        stats = [(self._shown(path), path.stat()) for path in self._paths()]
        return msgspec.json.encode([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])

    def lookup(self, path: str, values: Sequence[Any]) -> Iterator[DocumentBatch]:
        """Yield the documents whose field at `path` is one of `values`, found by reading all."""
        at, wanted = DocumentPath(path), {key_text(value) for value in values} - {None}
        for batch in self.read():
            rows = [row for row, found in enumerate(at.column(batch.documents)) if key_text(found) in wanted]
            if rows:
                yield DocumentBatch([batch.documents[row] for row in rows], [batch.positions[row] for row in rows])

    def _paths(self) -> list[Path]:
        pattern = str(self.base_dir / self.values["path"])
        paths = [Path(found) for found in glob.glob(pattern, recursive=True)]  # noqa: PTH207 - absolute patterns too
        paths = sorted((path for path in paths if path.is_file()), key=lambda path: str(path).encode())
        if not paths:
            raise FeedError(
                feed=self.name,
                reason=f"no file matches {self.values['path']!r}",
                hint=f"paths are relative to {self.base_dir}",
            )
        return paths

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self.base_dir)) if path.is_relative_to(self.base_dir) else str(path)

    def _iter_files(self) -> Iterator[tuple[str, Iterator[Documents], bool]]:
        """Yield each file's name and documents, and whether these are known by `_id` rather than by place."""
        paths = [(path, self._format(path)) for path in self._paths()]
        columns = self._learn_columns([path for path, format_ in paths if format_ == "csv"])
        for path, format_ in paths:
            with self._named_errors(path):
                reader = self._reader(format_, columns)
            yield self._shown(path), self._checked(path, reader), format_ == "bson"

    def _checked(self, path: Path, reader: Callable[[Path], Iterator[Documents]]) -> Iterator[Documents]:
        with self._named_errors(path):
            yield from reader(path)

    def _format(self, path: Path) -> str:
        *_, last_but_one, last = ("", *path.name.lower().split("."))
        gzipped = last == "gz"
        format_ = _FORMATS.get(last_but_one if gzipped else last)
        if format_ is None or (gzipped and format_ not in _MAY_BE_GZIPPED):
            known = " ".join(f".{suffix}" for suffix in _FORMATS)
            raise FeedError(
                feed=self.name,
                reason=f"the name of {self._shown(path)} does not say its format",
                hint=f"names end in {known}; the last five may have .gz after it",
            )
        return format_

    def _reader(self, format_: str, columns: CsvColumns | None) -> Callable[[Path], Iterator[Documents]]:
        if format_ == "bson":
            from dsvc.feeds.bson_dump import need_pymongo

            need_pymongo("files")
            return _read_bson
        if format_ == "json_lines":
            return _read_json_lines
        if columns is not None and format_ == "csv":
            return partial(columns.read, fields=self.query.fields)
        from dsvc.feeds.tables import read_arrow, read_parquet

        return partial(read_parquet if format_ == "parquet" else read_arrow, fields=self.query.fields)

    def _learn_columns(self, paths: Sequence[Path]) -> CsvColumns | None:
        if not paths:
            return None
        from dsvc.feeds.csv_text import CsvColumns

        columns = CsvColumns()
        for path in paths:
            with self._named_errors(path):
                columns.learn(path)
        return columns

    @contextmanager
    def _named_errors(self, path: Path) -> Iterator[None]:
        """Turn what a reader raises into an error that names the feed and the file."""
        try:
            yield
        except (OSError, EOFError, ValueError, zlib.error) as err:  # pyarrow's errors are ValueErrors
            reason = "it ends within a document" if isinstance(err, EOFError) else str(err).splitlines()[0]
            raise FeedError(
                feed=self.name,
                reason=f"cannot read {self._shown(path)}: {reason}",
                hint="nothing of the feed was taken in; mend or move the file and ingest again",
            ) from err


def _open(path: Path) -> BinaryIO:
    if path.name.lower().endswith(".gz"):
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")


def _read_json_lines(path: Path) -> Iterator[Documents]:
    from dsvc.feeds.json_lines import read_json_lines

    with _open(path) as file:
        yield from read_json_lines(file)


def _read_bson(path: Path) -> Iterator[Documents]:
    from dsvc.feeds.bson_dump import decode, read_dump

    with _open(path) as file:
        for run in read_dump(file):
            yield decode(run)
