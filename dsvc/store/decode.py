"""Opening many frames at once, on several threads where that pays.

Decompression and hashing let other threads run; for a few megabytes two threads are nearly twice as fast as one,
for less the handing over costs more than it gives.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dsvc.objects.oid import Buffer, Kind, Oid
from dsvc.store.frame import canonical_size
from dsvc.store.verify import Verifier

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

PARALLEL_BYTES = 2 << 20
"""Decompressed bytes from which threads are used: keys are a fifteenth of that in the store."""
_N_THREADS = min(4, os.cpu_count() or 1)
_LEAST_FRAMES = 16


class Decoders:
    """Opens frames, alone or with a few threads that are started when first needed."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._pool: tuple[int, ThreadPoolExecutor] | None = None

    def open_all(self, frames: Sequence[Buffer], oids: Sequence[Oid], kind: Kind | None) -> list[Buffer]:
        """Return the canonical bytes in each frame, in memory of their own; as `Verifier.open`."""
        n_threads = _N_THREADS
        if n_threads == 1 or len(frames) < _LEAST_FRAMES or sum(map(canonical_size, frames)) < PARALLEL_BYTES:
            return [self._verifier.open(frame, oid, kind) for frame, oid in zip(frames, oids, strict=True)]
        results: list[Buffer] = [b""] * len(frames)

        def open_every(first: int) -> None:
            for i in range(first, len(frames), n_threads):
                results[i] = self._verifier.open(frames[i], oids[i], kind)

        futures = [self._threads().submit(open_every, first) for first in range(1, n_threads)]
        try:
            open_every(0)
        finally:
            errors = [future.exception() for future in futures]  # the frames must outlive every thread
        for error in errors:
            if error is not None:
                raise error
        return results

    def _threads(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor  # kept off the start of the command line

        if self._pool is None or self._pool[0] != os.getpid():  # threads do not survive a fork
            self._pool = (os.getpid(), ThreadPoolExecutor(_N_THREADS - 1, thread_name_prefix="dsvc-decode"))
        return self._pool[1]

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None and self._pool[0] == os.getpid():
            self._pool[1].shutdown(wait=True)
        self._pool = None
