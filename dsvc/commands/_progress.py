"""A progress bar on stderr: within a second of silence, and none when stderr is no terminal."""

from __future__ import annotations

import sys
from threading import Lock, Timer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

SILENCE_S = 0.8


class Progress:
    """Reports how far long work is; a context manager, and the callable that the library reports to.

    The bar appears once the work has lasted `SILENCE_S` seconds, reported or not, and goes when it is done,
    so that short work prints nothing. Calls may come from any thread.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._tasks: dict[str, tuple[int, int | None]] = {}
        self._shown: dict[str, TaskID] = {}
        self._bar: Bar | None = None
        self._lock = Lock()
        self._timer = Timer(SILENCE_S, self._open)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
                self._bar = None

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        """Take note that `done` of `total` parts of `what` are done; `total` is None where nobody knows."""
        with self._lock:
            self._tasks[what] = done, total
            if self._bar is not None:
                self._draw(self._bar, what)

    def _open(self) -> None:
        from rich.console import Console  # 60 ms that only long work on a terminal pays
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        with self._lock:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=30),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=Console(file=sys.stderr, stderr=True),
                transient=True,
            )
            self._bar.start()
            for what in self._tasks or (self._label,):
                self._draw(self._bar, what)

    def _draw(self, bar: Bar, what: str) -> None:
        done, total = self._tasks.get(what, (0, None))
        if what not in self._shown:
            self._shown[what] = bar.add_task(what, total=total)
        bar.update(self._shown[what], completed=done, total=total)
