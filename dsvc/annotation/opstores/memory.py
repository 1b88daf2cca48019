"""An op store that lives as long as the process: simulations, tests, a look without consequences."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from threading import RLock

from dsvc.annotation.opstores.base import INDEXES, PAGE, Doc, OpRecord, Value, Write, check_field


class MemoryOpStore:
    """Documents in dicts, and a sorted list for each field."""

    def __init__(self, indexes: Mapping[str, tuple[str, ...]] = INDEXES) -> None:
        self._indexes = indexes
        self._lock = RLock()
        self._records: dict[str, dict[str, OpRecord]] = {space: {} for space in indexes}
        self._sorted: dict[tuple[str, str], list[tuple[Value, str]]] = {
            (space, field): [] for space, fields in indexes.items() for field in ("id", *fields)
        }

    def get(self, space: str, key: str) -> OpRecord | None:
        """Return one document, or None where there is none."""
        check_field(self._indexes, space, "id")
        return self._records[space].get(key)

    def insert(self, space: str, key: str, doc: Doc) -> bool:
        """Keep a document where there is none of this id; tell whether it was kept."""
        with self._lock:
            if self.get(space, key) is not None:
                return False
            self._place(space, OpRecord(key, 1, dict(doc)))
            return True

    def swap(self, space: str, key: str, version: int, doc: Doc) -> bool:
        """Put a document in the place of the one that has this version; tell whether that was still so."""
        with self._lock:
            if not self.delete(space, key, version):
                return False
            self._place(space, OpRecord(key, version + 1, dict(doc)))
            return True

    def scan(
        self,
        space: str,
        field: str = "id",
        low: Value | None = None,
        high: Value | None = None,
        *,
        after: tuple[Value, str] | None = None,
        limit: int = PAGE,
    ) -> list[OpRecord]:
        """Return documents by (field, id), ascending."""
        check_field(self._indexes, space, field)
        with self._lock:
            entries, records = self._sorted[space, field], self._records[space]
            start = 0 if low is None else bisect_left(entries, (low, ""))
            if after is not None:
                start = max(start, bisect_left(entries, (after[0], after[1] + "\0")))
            found = []
            for value, key in entries[start : start + limit]:
                if high is not None and value >= high:  # type: ignore[operator]
                    break
                found.append(records[key])
            return found

    def delete(self, space: str, key: str, version: int) -> bool:
        """Remove the document that has this version; tell whether that was still so."""
        with self._lock:
            found = self.get(space, key)
            if found is None or found.version != version:
                return False
            for name, entry in self._entries(space, found):
                entries = self._sorted[space, name]
                del entries[bisect_left(entries, entry)]
            del self._records[space][key]
            return True

    def get_many(self, space: str, keys: Sequence[str]) -> dict[str, OpRecord]:
        """Return documents by id; those that there are none of are left out."""
        found = (self.get(space, key) for key in keys)
        return {record.id: record for record in found if record is not None}

    def write_many(self, space: str, writes: Sequence[Write]) -> list[bool]:
        """Do some inserts, swaps and deletes of different documents; tell which were done."""
        return [self._write(space, write) for write in writes]

    def _write(self, space: str, write: Write) -> bool:
        if write.doc is None:
            return self.delete(space, write.key, write.version)
        if not write.version:
            return self.insert(space, write.key, write.doc)
        return self.swap(space, write.key, write.version, write.doc)

    def close(self) -> None:
        """Keep everything: who holds the object may go on."""

    def _place(self, space: str, record: OpRecord) -> None:
        for name, entry in self._entries(space, record):
            insort(self._sorted[space, name], entry)
        self._records[space][record.id] = record

    def _entries(self, space: str, record: OpRecord) -> list[tuple[str, tuple[Value, str]]]:
        fields = ((name, record.doc.get(name)) for name in self._indexes[space])
        named = [(name, (value, record.id)) for name, value in fields if value is not None]
        return [("id", (record.id, record.id)), *named]
