"""The op store of one machine: an LMDB environment of its own beside the store, durable when a call returns.

A document is at `d space NUL id`, as msgpack of [version, document]. For each field to scan by there is an entry
`i space NUL field NUL value NUL id` without a value. Integers are 8 bytes, biased, so that bytes sort as numbers do.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from dsvc.annotation.opstores.base import INDEXES, PAGE, Doc, OpRecord, Value, Write, check_field
from dsvc.errors import IntegrityError
from dsvc.store.environment import MAP_BYTES, Txn
from dsvc.store.shared import close_environment, open_environment

MAX_KEY_BYTES: Final = 500
"""Bytes of an entry's key; LMDB takes 511."""
_BIAS = 1 << 63


class LmdbOpStore:
    """An op store in a directory, which is made where there is none."""

    def __init__(
        self, path: Path, indexes: Mapping[str, tuple[str, ...]] = INDEXES, *, map_bytes: int = MAP_BYTES
    ) -> None:
        """Open or make it.

        Args:
            path: A directory of its own. One that is damaged is deleted: what it held is disposable.
            indexes: The spaces, and the fields of each that can be scanned by.
            map_bytes: Address space to reserve.

        Raises:
            StoreError: If it cannot be opened.
        """
        self._indexes = indexes
        try:
            self._env = open_environment(path, map_bytes=map_bytes, create=True)
        except IntegrityError:
            shutil.rmtree(path)
            self._env = open_environment(path, map_bytes=map_bytes, create=True)

    def get(self, space: str, key: str) -> OpRecord | None:
        """Return one document, or None where there is none."""
        check_field(self._indexes, space, "id")
        return self._env.read(lambda txn: _read(txn, space, key))

    def insert(self, space: str, key: str, doc: Doc) -> bool:
        """Keep a document where there is none of this id; tell whether it was kept."""
        check_field(self._indexes, space, "id")

        def body(txn: Txn) -> bool:
            return self._write(txn, space, Write(key, 0, doc))

        return self._env.write(body)

    def swap(self, space: str, key: str, version: int, doc: Doc) -> bool:
        """Put a document in the place of the one that has this version; tell whether that was still so."""
        check_field(self._indexes, space, "id")

        def body(txn: Txn) -> bool:
            return self._write(txn, space, Write(key, version, doc))

        return self._env.write(body)

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
        prefix = b"i" + space.encode() + b"\0" + field.encode() + b"\0"
        start = prefix if low is None else prefix + _value_bytes(low)
        if after is not None:
            start = max(start, prefix + _value_bytes(after[0]) + b"\0" + after[1].encode() + b"\0")
        stop = None if high is None else prefix + _value_bytes(high)

        def body(txn: Txn) -> list[OpRecord]:
            found: list[OpRecord] = []
            with txn.cursor() as cursor:
                is_there = cursor.set_range(start)
                while is_there and len(found) < limit:
                    entry = bytes(cursor.key())
                    if not entry.startswith(prefix) or (stop is not None and entry >= stop):
                        break
                    record = _read(txn, space, bytes(cursor.value()).decode())
                    if record is not None:
                        found.append(record)
                    is_there = cursor.next()
            return found

        return self._env.read(body)

    def delete(self, space: str, key: str, version: int) -> bool:
        """Remove the document that has this version; tell whether that was still so."""
        check_field(self._indexes, space, "id")
        return self._env.write(lambda txn: self._write(txn, space, Write(key, version, None)))

    def get_many(self, space: str, keys: Sequence[str]) -> dict[str, OpRecord]:
        """Return documents by id; those that there are none of are left out."""
        check_field(self._indexes, space, "id")
        found = self._env.read(lambda txn: [_read(txn, space, key) for key in keys])
        return {record.id: record for record in found if record is not None}

    def write_many(self, space: str, writes: Sequence[Write]) -> list[bool]:
        """Do some inserts, swaps and deletes of different documents, in one transaction; tell which were done."""
        check_field(self._indexes, space, "id")

        def body(txn: Txn) -> list[bool]:
            return [self._write(txn, space, write) for write in writes]

        return self._env.write(body)

    def close(self) -> None:
        """Close the environment, if nobody else of this process uses it."""
        close_environment(self._env)

    def _write(self, txn: Txn, space: str, write: Write) -> bool:
        found = _read(txn, space, write.key)
        if (0 if found is None else found.version) != write.version or (found is None and write.doc is None):
            return False
        if found is not None:
            self._drop(txn, space, found)
        if write.doc is not None:
            self._place(txn, space, OpRecord(write.key, write.version + 1, write.doc))
        return True

    def _place(self, txn: Txn, space: str, record: OpRecord) -> None:
        for entry in self._entries(space, record):
            txn.put(entry, record.id.encode())
        txn.put(_doc_key(space, record.id), msgspec.msgpack.encode([record.version, record.doc]))

    def _drop(self, txn: Txn, space: str, record: OpRecord) -> None:
        for entry in self._entries(space, record):
            txn.delete(entry)
        txn.delete(_doc_key(space, record.id))

    def _entries(self, space: str, record: OpRecord) -> Iterator[bytes]:
        for field in ("id", *self._indexes[space]):
            value: Any = record.id if field == "id" else record.doc.get(field)
            if value is not None:
                parts = (b"i" + space.encode(), field.encode(), _value_bytes(value), record.id.encode())
                entry = b"\0".join(parts)
                if len(entry) > MAX_KEY_BYTES:
                    raise ValueError(f"{field} of {space} is longer than a key may be")
                yield entry


def _doc_key(space: str, key: str) -> bytes:
    return b"d" + space.encode() + b"\0" + key.encode()


def _read(txn: Txn, space: str, key: str) -> OpRecord | None:
    packed = txn.get(_doc_key(space, key))
    if packed is None:
        return None
    version, doc = msgspec.msgpack.decode(packed)
    return OpRecord(key, version, doc)


def _value_bytes(value: Value) -> bytes:
    if isinstance(value, int):
        return (value + _BIAS).to_bytes(8, "big")
    if "\0" in value:
        raise ValueError("text to scan by has no NUL")
    return value.encode()
