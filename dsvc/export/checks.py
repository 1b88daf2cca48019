"""Whether a version of a dataset is as its `check` in the recipe demands.

Rows are those that a checkout writes: of a dataset that unnests, items. What is read is what the checks name: most
need the selection alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from dsvc.export.dataset import SPLIT, DatasetReader
from dsvc.objects.diff import diff_trees
from dsvc.objects.snapshot import Signal
from dsvc.objects.tree import Tree
from dsvc.objects.types import Type
from dsvc.recipe.spec import DatasetSpec
from dsvc.repo.view import View


class Failure(msgspec.Struct, frozen=True):
    """One check that a dataset does not pass."""

    check: str
    """The key in the recipe, e.g. ``min_rows`` or ``max_null.label``."""
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.check}: expected {self.expected}, found {self.found}"


def find_failures(view: View, spec: DatasetSpec, before: View | None) -> tuple[Failure, ...]:
    """Return the checks that a dataset does not pass, in the order of the documentation.

    Args:
        view: The version.
        spec: What the recipe says of the dataset.
        before: The version to compare with; None where there is none.
    """
    return () if spec.check is None else tuple(_Checking(view, spec, before).failures())


class _Checking:
    """The checks of one dataset at one version."""

    def __init__(self, view: View, spec: DatasetSpec, before: View | None) -> None:
        if spec.check is None:
            raise AssertionError("a dataset with checks")
        self._view, self._before, self._spec, self._check = view, before, spec, spec.check
        self._named = {name for name, _ in (*self._check.max_null, *self._check.min_per_class)}
        self._rows = 0
        self._parts: Counter[str] = Counter()
        self._nulls: Counter[str] = Counter()
        self._classes: dict[str, Counter[Any]] = {name: Counter() for name, _ in self._check.min_per_class}

    def failures(self) -> Iterator[Failure]:
        check = self._check
        self._count()
        if check.min_rows is not None and self._rows < check.min_rows:
            yield Failure("min_rows", f"at least {check.min_rows:,} rows", f"{self._rows:,}")
        if check.max_rows is not None and self._rows > check.max_rows:
            yield Failure("max_rows", f"at most {check.max_rows:,} rows", f"{self._rows:,}")
        if check.max_loss is not None:
            yield from self._check_loss(check.max_loss)
        if check.min_per_part is not None:
            for part, rows in self._parts.items():
                if rows < check.min_per_part:
                    expected = f"at least {check.min_per_part:,} rows in part {part!r}"
                    yield Failure("min_per_part", expected, f"{rows:,}")
        for name, share in check.max_null:
            nulls = self._nulls[name]
            if nulls > share * self._rows:
                expected = f"at most {_percent(share)} of {name!r} null"
                yield Failure(f"max_null.{name}", expected, f"{_of(nulls, self._rows)}")
        for name, least in check.min_per_class:
            yield from self._check_classes(name, least)

    def _count(self) -> None:
        """Count rows, by part, and what the named columns hold."""
        if not _has(self._view, self._spec.name):
            return
        by_source = not self._named and self._spec.unnest is None
        with DatasetReader(self._view, self._spec.name, only=self._named) as reader:
            self._parts = Counter(dict.fromkeys(reader.splits, 0))
            if by_source or SPLIT not in reader.schema.names or SPLIT in dict(reader.columns):
                self._count_sources(reader.selection, reader.splits)
                if by_source:
                    return
                self._rows = 0
            for batch in reader.read():
                self._rows += batch.num_rows
                if SPLIT in batch.schema.names and SPLIT not in dict(reader.columns):
                    self._parts.update(_values(batch.column(SPLIT)))
                for name in self._named:
                    self._nulls[name] += batch.column(name).null_count
                for name, classes in self._classes.items():
                    classes.update(_values(batch.column(name)))

    def _count_sources(self, selection: Signal | None, splits: tuple[str, ...]) -> None:
        if selection is None:
            return
        for rows in Tree(self._view.reader, selection).rows():
            values = np.asarray(rows.values.drop_null())
            self._rows += len(values)
            for place, name in enumerate(splits):
                self._parts[name] += int((values == place).sum())

    def _check_loss(self, share: Decimal) -> Iterator[Failure]:
        """Compare with the sources of the version before."""
        before, name = self._before, self._spec.name
        if before is None or not _has(before, name):
            return
        old = before.selection(before.dataset(name))
        new = self._view.selection(self._view.dataset(name)) if _has(self._view, name) else None
        had = sum(len(rows.values) - rows.values.null_count for rows in Tree(self._view.reader, old).rows())
        lost = 0
        for changes in diff_trees(self._view.reader, old, new):
            was = changes.before_arrow().is_valid()
            lost += int((np.asarray(was) & np.asarray(changes.after_arrow().is_null())).sum())
        if lost > share * had:
            expected = f"at most {_percent(share)} of the sources before gone"
            yield Failure("max_loss", expected, _of(lost, had))

    def _check_classes(self, name: str, least: int) -> Iterator[Failure]:
        found = self._classes[name]
        known = dict.fromkeys([*self._declared(name), *self._classes_before(name), *sorted(found, key=str)])
        for value in known:
            if found[value] < least:
                expected = f"at least {least:,} rows of {value!r} in {name!r}"
                yield Failure(f"min_per_class.{name}", expected, f"{found[value]:,}")

    def _declared(self, name: str) -> list[Any]:
        """Return the classes that the column's type names, where the column is a signal."""
        expression = dict(self._spec.columns)[name]
        signal = self._view.signal(expression.text) if expression.is_input else None
        kind, _, rest = ((Type.decode(signal.type).name or "") if signal else "").partition("(")
        items = rest.removesuffix(")")
        if kind == "class":
            return [item.strip() for item in items.split(",")]
        return list(range(1, int(items) + 1)) if kind == "rating" else []

    def _classes_before(self, name: str) -> list[Any]:
        """Return the classes that the version before had: one that is gone altogether is missed."""
        before = self._before
        if before is None or not _has(before, self._spec.name):
            return []
        with DatasetReader(before, self._spec.name, only=[name]) as reader:
            if name not in dict(reader.columns):
                return []
            found: set[Any] = set()
            for batch in reader.read():
                found.update(_values(batch.column(name)))
        return sorted(found, key=str)


def _has(view: View, name: str) -> bool:
    return name in view.datasets


def _values(column: Any) -> dict[Any, int]:
    """Return how often each value is there, without nulls; a nested one is told by its text."""
    counts = column.drop_null().value_counts() if column.type.num_fields == 0 else None
    if counts is None:
        return Counter(str(value) for value in column.drop_null().to_pylist())
    return {item["values"].as_py(): item["counts"].as_py() for item in counts}


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f} %"


def _of(part: int, whole: int) -> str:
    """Return a part of a whole in words."""
    share = 100 * part / whole if whole else 0.0
    return f"{part:,} of {whole:,} ({share:.3g} %)"
