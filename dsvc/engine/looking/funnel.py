"""The funnel of a dataset: how many sources each stage lets through, and why it keeps out the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec
import numpy as np

from dsvc.engine.looking.lacks import Lack, Why, list_lacks
from dsvc.engine.looking.sieve import LIMIT, WHERE, Gate, Sieve
from dsvc.engine.making.loading import Loader
from dsvc.recipe.spec import DatasetSpec
from dsvc.repo.catalog import count_parts
from dsvc.repo.view import View


class Stage(msgspec.Struct, frozen=True):
    """What one stage did with the sources that came to it."""

    what: str
    """``from``, ``where`` (one AND-term), ``take``, ``sample`` (a share), ``split`` or ``limit`` (at most so many)."""
    text: str
    """The term as it is written, or what the recipe says of the stage."""
    passed: int
    failed: int
    no_value: int = 0
    """Of a term: sources for which it is neither true nor false."""
    lacks: tuple[Lack, ...] = ()
    """Why not, or of `take` which record has which standing; each source counted once, most first."""


class Funnel(msgspec.Struct, frozen=True):
    """How the sources of a version become a dataset."""

    dataset: str
    sources: int
    """Of the version."""
    stages: tuple[Stage, ...]
    """Each takes what the one before let through."""
    rows: int
    """Sources that come through all of them."""
    parts: tuple[tuple[str, int], ...]
    """(part, sources), in the order of the split; empty without a split, and where a limit is yet to choose."""
    is_current: bool
    """Whether the version's dataset is what its recipe says; else a run is to come."""


def find_funnel(view: View, loader: Loader, spec: DatasetSpec) -> Funnel:
    """Return the funnel of a dataset, from the signals of a version and its recipe alone.

    Reads what `where`, split and sample name of every source once, in batches.

    Raises:
        TransformFailedError: If an expression fails on a source.
        DeriveError: If the SQL engine refuses one whatever the source.
    """
    sieve = Sieve(view, loader, spec)
    gates = sieve.gates
    n_sources = 0
    stopped, unknown, parts = Counter[int](), Counter[int](), Counter[int]()
    lacks: list[Counter[Why]] = [Counter() for _ in gates]
    is_term = np.array([gate.what == WHERE for gate in gates])
    groups = Counter[int]()
    limit = None if spec.sample is None else spec.sample.max
    for columns in sieve.scan():
        n_sources += len(columns)
        sifted = sieve.sift(columns)
        stopped.update(_count(sifted.stopped))
        has_none = sifted.lacks >= 0
        unknown.update(_count(sifted.stopped[has_none & is_term[sifted.stopped]]))
        for number in np.unique(sifted.stopped[has_none]).tolist():
            lacks[number] += sieve.lacking.count(sifted.lacks[has_none & (sifted.stopped == number)])
        through = np.flatnonzero(sifted.stopped < 0)
        parts.update(_count(sifted.parts[through]))
        if limit is not None:
            groups.update(_count(sieve.group(columns.take(through))))
    stages = _list_stages(gates, n_sources, stopped, unknown, lacks)
    rows = stopped[-1]
    is_current = sieve.bound.is_current
    is_made = is_current and spec.name in view.datasets
    if limit is not None:
        kept = sum(min(n, limit) for n in groups.values())
        per = "" if spec.sample is None or spec.sample.per is None else f" per {spec.sample.per.text}"
        stages.append(Stage(LIMIT, f"at most {limit:,}{per}", kept, rows - kept))
        rows = kept
        parts = Counter(count_parts(view.reader, view.selection(view.dataset(spec.name))) if is_made else {})
    names = [name for name, _ in loader.recipe.splits[spec.split].parts] if spec.split is not None else []
    told = () if limit is not None and not is_current else tuple((name, parts[i]) for i, name in enumerate(names))
    return Funnel(spec.name, n_sources, tuple(stages), rows, told, is_current)


def _list_stages(
    gates: tuple[Gate, ...],
    n_sources: int,
    stopped: Mapping[int, int],
    unknown: Mapping[int, int],
    lacks: list[Counter[Why]],
) -> list[Stage]:
    stages = []
    left = n_sources
    for number, gate in enumerate(gates):
        gone, none = stopped.get(number, 0), unknown.get(number, 0)
        left -= gone
        stages.append(Stage(gate.what, gate.text, left, gone - none, none, list_lacks(lacks[number])))
    return stages


def _count(numbers: np.ndarray) -> dict[int, int]:
    values, counts = np.unique(numbers, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))
