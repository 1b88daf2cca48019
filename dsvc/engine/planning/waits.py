"""The asks that a task's waiting tree names: the trees are told apart by what changed, and counted in columns."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dsvc.engine.making.output import REASON_AUDIT, REASON_PENDING
from dsvc.engine.reading.inputs import find_signal
from dsvc.objects.access import Reader
from dsvc.objects.diff import diff_trees
from dsvc.objects.keys import Keys
from dsvc.objects.oid import Oid
from dsvc.objects.tree import Tree

_REASONS: Final = (REASON_PENDING, REASON_AUDIT)
_ASKED: Final = pa.array(_REASONS)


class _Detail(msgspec.Struct, frozen=True):
    asks: tuple[str, ...] = ()
    mode: str = ""
    people: int = 1


_details = msgspec.json.Decoder(_Detail)


def count_asks(reader: Reader, waiting: Oid) -> tuple[Counter[str], int]:
    """Return how many asks a waiting tree names, by mode, and how many answers these want."""
    signal = find_signal(reader, waiting)
    modes, people = Counter[str](), 0
    for rows in () if signal is None else Tree(reader, signal).rows():
        asked = rows.values.filter(pc.is_in(rows.values.field("reason"), value_set=_ASKED))
        # But for ids, what is said of most is the same.
        told = pc.replace_substring_regex(asked.field("detail"), "[0-9a-f]{64}", "")
        for entry in pc.value_counts(told).to_pylist():
            detail = _details.decode(entry["values"])
            n_asks = len(detail.asks)
            if n_asks:
                modes[detail.mode] += entry["counts"] * n_asks
                people += entry["counts"] * math.ceil(detail.people / n_asks) * n_asks
    return modes, people


def new_asks(reader: Reader, before: Oid, after: Oid) -> dict[str, str]:
    """Return the asks that one waiting tree names and an earlier one does not, by id in hex, each with its source."""
    found: dict[str, str] = {}
    for changes in diff_trees(reader, find_signal(reader, before), find_signal(reader, after)):
        both = changes.before_arrow().to_pylist(), changes.after_arrow().to_pylist()
        for source, was, now in zip(changes.sources.to_pylist(), *both, strict=True):
            found |= dict.fromkeys(_named(now) - _named(was), source)
    return found


def asks_named(reader: Reader, waiting: Oid, sources: Keys) -> set[str]:
    """Return the asks about some sources that a waiting tree names, by id in hex."""
    signal = find_signal(reader, waiting)
    rows = None if signal is None else Tree(reader, signal).take(sources)
    return set() if rows is None else {ask for why in rows.values.to_pylist() for ask in _named(why)}


def _named(why: Mapping[str, str] | None) -> set[str]:
    return set() if why is None or why["reason"] not in _REASONS else {*_details.decode(why["detail"]).asks}
