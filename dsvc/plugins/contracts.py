"""What a feed, transform, producer, exporter or executor must do. A plugin subclasses one, and a hook offers it.

`dsvc.testing.plugins` has a suite for each that a plugin's own tests run.

Source: docs/how-to/plugins.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from dsvc.errors import DsvcError
from dsvc.plugins.options import Option

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class FeedQuery:
    """What of a feed's documents is asked for, to be pushed down as far as the feed can.

    Attributes:
        filter: A MongoDB filter document; empty for all. Every document given must match it.
        fields: Dotted paths that will be read; a document may carry more. None asks for whole documents.
        cursor: Dotted path of the field that grows, by which reading goes on later; None where the recipe names none.
    """

    filter: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[str, ...] | None = None
    cursor: str | None = None


@dataclass(frozen=True)
class DocumentBatch:
    """Some documents of a feed, in the order read.

    Attributes:
        documents: Documents as plain values: dict, list, str, int, float, bool, None, bytes, datetime, Decimal.
        positions: For each document what orders those of equal cursor: its `_id`, or its file and line. Comparable
            with each other, and the same whenever the feed is read again.
        cursor: From where to go on once this batch is taken in; None where the feed cannot say.
    """

    documents: Sequence[Mapping[str, Any]]
    positions: Sequence[Any]
    cursor: bytes | None = None


class Feed(ABC):
    """Where documents come from. Making one opens nothing; reading does, and `close` ends it.

    Args:
        name: The feed's name in the recipe, for messages.
        options: Every declared option, with `${NAME}` replaced and defaults filled in.
        base_dir: The recipe's directory, which relative paths start from.
        query: What is asked for.
    """

    options: ClassVar[Mapping[str, Option]] = {}
    """The keys of `[feed.NAME]` that this plugin reads, beside those every feed has."""
    meaning_keys: ClassVar[tuple[str, ...]] = ()
    """The options that decide which documents there are; a change of one makes a cursor worthless."""

    def __init__(self, name: str, options: Mapping[str, Any], base_dir: Path, query: FeedQuery) -> None:
        self.name = name
        self.values = options
        self.base_dir = base_dir
        self.query = query

    @abstractmethod
    def read(self, cursor: bytes | None = None) -> Iterator[DocumentBatch]:
        """Yield documents, oldest first where the feed has an order.

        Args:
            cursor: What an earlier batch said; None reads everything. Documents at the cursor may come again, and
                none after it may be left out.

        Raises:
            FeedError: If the feed cannot be read; batches already given are whole.
        """

    def fingerprint(self) -> bytes | None:
        """Return bytes that change whenever the documents may have changed, found without reading them.

        Where they are as they were, and the meaning too, the feed is not read again. None where only reading tells.
        """
        return None

    def lookup(self, path: str, values: Sequence[Any]) -> Iterator[DocumentBatch]:
        """Yield the documents that match the query and whose field at `path` is one of `values`.

        The default reads everything and is right for feeds that have no index.
        """
        wanted = set(values)
        for batch in self.read():
            rows = [row for row, document in enumerate(batch.documents) if _at(document, path) in wanted]
            if rows:
                yield DocumentBatch([batch.documents[row] for row in rows], [batch.positions[row] for row in rows])

    def close(self) -> None:  # noqa: B027 - most feeds hold nothing open
        """Let go of connections and files; idempotent."""


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, Mapping) else None
    return document if not isinstance(document, (list, dict)) else None


class Pixels(Protocol):
    """The encoded images of a batch, read one by one, in memory only.

    What a transform reads here must not be written anywhere, in whole or in part.
    """

    def __len__(self) -> int:
        """Return the number of rows in the batch."""
        ...

    def __getitem__(self, row: int) -> bytes:
        """Return the bytes of the image of row `row`, as they are in its bucket.

        Raises:
            DsvcError: If the image cannot be read; the record is listed as failed.
        """
        ...


@dataclass(frozen=True)
class Outcome:
    """What a transform made of a batch.

    Attributes:
        values: One value per row, in order: an Arrow array, or plain values that fit the output type. A null is a
            record whose value is null.
        failed: Row -> why, for rows that got no value; whatever `values` has there is dropped.
    """

    values: pa.Array | Sequence[Any]
    failed: Mapping[int, str] = field(default_factory=dict)


class Transform(ABC):
    """Versioned code that makes one signal from others: record by record, or by groups of records, as its kind says.

    A value may depend on nothing but the record's own inputs, its pixels and the parameters: not on the pointer, the
    other rows of the batch, the clock or earlier calls. Of kind `group` or `global` it may depend on the inputs of all
    rows of the batch, which are then the members of one group, or all records, ordered by source.
    It may be called from another process, so it must be made from its parameters alone.

    Args:
        parameters: Every declared parameter, with defaults filled in.
    """

    version: ClassVar[str]
    """Raise it when values change; it is part of the transform hash, the code is not."""
    output: ClassVar[str]
    """The type of the values as a recipe writes it: `score`, `boxes`, `list<float32>`."""
    kind: ClassVar[Literal["map", "group", "global"]] = "map"
    """Whether a batch is any records, the members of one group (a step names by which field), or all records."""
    inputs: ClassVar[Mapping[str, str | None]] = {}
    """Column name -> type, or None for any, in the order in which a step names its `inputs`."""
    needs_pixels: ClassVar[bool] = False
    """Whether `pixels` must be among the inputs of a step."""
    parameters: ClassVar[Mapping[str, Option]] = {}
    """What a step may set in its `parameters`."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.settings = parameters

    @abstractmethod
    def __call__(self, batch: pa.RecordBatch, pixels: Pixels | None = None) -> Outcome:
        """Make the values of a batch.

        Args:
            batch: `source`, the pointers, then one column per declared input, under its declared name. A null is a
                null value, or, for an input that the step calls optional, a missing record.
            pixels: The images of the rows, if the transform needs pixels.

        Returns:
            One value or one failure per row. An exception fails all rows of the batch.
        """


class RecordTransform(Transform):
    """A transform written for one record; a record whose computation raises is a failure of that record alone."""

    @abstractmethod
    def record(self, values: Mapping[str, Any], image: bytes | None) -> Any:
        """Return the value of one record.

        Args:
            values: The inputs by declared name, as plain values, and the pointer as `source`.
            image: The encoded image, if the transform needs pixels; it must not be written anywhere.
        """

    def __call__(self, batch: pa.RecordBatch, pixels: Pixels | None = None) -> Outcome:
        """Call `record` for every row."""
        names = batch.schema.names
        columns = [batch.column(name).to_pylist() for name in names]
        made: list[Any] = [None] * batch.num_rows
        failed: dict[int, str] = {}
        for row in range(batch.num_rows):
            values = {name: column[row] for name, column in zip(names, columns, strict=True)}
            try:
                made[row] = self.record(values, None if pixels is None else pixels[row])
            except Exception as err:  # noqa: BLE001 - whatever a record's computation raises is why it failed
                failed[row] = str(err) if isinstance(err, DsvcError) else f"{type(err).__name__}: {err}"
        return Outcome(made, failed)


class Producer(ABC):
    """What a model worker's outputs are, over all of its versions. Made without arguments.

    dsvc runs no worker: it meets the outputs in documents. A recipe that names the producer need not say which type
    they have, which versions can be read, or how the output of an old version becomes what it would be today.
    """

    output: ClassVar[str]
    """The type of today's values as a recipe writes it: `boxes`, `score`, `list<float32>`."""
    accept: ClassVar[str]
    """The range of versions that `adapt` knows, as a recipe writes it: `>=1,<3`. Others are held."""
    adapter_version: ClassVar[str]
    """Raise it when `adapt` gives other values; it stands for the code in the identity of what is read."""

    @abstractmethod
    def adapt(self, version: str, raw: Any) -> Any:
        """Return today's value of one output.

        It may depend on nothing but its arguments, which it does not change. A null is never given: it is a null in
        every format.

        Args:
            version: What the document says; one that is accepted. `0` where the recipe names no path of it.
            raw: The output as the worker of that version wrote it, as plain values.

        Raises:
            Exception: Anything, where `raw` is not what this version writes; the value is held, with the reason.
        """


class Exporter(ABC):
    """Writes the rows of a dataset as a file of one format.

    Args:
        options: Every declared option, with defaults filled in.
    """

    suffix: ClassVar[str]
    """What file names end in, with the dot: `.parquet`."""
    options: ClassVar[Mapping[str, Option]] = {}
    """What `dsvc checkout` may set for this format."""
    per_split: ClassVar[bool] = False
    """Whether one file holds all rows of a part of the dataset's split, all rows where it has none, for formats that
    are read as a whole; else each file holds some 130,000 neighbouring sources."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.values = options

    @abstractmethod
    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> None:
        """Write one file; the caller renames it into place once it is whole.

        Equal rows must give equal bytes with the same versions of dsvc and its libraries.

        Args:
            batches: The rows, ordered by source; there may be none.
            schema: `source`, then the dataset's columns.
            path: A file that does not exist yet, in a directory that does.

        Raises:
            SchemaError: If the format cannot hold a column; nothing is left at `path`.
        """


class Task(Protocol):
    """What an executor calls: the code of one step. It can be pickled.

    Where it is unpickled dsvc must be installed and the recipe's directory be readable under the same path.
    """

    @property
    def step(self) -> str:
        """The step's name, for messages."""
        ...

    def __call__(self, batch: bytes) -> bytes:
        """Return the result of a batch, both as bytes that only dsvc reads. The code is loaded by the first call.

        What a record raises is in the result; an exception says that the step cannot be called at all.
        """
        ...


class Pending(Protocol):
    """A result on its way; a `concurrent.futures.Future` is one."""

    def result(self) -> bytes:
        """Wait for the result and return it; raise what `Executor.submit` says."""
        ...


class Executor(ABC):
    """Where the code of steps is called: processes of this machine, or others.

    Making one starts nothing; the first `submit` does. dsvc calls a step in its own process while there is little to
    do, and gives an executor what remains when that is worth it. It keeps at most two batches a worker under way, takes
    the results in order, and alone writes them. All methods are called by one thread.

    Args:
        workers: How many batches to work on at once; None leaves it to the executor.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = self.default_workers() if workers is None else workers

    @classmethod
    @abstractmethod
    def default_workers(cls) -> int:
        """Return how many batches are worked on at once where nobody says."""

    @abstractmethod
    def submit(self, task: Task, batch: bytes) -> Pending:
        """Have a worker call `task` for a batch, and return at once.

        `result` of what is returned gives what `task(batch)` returned, in whatever process, and else raises

        - `dsvc.errors.WorkerError`, whose reason goes on after "a worker", if the call gave nothing: its process
          died, or the code cannot be called there.

        A task that differs from the one before is another step; the one before is not called again.
        """

    @abstractmethod
    def close(self) -> None:
        """End the workers at once, also in the middle of a call, and leave nothing running; idempotent.

        `submit` may be called again afterwards, and starts anew.
        """
