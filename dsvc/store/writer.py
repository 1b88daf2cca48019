"""Taking objects in: names, deduplicates, compresses and stores them in transactions of bounded size.

A writer is for one piece of work and one thread. What it was given can be read back from it at once; it is durable
after `flush`, or after `update`, which stores the last objects in the transaction that moves the refs. Few objects
are handled in place; from a few megabytes on two threads compress and one stores, while the caller goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from dsvc.errors import ObjectFormatError
from dsvc.objects.oid import Buffer, Kind, Oid, hash_object
from dsvc.store.base import Frame, Operation, RefChange, Store
from dsvc.store.codec import Verdicts
from dsvc.store.frame import decode_frame, raw_frame, raw_payload

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

BATCH_BYTES = 4 << 20
"""Raw bytes that are compressed together, by one thread."""
TXN_BYTES = 16 << 20
"""Stored bytes that are written in one transaction, while the next ones are packed."""
_THREADS = 2

_Batch = list[tuple[Oid, Kind, Oid | None]]
_Item = tuple[Oid, Frame]


class ObjectWriter:
    """Puts objects into a store; an `objects.access.Writer`."""

    def __init__(self, store: Store, *, batch_bytes: int = BATCH_BYTES, txn_bytes: int = TXN_BYTES) -> None:
        """Start with nothing taken.

        Args:
            store: Where objects go.
            batch_bytes: Raw bytes that are compressed together.
            txn_bytes: Stored bytes that are written in one transaction.
        """
        self._store = store
        self._batch_bytes = batch_bytes
        self._txn_bytes = txn_bytes
        self._verdicts = Verdicts()
        self._frames: dict[Oid, Frame] = {}  # taken and not durable yet; raw until packed
        self._durable: set[Oid] = set()  # taken and known to be in the store
        self._raw: _Batch = []
        self._raw_bytes = 0
        self._packing: deque[tuple[Future[list[_Item]], _Batch]] = deque()
        self._ready: list[_Item] = []
        self._ready_bytes = 0
        self._storing: tuple[Future[None], list[_Item]] | None = None
        self._pools: tuple[ThreadPoolExecutor, ThreadPoolExecutor] | None = None
        self.n_new = 0
        """Objects that the store did not have."""
        self.n_new_bytes = 0
        """Their stored size."""

    def put(self, kind: Kind, parts: Sequence[Buffer], hint: Oid | None = None) -> Oid:
        """Take the object whose canonical bytes are `parts`, joined, and return its id.

        Args:
            kind: What the object is.
            parts: Consecutive pieces of its canonical bytes; they are copied.
            hint: Objects with an equal hint compress alike.
        """
        frame = raw_frame(kind, parts)
        oid = hash_object(kind, raw_payload(frame))
        if oid in self._frames or oid in self._durable:
            return oid
        self._frames[oid] = frame
        self._raw.append((oid, kind, hint))
        self._raw_bytes += len(frame)
        if self._raw_bytes >= self._batch_bytes:
            self._pack_behind()
        return oid

    def has(self, oid: Oid) -> bool:
        """Return whether the object was taken or is stored already."""
        if oid in self._frames or oid in self._durable:
            return True
        if self._store.objects.has(oid):
            self._durable.add(oid)
            return True
        return False

    def get(self, oid: Oid, kind: Kind | None = None) -> Buffer:
        """Return the canonical bytes of an object, of those taken or in the store."""
        frame = self._frames.get(oid)
        return self._store.objects.get(oid, kind) if frame is None else _opened(frame, oid, kind)

    def get_many(self, oids: Sequence[Oid], kind: Kind | None = None) -> list[Buffer]:
        """Return the canonical bytes of several objects, in the order asked."""
        taken = {oid: frame for oid in oids if (frame := self._frames.get(oid)) is not None}
        if not taken:
            return self._store.objects.get_many(oids, kind)
        stored = iter(self._store.objects.get_many([oid for oid in oids if oid not in taken], kind))
        return [_opened(taken[oid], oid, kind) if oid in taken else next(stored) for oid in oids]

    def pending(self) -> list[_Item]:
        """Return (id, frame) of what is not durable yet, less than one transaction's worth; it stays pending.

        For `RefStore.update`; call `settle` with it once that has succeeded.
        """
        self._pack()
        self._finish_storing()
        return list(self._ready)

    def settle(self) -> None:
        """Take what `pending` returned for durable."""
        self._landed(self._ready)
        self._ready, self._ready_bytes = [], 0

    def update(self, changes: Sequence[RefChange], op: Operation | None = None) -> None:
        """Move refs, and make durable in the same transaction what is not yet; as `RefStore.update`.

        After an error everything that was taken is still pending.
        """
        self._store.refs.update(changes, objects=self.pending(), op=op)
        self.settle()

    def flush(self) -> None:
        """Make everything that was taken durable."""
        self._pack()
        self._finish_storing()
        if self._ready:
            self._store.objects.put_frames(self._ready)
            self.settle()

    def discard(self) -> None:
        """Forget what was taken and is not durable; what is on its way to the store may get there, unnamed."""
        for packing, _ in self._packing:
            packing.exception()
        if self._storing is not None:
            storing, items = self._storing
            if storing.exception() is None:
                self._landed(items)
        self._take_raw()
        self._packing.clear()
        self._storing = None
        self._frames.clear()
        self._ready, self._ready_bytes = [], 0

    def close(self) -> None:
        """Let threads go; what is not durable is lost."""
        if self._pools is not None:
            for pool in self._pools:
                pool.shutdown(wait=True, cancel_futures=True)
            self._pools = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _packed(self, batch: _Batch) -> list[_Item]:
        """Return what of a batch the store does not have, in the form it is stored in."""
        missing = self._store.objects.missing([oid for oid, _, _ in batch])
        packed, frames = self._verdicts.packed, self._frames
        return [(oid, packed(kind, hint, frames[oid])) for oid, kind, hint in batch if oid in missing]

    def _take_raw(self) -> _Batch:
        batch, self._raw, self._raw_bytes = self._raw, [], 0
        return batch

    def _give_back(self, batch: _Batch) -> None:
        self._raw = batch + self._raw
        self._raw_bytes += sum(len(self._frames[oid]) for oid, _, _ in batch)

    def _pack_behind(self) -> None:
        """Have another thread pack what was taken, and collect what is packed by now."""
        packers, _ = self._threads()
        batch = self._take_raw()
        self._packing.append((packers.submit(self._packed, batch), batch))
        while self._packing and (len(self._packing) > 2 * _THREADS or self._packing[0][0].done()):
            self._collect_first()
        self._store_behind()

    def _pack(self) -> None:
        """Pack everything that was taken."""
        while self._packing:
            self._collect_first()
        if self._raw:
            batch = self._take_raw()
            try:
                items = self._packed(batch)
            except BaseException:
                self._give_back(batch)
                raise
            self._line_up(batch, items)
        self._store_behind()

    def _collect_first(self) -> None:
        future, batch = self._packing.popleft()
        try:
            items = future.result()
        except BaseException:
            self._give_back(batch)
            raise
        self._line_up(batch, items)

    def _line_up(self, batch: _Batch, items: list[_Item]) -> None:
        """Put packed objects in line to be stored; what of the batch is not among them is durable."""
        new = dict(items)
        for oid, _, _ in batch:
            if oid in new:
                self._frames[oid] = new[oid]
            else:
                del self._frames[oid]
                self._durable.add(oid)
        self._ready += items
        self._ready_bytes += sum(len(frame) for _, frame in items)

    def _store_behind(self) -> None:
        """Have another thread store what is lined up, one transaction's worth after the other."""
        while self._ready_bytes >= self._txn_bytes:
            self._finish_storing()
            size_bytes = n_items = 0
            while size_bytes < self._txn_bytes:
                size_bytes += len(self._ready[n_items][1])
                n_items += 1
            items, self._ready = self._ready[:n_items], self._ready[n_items:]
            self._ready_bytes -= size_bytes
            _, keeper = self._threads()
            self._storing = keeper.submit(self._store.objects.put_frames, items), items

    def _finish_storing(self) -> None:
        if self._storing is not None:
            (future, items), self._storing = self._storing, None
            try:
                future.result()
            except BaseException:
                self._ready = items + self._ready
                self._ready_bytes += sum(len(frame) for _, frame in items)
                raise
            self._landed(items)

    def _landed(self, items: Sequence[_Item]) -> None:
        for oid, frame in items:
            self._frames.pop(oid, None)
            self._durable.add(oid)
            self.n_new_bytes += len(frame)
        self.n_new += len(items)

    def _threads(self) -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
        from concurrent.futures import ThreadPoolExecutor  # kept off the start of the command line

        if self._pools is None:
            self._pools = ThreadPoolExecutor(_THREADS, "dsvc-pack"), ThreadPoolExecutor(1, "dsvc-store")
        return self._pools


def _opened(frame: Frame, oid: Oid, kind: Kind | None) -> Buffer:
    """Return the canonical bytes in a frame that this process made."""
    found, data = decode_frame(frame, oid)
    if kind is not None and found != kind:
        reason = f"it is a {found.name.lower()}"
        raise ObjectFormatError(kind=kind.name.lower(), reason=reason, oid=oid)
    return data
