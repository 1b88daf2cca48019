"""One version to read from: a commit, or a draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from dsvc.errors import DatasetNotFoundError, SignalNotFoundError
from dsvc.objects.access import Reader
from dsvc.objects.commit import Commit
from dsvc.objects.encoding import get_object, hash_encoded
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.snapshot import Dataset, Root, Signal
from dsvc.objects.state import State
from dsvc.repo.names import nearest
from dsvc.repo.worktree import read_recipe, read_recipe_ids

if TYPE_CHECKING:
    import pyarrow as pa

    from dsvc.objects.tree import Tree

EMPTY_ROOT = Root()
EMPTY_ROOT_ID = hash_encoded(Kind.ROOT, EMPTY_ROOT)


class View:
    """The content and state of one version. Nothing of it changes, whatever happens to the refs."""

    def __init__(
        self,
        reader: Reader,
        root_id: Oid,
        state_id: Oid | None,
        *,
        commit_id: Oid | None = None,
        commit: Commit | None = None,
        revision: str = "HEAD",
    ) -> None:
        self.reader = reader
        self.root_id = root_id
        self.state_id = state_id
        """None where nothing is known beside the root."""
        self.commit_id = commit_id
        """The commit that this is, or that the draft stands on; None before the first."""
        self.commit = commit
        self.revision = revision
        """What the version was asked for as, for messages."""

    @cached_property
    def root(self) -> Root:
        """The content."""
        # The root of nothing need not be stored to be read.
        return EMPTY_ROOT if self.root_id == EMPTY_ROOT_ID else get_object(self.reader, self.root_id, Kind.ROOT, Root)

    @cached_property
    def state(self) -> State:
        """What is known beside the content."""
        return State() if self.state_id is None else get_object(self.reader, self.state_id, Kind.STATE, State)

    @cached_property
    def signals(self) -> Mapping[str, Oid]:
        """Name -> id of a signal object, by name."""
        return dict(self.root.signals)

    @cached_property
    def datasets(self) -> Mapping[str, Oid]:
        """Name -> id of a dataset object, by name."""
        return dict(self.root.datasets)

    @cached_property
    def source_signals(self) -> tuple[str, ...]:
        """The signals that say which sources there are: the put and the ingested ones, by name."""
        derived = {entry.name for entry in self.state.derived}
        return tuple(name for name in self.signals if name not in derived)

    @cached_property
    def waiting(self) -> Mapping[str, Oid]:
        """Signal -> id of a signal that says who waits for it, and why; only where someone does."""
        listed = [(entry.name, entry.waiting) for entry in self.state.ingested]
        listed += [(entry.name, entry.waiting) for entry in self.state.derived]
        return {name: waiting for name, waiting in listed if waiting is not None}

    def signal(self, name: str) -> Signal | None:
        """Return a signal, or None if it has no records."""
        oid = self.signals.get(name)
        return None if oid is None else get_object(self.reader, oid, Kind.SIGNAL, Signal)

    def get_signal(self, name: str) -> Signal:
        """Return a signal.

        Raises:
            SignalNotFoundError: If it has no records.
        """
        signal = self.signal(name)
        if signal is None:
            raise SignalNotFoundError(signal=name, revision=self.revision, nearest=nearest(name, self.signals))
        return signal

    def tree(self, name: str) -> Tree | None:
        """Return the records of a signal, or None if it has none."""
        from dsvc.objects.tree import Tree  # needs pyarrow

        signal = self.signal(name)
        return None if signal is None else Tree(self.reader, signal)

    def get_tree(self, name: str) -> Tree:
        """Return the records of a signal.

        Raises:
            SignalNotFoundError: If it has none.
        """
        from dsvc.objects.tree import Tree  # needs pyarrow

        return Tree(self.reader, self.get_signal(name))

    def dataset(self, name: str) -> Dataset:
        """Return a dataset.

        Raises:
            DatasetNotFoundError: If the version has none of this name.
        """
        oid = self.datasets.get(name)
        if oid is None:
            raise DatasetNotFoundError(dataset=name, revision=self.revision, nearest=nearest(name, self.datasets))
        return get_object(self.reader, oid, Kind.DATASET, Dataset)

    def selection(self, dataset: Dataset) -> Signal:
        """Return which sources a dataset selects: int8 by source, null where it does not."""
        return get_object(self.reader, dataset.selection, Kind.SIGNAL, Signal)

    def sources(self) -> Iterator[pa.StringArray]:
        """Yield the sources of the version in order: those with a record of a put or ingested signal."""
        from dsvc.repo.sources import iter_source_keys  # needs pyarrow

        return (keys.arrow for keys in iter_source_keys(self))

    def recipe_ids(self) -> dict[str, Oid]:
        """Return the recipe files of the commit: path -> id of a blob."""
        return {} if self.commit is None else read_recipe_ids(self.reader, self.commit.recipe)

    def recipe_files(self) -> dict[str, bytes]:
        """Return the recipe files of the commit: path -> content."""
        return {} if self.commit is None else read_recipe(self.reader, self.commit.recipe)
