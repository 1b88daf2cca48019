"""Clocks: of a call in this process, and of whole processes with their peak memory."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

T = TypeVar("T")


def time_call(call: Callable[[], object]) -> float:
    """Return the seconds that one call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def time_calls(call: Callable[[], object], runs: int) -> list[float]:
    """Return the seconds of each of several equal calls."""
    return [time_call(call) for _ in range(runs)]


def time_each(call: Callable[[T], object], items: Iterable[T]) -> list[float]:
    """Return the seconds of a call with each item."""
    return [time_call(partial(call, item)) for item in items]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios of runs that were taken in turn, pair by pair."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


@dataclass(frozen=True)
class Process:
    """What one finished process cost."""

    seconds: float
    """Wall time from before it is started until it is reaped."""

    peak_bytes: int
    """Largest resident set, files mapped into memory included."""

    stdout: str
    """What it printed."""


def run_process(command: Sequence[str], cwd: Path) -> Process:
    """Run a command to its end and return what it cost.

    Raises:
        RuntimeError: If it fails; with the end of what it wrote on stderr.
    """
    started = time.perf_counter()
    with (
        (cwd / ".stdout").open("w+b") as stdout,
        (cwd / ".stderr").open("w+b") as stderr,
        subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr) as process,
    ):
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit {process.returncode}\n{stderr.read().decode()[-2000:]}")
        return Process(seconds, usage.ru_maxrss * 1024, stdout.read().decode())


def run_in_turn(commands: Mapping[str, Sequence[str]], cwd: Path, runs: int) -> dict[str, list[float]]:
    """Return the seconds of several commands, run one after the other, round after round, after one warm-up each."""
    for command in commands.values():
        run_process(command, cwd)
    rounds = [{name: run_process(command, cwd).seconds for name, command in commands.items()} for _ in range(runs)]
    return {name: [seconds[name] for seconds in rounds] for name in commands}
