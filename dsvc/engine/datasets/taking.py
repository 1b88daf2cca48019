"""Which sources may not be in a dataset since a record of theirs is of no standing that the dataset takes.

A record's standing is that of its provenance; an ingested one that was made from another content of its source than it
has now is `stale` instead. A source is kept out by any such record of a signal that the dataset names: in `where`,
columns, split or sample. A missing record keeps nothing out: it is null, and `where` says what that means.

These sources are a signal of their own, absent where there are none, so that a dataset over millions of final records
looks at none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.engine.reading.inputs import Input, find_signal
from dsvc.objects.access import Reader, Writer
from dsvc.objects.arrays import normalise
from dsvc.objects.chunk import ProvColumn, Records, batched_chunks, load_keys, load_prov
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import get_object, hash_encoded, put_object
from dsvc.objects.keys import Keys, concat_keys, merge_order
from dsvc.objects.node import ChunkEntry
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.trace import Trace
from dsvc.objects.tree import ROWS_PER_BATCH, Tree
from dsvc.objects.types import Type
from dsvc.recipe.paths import InputPath
from dsvc.recipe.spec import STALE, DatasetSpec
from dsvc.repo.view import View

UNTAKEN = InputPath("_untaken")
"""Names, among the inputs of a dataset, the sources that may not be in it."""
STANDINGS = "_standings"
"""Path of a trace input that names what was looked at to find them: equal ids, equal sources, without a second look."""
_MARK = Type(("int8",))
_MADE_BY = Provenance("step", "take", "0")


def named_signals(spec: DatasetSpec, also: Iterable[InputPath]) -> tuple[str, ...]:
    """Return the signals that a dataset names: in its columns, and in the paths that it selects by."""
    paths = [path for _, expression in spec.columns for path in expression.inputs]
    return tuple(dict.fromkeys(path.signal for path in (*also, *paths)))


def looked_at(view: View, names: Iterable[str], take: Collection[str]) -> Oid:
    """Return the id of everything that says which sources a dataset may not have."""
    told = [[name, view.signals.get(name, ZERO), view.waiting.get(name, ZERO)] for name in names]
    return hash_encoded(Kind.DEFINITION, ["standings", list(take), told])


def recall_untaken(view: View, trace: Trace | None, looked: Oid) -> Input | None:
    """Return the sources that a dataset may not have as a trace knows them; None where it looked at something else."""
    named = {entry.path: entry for entry in (() if trace is None else trace.inputs)}
    if STANDINGS not in named or named[STANDINGS].value_id != looked:
        return None
    oid = named[str(UNTAKEN)].signal if str(UNTAKEN) in named else ZERO
    return Input(UNTAKEN, is_required=False, signal_id=oid, signal=find_signal(view.reader, oid))


def bind_untaken(view: View, writer: Writer, names: Iterable[str], take: Collection[str]) -> Input:
    """Return the sources of a version that a dataset may not have, as an input; absent where there are none.

    Args:
        view: The version.
        writer: Takes the signal.
        names: The signals that the dataset names.
        take: The standings, and `stale`, that it takes.
    """
    looking = _Looking(view, frozenset(take))
    found = [keys for name in names for keys in looking.iter_untaken(name)]
    if not found:
        return Input(UNTAKEN, is_required=False)
    keys = reduce(lambda a, b: merge_order(a, b)[0], found)
    values = normalise(pa.array(np.zeros(len(keys), np.int8)), _MARK.physical)
    prov = ProvColumn.constant(put_object(writer, Kind.PROVENANCE, _MADE_BY), len(keys))
    signal = edit_tree(writer, None, _MARK, Edit(Records(keys, values, prov))).signal
    if signal is None:
        raise AssertionError("a signal with records")
    return Input(UNTAKEN, is_required=False, signal_id=put_object(writer, Kind.SIGNAL, signal), signal=signal)


class _Looking:
    """Looks for records that are not taken.

    Args:
        view: The version.
        take: The standings, and `stale`, that are.
    """

    def __init__(self, view: View, take: Collection[str]) -> None:
        self._view, self._take = view, take
        self._reader: Reader = view.reader
        self._taken: dict[Oid, bool] = {}
        """Provenance -> whether its standing is taken: a signal has few of them."""

    def iter_untaken(self, name: str) -> Iterator[Keys]:
        """Yield the sources whose record of a signal is not taken, in ascending runs."""
        signal = self._view.signal(name)
        if signal is None:
            return
        stale = self._stale_sources(name, signal)
        if stale is not None and STALE not in self._take:
            yield stale
        chunks = [entry for entry in Tree(self._reader, signal).nodes().chunks() if self._has_other(entry)]
        for entries in batched_chunks(chunks, ROWS_PER_BATCH):
            keys, prov = load_keys(self._reader, entries), load_prov(self._reader, entries)
            untaken = ~np.array([self._takes(oid) for oid in prov.table], np.bool_)[prov.rows]
            if stale is not None and STALE in self._take:
                untaken &= ~stale.search(keys)[1]  # what is stale is that, whatever its standing was
            if untaken.any():
                yield keys.take(np.flatnonzero(untaken))

    def _has_other(self, entry: ChunkEntry) -> bool:
        """Tell whether any record of a chunk has a standing that is not taken."""
        if isinstance(entry.prov, bytes):
            return not self._takes(entry.prov)
        return not all(self._takes(oid) for oid in load_prov(self._reader, [entry]).table)

    def _takes(self, oid: Oid) -> bool:
        taken = self._taken.get(oid)
        if taken is None:
            standing = get_object(self._reader, oid, Kind.PROVENANCE, Provenance).standing
            taken = self._taken[oid] = standing in self._take
        return taken

    def _stale_sources(self, name: str, signal: Signal) -> Keys | None:
        """Return the sources with a record of other content than they have now; None for none."""
        oid = self._view.waiting.get(name)
        if oid is None:
            return None
        found = []
        for rows in Tree(self._reader, get_object(self._reader, oid, Kind.SIGNAL, Signal)).rows():
            is_stale = np.asarray(pc.fill_null(pc.equal(pc.struct_field(rows.values, "reason"), STALE), False))
            found.append(Keys.of(rows.sources).take(np.flatnonzero(is_stale)))
        keys = concat_keys(found) if found else Keys.of_bytes([])
        keys = keys.take(np.flatnonzero(Tree(self._reader, signal).has(keys))) if len(keys) else keys
        return keys if len(keys) else None
