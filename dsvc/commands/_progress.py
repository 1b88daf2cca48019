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
                TextColumn("{task.fields[told]}"),
                console=Console(file=sys.stderr, stderr=True),
                transient=True,
            )
            self._bar.start()
            for what in self._tasks or (self._label,):
                self._draw(self._bar, what)

    def _draw(self, bar: Bar, what: str) -> None:
        done, total = self._tasks.get(what, (0, None))
        if what not in self._shown:
            self._shown[what] = bar.add_task(what, total=total, told="")
        task = self._shown[what]
        bar.update(task, completed=done, total=total)
        now = next(item for item in bar.tasks if item.id == task)
        bar.update(task, told=pace(now.finished_speed or now.speed, now.time_remaining))


def pace(speed: float | None, left_s: float | None) -> str:
    """Return how fast work goes and how long it still takes, as far as either is known."""
    if not speed:
        return ""
    rate = f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.2g}/s" if speed >= 0.1 else f"{60 * speed:.2g}/min"
    if not left_s:
        return rate
    seconds = round(left_s)
    left = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}" if seconds >= 3600 else ""
    return f"{rate}, {left or f'{seconds // 60}:{seconds % 60:02}'} left"
