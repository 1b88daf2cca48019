"""Clocks: of a call in this process, and of whole processes with their peak memory."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
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
    exit_code: int
    stdout: str
    stderr: str


def run_process(command: Sequence[str], cwd: Path) -> Process:
    """Run a command to its end and return what it cost.

    It is started by a small process of its own: what a process forks begins with the peak memory of its parent.

    Raises:
        RuntimeError: If it fails; with the end of what it wrote on stderr.
    """
    launcher = [sys.executable, __file__, *command]
    launched = subprocess.run(launcher, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    process = Process(**json.loads(launched.stdout))
    if process.exit_code:
        raise RuntimeError(f"{' '.join(command)}: exit {process.exit_code}\n{process.stderr[-2000:]}")
    return process


def _launch(command: Sequence[str]) -> Process:
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        # An installed package is compiled; one run from its sources would be compiled again by every process.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        started = time.perf_counter()
        pid = os.posix_spawnp(
            command[0],
            command,
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, stdout.fileno(), 1), (os.POSIX_SPAWN_DUP2, stderr.fileno(), 2)],
        )
        _, status, usage = os.wait4(pid, 0)
        seconds = time.perf_counter() - started
        stdout.seek(0)
        stderr.seek(0)
        printed = (stream.read().decode(errors="replace") for stream in (stdout, stderr))
        return Process(seconds, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status), *printed)


def run_in_turn(commands: Mapping[str, Sequence[str]], cwd: Path, runs: int) -> dict[str, list[float]]:
    """Return the seconds of several commands, run one after the other, round after round, after one warm-up each."""
    for command in commands.values():
        run_process(command, cwd)
    rounds = [{name: run_process(command, cwd).seconds for name, command in commands.items()} for _ in range(runs)]
    return {name: [seconds[name] for seconds in rounds] for name in commands}


if __name__ == "__main__":
    print(json.dumps(asdict(_launch(sys.argv[1:]))))
