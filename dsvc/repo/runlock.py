"""One run at a time: two would execute the same records, each for itself.

Nothing breaks without it, since drafts move by compare-and-swap. The kernel lets go of it when its holder dies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dsvc.errors import RunningError
from dsvc.repo.layout import Layout, telling_why
from dsvc.store.base import OnWait
from dsvc.store.writelock import WriteLock


@contextmanager
def running(layout: Layout, command: str, on_wait: OnWait | None, *, waits: bool = True) -> Iterator[None]:
    """Be the only one who runs a repository's recipe inside the block.

    Args:
        layout: The repository.
        command: What to tell others meanwhile.
        on_wait: Told once for whom this waits, should it take more than a second.
        waits: Whether to wait for another run.

    Raises:
        RunningError: If another run is at work, and this does not wait.
    """
    with telling_why(layout.run_lock):
        lock = WriteLock(layout.run_lock)
    try:
        held = lock.held(command, on_wait, waits=waits)
        try:
            held.__enter__()
        except BlockingIOError:
            note = lock.note()
            pid, what = (0, "another run") if note is None else (note.pid, note.command)
            raise RunningError(pid=pid, command=what) from None
        try:
            yield
        finally:
            held.__exit__(None, None, None)
    finally:
        lock.close()
