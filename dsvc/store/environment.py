"""An open LMDB environment: short transactions, a map that grows, errors in our own words.

Growing the map, closing and forking need all transactions of this process to be over: each transaction passes a
gate, which those three shut. What a transaction shows is gone after it; whoever reads takes copies.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

import lmdb

from dsvc.errors import (
    DsvcError,
    IntegrityError,
    StoreError,
    StoreFullError,
    StorePermissionError,
    StoreUnavailableError,
    UnsupportedFormatError,
)
from dsvc.store.base import OnWait
from dsvc.store.gate import Gate
from dsvc.store.writelock import WriteLock

T = TypeVar("T")
Txn: TypeAlias = "lmdb.Transaction[memoryview]"

DATA = "data.mdb"
MAP_BYTES = 1 << 38
"""Address space first reserved for a store: 256 GiB. It takes no memory and no disk, and doubles when full."""
LEAST_MAP_BYTES = 1 << 16
_MAX_READERS = 510
_LITTLE_ROOM_BYTES = 256 << 20
"""More than any transaction writes."""
_FULL = ("File too large", "quota exceeded")
_CUT = "Input/output error"
_RESTORE = "restore the store from a copy"


class Environment:
    """An open environment with its one database. May be used by several threads."""

    def __init__(self, path: Path, *, map_bytes: int = MAP_BYTES) -> None:
        """Open a directory as an environment.

        Args:
            path: The directory; it exists.
            map_bytes: Address space to reserve; less is taken where the process may not have that much.

        Raises:
            StoreError: If it cannot be opened.
            IntegrityError: If it is damaged, as far as opening can tell.
        """
        self.path = path
        self.n_users = 0
        self._map_bytes = map_bytes
        self._is_closed = False
        self._gate = Gate()
        self._lock: WriteLock | None = None
        self._lmdb: lmdb.Environment | None = None
        self._open()

    def _open(self) -> lmdb.Environment:
        try:
            self._lock = WriteLock(self.path / "writer")
            self._lmdb = self._open_lmdb()
            self._lmdb.reader_check()
            self._check_length(self._lmdb)
        except lmdb.Error as err:
            self._let_go()
            raise self._translated(err) from err
        except OSError as err:
            self._let_go()
            raise StorePermissionError(store=str(self.path), reason=str(err)) from err
        except DsvcError:
            self._let_go()
            raise
        return self._lmdb

    def _open_lmdb(self) -> lmdb.Environment:
        data = self.path / DATA
        ram_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        readahead = not data.exists() or data.stat().st_size < ram_bytes
        while True:
            try:
                return lmdb.open(
                    str(self.path),
                    map_size=self._map_bytes,
                    max_readers=_MAX_READERS,
                    readahead=readahead,
                    create=False,
                )
            except lmdb.MemoryError:
                if self._map_bytes <= LEAST_MAP_BYTES:
                    raise
                self._map_bytes //= 2

    def _check_length(self, env: lmdb.Environment) -> None:
        """Check that the file is as long as the pages in use need; touching one beyond its end kills the process."""
        with env.begin() as txn:
            stat = txn.stat()
        n_pages = 2 + stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
        expected, found = n_pages * stat["psize"], (self.path / DATA).stat().st_size
        if found < expected:
            message = f"store {self.path} is cut short: {DATA} has {found:,} bytes, at least {expected:,} are in use"
            raise IntegrityError(message=message, hint=_RESTORE)

    def _usable(self) -> tuple[lmdb.Environment, WriteLock]:
        if self._is_closed:
            raise StoreError(store=str(self.path), reason="it is closed")
        if self._lmdb is None:  # first use after a fork
            self._open()
        if self._lmdb is None or self._lock is None:
            raise AssertionError("_open opens both or raises")
        return self._lmdb, self._lock

    def read(self, body: Callable[[Txn], T]) -> T:
        """Return what `body` makes of a read transaction; the memory that it sees goes away with it."""
        while True:
            try:
                with self._gate:
                    txn = (self._lmdb or self._usable()[0]).begin(buffers=True)
                    try:
                        return body(txn)
                    finally:
                        txn.abort()
            except lmdb.MapResizedError:
                self._resize(adopt=True)
            except lmdb.Error as err:
                raise self._translated(err) from err

    def write(self, body: Callable[[Txn], T], *, command: str = "", on_wait: OnWait | None = None) -> T:
        """Return what `body` makes of a write transaction, once that is durable.

        Args:
            body: May run more than once; what it wrote is undone before it runs again, and when it raises.
            command: What writers are told who wait for this one.
            on_wait: Called once with the note of a writer that is in the way for more than a second.

        Raises:
            StoreFullError: If there is no room; nothing was written.
        """
        env, lock = self._usable()
        with lock.held(command, on_wait):
            while True:
                try:
                    with self._gate:
                        return self._write_once(env, body)
                except lmdb.MapFullError:
                    self._resize()
                except lmdb.MapResizedError:
                    self._resize(adopt=True)
                except lmdb.Error as err:
                    raise self._translated(err) from err

    def _write_once(self, env: lmdb.Environment, body: Callable[[Txn], T]) -> T:
        txn = env.begin(write=True, buffers=True)
        try:
            result = body(txn)
            txn.commit()
        except BaseException:
            # py-lmdb aborts only at a moment when no other thread is at work, which may be never.
            with self._gate.alone():
                txn.abort()
            raise
        return result

    def _resize(self, *, adopt: bool = False) -> None:
        """Double the map, or take over the size that another process gave it."""
        with self._gate.shut():
            env, _ = self._usable()
            try:
                env.set_mapsize(0 if adopt else 2 * env.info()["map_size"])
            except lmdb.Error as err:
                raise self._translated(err) from err

    def _translated(self, err: lmdb.Error) -> DsvcError:
        """Return what an error of LMDB is called outside this room."""
        store, text = str(self.path), str(err)
        if (
            isinstance(err, lmdb.DiskError)
            or any(words in text for words in _FULL)
            or (_CUT in text and self._is_full())
        ):
            return StoreFullError(store=store, reason="there is no room left on the disk")
        if isinstance(err, lmdb.ReadonlyError) or "Permission denied" in text:
            return StorePermissionError(store=store, reason=text)
        if isinstance(err, lmdb.ReadersFullError):
            return StoreUnavailableError(store=store, reason=f"{_MAX_READERS} readers are at work already")
        if isinstance(err, lmdb.VersionMismatchError):
            return UnsupportedFormatError(what=f"store {store}", found="unknown", supported="LMDB 0.9")
        if isinstance(err, lmdb.CorruptedError | lmdb.PageNotFoundError | lmdb.InvalidError):
            return IntegrityError(message=f"store {store} is damaged: {text}", hint=_RESTORE)
        return StoreError(store=store, reason=text)

    def _is_full(self) -> bool:
        """Return whether a write may have been cut short for want of room, which LMDB reports as a failing disk."""
        import resource

        disk = os.statvfs(self.path)
        limit_bytes, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        left_bytes = disk.f_bavail * disk.f_frsize
        if limit_bytes != resource.RLIM_INFINITY:
            left_bytes = min(left_bytes, limit_bytes - (self.path / DATA).stat().st_size)
        return left_bytes < _LITTLE_ROOM_BYTES

    def _let_go(self) -> None:
        if self._lmdb is not None:
            self._lmdb.close()
        if self._lock is not None:
            self._lock.close()
        self._lmdb, self._lock = None, None

    def close(self) -> None:
        """Close the files, once every transaction is over."""
        with self._gate.shut():
            self._is_closed = True
            self._let_go()

    def hold(self) -> None:
        """Let no transaction begin, and wait for those that have: before a fork."""
        self._gate.close()

    def release(self) -> None:
        """Let transactions begin again: in the parent, after a fork."""
        self._gate.open()

    def abandon(self) -> None:
        """Let go of what was inherited, to be opened afresh at the next use: in the child, after a fork."""
        self._gate = Gate()
        self._let_go()
