"""The records that a step makes, put into its signal in parts, so that memory stays bounded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce

import numpy as np
import pyarrow as pa

from dsvc.objects.access import Writer
from dsvc.objects.arrays import normalise, to_arrow
from dsvc.objects.chunk import ProvColumn, Records, concat_records
from dsvc.objects.column import Column
from dsvc.objects.edit import Edit, edit_tree
from dsvc.objects.encoding import put_object
from dsvc.objects.keys import Keys, merge_order
from dsvc.objects.oid import ZERO, Kind, Oid
from dsvc.objects.provenance import Provenance
from dsvc.objects.snapshot import Signal
from dsvc.objects.types import Type

MAX_HELD_ROWS = 1_048_576
MAX_HELD_BYTES = 64 * 1024 * 1024
"""Weight of values that are held before they are written."""

WAITING_TYPE = Type(("struct", (("detail", ("string",)), ("reason", ("string",)))))
"""What a waiting tree says of a source."""
REASON_FAILED, REASON_PENDING, REASON_AUDIT = "failed", "pending", "audit"
"""Of a task: people are asked for a value; they are asked whether the value that there is is right."""
MAX_DETAIL = 1000
"""Characters of an error text that are kept."""
_BYTES = re.compile(r"(?:\\x[0-9a-fA-F]{2}[^\\]{0,4}){4}|[A-Za-z0-9+_-]{200}|[\x00-\x08\x0e-\x1f\x7f-\x9f]")
"""Escaped bytes, base64, or control characters: what is no sentence."""


class Output:
    """A signal under way. Records come in ascending order of their sources, removals in any.

    Args:
        writer: Takes the objects.
        signal: What there is to begin with.
        type_: The signal's type.
        provenance: That of all records put.
    """

    def __init__(self, writer: Writer, signal: Signal | None, type_: Type, provenance: Provenance) -> None:
        self._writer = writer
        self._signal = signal
        self._type = type_
        self._provenance = put_object(writer, Kind.PROVENANCE, provenance)
        self._upserts: list[Records] = []
        self._removals: list[Keys] = []
        self._rows = self._bytes = 0
        self.removed = 0
        """Records removed so far, of those that were there to begin with."""
        self.same = 0
        """Records put so far with the value that was there."""

    def made(self, keys: Keys, values: Column) -> Records:
        """Return values that the step made as records of its own."""
        return Records(keys, values, ProvColumn.constant(self._provenance, len(keys)))

    def put(self, records: Records) -> None:
        """Put records: those the step made, or those a trace gave."""
        if len(records) == 0:
            return
        self._upserts.append(records)
        weights = records.values.weights()
        self._held(len(records), weights * len(records) if isinstance(weights, int) else int(weights.sum()))

    def remove(self, keys: Keys) -> None:
        """Remove the records of sources; those without one are passed over."""
        if len(keys):
            self._removals.append(keys)
            self._held(len(keys), 0)

    def _held(self, rows: int, weight: int) -> None:
        self._rows += rows
        self._bytes += weight
        if self._rows >= MAX_HELD_ROWS or self._bytes >= MAX_HELD_BYTES:
            self.flush()

    def flush(self) -> Signal | None:
        """Write what is held and return the signal as it is now."""
        if self._upserts or self._removals:
            upserts = concat_records(self._upserts) if self._upserts else None
            removals = reduce(_union, self._removals) if self._removals else None
            result = edit_tree(self._writer, self._signal, self._type, Edit(upserts, removals))
            self._signal = result.signal
            self.removed += result.removed
            self.same += result.same
            self._upserts, self._removals, self._rows, self._bytes = [], [], 0, 0
        return self._signal

    def write(self) -> Oid:
        """Write the signal object and return its id; zero where no record is left."""
        signal = self.flush()
        return ZERO if signal is None else put_object(self._writer, Kind.SIGNAL, signal)


def details_of(waiting: Records) -> list[str]:
    """Return why some sources wait."""
    return [str(why) for why in to_arrow(waiting.values).field("detail").to_pylist()]


def tidy(text: str) -> str:
    """Return an error text as it may be kept: text, not too long, and without the bytes of an image."""
    # An exception may carry what it choked on; of an image nothing may stay here, not even its first bytes.
    cut = _BYTES.search(text)
    text = f"{text[: cut.start()]}... (bytes left out)" if cut else text
    return text[:MAX_DETAIL].encode("utf-8", "backslashreplace").decode()


def _union(keys: Keys, other: Keys) -> Keys:
    return merge_order(keys, other)[0]


class Failures:
    """The sources whose record failed, and why, as a waiting tree. Sources come in ascending order.

    Args:
        writer: Takes the objects.
        waiting: Who failed before; it stands for those not looked at again.
        provenance: Whose failures these are.
    """

    def __init__(self, writer: Writer, waiting: Signal | None, provenance: Provenance) -> None:
        self._output = Output(writer, waiting, WAITING_TYPE, provenance)
        self._had_any = waiting is not None

    def update(self, looked_at: Keys, failed: Keys, why: Sequence[str], reasons: Sequence[str] | None = None) -> None:
        """Replace what is known of `looked_at` by what is true now: `failed`, which are some of them, failed.

        Args:
            looked_at: Sources.
            failed: Those of them that wait now.
            why: Why each of these does, in detail.
            reasons: Why in a word; all failed if None.
        """
        if self._had_any:
            _, is_failed = failed.search(looked_at)
            self._output.remove(looked_at.take(np.flatnonzero(~is_failed)))
        details = [tidy(text) for text in why]
        told = zip(details, reasons or [REASON_FAILED] * len(details), strict=True)
        values = pa.array([{"detail": text, "reason": reason} for text, reason in told], WAITING_TYPE.arrow)
        self._output.put(self._output.made(failed, normalise(values, WAITING_TYPE.physical)))

    def flush(self) -> Signal | None:
        """Write what is held, after which sources may begin from the first again; return the signal as it is now."""
        return self._output.flush()

    def write(self) -> Oid | None:
        """Write the waiting signal; None when nobody waits."""
        oid = self._output.write()
        return None if oid == ZERO else oid
