"""What a recipe says, checked: feeds, signals, steps, splits and datasets, and where each is written.

Everything here is a value; `load_recipe` makes it from `dsvc.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dsvc.errors import RecipeError
from dsvc.recipe.paths import InputPath
from dsvc.recipe.versions import EVERY_VERSION, VersionRange

if TYPE_CHECKING:
    from dsvc.objects.snapshot import Image
    from dsvc.objects.types import Type
    from dsvc.recipe.expressions import Expression, Select
    from dsvc.recipe.task_spec import PlatformSpec, TaskSpec

CONTENT = "content"
"""The built-in signal that ingest makes of what identifies a raw item: struct of id, modified and size."""
PIXELS = "pixels"
"""The input that stands for the raw item itself."""
CONTENT_ID = InputPath(CONTENT, ("id",))
"""What a step that reads pixels depends on besides its inputs."""

STALE = "stale"
"""What `take` names records by that were made from another content of their source than it has now."""
ITEM = "item"
"""The column of an unnested dataset that says which item of its source's list a row is, from 0."""

KeyPath = tuple[str | int, ...]
"""Where a key is: section, name, key and so on inwards; an integer is an index into an array."""


@dataclass(frozen=True)
class AboutSpec:
    """How documents of a feed beside the main one find their source.

    Attributes:
        feed: The feed whose sources they describe.
        field: Dotted path in these documents.
        key: Dotted path in the documents of `feed` that it equals.
    """

    feed: str
    field: str
    key: str


@dataclass(frozen=True)
class FeedSpec:
    """One `[feed.NAME]`.

    Attributes:
        name: Its name in the recipe; part of no hash.
        plugin: The name that a plugin offers.
        options: What the plugin reads, as written: `${NAME}` is not replaced, defaults are not filled in.
        pointer: Dotted path of the pointer; None exactly where there is `about`.
        content_id: Dotted path of what identifies the raw item's content.
        size: Dotted path of its size in bytes.
        modified: Dotted path of its time of change.
        cursor: Dotted path of the field that grows.
        about: Whose sources the documents describe; None for a feed that decides which sources there are.
        filter: A MongoDB filter document; empty for all.
    """

    name: str
    plugin: str
    options: Mapping[str, Any]
    pointer: str | None = None
    content_id: str | None = None
    size: str | None = None
    modified: str | None = None
    cursor: str | None = None
    about: AboutSpec | None = None
    filter: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SignalSpec:
    """One `[signal.NAME]`: how values are taken from documents.

    Attributes:
        name: The signal's name.
        feed: The feed its documents come from.
        value: Dotted path of the value; None where there are `fields`, of which exactly one is given.
        fields: (field, dotted path), sorted by field, of a struct value.
        version: Dotted path of the producer's version; None for version `0`.
        producer: The producer's name; the signal's own unless given.
        only: Dotted path -> literal that a document must have there to count at all.
        type: The type, if declared.
        accept: The versions taken; others are held.
        formats: (range, `module:function`) in file order: the first range that has a version adapts its values.
        content_id: Dotted path of the content id that the value was made from.
        adapter_version: Of the installed producer, which adapts values that no range of `formats` has; None where no
            plugin offers the producer.
    """

    name: str
    feed: str
    value: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    version: str | None = None
    producer: str = ""
    only: Mapping[str, Any] = field(default_factory=dict)
    type: Type | None = None
    accept: VersionRange = EVERY_VERSION
    formats: tuple[tuple[VersionRange, str], ...] = ()
    content_id: str | None = None
    adapter_version: str | None = None

    def adapter(self, version: str) -> str | None:
        """Return the `module:function` that adapts values of this version, if any does."""
        return next((ref for range_, ref in self.formats if version in range_), None)


@dataclass(frozen=True)
class StepSpec:
    """One `[step.NAME]`: a derived signal.

    A Python function is called with the record's input values in order and the parameters by keyword, as plain
    values; with `batch`, with one RecordBatch whose columns are the inputs under `str(path)`, and the parameters by
    keyword, and returns an array of as many values. A transform is called as its contract says.

    In a step of scope `group` or `global`, a function is called once for all members of a group, or all records: each
    input is a list of the members' values, or the batch has a row for each member, ordered by source; and it returns
    one value per member.

    Attributes:
        name: The name of the step and of its signal; part of no hash.
        kind: What the code is.
        code: SQL text, `module:function`, or the name of an installed transform.
        select: The parsed SQL, for kind `sql`.
        inputs: What it reads, in order, without pixels.
        pixels: Whether it reads the raw item.
        optional: Those of `inputs` that are NULL where they have no record.
        batch: Whether a Python function takes Arrow batches.
        parameters: What the recipe sets; a transform's with the defaults of its declaration filled in.
        version: The declared version.
        environment: Declared facts about what is outside the recipe's directory.
        files: Declared files, relative to the recipe's directory, whose content is part of the code.
        type: The output type, if declared.
        scope: What is made at once: a record, the records of a group, or all.
        group: For scope `group`: records with equal values of it are one group, and one without a value is alone.
        salt: Another text disowns what was made under the one before; part of no transform hash.
    """

    name: str
    kind: Literal["sql", "python", "transform", "task"]
    code: str
    select: Select | None = None
    inputs: tuple[InputPath, ...] = ()
    pixels: bool = False
    optional: frozenset[InputPath] = frozenset()
    batch: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    version: str | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    type: Type | None = None
    scope: Literal["record", "group", "global"] = "record"
    group: InputPath | None = None
    salt: str = ""

    @property
    def depends(self) -> tuple[InputPath, ...]:
        """Everything whose bits decide whether a record is made again: `inputs`, `group`, and `content.id` for pixels.

        `content.id` is never required: without it a raw item is taken not to change.
        """
        implicit = (*((self.group,) if self.group is not None else ()), *((CONTENT_ID,) if self.pixels else ()))
        return (*self.inputs, *(path for path in implicit if path not in self.inputs))

    @property
    def required(self) -> tuple[InputPath, ...]:
        """The inputs without which there is no record; of a group step, what groups it is one."""
        named = tuple(path for path in self.inputs if path not in self.optional)
        return named if self.group is None or self.group in named else (*named, self.group)

    @property
    def signals(self) -> frozenset[str]:
        """The names of the signals it reads."""
        return frozenset(path.signal for path in self.depends)

    @property
    def producer(self) -> str:
        """What the provenance of its records names."""
        return "sql" if self.kind == "sql" else self.code


@dataclass(frozen=True)
class SplitSpec:
    """One `[split.NAME]`.

    Attributes:
        name: Its name in the recipe; part of no hash.
        by: What is hashed; sources of one value of it are in one part.
        parts: (name, share) in file order; the shares are exact and sum to at most 1.
        seed: Text hashed before the key.
    """

    name: str
    by: Expression
    parts: tuple[tuple[str, Decimal], ...]
    seed: str = ""


@dataclass(frozen=True)
class SampleSpec:
    """What a dataset keeps of the sources that it selects: those of the lowest buckets.

    Attributes:
        max: Sources at most, of each value of `per`.
        per: What is limited apart; None for all sources together.
        share: The part of the buckets that is kept, exact; before `max`.
        seed: Text hashed before the pointer.
    """

    max: int | None = None
    per: Expression | None = None
    share: Decimal | None = None
    seed: str = ""


@dataclass(frozen=True)
class CheckSpec:
    """What must hold of a dataset before a version of it gets a tag. Part of no hash.

    Attributes:
        min_rows: Rows at least.
        max_rows: Rows at most.
        max_loss: Share of the sources of the version before that may be gone, at most.
        min_per_part: Rows of each part of the split, at least.
        max_null: (column, share of its rows that may be null, at most).
        min_per_class: (column, rows of each of its values, at least).
    """

    min_rows: int | None = None
    max_rows: int | None = None
    max_loss: Decimal | None = None
    min_per_part: int | None = None
    max_null: tuple[tuple[str, Decimal], ...] = ()
    min_per_class: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class DatasetSpec:
    """One `[dataset.NAME]`, with what it takes over from the dataset that it is made from.

    Attributes:
        name: The dataset's name.
        where: What a source must satisfy; None selects all.
        columns: (column, expression), sorted by column.
        split: The name of the split; None for one part.
        base: The dataset whose sources alone it can have; None for all of the version.
        keeps_parts: Whether a source is in the part that it has in `base`.
        unnest: The column, of lists, that is read as a row for each item.
        image: What a loader shows of the images.
        sample: What is kept of the selected sources; None for all.
        take: The standings, and `stale`, of records that may be in it.
        check: What must hold before a tag; None for nothing.
    """

    name: str
    where: Expression | None
    columns: tuple[tuple[str, Expression], ...]
    split: str | None = None
    base: str | None = None
    keeps_parts: bool = False
    unnest: str | None = None
    image: Image | None = None
    sample: SampleSpec | None = None
    take: tuple[str, ...] = ("final",)
    check: CheckSpec | None = None


@dataclass(frozen=True)
class Recipe:
    """A whole recipe.

    Attributes:
        directory: Where `dsvc.toml` is.
        feeds: By name, in file order, as all of these.
        signals: The ingested signals.
        steps: The derived signals.
        splits: Shared splits.
        datasets: The datasets, each after the one that it is made from, otherwise in file order.
        platforms: Where people are asked.
        tasks: The signals that people make.
        order: The names of the steps, each after those it reads.
        node_order: The names of steps and tasks, each after those it reads.
        places: Where each key is written: (file, line).
    """

    directory: Path
    feeds: Mapping[str, FeedSpec] = field(default_factory=dict)
    signals: Mapping[str, SignalSpec] = field(default_factory=dict)
    steps: Mapping[str, StepSpec] = field(default_factory=dict)
    splits: Mapping[str, SplitSpec] = field(default_factory=dict)
    datasets: Mapping[str, DatasetSpec] = field(default_factory=dict)
    platforms: Mapping[str, PlatformSpec] = field(default_factory=dict)
    tasks: Mapping[str, TaskSpec] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    node_order: tuple[str, ...] = ()
    places: Mapping[KeyPath, tuple[str, int]] = field(default_factory=dict, repr=False)

    def owner(self, signal: str) -> str | None:
        """Return the section that makes a signal, e.g. `signal.x` or `step.x`; None for one that is put by hand."""
        if signal == CONTENT and any(feed.about is None for feed in self.feeds.values()):
            return next(f"feed.{feed.name}" for feed in self.feeds.values() if feed.about is None)
        if signal in self.signals:
            return f"signal.{signal}"
        if signal in self.tasks:
            return f"task.{signal}"
        return f"step.{signal}" if signal in self.steps else None

    def error(self, path: KeyPath, expected: str, found: str | None = None, **more: Any) -> RecipeError:
        """Return an error that names where `path` is written, or the innermost part of it that is."""
        known = (path[:depth] for depth in range(len(path), 0, -1))
        file, line = next((self.places[part] for part in known if part in self.places), ("dsvc.toml", None))
        key = ".".join(map(str, path))
        return RecipeError(file=file, line=line, key=key, expected=expected, found=found, **more)
