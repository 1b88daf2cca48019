"""What a version is: signals, datasets, the root over them, and the recipe beside it.

Source: docs/format.md#root.
"""

from __future__ import annotations

import msgspec

from dsvc.objects.oid import Oid


class Signal(msgspec.Struct, frozen=True, array_like=True):
    """One signal of a version: its type and its tree. A signal without records is absent."""

    type: bytes
    """`dsvc.objects.types.Type.encoded`."""
    tree: Oid
    """The root node."""
    value_id: Oid
    """Names keys and values alone: equal for equal values whoever made them."""
    count: int
    """Records."""


class Dataset(msgspec.Struct, frozen=True, array_like=True):
    """One specialised dataset of a version. It refers to signals of the same root and copies nothing."""

    selection: Oid
    """A `Signal` of type int8 with a record for every source: null is not selected, else the split's index."""
    columns: tuple[tuple[str, str], ...]
    """(column, expression), sorted by column."""
    splits: tuple[str, ...] = ()
    """Names of the parts, by index; empty without splits, and then every selected source has index 0."""


class Root(msgspec.Struct, frozen=True, array_like=True):
    """The content of a version alone: equal for equal signals and datasets, whoever made it and how."""

    signals: tuple[tuple[str, Oid], ...] = ()
    """(name, id of a `Signal`), sorted by name."""
    datasets: tuple[tuple[str, Oid], ...] = ()
    """(name, id of a `Dataset`), sorted by name."""


class Recipe(msgspec.Struct, frozen=True, array_like=True):
    """The recipe files of a commit."""

    files: tuple[tuple[str, Oid], ...]
    """(path below the repository, id of a blob), sorted by path; separators are ``/``."""
