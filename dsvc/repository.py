"""The repository as users meet it: versions of signals, and the recipe that fills and derives them.

Rooms above the store are reached from here and imported when used, so that the quick commands stay quick.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dsvc.repo.base import BaseRepository

if TYPE_CHECKING:
    import pyarrow as pa


def now_us() -> int:
    """Return the time in microseconds since 1970, UTC."""
    return time.time_ns() // 1_000


class Repository(BaseRepository):
    """One repository, open. Close it, or use it as a context manager."""

    @classmethod
    def init(
        cls, path: Path | str = ".", *, author: str | None = None, clock: Callable[[], int] = now_us
    ) -> Self:
        """Make a repository in a directory; see `BaseRepository.init`."""
        return super().init(path, author=author, clock=clock)

    @classmethod
    def open(
        cls, path: Path | str = ".", *, author: str | None = None, clock: Callable[[], int] = now_us
    ) -> Self:
        """Open the repository in a directory, or in the nearest one above it; see `BaseRepository.open`."""
        return super().open(path, author=author, clock=clock)


init = Repository.init
open = Repository.open  # noqa: A001  -- dsvc.open
