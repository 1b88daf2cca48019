"""A store on disk, in one LMDB environment with one database.

| key | value |
| --- | --- |
| `m` + name | settings; `mformat` is `1` |
| `o` + 32-byte id | the object's frame |
| `p` + u64 number, big endian | msgpack of an `Operation` |
| `r` + name, UTF-8 | what the ref holds |

Keys are ids, names and numbers only: LMDB takes keys of at most 511 bytes, and pointers are longer.
Every write transaction is synced to disk before it returns; none writes more than about 64 MiB of objects.
There is one database because opening a second by name takes LMDB's write lock: a reader would wait for writers.

Source: docs/format.md#store.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice, takewhile
from pathlib import Path

import msgspec

from dsvc.errors import ObjectNotFoundError, RefConflictError, UnsupportedFormatError
from dsvc.objects.oid import Buffer, Kind, Oid
from dsvc.store.base import Frame, OnWait, Operation, RefChange, encode_ref_name, moved
from dsvc.store.decode import Decoders
from dsvc.store.environment import MAP_BYTES, Environment, Txn
from dsvc.store.frame import RAW
from dsvc.store.recent import Recent
from dsvc.store.shared import close_environment, open_environment
from dsvc.store.verify import Verifier

TXN_BYTES = 64 << 20
"""How many bytes of objects one transaction writes."""
_FORMAT_KEY = b"mformat"
_FORMAT = b"1"
_OBJECT = b"o"
_OPERATION = b"p"
_REF = b"r"
_LAST_OP = (1 << 64) - 1
_PAGE_ITEMS = 4096
"""How many items one read transaction of a long walk covers."""

_op_encoder = msgspec.msgpack.Encoder()
_op_decoder = msgspec.msgpack.Decoder(Operation)


class LmdbObjectStore:
    """Objects in an LMDB environment."""

    def __init__(self, env: Environment, command: str, on_wait: OnWait | None) -> None:
        self._env = env
        self._command = command
        self._on_wait = on_wait
        self._store = str(env.path)
        self.verifier = Verifier(self._store)
        self._decoders = Decoders(self.verifier)
        self._recent = Recent()

    def get(self, oid: Oid, kind: Kind | None = None) -> Buffer:
        """Return the canonical bytes of an object."""
        data = self._recent.find(oid, kind)
        if data is not None:
            return data

        def body(txn: Txn) -> Buffer:
            frame = txn.get(_OBJECT + oid)
            if frame is None:
                raise self._not_found(oid, kind)
            data = self.verifier.open(frame, oid, kind)
            if frame[0] != RAW:
                self._recent.keep(oid, data)
            return data

        return self._env.read(body)

    def get_many(self, oids: Sequence[Oid], kind: Kind | None = None) -> list[Buffer]:
        """Return the canonical bytes of several objects, in the order asked."""
        kept = {oid: data for oid in oids if (data := self._recent.find(oid, kind)) is not None}
        if not kept:
            return self._read(oids, kind) if oids else []
        missing = [oid for oid in oids if oid not in kept]
        read = iter(self._read(missing, kind) if missing else ())
        return [kept[oid] if oid in kept else next(read) for oid in oids]

    def _read(self, oids: Sequence[Oid], kind: Kind | None) -> list[Buffer]:
        def body(txn: Txn) -> list[Buffer]:
            found = txn.cursor().getmulti([_OBJECT + oid for oid in oids])
            if len(found) != len(oids):
                there = {bytes(key[1:]) for key, _ in found}
                raise self._not_found(next(oid for oid in oids if oid not in there), kind)
            frames = [frame for _, frame in found]
            opened = self._decoders.open_all(frames, oids, kind)
            for frame, oid, data in zip(frames, oids, opened, strict=True):
                if frame[0] != RAW:
                    self._recent.keep(oid, data)
            return opened

        return self._env.read(body)

    def _not_found(self, oid: Oid, kind: Kind | None) -> ObjectNotFoundError:
        return ObjectNotFoundError(oid=oid, kind="object" if kind is None else kind.name.lower(), store=self._store)

    def has(self, oid: Oid) -> bool:
        """Return whether there is such an object."""
        return self._env.read(lambda txn: txn.get(_OBJECT + oid) is not None)

    def missing(self, oids: Sequence[Oid]) -> set[Oid]:
        """Return those of `oids` that the store does not have."""

        def body(txn: Txn) -> set[Oid]:
            found = txn.cursor().getmulti([_OBJECT + oid for oid in sorted(oids)])
            return set(oids).difference(bytes(key[1:]) for key, _ in found) if found else set(oids)

        return self._env.read(body)

    def put_frames(self, items: Sequence[tuple[Oid, Frame]]) -> None:
        """Keep objects; one that is there already stays as it is. Durable on return."""
        for batch in _batches(items):
            body = partial(self.put_in, items=batch)
            self._env.write(body, command=self._command, on_wait=self._on_wait)

    def put_in(self, txn: Txn, items: Sequence[tuple[Oid, Frame]]) -> None:
        """Keep objects as part of a transaction; in the order of their ids, which is three times as fast."""
        keyed = [(_OBJECT + oid, frame) for oid, frame in sorted(items)]
        txn.cursor().putmulti(keyed, dupdata=False, overwrite=False)

    def iter_oids(self) -> Iterator[Oid]:
        """Yield every id in ascending order."""
        start = _OBJECT
        while True:
            page = self._env.read(partial(_keys_from, start=start, prefix=_OBJECT))
            for key in page:
                yield Oid(key[1:])
            if len(page) < _PAGE_ITEMS:
                return
            start = page[-1] + b"\0"

    def close(self) -> None:
        """Let go of threads and of what was kept."""
        self._decoders.close()
        self._recent.clear()


class LmdbRefStore:
    """Refs and the operation log in an LMDB environment."""

    def __init__(self, env: Environment, objects: LmdbObjectStore, command: str, on_wait: OnWait | None) -> None:
        self._env = env
        self._objects = objects
        self._command = command
        self._on_wait = on_wait

    def get(self, name: str) -> bytes | None:
        """Return what a ref holds, or None."""

        def body(txn: Txn) -> bytes | None:
            value = txn.get(_ref_key(name))
            return None if value is None else bytes(value)

        return self._env.read(body)

    def iter_refs(self, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield (name, value) of the refs whose names begin with `prefix`, ascending, as of one moment."""

        def body(txn: Txn) -> list[tuple[str, bytes]]:
            start = _REF + prefix.encode()
            cursor = txn.cursor()
            found: list[tuple[str, bytes]] = []
            if cursor.set_range(start):
                for key, value in cursor:
                    if key[: len(start)] != start:
                        break
                    found.append((str(key[1:], "utf-8"), bytes(value)))
            return found

        yield from self._env.read(body)

    def update(
        self,
        changes: Sequence[RefChange],
        *,
        objects: Sequence[tuple[Oid, Frame]] = (),
        op: Operation | None = None,
    ) -> None:
        """Move refs, keep objects and log the operation in one durable transaction, or do nothing."""
        keyed = [(_ref_key(name), name, expected, new) for name, expected, new in changes]
        line = None if op is None else _op_encoder.encode(msgspec.structs.replace(op, refs=moved(changes)))

        def body(txn: Txn) -> None:
            for key, name, expected, _ in keyed:
                found = txn.get(key)
                if found != expected:
                    value = None if found is None else bytes(found)
                    raise RefConflictError(ref=name, expected=expected, found=value)
            if objects:
                self._objects.put_in(txn, objects)
            for key, _, expected, new in keyed:
                if new is None:
                    txn.delete(key)
                elif new != expected:
                    txn.put(key, new)
            if line is not None:
                txn.put(_op_key(_last_number(txn) + 1), line)

        self._env.write(body, command=self._command, on_wait=self._on_wait)

    def iter_ops(self, *, newest_first: bool = True) -> Iterator[tuple[int, Operation]]:
        """Yield (number, operation)."""
        start = self._env.read(_last_number) if newest_first else 1
        while True:
            page = self._env.read(partial(_ops_from, start=start, newest_first=newest_first))
            for number, line in page:
                yield number, _op_decoder.decode(line)
            if len(page) < _PAGE_ITEMS:
                return
            start = page[-1][0] + (-1 if newest_first else 1)


class LmdbStore:
    """Objects and refs in one LMDB environment, durable when a call returns."""

    def __init__(
        self,
        path: Path,
        *,
        create: bool = False,
        command: str = "",
        on_wait: OnWait | None = None,
        map_bytes: int = MAP_BYTES,
    ) -> None:
        """Open a store.

        Args:
            path: Its directory.
            create: Whether to make it where there is none.
            command: What writers are told who wait for this one.
            on_wait: Called once with the note of a writer that is in the way for more than a second.
            map_bytes: Address space to reserve first.

        Raises:
            StoreError: If there is no store, or it cannot be opened.
            UnsupportedFormatError: If another version of dsvc made it.
        """
        self._env = open_environment(path, map_bytes=map_bytes, create=create)
        self._close = weakref.finalize(self, close_environment, self._env)
        self.objects = LmdbObjectStore(self._env, command, on_wait)
        self.refs = LmdbRefStore(self._env, self.objects, command, on_wait)
        try:
            self._check_format(path, create=create)
        except BaseException:
            self.close()
            raise

    def _check_format(self, path: Path, *, create: bool) -> None:
        def read(txn: Txn) -> bytes:
            return bytes(txn.get(_FORMAT_KEY) or b"")

        if create and not self._env.read(read):
            self._env.write(lambda txn: txn.put(_FORMAT_KEY, _FORMAT))
        found = self._env.read(read)
        if found != _FORMAT:
            shown = found.decode(errors="replace") or "none"
            raise UnsupportedFormatError(what=f"store {path}", found=shown, supported=_FORMAT.decode())

    def close(self) -> None:
        """Let go of files and threads."""
        self.objects.close()
        self._close()


def _batches(items: Sequence[tuple[Oid, Frame]]) -> Iterator[Sequence[tuple[Oid, Frame]]]:
    """Cut items into runs of about `TXN_BYTES`."""
    start = size = 0
    for i, (_, frame) in enumerate(items):
        if size and size + len(frame) > TXN_BYTES:
            yield items[start:i]
            start, size = i, 0
        size += len(frame)
    if start < len(items):
        yield items[start:]


def _ref_key(name: str) -> bytes:
    return _REF + encode_ref_name(name)


def _op_key(number: int) -> bytes:
    return _OPERATION + number.to_bytes(8, "big")


def _last_number(txn: Txn) -> int:
    """Return the number of the newest operation, 0 where there is none."""
    cursor = txn.cursor()
    there = cursor.prev() if cursor.set_range(_op_key(_LAST_OP)) else cursor.last()
    key = cursor.key() if there else b""
    return int.from_bytes(key[1:], "big") if key[:1] == _OPERATION else 0


def _ops_from(txn: Txn, *, start: int, newest_first: bool) -> list[tuple[int, bytes]]:
    """Return a page of encoded operations from a number on."""
    cursor = txn.cursor()
    if start < 1 or not cursor.set_key(_op_key(start)):
        return []
    items = cursor.iterprev() if newest_first else cursor.iternext()
    page = islice(items, _PAGE_ITEMS)
    return [(int.from_bytes(key[1:], "big"), bytes(line)) for key, line in takewhile(_is_op, page)]


def _is_op(item: tuple[memoryview, memoryview]) -> bool:
    return item[0][:1] == _OPERATION


def _keys_from(txn: Txn, *, start: bytes, prefix: bytes) -> list[bytes]:
    """Return a page of keys with a prefix."""
    cursor = txn.cursor()
    if not cursor.set_range(start):
        return []
    keys = map(bytes, islice(cursor.iternext(keys=True, values=False), _PAGE_ITEMS))
    return list(takewhile(lambda key: key.startswith(prefix), keys))
