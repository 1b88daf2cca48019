"""One signal's values, taken from documents: who takes part, in which version, adapted from which format.

`only` says which documents take part. The version at the signal's `version` path decides what happens to the value:
outside `accept` it is held, within a range of `formats` it goes through the adapter of the first such range, else
through that of an installed producer, and where there is none it is taken as it is. A document without the value has
none; a null is a value.

Source: docs/how-to/ingest.md#formats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsvc.feeds.column import ColumnBuilder
from dsvc.feeds.documents import kind_of, version_text
from dsvc.feeds.held import Cause, Held
from dsvc.feeds.paths import MISSING, DocumentPath
from dsvc.objects.column import Column, Index
from dsvc.objects.types import Type
from dsvc.recipe.spec import SignalSpec

ABSENT, HELD = -1, -2
"""Stand where a document has no row among the values: it has no value, or its value is held."""
NO_VERSION = "0"
"""The version of a producer that names none."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a signal has of the documents of one reading."""

    type: Type
    values: Column
    rows: Index | None
    """The documents that take part, ascending; None for all."""
    at: Index
    """For each document that takes part its row in `values`, or `ABSENT`, or `HELD`."""
    versions: tuple[str, ...]
    version_of: npt.NDArray[np.int32]
    """For each value an index into `versions`."""
    held: Mapping[int, Held]
    """By place among the documents that take part."""
    content_ids: pa.Array | None = None
    """Of each document that takes part, what its value was made from; None for a signal that does not say."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is done with the values of one version."""

    why_held: str | None = None
    name: str = ""
    adapt: Callable[[Any], Any] | None = None


class SignalReader:
    """Takes one signal's values from documents, batch by batch.

    Args:
        spec: The signal's section of the recipe.
        load: Gives the function that `module:function` names.
        type_: What values must fit; None to find the least type that holds them.
        adapt: What an installed producer does with (version, value) where no range of `formats` has the version.
    """

    def __init__(
        self,
        spec: SignalSpec,
        load: Callable[[str], Callable[..., Any]],
        type_: Type | None,
        adapt: Callable[[str, Any], Any] | None = None,
    ) -> None:
        self.spec = spec
        self._load = load
        self._adapt_by_producer = adapt
        self._values = ColumnBuilder(type_)
        self._fields = [(name, DocumentPath(path)) for name, path in spec.fields]
        self._value = DocumentPath(spec.value) if spec.value is not None else None
        self._version = DocumentPath(spec.version) if spec.version is not None else None
        self._content_id = DocumentPath(spec.content_id) if spec.content_id is not None else None
        self._only = [(DocumentPath(path), wanted) for path, wanted in spec.only.items()]
        self._plans: dict[str | None, _Plan] = {}
        self._numbers: dict[str, int] = {}  # version -> index
        self._rows: list[Index] = []
        self._at: list[Index] = []
        self._version_of: list[npt.NDArray[np.int32]] = []
        self._held: dict[int, Held] = {}
        self._content_ids: list[pa.Array] = []
        self._n_places = 0

    @property
    def paths(self) -> list[DocumentPath]:
        """Every path that is read."""
        named = [self._value, self._version, self._content_id]
        named += [*(path for _, path in self._fields), *(path for path, _ in self._only)]
        return [path for path in named if path is not None]

    def add(self, documents: Sequence[Mapping[str, Any]], first: int) -> None:
        """Take the values of documents, the first of which is number `first` of this reading."""
        if self._only:
            chosen = self._choose(documents)
            self._rows.append(np.array(chosen, np.int64) + first)
            documents = [documents[row] for row in chosen]
        if self._content_id is not None:
            ids = (None if value is MISSING else version_text(value) for value in self._content_id.column(documents))
            self._content_ids.append(pa.array(ids, pa.large_string()))
        values = self._read_values(documents)
        versions = self._read_versions(documents)
        distinct = set(versions)
        plans = {version: self._plan(version) for version in distinct}
        at = np.full(len(values), ABSENT, np.int64)
        taken: list[Any] = []
        taken_versions: list[str | None] = []
        if type(MISSING) not in set(map(type, values)) and all(plan == _Plan() for plan in plans.values()):
            at[:] = np.arange(len(values)) + self._values.length
            taken, taken_versions = values, versions
        else:
            for place, (value, version) in enumerate(zip(values, versions, strict=True)):
                if value is MISSING:
                    continue
                adapted = self._adapt(plans[version], version, value)
                if isinstance(adapted, Held):
                    at[place] = HELD
                    self._held[self._n_places + place] = adapted
                else:
                    at[place] = self._values.length + len(taken)
                    taken.append(adapted)
                    taken_versions.append(version)
        self._at.append(at)
        self._version_of.append(self._number(taken_versions, distinct))
        self._values.add(taken)
        self._n_places += len(values)

    def finish(self) -> Taken:
        """Return what was taken; call it once."""
        type_, values, misfits = self._values.finish()
        at = np.concatenate(self._at) if self._at else np.empty(0, np.int64)
        version_of = np.concatenate(self._version_of) if self._version_of else np.empty(0, np.int32)
        versions = tuple(self._numbers)
        places = np.flatnonzero(at >= 0)  # values were added in the order of their places
        for odd in misfits:
            place = int(places[odd.row])
            at[place] = HELD
            version = versions[version_of[odd.row]]
            if odd.is_kept:
                self._held[place] = Held.of(version, Cause.FORMAT, odd.why, odd.value)
            else:
                self._held[place] = Held(version, Cause.REFUSED, odd.why, None, is_kept=False)
        rows = (np.concatenate(self._rows) if self._rows else np.empty(0, np.int64)) if self._only else None
        ids = pa.concat_arrays(self._content_ids) if self._content_ids else None
        return Taken(type_, values, rows, at, versions, version_of, self._held, ids)

    def _choose(self, documents: Sequence[Mapping[str, Any]]) -> list[int]:
        """Return the documents that have what `only` asks for; true is not 1."""
        chosen = list(range(len(documents)))
        for path, wanted in self._only:
            column = path.column([documents[row] for row in chosen])
            is_bool = isinstance(wanted, bool)
            chosen = [
                row
                for row, found in zip(chosen, column, strict=True)
                if found == wanted and isinstance(found, bool) == is_bool
            ]
        return chosen

    def _read_values(self, documents: Sequence[Mapping[str, Any]]) -> list[Any]:
        if self._value is not None:
            return self._value.column(documents)
        # Every field of the mapping is in the struct, so that one that no document has yet can still become anything.
        names = [name for name, _ in self._fields]
        values: list[Any] = []
        for row in zip(*(path.column(documents) for _, path in self._fields), strict=True):
            found = dict(zip(names, row, strict=True))
            if MISSING in row:
                found = {name: None if value is MISSING else value for name, value in found.items()}
                values.append(MISSING if all(value is MISSING for value in row) else found)
            else:
                values.append(found)
        return values

    def _read_versions(self, documents: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """Return the versions; None for what is no version."""
        if self._version is None:
            return [NO_VERSION] * len(documents)
        found = self._version.column(documents)
        return [version if type(version) is str else _as_text(version) for version in found]

    def _plan(self, version: str | None) -> _Plan:
        plan = self._plans.get(version)
        if plan is None:
            plan = self._plans[version] = self._make_plan(version)
        return plan

    def _make_plan(self, version: str | None) -> _Plan:
        if version is None:
            return _Plan("its version is neither a text nor a number")
        if version not in self.spec.accept:
            return _Plan(f'version {version} is not in accept = "{self.spec.accept}"')
        name = self.spec.adapter(version)
        if name is not None:
            return _Plan(None, name, self._load(name))
        adapt = self._adapt_by_producer
        if adapt is None:
            return _Plan()
        # A null is a null in every format: no producer need think of it.
        return _Plan(
            None,
            f"the producer {self.spec.producer!r}",
            lambda value: None if value is None else adapt(version, value),
        )

    def _adapt(self, plan: _Plan, version: str | None, value: Any) -> Any:
        """Return the value as it is today, or why it is held."""
        if plan.why_held is not None:
            cause = Cause.REFUSED if version is None else Cause.VERSION
            return Held.of(version or "", cause, plan.why_held, value)
        if plan.adapt is None:
            return value
        try:
            return plan.adapt(value)
        except Exception as err:  # noqa: BLE001 - whatever an adapter raises is why this value is held
            why = f"{plan.name} failed on a {kind_of(value)}: {type(err).__name__}: {err}"
            return Held.of(version or "", Cause.ADAPTER, why, value)

    def _number(self, versions: Sequence[str | None], distinct: set[str | None]) -> npt.NDArray[np.int32]:
        for version in sorted(version for version in distinct if version is not None):
            self._numbers.setdefault(version, len(self._numbers))
        if len(distinct) == 1 and versions and versions[0] is not None:
            return np.full(len(versions), self._numbers[versions[0]], np.int32)
        return np.array([self._numbers[version or ""] for version in versions], np.int32)


def _as_text(version: Any) -> str | None:
    return NO_VERSION if version is None or version is MISSING else version_text(version)
