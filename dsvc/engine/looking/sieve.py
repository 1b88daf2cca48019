"""What a source goes through until it is in a dataset, and where it stops.

The stages come in this order: the dataset that another is made from, each AND-term of `where`, the standings that are
taken, the share that is sampled, and the parts of the split. Each looks at what the one before it let through. A limit
of the number of sources is no stage of one source: it depends on the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsvc.engine.datasets.selection import FROM
from dsvc.engine.datasets.selections import BoundDataset, bind_dataset
from dsvc.engine.datasets.splits import hash_keys, thresholds
from dsvc.engine.datasets.taking import UNTAKEN, named_signals
from dsvc.engine.looking.lacks import Codes, Lacking
from dsvc.engine.making.loading import Loader
from dsvc.engine.reading.columns import Columns
from dsvc.engine.reading.fields import Mask, is_null
from dsvc.engine.reading.flagged import ROWS
from dsvc.errors import TransformFailedError
from dsvc.objects.arrays import to_arrow
from dsvc.objects.column import Index
from dsvc.objects.join import take_joined
from dsvc.objects.tree import Tree
from dsvc.recipe.expressions import Expression
from dsvc.recipe.spec import DatasetSpec
from dsvc.recipe.terms import and_terms
from dsvc.repo.view import View

BASE, WHERE, TAKE, SAMPLE, SPLIT, LIMIT = "from", "where", "take", "sample", "split", "limit"
"""Kinds of stages; `LIMIT` is the number of sources that a sample keeps."""


class Gate(msgspec.Struct, frozen=True):
    """One stage."""

    what: str
    """``from``, ``where``, ``take``, ``sample`` or ``split``."""
    text: str
    """The term as it is written, or what the recipe says of the stage."""


@dataclass(frozen=True)
class Sifted:
    """Where each of some sources stops, shape (n,) each."""

    stopped: npt.NDArray[np.int16]
    """Index of the stage; -1 for a source that passes all."""
    lacks: Codes
    """What a source lacks whose term has no value, or which of its records is not taken, by number of `Sieve.lacking`;
    -1 of others."""
    parts: npt.NDArray[np.int8]
    """Of a source that passes all: the index of its part."""


class Sieve:
    """One dataset of one version, as the version's recipe has it.

    Args:
        view: The version.
        loader: Of its recipe.
        spec: The dataset.
    """

    def __init__(self, view: View, loader: Loader, spec: DatasetSpec) -> None:
        self.view = view
        self.spec = spec
        self.bound: BoundDataset = bind_dataset(view, loader, spec)
        self.lacking = Lacking(view, loader.recipe)
        self._selecting = self.bound.selecting
        self._evaluator = loader.evaluator
        expressions = [*([spec.where] if spec.where else ()), *([split.by] if (split := self._selecting.split) else ())]
        expressions += [spec.sample.per] if spec.sample is not None and spec.sample.per is not None else []
        self._named = named_signals(spec, [path for expression in expressions for path in expression.inputs])
        has_limit = spec.sample is not None and spec.sample.max is not None
        self._stored: Tree | None = None
        if self.bound.is_current and not has_limit and spec.name in view.datasets:
            self._stored = Tree(view.reader, view.selection(view.dataset(spec.name)))
        self._terms = () if spec.where is None else and_terms(spec.where)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The stages, in order."""
        spec = self.spec
        gates = [] if spec.base is None else [Gate(BASE, spec.base)]
        gates += [Gate(WHERE, term.text) for term in self._terms]
        gates.append(Gate(TAKE, ", ".join(spec.take)))
        if spec.sample is not None and spec.sample.share is not None:
            gates.append(Gate(SAMPLE, str(spec.sample.share)))
        if spec.split is not None and not spec.keeps_parts:
            gates.append(Gate(SPLIT, spec.split))
        return tuple(gates)

    def scan(self) -> Iterator[Columns]:
        """Yield the inputs of every source of the version, in batches."""
        return self._selecting.inputs.scan(ROWS)

    def sift(self, columns: Columns) -> Sifted:
        """Return where some sources stop.

        Raises:
            TransformFailedError: If an expression fails on a source.
        """
        n = len(columns)
        stopped, lacks = np.full(n, -1, np.int16), np.full(n, -1, np.int32)
        selected = self._select(columns)
        taken = self._taken(columns)
        inside: Index = np.arange(n)
        terms = iter(self._terms)
        for number, gate in enumerate(self.gates):
            if gate.what == WHERE:
                passed = self._passing(next(terms), columns, inside, taken, lacks)
            elif gate.what == BASE:
                passed = ~is_null(columns.column(FROM))[inside]
            elif gate.what == TAKE:
                passed = taken[inside]
                out = inside[~passed]
                if len(out):
                    lacks[out] = self.lacking.of_untaken(self._named, self.spec.take, columns.keys.take(out))
            elif gate.what == SAMPLE:
                passed = self._in_share(columns, inside)
            else:  # the split is the last, and whoever comes so far is where the selection says
                passed = np.asarray(selected.is_valid())[inside]
            stopped[inside[~passed]] = number
            inside = inside[passed]
        return Sifted(stopped, lacks, np.asarray(selected.fill_null(0)))

    def _select(self, columns: Columns) -> pa.Array[Any]:
        """Return the part of each of some sources, null for those that a run would not select."""
        if self._stored is None:
            return to_arrow(self._selecting.evaluate(self._evaluator, columns))
        return take_joined([self._stored], columns.keys).columns[0].values

    def _taken(self, columns: Columns) -> Mask:
        """Return which sources have no record of a standing that is not taken."""
        if UNTAKEN.signal not in self._selecting.inputs.signals:
            return np.ones(len(columns), np.bool_)
        return is_null(columns.column(UNTAKEN))

    def _passing(self, term: Expression, columns: Columns, inside: Index, taken: Mask, lacks: Codes) -> Mask:
        """Return which of the sources inside a term is TRUE of, and note what those lack that it is NULL for."""
        chosen = columns.take(inside)
        try:
            truth = self._selecting.ask(self._evaluator, term, chosen, is_condition=False)
        except TransformFailedError:
            # Where a source is not taken, nobody ever asked whether the condition can be told of it.
            good = np.flatnonzero(taken[inside])
            if len(good) == len(inside):
                raise
            known = self._selecting.ask(self._evaluator, term, chosen.take(good), is_condition=False)
            at = np.full(len(inside), -1)
            at[good] = np.arange(len(good))
            truth = known.take(pa.array(at, mask=at < 0))
        if pa.types.is_null(truth.type):
            truth = truth.cast(pa.bool_())
        unknown = np.flatnonzero(np.asarray(truth.is_null()))
        if len(unknown):
            lacks[inside[unknown]] = self.lacking.of_expression(term, chosen.take(unknown))
        return np.asarray(truth.fill_null(False))

    def _in_share(self, columns: Columns, inside: Index) -> Mask:
        """Return which of the sources inside are in the share that is sampled."""
        sample = self.spec.sample
        if sample is None or sample.share is None:
            raise AssertionError("a dataset that samples a share")
        ends = thresholds([("", sample.share)])
        return np.asarray(hash_keys(columns.keys.take(inside).arrow, sample.seed) <= np.uint64(ends[0] - 1))

    def group(self, columns: Columns) -> npt.NDArray[np.uint64]:
        """Return a number for each of some sources, equal for those of which a sample keeps at most so many together.

        Where the sample does not say by what, all are one group.
        """
        sample = self.spec.sample
        groups = np.zeros(len(columns), np.uint64)
        if sample is None or sample.per is None or len(columns) == 0:
            return groups
        values = self._selecting.ask(self._evaluator, sample.per, columns, is_condition=False)
        present = np.asarray(values.is_valid())
        groups[present] = hash_keys(values.drop_null() if values.null_count else values)
        return groups
