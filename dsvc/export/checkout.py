"""Writing a dataset at one version as files of a directory, and only those files that differ from what is there.

Files are named by their content and appear whole, under names that no other content has; the manifest is replaced
last. So whoever reads by the manifest sees the old version or the new one, and a checkout that was killed goes on
where it was. Files that no checkout of ours made are never written, renamed or removed.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.errors import CheckoutError
from dsvc.export.dataset import SPLIT, DatasetReader
from dsvc.export.manifest import (
    JOURNAL,
    NEW_PREFIX,
    VERSION,
    ColumnEntry,
    FileEntry,
    ImageEntry,
    JournalLine,
    Manifest,
    append_journal,
    read_journal,
    read_manifest,
    sync_directory,
    sync_file,
    write_manifest,
)
from dsvc.export.parts import Part, Whole, content_id, cut_parts, cut_splits, joined_content_id
from dsvc.objects.types import Type
from dsvc.plugins.contracts import Exporter
from dsvc.recipe.spec import ITEM
from dsvc.repo.records import SOURCE
from dsvc.repo.view import View

Progress = Callable[[str, int, int | None], None]
"""Told what is under way, how many of its sources are done, and of how many."""

_OWN_NAME = re.compile(r"part-[0-9a-f]{16}\.[a-z0-9_.]+")
"""No manifest, whoever wrote it, makes us remove a file of another name."""
_NAME_HEX = 16
"""Hex digits of the content id in a file's name."""


class CheckoutReport(msgspec.Struct, frozen=True):
    """What a checkout did."""

    path: str
    commit: str | None
    """Hex; None for a draft."""
    dataset: str
    format: str
    rows: int
    n_files: int
    """Files that the directory's manifest lists now."""
    n_written: int
    n_kept: int
    """Files that were there with the same content."""
    n_removed: int
    """Own files of an earlier checkout that were taken away."""


def check_out(
    view: View,
    dataset: str,
    directory: Path,
    *,
    format_name: str,
    exporter: Exporter,
    options: Mapping[str, Any],
    progress: Progress | None = None,
) -> CheckoutReport:
    """Write a dataset of a version into a directory, which is made where it is not there.

    Args:
        view: The version.
        dataset: A dataset of it, or `global`.
        directory: Where the files go; files of others in it are left alone.
        format_name: What the exporter is called.
        exporter: Writes the files.
        options: What the exporter was made with.
        progress: Told how far it is.

    Raises:
        DatasetNotFoundError: If the version has no such dataset.
        CheckoutError: If the directory cannot be written, holds a file of another where one of ours goes, or is being
            written by another checkout. The old checkout is whole then.
        SchemaError: If the format cannot hold a column.
    """
    with DatasetReader(view, dataset) as reader, _opened(directory) as journal:
        return _Checkout(reader, directory, journal, format_name, exporter, dict(options)).run(progress)


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    """Open the journal of a directory for one checkout alone."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        journal = _lock(directory / JOURNAL)
    except BlockingIOError as err:
        raise CheckoutError(path=directory, reason="another checkout is writing there") from err
    except OSError as err:
        raise CheckoutError(path=directory, reason=str(err.strerror or err)) from err
    try:
        yield journal
    finally:
        if os.fstat(journal).st_size == 0:  # nothing was begun
            (directory / JOURNAL).unlink(missing_ok=True)
        os.close(journal)


def _lock(path: Path) -> int:
    """Open a file that no other process has locked."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise
        if path.exists() and os.path.samestat(os.fstat(file), path.stat()):
            return file
        os.close(file)  # the one who had it finished and took it away


class _Checkout:
    """One checkout under way."""

    def __init__(
        self,
        reader: DatasetReader,
        directory: Path,
        journal: int,
        format_name: str,
        exporter: Exporter,
        options: dict[str, Any],
    ) -> None:
        self.reader, self.directory, self.journal = reader, directory, journal
        self.exporter = exporter
        self.format, self.options = format_name, options
        self.style = msgspec.json.encode([format_name, sorted(options.items())]).decode()
        self.n_written = 0
        self._find_own()

    def _find_own(self) -> None:
        """Find out which files are ours, and what those hold that can be kept."""
        manifest, lines = read_manifest(self.directory), read_journal(self.directory)
        self.own = {line.name for line in lines if _OWN_NAME.fullmatch(line.name)}
        held = [line.entry for line in lines if line.entry is not None and line.style == self.style]
        if manifest is not None:
            self.own |= {entry.name for entry in manifest.files if entry.name and _OWN_NAME.fullmatch(entry.name)}
            if msgspec.json.encode([manifest.format, sorted(manifest.options.items())]).decode() == self.style:
                held += manifest.files
        whole = [entry for entry in held if entry.name is None or (entry.name in self.own and self._is_whole(entry))]
        self.by_inputs = {entry.inputs: entry for entry in whole}
        self.by_name = {entry.name: entry for entry in whole if entry.name is not None}

    def _is_whole(self, entry: FileEntry) -> bool:
        """Tell whether the file of an entry is there, with the size that it was written with."""
        if entry.name is None:
            return True
        try:
            return (self.directory / entry.name).stat().st_size == entry.size_bytes
        except FileNotFoundError:
            return False

    def run(self, progress: Progress | None) -> CheckoutReport:
        parts: Sequence[Part | Whole] = cut_splits(self.reader) if self.exporter.per_split else cut_parts(self.reader)
        append_journal(self.journal, [JournalLine(name) for name in sorted(self.own)])
        total = sum(part.n_sources for part in parts)
        done = 0
        files = []
        for part in parts:
            files.append(self.by_inputs.get(part.inputs) or self._make(part))
            done += part.n_sources
            if progress is not None:
                progress(f"{self.reader.name}", done, total)
        if not any(entry.name for entry in files):  # no rows at all: one file says which columns there are
            files[0] = self._write(pa.Table.from_batches([], self.reader.schema), files[0].inputs)
        sync_directory(self.directory)
        write_manifest(self.directory, self._manifest(files))
        return self._finish(files)

    def _make(self, part: Part | Whole) -> FileEntry:
        """Evaluate a part, and write its file unless it is there."""
        if isinstance(part, Whole):
            return self._make_whole(part)
        table = pa.Table.from_batches(self.reader.read(part.start, part.stop), self.reader.schema)
        if table.num_rows == 0:
            return FileEntry(None, 0, 0, content_id(table), part.inputs)
        return self._write(table, part.inputs)

    def _make_whole(self, whole: Whole) -> FileEntry:
        """Write the file of a whole split, part by part in memory; its name is known once all of it was read."""
        n_rows = 0
        ids: list[str] = []

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal n_rows
            for part in whole.parts:
                table = pa.Table.from_batches(self.reader.read(part.start, part.stop), self.reader.schema)
                if whole.split is not None:
                    table = table.filter(pc.equal(table.column(SPLIT), whole.split))
                if table.num_rows or (part is whole.parts[-1] and not ids):
                    ids.append(content_id(table))
                n_rows += table.num_rows
                yield from table.to_batches()

        new = self.directory / f"{NEW_PREFIX}whole{whole.label}"
        new.unlink(missing_ok=True)
        rows = batches()
        self.exporter.write(rows, self.reader.schema, new)
        for _ in rows:  # an exporter that stops early has not said what the rows are
            pass
        content = joined_content_id(ids)
        name = f"part-{content[:_NAME_HEX]}{whole.label}{self.exporter.suffix}"
        held = self.by_name.get(name)
        if held is not None and held.content == content:
            new.unlink()
            return msgspec.structs.replace(held, inputs=whole.inputs)
        return self._place(new, FileEntry(name, n_rows, new.stat().st_size, content, whole.inputs, whole.split))

    def _write(self, table: pa.Table, inputs: str) -> FileEntry:
        content = content_id(table)
        name = f"part-{content[:_NAME_HEX]}{self.exporter.suffix}"
        held = self.by_name.get(name)
        if held is not None and held.content == content:
            return msgspec.structs.replace(held, inputs=inputs)
        new = self.directory / f"{NEW_PREFIX}{name}"
        self._check_free(name)
        new.unlink(missing_ok=True)
        self.exporter.write(iter(table.to_batches()), table.schema, new)
        return self._place(new, FileEntry(name, table.num_rows, new.stat().st_size, content, inputs))

    def _check_free(self, name: str) -> None:
        path = self.directory / name
        if path.exists() and name not in self.own:
            raise CheckoutError(
                path=path,
                reason="a file that no checkout wrote is in the way",
                hint="move it away, or choose another directory with `--to`",
            )

    def _place(self, new: Path, entry: FileEntry) -> FileEntry:
        """Give a file that was written whole its name."""
        name = entry.name or ""
        self._check_free(name)
        sync_file(new)
        append_journal(self.journal, [JournalLine(name, self.style, entry)])
        new.replace(self.directory / name)
        self.own.add(name)
        self.n_written += 1
        return entry

    def _manifest(self, files: list[FileEntry]) -> Manifest:
        view, expressions = self.reader.view, dict(self.reader.columns)
        own = {SOURCE, SPLIT} if self.reader.unnest is None else {SOURCE, SPLIT, ITEM}
        image = None if self.reader.dataset is None else self.reader.dataset.image
        is_commit = view.commit is not None and view.root_id == view.commit.root
        return Manifest(
            dsvc_manifest=VERSION,
            commit=view.commit_id.hex() if is_commit and view.commit_id is not None else None,
            root=view.root_id.hex(),
            dataset=self.reader.name,
            format=self.format,
            options=self.options,
            columns=tuple(
                ColumnEntry(
                    field.name,
                    str(Type.from_arrow(field.type)),
                    None if field.name in own else expressions.get(field.name),
                )
                for field in self.reader.schema
            ),
            splits=self.reader.splits,
            rows=sum(entry.rows for entry in files),
            files=tuple(files),
            unnest=self.reader.unnest,
            image=None if image is None else ImageEntry(image.crop, float(image.margin), image.size),
        )

    def _finish(self, files: list[FileEntry]) -> CheckoutReport:
        """Take away what is ours and no more needed."""
        names = {entry.name for entry in files if entry.name is not None}
        stale = self.own - names
        for name in stale:
            (self.directory / name).unlink(missing_ok=True)
        for path in self.directory.glob(f"{NEW_PREFIX}*"):
            path.unlink(missing_ok=True)
        (self.directory / JOURNAL).unlink(missing_ok=True)
        manifest = self._manifest(files)
        return CheckoutReport(
            path=str(self.directory),
            commit=manifest.commit,
            dataset=manifest.dataset,
            format=self.format,
            rows=manifest.rows,
            n_files=len(names),
            n_written=self.n_written,
            n_kept=len(names) - self.n_written,
            n_removed=len(stale),
        )
