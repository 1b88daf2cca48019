"""How many records of a signal have each standing; reads no values."""

from __future__ import annotations

from collections import Counter

import numpy as np

from dsvc.objects.chunk import load_prov
from dsvc.objects.encoding import get_object
from dsvc.objects.oid import Kind
from dsvc.objects.provenance import Provenance
from dsvc.objects.tree import Tree
from dsvc.repo.view import View


def count_standings(view: View, name: str) -> dict[str, int]:
    """Return standing -> records, of a signal of a version; nothing where it has none."""
    signal = view.signal(name)
    counts: Counter[str] = Counter()
    for entry in () if signal is None else Tree(view.reader, signal).nodes().chunks():
        prov = load_prov(view.reader, [entry])
        for number, n in enumerate(np.bincount(prov.rows, minlength=len(prov.table)).tolist()):
            if n:
                counts[get_object(view.reader, prov.table[number], Kind.PROVENANCE, Provenance).standing] += n
    return dict(counts)
