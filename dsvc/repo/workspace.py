"""An open repository: its versions, its draft, and how the draft is edited.

Everything that changes a ref is one transaction, and its record in the operation log is part of it. An edit of the
draft reads it, makes what the edit needs, and replaces it by compare-and-swap; whoever loses applies the edit again
to what is there now, so no edit is lost and none waits for a lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

from dsvc.errors import RefConflictError
from dsvc.objects.access import Reader, Writer
from dsvc.objects.commit import Commit
from dsvc.objects.encoding import get_object, put_object
from dsvc.objects.oid import OID_BYTES, ZERO, Kind, Oid
from dsvc.objects.state import State
from dsvc.objects.trace import Trace
from dsvc.repo.config import Config, read_config, write_config
from dsvc.repo.draft import Draft, DraftEdit, decode_draft, encode_draft
from dsvc.repo.git import find_work_tree, ignore_directory
from dsvc.repo.history import find_commits, read_commit
from dsvc.repo.layout import DIRECTORY, Layout, begin_layout, find_layout, finish_layout, telling_why
from dsvc.repo.refs import DRAFT_REVISION, FIRST_BRANCH, HEAD, TRACES, Head, read_head, resolve, symbolic
from dsvc.repo.view import EMPTY_ROOT_ID, View
from dsvc.repo.worktree import RECIPE_FILE, STARTER_RECIPE, hash_files, read_known
from dsvc.store.base import OnWait, Operation, RefChange, Store
from dsvc.store.lmdb import LmdbStore
from dsvc.store.writer import ObjectWriter

Edit = Callable[[View, Writer], DraftEdit]
"""Makes a new draft from the present one; called again when another writer was faster, so it keeps nothing."""

MAX_TRACES = 64
"""Traces kept for each transform hash."""


class Workspace:
    """One repository, open. Close it, or use it as a context manager.

    Attributes:
        path: The directory that holds ``.dsvc`` and the recipe.
        store: Its objects and refs.
        author: Who commits and operates.
        clock: Returns microseconds since 1970, UTC.
    """

    def __init__(self, layout: Layout, store: Store, *, author: str | None, clock: Callable[[], int]) -> None:
        self.layout = layout
        self.path = layout.path
        self.store = store
        self.clock = clock
        self._author = author

    @classmethod
    def init(
        cls,
        path: Path | str,
        *,
        author: str | None = None,
        clock: Callable[[], int],
        command: str = "",
        on_wait: OnWait | None = None,
    ) -> Self:
        """Make a repository in a directory, which is made where it is not there.

        Writes a starter ``dsvc.toml`` where there is none. Inside a git work tree, git is left to keep the recipe
        files, and ``.dsvc/`` is added to ``.gitignore``.

        Args:
            path: The directory.
            author: Who commits and operates; the configured one if None.
            clock: Returns microseconds since 1970, UTC.
            command: What other processes are told who wait for this one to write.
            on_wait: Called once with the note of a writer that is in the way for more than a second.

        Raises:
            RepositoryExistsError: If the directory holds one.
            UserError: If nothing can be written there.
        """
        layout = begin_layout(Path(path))
        in_git = find_work_tree(layout.path) is not None
        with telling_why(layout.path):
            write_config(layout.config, Config(recipe="git" if in_git else "dsvc"))
            if in_git:
                ignore_directory(layout.path, DIRECTORY)
            recipe = layout.path / RECIPE_FILE
            if not recipe.exists():
                recipe.write_bytes(STARTER_RECIPE)
        store = LmdbStore(layout.store, create=True, command=command, on_wait=on_wait)
        repo = cls(layout, store, author=author, clock=clock)
        if repo.store.refs.get(HEAD) is None:  # it is there when an earlier init was interrupted
            repo.store.refs.update([RefChange(HEAD, None, symbolic(FIRST_BRANCH))], op=repo.operation("init"))
        finish_layout(layout)
        return repo

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        author: str | None = None,
        clock: Callable[[], int],
        command: str = "",
        on_wait: OnWait | None = None,
    ) -> Self:
        """Open the repository in a directory, or in the nearest one above it.

        Args:
            path: The directory.
            author: Who commits and operates; the configured one if None.
            clock: Returns microseconds since 1970, UTC.
            command: What other processes are told who wait for this one to write.
            on_wait: Called once with the note of a writer that is in the way for more than a second.

        Raises:
            NotARepositoryError: If there is none.
            UnsupportedFormatError: If another version of dsvc made it.
        """
        layout = find_layout(Path(path))
        store = LmdbStore(layout.store, command=command, on_wait=on_wait)
        return cls(layout, store, author=author, clock=clock)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def config(self) -> Config:
        """The settings of this repository."""
        return read_config(self.layout.config)

    @property
    def author(self) -> str:
        """Who commits and operates: as given, else as configured."""
        return self._author or self.config.author or "unknown"

    def operation(self, command: str) -> Operation:
        """Return a new record for the operation log."""
        return Operation(self.clock(), self.author, command)

    # --- what there is ----------------------------------------------------------------------------------------------

    def head(self) -> Head:
        """Return where HEAD is."""
        return read_head(self.store)

    def resolve(self, revision: str) -> Oid:
        """Return the id of the commit that a revision names.

        Raises:
            RefNotFoundError: If nothing has this name.
            AmbiguousOidError: If several commits begin with these digits.
        """
        return resolve(self.store, revision, lambda prefix: find_commits(self.store, prefix))

    def read_commit(self, oid: Oid) -> Commit:
        """Return a commit object."""
        return read_commit(self.store.objects, oid)

    def view(self, revision: str = HEAD) -> View:
        """Return the version that a revision names; ``@draft`` is the draft of where HEAD is.

        Raises:
            RefNotFoundError: If nothing has this name.
        """
        if revision == DRAFT_REVISION:
            return self.draft_view(*self.read_draft())
        oid = self.resolve(revision)
        commit = self.read_commit(oid)
        return View(self.store.objects, commit.root, commit.state, commit_id=oid, commit=commit, revision=revision)

    def commit_view(self, view: View) -> View:
        """Return the commit that a version is or stands on, as it was committed; nothing before the first."""
        commit = view.commit
        root, state = (EMPTY_ROOT_ID, None) if commit is None else (commit.root, commit.state)
        return View(self.store.objects, root, state, commit_id=view.commit_id, commit=commit)

    def read_draft(self) -> tuple[Head, bytes | None]:
        """Return where HEAD is and the value of its draft's ref, None while the draft equals the commit."""
        head = self.head()
        return head, self.store.refs.get(head.draft_ref)

    def draft_view(self, head: Head, data: bytes | None, *, reader: Reader | None = None) -> View:
        """Return the draft that `read_draft` found, read through the store unless `reader` is given."""
        commit = None if head.commit is None else self.read_commit(head.commit)
        if data is not None:
            draft = decode_draft(data)
            root, state = draft.root, draft.state
        else:
            root, state = (EMPTY_ROOT_ID, None) if commit is None else (commit.root, commit.state)
        return View(
            reader or self.store.objects,
            root,
            state,
            commit_id=head.commit,
            commit=commit,
            revision=DRAFT_REVISION,
        )

    def traces(self, transform: Oid) -> list[tuple[Oid, Trace]]:
        """Return the retained traces of a transform hash whose objects are there, with their ids, newest first."""
        data = self.store.refs.get(TRACES + transform.hex()) or b""
        oids = [Oid(data[at : at + OID_BYTES]) for at in range(0, len(data), OID_BYTES)]
        missing = self.store.objects.missing(oids)
        found = [(oid, get_object(self.store.objects, oid, Kind.TRACE, Trace)) for oid in oids if oid not in missing]
        return [(oid, trace) for oid, trace in found if not self._misses_any(trace)]

    def _misses_any(self, trace: Trace) -> bool:
        named = {trace.output, *(used.signal for used in trace.inputs)} - {ZERO}
        return bool(self.store.objects.missing(sorted(named)))

    # --- the recipe, as far as it is known here ---------------------------------------------------------------------

    def recipe_files(self) -> Mapping[str, bytes]:
        """Return the recipe files to commit: path -> content. Whoever can read a recipe knows all of them."""
        return self.lying_files(self.draft_view(*self.read_draft()))

    def derived_names(self) -> tuple[frozenset[str], frozenset[str]] | None:
        """Return the names of the steps and datasets of the recipe as it lies there; None where nobody can tell."""
        return None

    def find_stale(self, draft: View) -> Sequence[tuple[str, str]]:
        """Return ("signal" or "dataset", name) of what does not follow from its inputs; known to the engine."""
        return ()

    def find_owner(self, signal: str) -> str | None:
        """Return the recipe's table that makes a signal, e.g. ``step.x``, or None if it may be put by hand."""
        state = self.view(DRAFT_REVISION).state
        if any(entry.name == signal for entry in state.derived):
            return f"step.{signal}"
        return f"signal.{signal}" if any(entry.name == signal for entry in state.ingested) else None

    def baseline_files(self, view: View) -> dict[str, bytes]:
        """Return the recipe files as last committed; before the first commit, as `init` wrote them."""
        if view.commit is None:
            return {RECIPE_FILE: STARTER_RECIPE}
        return view.recipe_files()

    def baseline_ids(self, view: View) -> dict[str, Oid]:
        """Return the ids of the blobs of the recipe files as last committed; as `init` wrote them before."""
        if view.commit is None:
            return hash_files({RECIPE_FILE: STARTER_RECIPE})
        return view.recipe_ids()

    def lying_files(self, view: View) -> dict[str, bytes]:
        """Return the last committed recipe files as they lie in the directory."""
        return read_known(self.path, self.baseline_ids(view))

    # --- the draft --------------------------------------------------------------------------------------------------

    def new_writer(self) -> ObjectWriter:
        """Return a writer of objects, which keeps the store's transactions small however much it is given."""
        return ObjectWriter(self.store)

    def edit_draft(self, edit: Edit, *, command: str) -> View:
        """Replace the draft by what `edit` makes of it; durable on return.

        The edit is applied again whenever another writer was faster. An edit that changes nothing leaves no
        operation behind.

        Args:
            edit: Given the draft, which reads through the writer, and the writer.
            command: What the operation log says.

        Returns:
            The new draft.
        """
        with self.new_writer() as writer:
            while True:
                try:
                    return self._edit_once(edit, writer, command)
                except RefConflictError:
                    continue  # what was written stays with the writer and is not written again

    def _edit_once(self, edit: Edit, writer: ObjectWriter, command: str) -> View:
        head, data = self.read_draft()
        view = self.draft_view(head, data, reader=writer)
        result = edit(view, writer)
        root = view.root_id if result.root is None else put_object(writer, Kind.ROOT, result.root)
        state = view.state_id if result.state is None else self._put_state(writer, result.state)
        changes = self._trace_changes(result.traces)
        if (root, state) != (view.root_id, view.state_id):
            changes += self._draft_changes(head, data, view, root, state)
        if changes:
            writer.update(changes, self.operation(command))
        return View(self.store.objects, root, state, commit_id=head.commit, commit=view.commit, revision=DRAFT_REVISION)

    @staticmethod
    def _put_state(writer: Writer, state: State) -> Oid | None:
        return None if state == State() else put_object(writer, Kind.STATE, state)

    @staticmethod
    def _draft_changes(head: Head, data: bytes | None, view: View, root: Oid, state: Oid | None) -> list[RefChange]:
        committed = (EMPTY_ROOT_ID, None) if view.commit is None else (view.commit.root, view.commit.state)
        new = None if (root, state) == committed else encode_draft(Draft(head.commit, root, state))
        # The branch must still be at the commit that the draft stands on.
        return [RefChange(head.draft_ref, data, new), RefChange(head.ref, head.commit, head.commit)]

    def _trace_changes(self, traces: Iterable[tuple[Oid, Oid]]) -> list[RefChange]:
        before: dict[str, bytes | None] = {}
        after: dict[str, bytes] = {}
        for transform, trace in traces:
            name = TRACES + transform.hex()
            if name not in before:
                before[name] = self.store.refs.get(name)
                after[name] = before[name] or b""
            kept = [after[name][at : at + OID_BYTES] for at in range(0, len(after[name]), OID_BYTES)]
            after[name] = b"".join([trace, *(oid for oid in kept if oid != trace)][:MAX_TRACES])
        return [RefChange(name, value, after[name]) for name, value in before.items() if value != after[name]]
