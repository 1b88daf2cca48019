"""The verbs of a repository: what can be done with versions of signals, whatever a recipe says.

What reads records needs Arrow, and is imported by the methods that do it: `dsvc log` starts without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from dsvc.repo import history, switching
from dsvc.repo.branches import (
    BranchInfo,
    TagInfo,
    create_branch,
    create_tag,
    delete_branch,
    delete_tag,
    list_branches,
    list_tags,
)
from dsvc.repo.committing import commit_draft
from dsvc.repo.oplog import OperationInfo, iter_operations
from dsvc.repo.refs import DRAFT_REVISION, HEAD, split_range
from dsvc.repo.rowcounts import known_counts
from dsvc.repo.show import Shown, show_commit
from dsvc.repo.status import Status, make_status
from dsvc.repo.view import View
from dsvc.repo.workspace import Workspace
from dsvc.repo.worktree import changed_files, hash_files

if TYPE_CHECKING:
    import pyarrow as pa

    from dsvc.repo.blame import Blame
    from dsvc.repo.diffing import Stat
    from dsvc.repo.incoming import TableLike
    from dsvc.repo.putting import PutReport
    from dsvc.repo.reading import Record
    from dsvc.repo.records import SourceColumn


class BaseRepository(Workspace):
    """One repository, open, without what needs a recipe."""

    _last_sources: SourceColumn | None = None
    """Hashed and cut for the signals of one table: they are put one after another."""

    # --- records ----------------------------------------------------------------------------------------------------

    def put(
        self,
        signal: str,
        data: TableLike,
        *,
        producer: str,
        type: str | None = None,  # noqa: A002  -- the recipe's word
        replace: bool = False,
    ) -> PutReport:
        """Put records into the draft: a source that has one gets the new one. Durable on return.

        Args:
            signal: The signal's name.
            data: A table, or an iterable or stream of Arrow record batches, which is read in bounded memory. Column
                `source` holds pointers, in any order, each once; beside it, one column named like the signal is its
                value, and any others are the fields of a struct, sorted by name.
            producer: ``name@version``, cut at the last ``@``; the version is ``0`` where it is left out.
            type: The signal's type where it has a name, such as ``boxes``; else the column's.
            replace: Drop the signal's other records, and with them its type.

        Raises:
            InvalidNameError: If no signal can have this name.
            SignalOwnedError: If the recipe makes this signal.
            PointerError: If a source is no pointer.
            SchemaError: If the records have duplicate sources, another type than the signal, a type that is not
                stored, a record of more than 256 KiB, or a value that looks like an encoded image.
        """
        from dsvc.repo.putting import put_records

        return put_records(self, signal, data, producer=producer, type_text=type, replace=replace)

    def read_sources(self, signal: str, sources: pa.ChunkedArray) -> SourceColumn:
        """Return the sources of a table, checked and in order; those of the last table are kept prepared.

        Raises:
            PointerError: If one is no pointer.
            DuplicateSourceError: If one comes twice.
        """
        from dsvc.repo.records import SourceColumn

        if self._last_sources is None or not self._last_sources.is_of(sources):
            self._last_sources = SourceColumn(signal, sources)
        return self._last_sources

    def remove(self, signal: str, pointers: Iterable[str]) -> int:
        """Remove records from the draft and return how many there were. Durable on return.

        Args:
            signal: The signal's name.
            pointers: Sources; those without a record are passed over.

        Raises:
            SignalNotFoundError: If the draft has no such signal.
            SignalOwnedError: If the recipe makes this signal.
        """
        from dsvc.repo.putting import remove_records

        return remove_records(self, signal, pointers)

    def read(self, revision: str = HEAD, signals: Sequence[str] | None = None) -> pa.Table:
        """Return the records of signals, joined by source.

        Args:
            revision: The version.
            signals: Names, in the order of the columns; all by name if None.

        Returns:
            `source`, then a column a signal, ordered by source: the sources that have any of the signals, null
            where there is no record.

        Raises:
            SignalNotFoundError: If the version has no such signal.
        """
        from dsvc.repo.reading import read_table

        return read_table(self.view(revision), signals)

    def iter_read(
        self,
        revision: str = HEAD,
        signals: Sequence[str] | None = None,
        *,
        start: str | None = None,
        stop: str | None = None,
        rows_per_batch: int = 131_072,
    ) -> Iterator[pa.RecordBatch]:
        """Yield what `read` returns in batches, in bounded memory.

        Args:
            revision: The version.
            signals: Names; all if None.
            start: The first source, included.
            stop: The last source, not included.
            rows_per_batch: Rows of a batch, at most.
        """
        from dsvc.repo.reading import iter_batches

        return iter_batches(self.view(revision), signals, start=start, stop=stop, rows_per_batch=rows_per_batch)

    def record(self, signal: str, pointer: str, revision: str = HEAD) -> Record:
        """Return one record: its value and its provenance.

        Raises:
            SignalNotFoundError: If the version has no such signal.
            RecordNotFoundError: If it has no record for this source.
        """
        from dsvc.repo.reading import read_record

        return read_record(self.view(revision), signal, pointer)

    def diff(
        self, before: str = HEAD, after: str | None = None, *, signal: str | None = None, provenance: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """Yield the records that differ between two versions, each batch of one signal, by signal and source.

        Args:
            before: The old version, or ``A..B``.
            after: The new version; the draft if None.
            signal: Only this signal.
            provenance: Tell provenance on both sides too, and records where only that differs.

        Returns:
            Batches of `signal`, `source`, `op` (``+``, ``-``, ``~``, and with `provenance` also ``=``), `before`,
            `after`, and with `provenance` also `before_provenance` and `after_provenance`.
        """
        from dsvc.repo.diffing import diff_views

        return diff_views(*self.two_views(before, after), signal=signal, provenance=provenance)

    def diff_stat(self, before: str = HEAD, after: str | None = None) -> list[Stat]:
        """Return how many records were added, removed and changed, for each signal and dataset that differs."""
        from dsvc.repo.diffing import stat_views

        return stat_views(*self.two_views(before, after))

    def two_views(self, before: str = HEAD, after: str | None = None) -> tuple[View, View]:
        """Return the versions to compare; before the first commit, HEAD is empty."""
        if after is None and (ends := split_range(before)) is not None:
            before, after = ends
        new = self.view(after or DRAFT_REVISION)
        if before == HEAD and self.head().commit is None:
            return self.commit_view(self.view(DRAFT_REVISION)), new
        return self.view(before), new

    def blame(self, signal: str, pointer: str, revision: str = HEAD) -> Blame:
        """Return who gave a record its value: commit, producer, version, transform, and the same for its inputs.

        Raises:
            SignalNotFoundError: If the version has no such signal.
            RecordNotFoundError: If it has no record for this source.
        """
        from dsvc.repo.blame import blame_record

        return blame_record(self, self.view(revision), signal, pointer)

    # --- versions ---------------------------------------------------------------------------------------------------

    def commit(self, message: str, *, allow_empty: bool = False, as_is: bool = False) -> history.CommitInfo:
        """Make the draft and the recipe files a commit. Durable on return.

        Args:
            message: What it is for.
            allow_empty: Commit although nothing changed.
            as_is: Commit although something derived is stale, and mark the commit so.

        Raises:
            NothingToCommitError: If nothing changed.
            StaleDraftError: If something derived does not follow from its inputs.
        """
        self._last_sources = None  # what is put after a commit is another table, as a rule
        return commit_draft(self, message, allow_empty=allow_empty, as_is=as_is)

    def log(self, revision: str = HEAD, limit: int | None = None) -> list[history.CommitInfo]:
        """Return the commits that lead to a revision, or those of a range ``A..B``, newest first.

        Args:
            revision: A revision or a range.
            limit: Commits at most.
        """
        before, after = split_range(revision) or (None, revision)
        hidden = [] if before is None else [self.resolve(before)]
        refs = history.refs_by_commit(self.store)
        walk = history.walk(self.store.objects, [self.resolve(after)], hidden)
        return [history.describe_commit(oid, commit, refs.get(oid, ())) for oid, commit in islice(walk, limit)]

    def show(self, revision: str = HEAD) -> Shown:
        """Return a commit, and what it changed against its first parent, told without reading a record."""
        return show_commit(self, self.resolve(revision))

    def status(self) -> Status:
        """Return where the repository stands, told without reading a record."""
        head, data = self.read_draft()
        draft = self.draft_view(head, data)
        commit = None
        if head.commit is not None and draft.commit is not None:
            refs = history.refs_by_commit(self.store).get(head.commit, ())
            commit = history.describe_commit(head.commit, draft.commit, refs)
        files = changed_files(self.baseline_ids(draft), hash_files(self.lying_files(draft)))
        return make_status(
            head.branch,
            commit,
            self.commit_view(draft),
            draft,
            files,
            counts=known_counts(self.store.refs) if draft.datasets else {},
            named=self.derived_names(),
        )

    def branch(self, name: str, revision: str = HEAD) -> BranchInfo:
        """Make a branch at a revision; HEAD stays where it is.

        Raises:
            InvalidNameError: If no branch can have this name.
            RefExistsError: If a branch or tag has it.
        """
        return create_branch(self, name, revision)

    def branches(self) -> list[BranchInfo]:
        """Return the branches by name."""
        return list_branches(self)

    def delete_branch(self, name: str, *, force: bool = False) -> None:
        """Take a branch away.

        Args:
            name: Not the current one.
            force: Also when it has a draft, or when nothing else leads to its last commit.
        """
        delete_branch(self, name, force=force)

    def tag(self, name: str, revision: str = HEAD, *, message: str = "") -> TagInfo:
        """Give a commit a lasting name, or, as ``dataset@version``, one dataset at a commit.

        Raises:
            InvalidNameError: If no tag can have this name.
            RefExistsError: If a tag or branch has it.
            DatasetNotFoundError: If the commit has no such dataset.
        """
        return create_tag(self, name, revision, message)

    def tags(self) -> list[TagInfo]:
        """Return the tags by name."""
        return list_tags(self)

    def delete_tag(self, name: str) -> None:
        """Take a tag away."""
        delete_tag(self, name)

    def switch(self, name: str, *, create: bool = False, revision: str | None = None, discard: bool = False) -> None:
        """Make another branch the current one, and write its recipe files.

        Args:
            name: The branch.
            create: Make it, here or at `revision`; made here, it takes the draft along.
            revision: Where to make it; HEAD if None.
            discard: Drop a draft and edits of recipe files.

        Raises:
            DirtyWorktreeError: If a draft or edits of recipe files would be lost.
            RefNotFoundError: If there is no such branch.
        """
        if create:
            switching.switch_new_branch(self, name, revision)
        else:
            switching.switch_branch(self, name, discard=discard)

    def checkout_revision(self, revision: str, *, discard: bool = False) -> None:
        """Move HEAD to any commit, detached unless it is a branch, and write its recipe files.

        Raises:
            DirtyWorktreeError: If a draft or edits of recipe files would be lost.
        """
        switching.checkout_revision(self, revision, discard=discard)

    def discard(self) -> None:
        """Drop the draft and the edits of recipe files."""
        switching.discard_changes(self)

    def operations(self) -> Iterator[OperationInfo]:
        """Yield the operation log, newest first."""
        return iter_operations(self.store.refs)
