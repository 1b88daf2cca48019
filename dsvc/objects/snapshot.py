"""What a version is: signals, datasets, the root over them, and the recipe beside it.

Source: docs/format.md#root.
"""

from __future__ import annotations

import re
from typing import ClassVar

import msgspec

from dsvc.objects.encoding import check_ascending
from dsvc.objects.oid import Count, StoredOid


class Signal(msgspec.Struct, frozen=True, array_like=True):
    """One signal of a version: its type and its tree. A signal without records is absent."""

    type: bytes
    """`dsvc.objects.types.Type.encoded`."""
    tree: StoredOid
    """The root node."""
    value_id: StoredOid
    """Names keys and values alone: equal for equal values whoever made them."""
    count: Count
    """Records."""


_DECIMAL = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]*[1-9])?")
"""The one way to write a decimal: no sign, exponent, or zeros that say nothing."""


class Image(msgspec.Struct, frozen=True, array_like=True):
    """What a loader shows of each image. Recorded here, done in memory by loaders, stored nowhere."""

    crop: str | None
    """The column whose box it shows; None for the whole image."""
    margin: str
    """Added on each side, as a share of the box's side; an exact decimal."""
    size: tuple[Count, Count] | None
    """Width and height in pixels that it is resized to; None for as it is."""

    def __post_init__(self) -> None:
        if not _DECIMAL.fullmatch(self.margin):
            raise ValueError(f"a margin of {self.margin!r} is no decimal in its shortest form")


class Dataset(msgspec.Struct, frozen=True, array_like=True):
    """One specialised dataset of a version. It refers to signals of the same root and copies nothing."""

    selection: StoredOid
    """A `Signal` of type int8 with a record for every source: null is not selected, else the split's index."""
    columns: tuple[tuple[str, str], ...]
    """(column, expression), sorted by column."""
    splits: tuple[str, ...] = ()
    """Names of the parts, by index; empty without splits, and then every selected source has index 0."""
    unnest: str | None = None
    """The column, of lists, that has a row for each item when the dataset is read; None for a row a source."""
    image: Image | None = None
    """What a loader shows of the images; None where the dataset does not say."""

    N_LATER: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_ascending([column for column, _ in self.columns])


class Root(msgspec.Struct, frozen=True, array_like=True):
    """The content of a version alone: equal for equal signals and datasets, whoever made it and how."""

    signals: tuple[tuple[str, StoredOid], ...] = ()
    """(name, id of a `Signal`), sorted by name."""
    datasets: tuple[tuple[str, StoredOid], ...] = ()
    """(name, id of a `Dataset`), sorted by name."""

    def __post_init__(self) -> None:
        check_ascending([name for name, _ in self.signals])
        check_ascending([name for name, _ in self.datasets])


class Recipe(msgspec.Struct, frozen=True, array_like=True):
    """The recipe files of a commit."""

    files: tuple[tuple[str, StoredOid], ...]
    """(path below the repository, id of a blob), sorted by path; separators are ``/``."""

    def __post_init__(self) -> None:
        check_ascending([path for path, _ in self.files])
